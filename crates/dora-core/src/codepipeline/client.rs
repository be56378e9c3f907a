//! Asks CodePipeline for what an event lacks, in the account and Region that the event names.
//!
//! Answers are always those of the event's own execution: "the latest state" of a pipeline may be
//! another execution's. Source: AWS CodePipeline API Reference, `GetPipelineExecution`,
//! `ListActionExecutions`, `GetPipeline`.

use std::collections::{BTreeSet, HashMap};

use aws_config::SdkConfig;
use aws_sdk_codepipeline::Client;
use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codepipeline::operation::list_pipeline_executions::ListPipelineExecutionsError;
use aws_sdk_codepipeline::primitives::DateTime;
use aws_sdk_codepipeline::types::{
    ActionCategory, ActionDeclaration, ActionExecutionDetail, ActionExecutionFilter,
    ActionExecutionStatus, ActionOwner, ActionTypeId, ExecutionTrigger, ExecutionType,
    PipelineExecution, PipelineExecutionStatus, PipelineExecutionSummary, PipelineRollbackMetadata,
    TriggerType,
};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use tokio::sync::Mutex;

use crate::deployment::RollbackOf;
use crate::env::{ConfigError, Env};
use crate::error::{Error, Failure, Service};
use crate::history::{PastActions, PastExecution, PastRevision, Status};
use crate::identity::{AccountId, Execution, ExecutionId, OpsItemId, Pipeline, Region};
use crate::production::Production;
use crate::repository::Repository;
use crate::role::Role;
use crate::sdk_error::{as_role, service_error};
use crate::source::{Revision, Source, SourceAction};
use crate::startup::bounded;

const LIST_ACTIONS: &str = "ListActionExecutions";
/// More clients than that are not kept: whoever makes up Regions must not fill the memory.
const MOST_CLIENTS: usize = 64;

/// CodePipeline in any of the tooling accounts and Regions.
#[derive(Debug)]
pub struct CodePipeline {
    sdk: SdkConfig,
    /// The role to assume in the pipeline's account, if any.
    role: Option<Role>,
    /// One client for each account and Region, so that credentials and connections are kept.
    clients: Mutex<HashMap<(AccountId, Region), Client>>,
}

/// What CodePipeline says of an execution as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionRecord {
    /// What it brings back, if it is a rollback. No event says so.
    pub rollback: Option<RollbackOf>,
    /// The version of the pipeline's structure that it runs.
    pub pipeline_version: Option<i32>,
    /// The revision of each source artifact.
    pub revisions: Vec<Revision>,
}

