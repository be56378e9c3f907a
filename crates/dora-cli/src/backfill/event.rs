//! The events that AWS sent, or would have sent, of what its histories tell: in the form in which
//! EventBridge delivers them, without what the functions can ask for.

use chrono::{DateTime, SecondsFormat, Utc};
use dora_core::identity::{Execution, OpsItem};
use serde_json::{Value, json};

/// What about an execution succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Level {
    Pipeline,
    /// The production stage, of this name.
    Stage(String),
}

/// "CodePipeline … Execution State Change", state `SUCCEEDED`. Its time has no fractions of a
/// second, as EventBridge's.
pub(super) fn of_execution(execution: &Execution, level: &Level, at: DateTime<Utc>) -> Value {
    let Execution { account, region, pipeline, id } = execution;
    let (pipeline, id) = (pipeline.as_str(), id.as_str());
    let (about, detail) = match level {
        Level::Pipeline => {
            ("Pipeline", json!({ "pipeline": pipeline, "execution-id": id, "state": "SUCCEEDED" }))
        }
        Level::Stage(name) => (
            "Stage",
            json!({ "pipeline": pipeline, "execution-id": id, "stage": name, "state": "SUCCEEDED" }),
        ),
    };
    json!({
        "version": "0",
        "id": id,
        "detail-type": format!("CodePipeline {about} Execution State Change"),
        "source": "aws.codepipeline",
        "account": account.as_str(),
        "time": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": region.as_str(),
        "resources": [format!("arn:{}:codepipeline:{region}:{account}:{pipeline}", region.partition())],
        "detail": detail,
    })
}

/// "OpsItem Create", with the status that every OpsItem of type issue is created with.
pub(super) fn of_ops_item(ops_item: &OpsItem, created_at: DateTime<Utc>) -> Value {
    let OpsItem { account, region, id } = ops_item;
    json!({
        "version": "0",
        "id": id.as_str(),
        "detail-type": "OpsItem Create",
        "source": "aws.ssm",
        "account": account.as_str(),
        "time": created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": region.as_str(),
        "resources": [format!("arn:{}:ssm:{region}:{account}:opsitem/{id}", region.partition())],
        "detail": {
            "created-time": created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "ops-item-id": id.as_str(),
            "ops-item-type": "/aws/issue",
            "status": "Open",
        },
    })
}

#[cfg(test)]
mod tests {
    use dora_core::codepipeline::ExecutionEvent;
    use dora_core::codepipeline::event::{self, State};
    use dora_core::decision::Decision;
    use dora_core::envelope::Envelope;
    use dora_core::identity::{AccountId, ExecutionId, OpsItemId, PipelineName, Region};
    use dora_core::incident::Place;
    use dora_core::opscenter::OpsItemEvent;

    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-11-02T10:00:00.750Z".parse().unwrap()
    }

    fn account() -> AccountId {
        AccountId::parse("111122223333").unwrap()
    }

    fn region() -> Region {
        Region::parse("eu-west-1").unwrap()
    }

    #[test]
    fn the_functions_read_of_an_execution_what_they_read_of_a_live_event() {
        let execution = Execution {
            account: account(),
            region: region(),
            pipeline: PipelineName::parse("web").unwrap(),
            id: ExecutionId::parse("0f1e2d3c-4b5a-4697-8877-665544332211").unwrap(),
        };
        for level in [Level::Pipeline, Level::Stage("DeployPROD".to_owned())] {
            let event = of_execution(&execution, &level, at()).to_string();
            let read = ExecutionEvent::parse(&event, &[account()]).unwrap();
            let Decision::Record(read) = read else { panic!("ignored") };
            assert_eq!(read.execution, execution);
            assert_eq!(read.state, State::Succeeded);
            assert_eq!(read.at, "2026-11-02T10:00:00Z".parse::<DateTime<Utc>>().unwrap());
            match (read.level, &level) {
                (event::Level::Pipeline { .. }, Level::Pipeline) => {}
                (event::Level::Stage { name }, Level::Stage(wanted)) => assert_eq!(name, *wanted),
                (other, _) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_functions_read_of_an_ops_item_what_they_read_of_a_live_event() {
        let id = OpsItemId::parse("oi-0123456789ab").unwrap();
        let ops_item = OpsItem { account: account(), region: region(), id };
        let event = of_ops_item(&ops_item, at()).to_string();
        let place = Place { account: account(), region: region() };
        let read = OpsItemEvent::read(Envelope::parse(&event).unwrap(), &[place]).unwrap();
        assert_eq!(read, Decision::Record(OpsItemEvent { ops_item, created_at: at() }));
    }
}
