//! The wire form of CodePipeline's EventBridge events, read as far as a deployment needs it.
//!
//! Only fields that decide something are declared: AWS adds fields over time, and the others carry
//! personal data (authors) or change their type (`version` comes as `3` and as `3.0`). Source:
//! "Monitoring CodePipeline events" in the AWS CodePipeline User Guide.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::commit::CommitId;
use crate::decision::{Decision, Reason};
use crate::envelope::{Envelope, checked, required};
use crate::error::Error;
use crate::identity::{AccountId, Execution, ExecutionId, OpsItemId, PipelineName};
use crate::repository::Repository;
use crate::source::Source;

const SOURCE: &str = "aws.codepipeline";
const PIPELINE: &str = "CodePipeline Pipeline Execution State Change";
const STAGE: &str = "CodePipeline Stage Execution State Change";

/// A change of state of a pipeline execution, or of one of its stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionEvent {
    /// Whose state changed.
    pub execution: Execution,
    /// When it changed.
    pub at: DateTime<Utc>,
    /// The new state.
    pub state: State,
    /// Whether the event is about the whole execution or a stage.
    pub level: Level,
}

/// The states that we tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// `SUCCEEDED`.
    Succeeded,
    /// Any other, as AWS spells it: `STARTED`, `FAILED`, `SUPERSEDED`, …
    Other(String),
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// The whole execution; `trigger` is what the event says of its source.
    Pipeline {
        /// As far as the event knows it: some triggers name all of it, others nothing.
        trigger: Source,
    },
    /// One stage. Such events say nothing of the source.
    Stage {
        /// The stage's name.
        name: String,
    },
}

impl ExecutionEvent {
    /// Reads the event that EventBridge delivered.
    ///
    /// # Errors
    /// [`Error::InvalidEvent`] names the field that is not as AWS sends it.
    /// [`Error::UnexpectedAccount`] if the event's account is not in `tooling_accounts`: EventBridge
    /// itself writes that field, so no sender can forge it.
    pub fn parse(payload: &str, tooling_accounts: &[AccountId]) -> Result<Decision<Self>, Error> {
        Self::read(Envelope::parse(payload)?, tooling_accounts)
    }