impl CodePipeline {
    /// Prepares access through the role that `TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE` names
    /// (`ToolingCrossAccountLambdaRole`; nothing: the function's own credentials). Clients are
    /// built when an account and Region is first asked for.
    ///
    /// # Errors
    /// If the name is none that a role can have.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let role = Role::tooling(env)?;
        Ok(Self { sdk: bounded(sdk), role, clients: Mutex::default() })
    }

    #[cfg(test)]
    pub(crate) fn with_client(execution: &Execution, client: Client) -> Self {
        let key = (execution.account.clone(), execution.region.clone());
        Self {
            sdk: SdkConfig::builder().build(),
            role: None,
            clients: Mutex::new(HashMap::from([(key, client)])),
        }
    }

    /// `GetPipelineExecution`: is it a rollback, and which revisions does it carry?
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline or the role there fails.
    pub async fn execution(&self, execution: &Execution) -> Result<ExecutionRecord, Error> {
        const OPERATION: &str = "GetPipelineExecution";
        let record = self
            .client(&execution.account, &execution.region)
            .await
            .get_pipeline_execution()
            .pipeline_name(execution.pipeline.as_str())
            .pipeline_execution_id(execution.id.as_str())
            .send()
            .await
            .map_err(|error| failed(self.role(), OPERATION, execution, &error))?
            .pipeline_execution
            .ok_or_else(|| {
                unexpected(OPERATION, execution, "an answer without pipelineExecution")
            })?;
        Ok(execution_record(record))
    }

    /// `ListActionExecutions`: the source actions of this execution that succeeded, each with what
    /// it fetched.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline or the role there fails.
    pub async fn source_actions(&self, execution: &Execution) -> Result<Vec<SourceAction>, Error> {
        source_actions(&self.actions(execution).await?)
            .map_err(|detail| unexpected(LIST_ACTIONS, execution, &detail))
    }

    /// All pages of `ListActionExecutions`, newest first.
    async fn actions(&self, execution: &Execution) -> Result<Vec<ActionExecutionDetail>, Error> {
        let filter =
            ActionExecutionFilter::builder().pipeline_execution_id(execution.id.as_str()).build();
        let pages = self
            .client(&execution.account, &execution.region)
            .await
            .list_action_executions()
            .pipeline_name(execution.pipeline.as_str())
            .filter(filter)
            .into_paginator()
            .items()
            .send();
        pages
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| failed(self.role(), LIST_ACTIONS, execution, &error))
    }

    /// `GetPipeline`: the source actions as the pipeline declares them, in the declared order, in
    /// the version that the execution runs.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline or the role there fails.
    pub async fn declared_sources(
        &self,
        execution: &Execution,
        version: Option<i32>,
    ) -> Result<Vec<SourceAction>, Error> {
        const OPERATION: &str = "GetPipeline";
        self.client(&execution.account, &execution.region)
            .await
            .get_pipeline()
            .name(execution.pipeline.as_str())
            .set_version(version)
            .send()
            .await
            .map_err(|error| failed(self.role(), OPERATION, execution, &error))?
            .pipeline
            .ok_or_else(|| unexpected(OPERATION, execution, "an answer without pipeline"))?
            .stages
            .iter()
            .flat_map(|stage| &stage.actions)
            .filter_map(|action| declared_source(action).transpose())
            .collect::<Result<_, _>>()
            .map_err(|detail| unexpected(OPERATION, execution, &detail))
    }

    /// `ListPipelineExecutions`: all executions of a pipeline, newest start first, read page by
    /// page as they are asked for.
    pub async fn executions(&self, pipeline: &Pipeline) -> Executions {
        let pages = self
            .client(&pipeline.account, &pipeline.region)
            .await
            .list_pipeline_executions()
            .pipeline_name(pipeline.name.as_str())
            .max_results(100)
            .into_paginator()
            .items()
            .send();
        Executions { pages, pipeline: pipeline.clone(), role: self.role().map(str::to_owned) }
    }

    /// `ListActionExecutions`: what the actions of an execution tell of its way to production.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline or the role there fails.
    pub async fn past_actions(
        &self,
        execution: &Execution,
        production: &Production,
    ) -> Result<PastActions, Error> {
        let details = self.actions(execution).await?;
        let production_at = succeeded_at(&details, production.stage());
        Ok(PastActions {
            sources: source_actions(&details)
                .map_err(|detail| unexpected(LIST_ACTIONS, execution, &detail))?,
            stages: details.iter().filter_map(|detail| detail.stage_name.clone()).collect(),
            production_at,
            went_on: production_at.is_some_and(|at| went_on(&details, production.stage(), at)),
        })
    }

    fn role(&self) -> Option<&str> {
        self.role.as_ref().map(Role::name)
    }

    async fn client(&self, account: &AccountId, region: &Region) -> Client {
        let mut clients = self.clients.lock().await;
        let key = (account.clone(), region.clone());
        if let Some(client) = clients.get(&key) {
            return client.clone();
        }
        let sdk_region = aws_config::Region::new(region.to_string());
        let mut config = aws_sdk_codepipeline::config::Builder::from(&self.sdk).region(sdk_region);
        if let Some(role) = &self.role {
            let provider = role.credentials(account, region, &self.sdk).await;
            config = config.credentials_provider(provider);
        }
        let client = Client::from_conf(config.build());
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        client
    }
}

/// A pipeline's executions, newest start first.
#[derive(Debug)]
pub struct Executions {
    pages:
        PaginationStream<Result<PipelineExecutionSummary, SdkError<ListPipelineExecutionsError>>>,
    pipeline: Pipeline,
    role: Option<String>,
}

impl Executions {
    /// The next older execution, if there is one.
    pub async fn next(&mut self) -> Option<Result<PastExecution, Error>> {
        const OPERATION: &str = "ListPipelineExecutions";
        let summary = match self.pages.next().await? {
            Ok(summary) => summary,
            Err(error) => {
                return Some(Err(failed(self.role.as_deref(), OPERATION, &self.pipeline, &error)));
            }
        };
        let past = past_execution(summary).ok_or_else(|| {
            unexpected(OPERATION, &self.pipeline, "an execution without id or times")
        });
        Some(past)
    }
}

fn failed<E>(
    role: Option<&str>,
    operation: &'static str,
    subject: &dyn ToString,
    error: &SdkError<E>,
) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    service_error(Service::CodePipeline, operation, &as_role(role, subject), error)
}

fn unexpected(operation: &'static str, subject: &dyn ToString, detail: &str) -> Error {
    Error::Service {
        service: Service::CodePipeline,
        failure: Failure::UnexpectedAnswer,
        operation,
        subject: subject.to_string(),
        detail: detail.to_owned(),
    }
}

fn execution_record(record: PipelineExecution) -> ExecutionRecord {
    let rollback = (record.execution_type == Some(ExecutionType::Rollback))
        .then(|| rollback_of(record.rollback_metadata.as_ref(), record.trigger.as_ref()));
    ExecutionRecord {
        rollback,
        pipeline_version: record.pipeline_version,
        revisions: record
            .artifact_revisions
            .unwrap_or_default()
            .into_iter()
            .filter_map(|revision| {
                Some(Revision {
                    artifact: revision.name?,
                    id: revision.revision_id?,
                    provider: revision.revision_summary.as_deref().and_then(provider_in),
                    ops_items: ops_items_in(revision.revision_summary.as_deref().unwrap_or("")),
                })
            })
            .collect(),
    }
}

fn rollback_of(
    metadata: Option<&PipelineRollbackMetadata>,
    trigger: Option<&ExecutionTrigger>,
) -> RollbackOf {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Detail {
        failed_pipeline_execution_id: String,
    }
    let target =
        metadata.and_then(|metadata| metadata.rollback_target_pipeline_execution_id.as_deref());
    let automatic =
        trigger.filter(|trigger| trigger.trigger_type == Some(TriggerType::AutomatedRollback));
    let detail = automatic
        .and_then(|trigger| serde_json::from_str(trigger.trigger_detail.as_deref()?).ok())
        .map(|detail: Detail| detail.failed_pipeline_execution_id);
    RollbackOf {
        target: target.and_then(ExecutionId::parse),
        is_automatic: automatic.is_some(),
        failed: detail.as_deref().and_then(ExecutionId::parse),
    }
}

/// The provider that a connection's revision summary names. It is JSON, but may be cut off in the
/// middle of a long commit message, so only its one interesting field is looked for.
fn provider_in(summary: &str) -> Option<String> {
    let (_, rest) = summary.split_once("\"ProviderType\":\"")?;
    let (provider, _) = rest.split_once('"')?;
    Some(provider.to_owned())
}

/// The OpsItems that a revision summary names. In its JSON a letter stands before what begins a line.
fn ops_items_in(summary: &str) -> BTreeSet<OpsItemId> {
    let lines = ["\\n", "\\r", "\\t"];
    OpsItemId::all_in(&lines.iter().fold(summary.to_owned(), |text, it| text.replace(it, " ")))
}

fn past_execution(summary: PipelineExecutionSummary) -> Option<PastExecution> {
    let time =
        |time: Option<DateTime>| chrono::DateTime::from_timestamp_millis(time?.to_millis().ok()?);
    Some(PastExecution {
        id: ExecutionId::parse(&summary.pipeline_execution_id?)?,
        started_at: time(summary.start_time)?,
        updated_at: time(summary.last_update_time)?,
        status: match summary.status {
            Some(PipelineExecutionStatus::Succeeded) => Status::Succeeded,
            Some(
                PipelineExecutionStatus::Failed
                | PipelineExecutionStatus::Stopped
                | PipelineExecutionStatus::Stopping
                | PipelineExecutionStatus::Cancelled,
            ) => Status::BrokenOff,
            _ => Status::Other,
        },
        rollback: (summary.execution_type == Some(ExecutionType::Rollback))
            .then(|| rollback_of(summary.rollback_metadata.as_ref(), summary.trigger.as_ref())),
        revisions: summary
            .source_revisions
            .unwrap_or_default()
            .into_iter()
            .filter_map(|revision| {
                let summary = revision.revision_summary.as_deref().unwrap_or_default();
                Some(PastRevision {
                    provider: provider_in(summary),
                    ops_items: ops_items_in(summary),
                    action: revision.action_name,
                    id: revision.revision_id?,
                })
            })
            .collect(),
    })
}