    /// Reads what is known to be some event.
    ///
    /// # Errors
    /// As for [`ExecutionEvent::parse`].
    pub fn read(event: Envelope, tooling_accounts: &[AccountId]) -> Result<Decision<Self>, Error> {
        if event.source != SOURCE {
            return Err(Error::invalid("source", format!("must be {SOURCE}")));
        }
        if !tooling_accounts.contains(&event.account) {
            return Err(Error::UnexpectedAccount(event.account));
        }
        let is_stage = match event.detail_type.as_str() {
            PIPELINE => false,
            STAGE => true,
            _ => return Ok(Decision::Ignore(Reason::UnsupportedEvent)),
        };
        let (account, region, at) = (event.account.clone(), event.region.clone(), event.at);
        let detail: Detail = event.detail()?;
        Ok(Decision::Record(Self {
            execution: Execution {
                account,
                region,
                pipeline: checked(
                    "detail.pipeline",
                    &detail.pipeline,
                    PipelineName::ALLOWED,
                    PipelineName::parse,
                )?,
                id: checked(
                    "detail.execution-id",
                    &detail.execution_id,
                    ExecutionId::ALLOWED,
                    ExecutionId::parse,
                )?,
            },
            at,
            state: match detail.state.as_str() {
                "" => return Err(Error::invalid("detail.state", "must not be empty")),
                "SUCCEEDED" => State::Succeeded,
                _ => State::Other(detail.state),
            },
            level: if is_stage {
                Level::Stage { name: required("detail.stage", detail.stage)? }
            } else {
                Level::Pipeline { trigger: detail.execution_trigger.unwrap_or_default().source()? }
            },
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    pipeline: String,
    execution_id: String,
    state: String,
    stage: Option<String>,
    execution_trigger: Option<Trigger>,
}

/// `execution-trigger` has two shapes: one says how the execution was started and holds none of
/// these fields, the other, of executions that a connection started, says what ran.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Trigger {
    full_repository_name: Option<String>,
    branch_name: Option<String>,
    commit_id: Option<String>,
    provider_type: Option<String>,
    commit_message: Option<String>,
}

impl Trigger {
    fn source(self) -> Result<Source, Error> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let repository = given(self.full_repository_name)
            .map(|name| {
                checked(
                    "detail.execution-trigger.full-repository-name",
                    &name,
                    Repository::ALLOWED,
                    Repository::parse,
                )
            })
            .transpose()?;
        Ok(Source {
            repository,
            branch: given(self.branch_name),
            commit: given(self.commit_id)
                .map(|id| {
                    let field = "detail.execution-trigger.commit-id";
                    checked(field, &id, CommitId::ALLOWED, CommitId::parse)
                })
                .transpose()?
                .map(|id| id.to_string()),
            provider: given(self.provider_type),
            ops_items: OpsItemId::all_in(&self.commit_message.unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn tooling() -> Vec<AccountId> {
        vec![AccountId::parse("111122223333").unwrap()]
    }

    fn parse(event: &Value) -> Result<Decision<ExecutionEvent>, Error> {
        ExecutionEvent::parse(&event.to_string(), &tooling())
    }

    fn event() -> Value {
        json!({
            "version": "0", "id": "5d2a7c1e-0000-4000-8000-000000000001",
            "detail-type": PIPELINE, "source": SOURCE, "account": "111122223333",
            "time": "2026-11-20T09:26:37Z", "region": "eu-west-1",
            "resources": ["arn:aws:codepipeline:eu-west-1:111122223333:web"],
            "detail": {
                "pipeline": "web", "execution-id": "6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77",
                "start-time": "2026-11-20T09:14:02.311Z", "state": "SUCCEEDED",
                "version": 7.0, "pipeline-execution-attempt": 1.0,
                "execution-trigger": {
                    "full-repository-name": "acme/web", "provider-type": "GitHub",
                    "branch-name": "main", "commit-id": "3f2a9c0d1e4b5a6978877665544332211000ffee",
                    "author-email": "ana@example.com"
                }
            }
        })
    }

    fn edited(edit: impl FnOnce(&mut Value)) -> Value {
        let mut event = event();
        edit(&mut event);
        event
    }

    #[test]
    fn a_pipeline_event_says_what_ran() {
        let Decision::Record(parsed) = parse(&event()).unwrap() else { panic!("ignored") };
        assert_eq!(
            parsed.execution.to_string(),
            "pipeline web, execution 6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77 (111122223333, eu-west-1)"
        );
        assert_eq!(parsed.at, "2026-11-20T09:26:37Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(parsed.state, State::Succeeded);
        let trigger = Source {
            repository: Repository::parse("acme/web"),
            branch: Some("main".to_owned()),
            commit: Some("3f2a9c0d1e4b5a6978877665544332211000ffee".to_owned()),
            provider: Some("GitHub".to_owned()),
            ..Source::default()
        };
        assert_eq!(parsed.level, Level::Pipeline { trigger });
    }

    #[test]
    fn a_trigger_that_says_nothing_of_the_source_is_no_error() {
        for trigger in [
            Value::Null,
            json!({}),
            json!({"trigger-type": "StartPipelineExecution", "trigger-detail": "arn:aws:iam::111122223333:user/ana"}),
            json!({"full-repository-name": "", "branch-name": "", "commit-id": null}),
        ] {
            let event = edited(|event| event["detail"]["execution-trigger"] = trigger.clone());
            let Decision::Record(parsed) = parse(&event).unwrap() else { panic!("ignored") };
            assert_eq!(parsed.level, Level::Pipeline { trigger: Source::default() }, "{trigger}");
        }
    }

    #[test]
    fn a_stage_event_names_its_stage() {
        let event = edited(|event| {
            event["detail-type"] = json!(STAGE);
            event["detail"]["stage"] = json!("DeployPROD");
            event["detail"]["state"] = json!("FAILED");
        });
        let Decision::Record(parsed) = parse(&event).unwrap() else { panic!("ignored") };
        assert_eq!(parsed.level, Level::Stage { name: "DeployPROD".to_owned() });
        assert_eq!(parsed.state, State::Other("FAILED".to_owned()));
    }

    #[test]
    fn other_kinds_of_event_are_ignored() {
        for kind in ["CodePipeline Action Execution State Change", "CodePipeline Something New", ""]
        {
            let event = edited(|event| {
                event["detail-type"] = json!(kind);
                event["detail"] = json!({"anything": true});
            });
            assert_eq!(
                parse(&event).unwrap(),
                Decision::Ignore(Reason::UnsupportedEvent),
                "{kind}"
            );
        }
    }

    #[test]
    fn an_account_that_is_not_configured_is_an_error_whatever_the_event() {
        for kind in [PIPELINE, STAGE, "CodePipeline Action Execution State Change"] {
            let event = edited(|event| {
                event["account"] = json!("999999999999");
                event["detail-type"] = json!(kind);
                event["detail"]["state"] = json!("FAILED");
            });
            assert_eq!(parse(&event).unwrap_err().error_type(), "UnexpectedAccount");
        }
    }

    #[test]
    fn bad_input_names_the_field() {
        let mail = json!("ana@example.com");
        let removed = None;
        for (field, pointer, value) in [
            ("JSON", "", Some(json!([]))),
            ("JSON", "", Some(mail.clone())),
            ("source", "/source", removed.clone()),
            ("source", "/source", Some(json!("custom.codepipeline"))),
            ("detail-type", "/detail-type", removed.clone()),
            ("account", "/account", removed.clone()),
            ("account", "/account", Some(json!(""))),
            ("account", "/account", Some(json!(111_122_223_333_u64))),
            ("region", "/region", Some(Value::Null)),
            ("region", "/region", Some(json!("eu-west-1.evil.example/"))),
            ("time", "/time", removed.clone()),
            ("time", "/time", Some(json!("yesterday"))),
            ("time", "/time", Some(json!("+999999-01-01T00:00:00Z"))),
            ("time", "/time", Some(json!(1_793_613_600))),
            ("time", "/time", Some(json!("+262142-12-31T00:00:00Z"))),
            ("time", "/time", Some(json!("9999-12-31T23:59:59Z"))),
            ("time", "/time", Some(json!("1969-12-31T23:59:59Z"))),
            ("detail", "/detail", removed.clone()),
            ("detail", "/detail", Some(mail.clone())),
            ("detail.pipeline", "/detail/pipeline", removed.clone()),
            ("detail.pipeline", "/detail/pipeline", Some(json!(""))),
            ("detail.pipeline", "/detail/pipeline", Some(json!("wéb#1"))),
            ("detail.execution-id", "/detail/execution-id", Some(json!("../6f1d"))),
            ("detail.execution-id", "/detail/execution-id", Some(Value::Null)),
            ("detail.state", "/detail/state", removed.clone()),
            ("detail.state", "/detail/state", Some(json!(""))),
            ("detail.state", "/detail/state", Some(json!({"a": mail}))),
            ("detail.stage", "/detail-type", Some(json!(STAGE))),
            (
                "detail.execution-trigger",
                "/detail/execution-trigger",
                Some(json!("ana@example.com at line 3")),
            ),
            (
                "detail.execution-trigger",
                "/detail/execution-trigger",
                Some(json!("ana@example.com, expected more")),
            ),
            ("detail.execution-trigger", "/detail/execution-trigger", Some(mail.clone())),
            (
                "detail.execution-trigger.branch-name",
                "/detail/execution-trigger/branch-name",
                Some(json!([mail])),
            ),
            (
                "detail.execution-trigger.full-repository-name",
                "/detail/execution-trigger/full-repository-name",
                Some(json!("acme/web?x=1")),
            ),
            (
                "detail.execution-trigger.commit-id",
                "/detail/execution-trigger/commit-id",
                Some(json!("main")),
            ),
            (
                "detail.execution-trigger",
                "/detail/execution-trigger",
                Some(json!("nothing, expected ana@example.com at line 3")),
            ),
        ] {
            let event = edited(|event| {
                if let Some(value) = value {
                    *event.pointer_mut(pointer).unwrap() = value;
                } else {
                    let (parent, name) = pointer.rsplit_once('/').unwrap();
                    event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
                }
            });
            match parse(&event).unwrap_err() {
                Error::InvalidEvent { field: named, problem } => {
                    assert_eq!(named, field, "{problem}");
                    assert!(!problem.contains("ana@"), "{problem}");
                }
                other => panic!("{field}: {other}"),
            }
        }
    }

    #[test]
    fn what_is_no_json_or_nested_without_end_is_an_invalid_event() {
        let nested = format!("{}{}", "[".repeat(128 * 1024), "]".repeat(128 * 1024));
        let twice = event().to_string().repeat(2);
        for payload in ["", "{", "\u{0}", "{\"source\": \"aws.codepipeline\"", &nested, &twice] {
            let error = ExecutionEvent::parse(payload, &tooling()).unwrap_err();
            assert_eq!(error.error_type(), "InvalidEvent");
        }
    }

    /// Stands in every text that an error must not repeat.
    const MARK: &str = "ana@example.com";

    /// Any JSON, of the shapes and words that events are made of.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(|text| Value::from(format!("{text}{MARK}{text}"))),
            Just(Value::from(format!("{MARK}, expected at line 3"))),
            prop::sample::select(vec!["SUCCEEDED", "111122223333", "2026-11-20T09:26:37Z", "main"])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z-]{0,12}|ana@example.com", inner), 0..4)
                    .prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_value_in_any_field_panics_or_shows_in_the_error(
            field in prop::sample::select(vec![
                "/version", "/detail-type", "/source", "/account", "/time", "/region", "/resources",
                "/detail", "/detail/pipeline", "/detail/execution-id", "/detail/state",
                "/detail/execution-trigger", "/detail/execution-trigger/branch-name",
                "/detail/execution-trigger/full-repository-name", "/detail/execution-trigger/commit-id",
            ]),
            value in any_json(),
        ) {
            let event = edited(|event| *event.pointer_mut(field).unwrap() = value);
            if let Err(error) = parse(&event) {
                prop_assert!(["InvalidEvent", "UnexpectedAccount"].contains(&&*error.error_type()));
                prop_assert!(!error.to_string().contains(MARK), "{error}");
            }
        }

        #[test]
        fn no_text_panics(payload in any::<String>()) {
            prop_assert!(ExecutionEvent::parse(&payload, &tooling()).is_err());
        }
    }
}