/// The source actions that succeeded. The newest come first: an earlier attempt of the same action
/// counts no more.
fn source_actions(details: &[ActionExecutionDetail]) -> Result<Vec<SourceAction>, String> {
    let mut actions: Vec<SourceAction> = Vec::new();
    for detail in details {
        if let Some(action) = source_action(detail)?
            && actions.iter().all(|known| known.name != action.name)
        {
            actions.push(action);
        }
    }
    Ok(actions)
}

/// When the last action of the stage succeeded, if the newest attempt of each did.
fn succeeded_at(
    details: &[ActionExecutionDetail],
    stage: &str,
) -> Option<chrono::DateTime<chrono::Utc>> {
    let mut newest: HashMap<&str, &ActionExecutionDetail> = HashMap::new();
    for detail in details.iter().filter(|detail| detail.stage_name() == Some(stage)) {
        newest.entry(detail.action_name().unwrap_or_default()).or_insert(detail);
    }
    let times: Option<Vec<i64>> = newest
        .into_values()
        .map(|detail| {
            (detail.status == Some(ActionExecutionStatus::Succeeded)).then_some(())?;
            detail.last_update_time?.to_millis().ok()
        })
        .collect();
    chrono::DateTime::from_timestamp_millis(times?.into_iter().max()?)
}

/// Whether an action of another stage began at that time or later.
fn went_on(
    details: &[ActionExecutionDetail],
    stage: &str,
    at: chrono::DateTime<chrono::Utc>,
) -> bool {
    details.iter().filter(|detail| detail.stage_name() != Some(stage)).any(|detail| {
        let started = detail.start_time.and_then(|time| time.to_millis().ok());
        started.is_some_and(|started| started >= at.timestamp_millis())
    })
}

/// The action, if it is a source action that succeeded, with what its output variables say.
fn source_action(detail: &ActionExecutionDetail) -> Result<Option<SourceAction>, String> {
    let kind = detail.input.as_ref().and_then(|input| input.action_type_id.as_ref());
    if kind.is_none_or(|kind| kind.category != ActionCategory::Source)
        || detail.status != Some(ActionExecutionStatus::Succeeded)
    {
        return Ok(None);
    }
    let output = detail.output.as_ref();
    let variables = output.and_then(|output| output.output_variables.as_ref());
    let variable =
        |name: &str| variables?.get(name).filter(|value| !value.is_empty()).map(String::as_str);
    let branch = variable("BranchName");
    // `RepositoryName` is CodeCommit's full name, but an ECR image's (no branch beside it), and the
    // name without its owner from GitHub's first action version (owned by ThirdParty).
    let own_name = variable("RepositoryName")
        .filter(|_| branch.is_some() && kind.is_some_and(|kind| kind.owner == ActionOwner::Aws));
    let artifacts = output.and_then(|output| output.output_artifacts.as_deref());
    Ok(Some(SourceAction {
        name: detail.action_name.clone().unwrap_or_default(),
        artifacts: artifacts
            .unwrap_or_default()
            .iter()
            .filter_map(|artifact| artifact.name.clone())
            .collect(),
        source: Source {
            repository: repository(variable("FullRepositoryName").or(own_name))?,
            branch: branch.map(str::to_owned),
            commit: variable("CommitId").map(str::to_owned),
            provider: kind.and_then(provider),
            ops_items: OpsItemId::all_in(variable("CommitMessage").unwrap_or_default()),
        },
    }))
}

/// The declaration, if it is a source action's, with what its configuration says. GitHub's first
/// action version spells owner, name and branch apart.
fn declared_source(action: &ActionDeclaration) -> Result<Option<SourceAction>, String> {
    if action.action_type_id.as_ref().is_none_or(|kind| kind.category != ActionCategory::Source) {
        return Ok(None);
    }
    let setting = |key: &str| {
        action.configuration.as_ref()?.get(key).filter(|value| !value.is_empty()).cloned()
    };
    let full_name = setting("FullRepositoryId")
        .or_else(|| setting("RepositoryName").filter(|_| setting("BranchName").is_some()))
        .or_else(|| Some(format!("{}/{}", setting("Owner")?, setting("Repo")?)));
    Ok(Some(SourceAction {
        name: action.name.clone(),
        artifacts: action
            .output_artifacts
            .iter()
            .flatten()
            .map(|artifact| artifact.name.clone())
            .collect(),
        source: Source {
            repository: repository(full_name.as_deref())?,
            branch: setting("BranchName").or_else(|| setting("Branch")),
            provider: action.action_type_id.as_ref().and_then(provider),
            ..Source::default()
        },
    }))
}

/// Who hosts what the action fetches. A connection may be to any of several hosts.
fn provider(kind: &ActionTypeId) -> Option<String> {
    (kind.provider != "CodeStarSourceConnection").then(|| kind.provider.clone())
}

fn repository(name: Option<&str>) -> Result<Option<Repository>, String> {
    name.map(|name| {
        Repository::parse(name)
            .ok_or_else(|| format!("the source's repository must be {}", Repository::ALLOWED))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use aws_sdk_codepipeline::operation::get_pipeline::GetPipelineOutput;
    use aws_sdk_codepipeline::operation::list_action_executions::ListActionExecutionsOutput;
    use aws_sdk_codepipeline::types::{
        ActionExecutionInput, ActionExecutionOutput, ActionExecutionStatus, ArtifactDetail,
        OutputArtifact, PipelineDeclaration, StageDeclaration,
    };
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;
    use crate::fixtures;

    #[tokio::test]
    async fn made_up_regions_do_not_fill_the_memory() {
        let sdk = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .build();
        let own = Env::from([("TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE", "")]);
        let codepipeline = CodePipeline::from_env(&own, &sdk).unwrap();
        let account = AccountId::parse("111122223333").unwrap();
        for i in 0..3 * MOST_CLIENTS {
            let region = Region::parse(&format!("eu-west-{i}")).unwrap();
            codepipeline.client(&account, &region).await;
        }
        assert!(codepipeline.clients.lock().await.len() <= MOST_CLIENTS);
    }

    fn kind(category: ActionCategory, provider: &str) -> ActionTypeId {
        let owner = if provider == "GitHub" { ActionOwner::ThirdParty } else { ActionOwner::Aws };
        ActionTypeId::builder()
            .category(category)
            .owner(owner)
            .provider(provider)
            .version("1")
            .build()
            .unwrap()
    }

    fn ran(
        name: &str,
        kind: ActionTypeId,
        status: ActionExecutionStatus,
        variables: &[(&str, &str)],
    ) -> ActionExecutionDetail {
        let mut output = ActionExecutionOutput::builder()
            .output_artifacts(ArtifactDetail::builder().name(format!("{name}Artifact")).build());
        for (name, value) in variables {
            output = output.output_variables(*name, *value);
        }
        ActionExecutionDetail::builder()
            .action_name(name)
            .status(status)
            .input(ActionExecutionInput::builder().action_type_id(kind).build())
            .output(output.build())
            .build()
    }

    fn connection(name: &str, commit: &str) -> ActionExecutionDetail {
        let kind = kind(ActionCategory::Source, "CodeStarSourceConnection");
        let variables =
            [("FullRepositoryName", "acme/web"), ("BranchName", "main"), ("CommitId", commit)];
        ran(name, kind, ActionExecutionStatus::Succeeded, &variables)
    }

    #[tokio::test]
    async fn source_actions_are_found_on_whatever_page_and_the_newest_attempt_counts() {
        let build = kind(ActionCategory::Build, "CodeBuild");
        let failed = ran(
            "Source",
            kind(ActionCategory::Source, "CodeStarSourceConnection"),
            ActionExecutionStatus::Failed,
            &[],
        );
        let pages = [
            ListActionExecutionsOutput::builder()
                .action_execution_details(ran(
                    "Build",
                    build,
                    ActionExecutionStatus::Succeeded,
                    &[],
                ))
                .action_execution_details(connection("Source", "second"))
                .next_token("page-2")
                .build(),
            ListActionExecutionsOutput::builder()
                .action_execution_details(connection("Source", "first"))
                .action_execution_details(failed)
                .build(),
        ];
        let [first, second] = pages;
        let first_page = mock!(Client::list_action_executions)
            .match_requests(|request| {
                request.next_token().is_none()
                    && request.filter().unwrap().pipeline_execution_id()
                        == Some("6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77")
            })
            .then_output(move || first.clone());
        let second_page = mock!(Client::list_action_executions)
            .match_requests(|request| request.next_token() == Some("page-2"))
            .then_output(move || second.clone());
        let execution = fixtures::deployment().execution;
        let client = mock_client!(aws_sdk_codepipeline, [&first_page, &second_page]);
        let codepipeline = CodePipeline::with_client(&execution, client);

        let actions = codepipeline.source_actions(&execution).await.unwrap();
        assert_eq!(
            actions,
            [SourceAction {
                name: "Source".to_owned(),
                artifacts: vec!["SourceArtifact".to_owned()],
                source: Source {
                    repository: Repository::parse("acme/web"),
                    branch: Some("main".to_owned()),
                    commit: Some("second".to_owned()),
                    ..Source::default()
                },
            }]
        );
        assert_eq!((first_page.num_calls(), second_page.num_calls()), (1, 1));
    }

    #[test]
    fn each_provider_has_output_variables_of_its_own() {
        for (provider, variables, repository, branch) in [
            (
                "CodeStarSourceConnection",
                [("FullRepositoryName", "acme/web"), ("BranchName", "main")].as_slice(),
                Some("acme/web"),
                Some("main"),
            ),
            (
                "CodeCommit",
                &[("RepositoryName", "web"), ("BranchName", "main")],
                Some("web"),
                Some("main"),
            ),
            ("ECR", &[("RepositoryName", "web"), ("ImageTag", "latest")], None, None),
            ("S3", &[("VersionId", "v1"), ("ETag", "e")], None, None),
            ("GitHub", &[("RepositoryName", "web"), ("BranchName", "main")], None, Some("main")),
            ("CodeStarSourceConnection", &[("FullRepositoryName", "")], None, None),
        ] {
            let kind = kind(ActionCategory::Source, provider);
            let detail = ran("Source", kind, ActionExecutionStatus::Succeeded, variables);
            let action = source_action(&detail).unwrap().unwrap();
            assert_eq!(
                action.source.repository,
                repository.and_then(Repository::parse),
                "{provider}"
            );
            assert_eq!(action.source.branch.as_deref(), branch, "{provider}");
        }
    }

    #[tokio::test]
    async fn a_declaration_is_read_in_the_version_that_ran() {
        let action = |name: &str, provider: &str, configuration: &[(&str, &str)]| {
            let mut action = ActionDeclaration::builder()
                .name(name)
                .action_type_id(kind(ActionCategory::Source, provider))
                .output_artifacts(OutputArtifact::builder().name(name).build().unwrap());
            for (key, value) in configuration {
                action = action.configuration(*key, *value);
            }
            action.build().unwrap()
        };
        let stage = StageDeclaration::builder()
            .name("Fetch")
            .actions(action(
                "Connection",
                "CodeStarSourceConnection",
                &[("FullRepositoryId", "acme/web"), ("BranchName", "main")],
            ))
            .actions(action(
                "CodeCommit",
                "CodeCommit",
                &[("RepositoryName", "web"), ("BranchName", "main")],
            ))
            .actions(action(
                "GitHub",
                "GitHub",
                &[("Owner", "acme"), ("Repo", "blog"), ("Branch", "master")],
            ))
            .actions(action("Image", "ECR", &[("RepositoryName", "web"), ("ImageTag", "latest")]))
            .actions(action("Object", "S3", &[("S3Bucket", "bucket"), ("S3ObjectKey", "key")]))
            .build()
            .unwrap();
        let pipeline = PipelineDeclaration::builder()
            .name("web")
            .role_arn("arn:aws:iam::111122223333:role/Pipeline")
            .stages(stage)
            .build()
            .unwrap();
        let rule = mock!(Client::get_pipeline)
            .match_requests(|request| request.name() == Some("web") && request.version() == Some(7))
            .then_output(move || GetPipelineOutput::builder().pipeline(pipeline.clone()).build());
        let execution = fixtures::deployment().execution;
        let client = mock_client!(aws_sdk_codepipeline, [&rule]);
        let codepipeline = CodePipeline::with_client(&execution, client);

        let declared = codepipeline.declared_sources(&execution, Some(7)).await.unwrap();
        let sources: Vec<_> = declared
            .iter()
            .map(|action| {
                let Source { repository, branch, .. } = &action.source;
                (
                    action.name.as_str(),
                    repository.as_ref().map(Repository::as_str),
                    branch.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            sources,
            [
                ("Connection", Some("acme/web"), Some("main")),
                ("CodeCommit", Some("web"), Some("main")),
                ("GitHub", Some("acme/blog"), Some("master")),
                ("Image", None, None),
                ("Object", None, None),
            ]
        );
    }
}
