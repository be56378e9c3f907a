//! Asks CodePipeline for what an event lacks, in the account and Region that the event names.
//!
//! Answers are always those of the event's own execution: "the latest state" of a pipeline may be
//! another execution's. Source: AWS CodePipeline API Reference, `GetPipelineExecution`,
//! `ListActionExecutions`, `GetPipeline`.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_codepipeline::Client;
use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codepipeline::types::{
    ActionCategory, ActionDeclaration, ActionExecutionDetail, ActionExecutionFilter, ActionOwner,
    ExecutionType, PipelineExecution,
};
use tokio::sync::Mutex;

use crate::env::{ConfigError, Env};
use crate::error::{Error, Failure, Service};
use crate::identity::{AccountId, Execution, Region};
use crate::repository::Repository;
use crate::sdk_error::service_error;
use crate::source::{Source, SourceAction};

/// CodePipeline in any of the tooling accounts and Regions.
#[derive(Debug)]
pub struct CodePipeline {
    sdk: SdkConfig,
    /// The role to assume in the pipeline's account, if any.
    role: Option<String>,
    /// One client for each account and Region, so that credentials and connections are kept.
    clients: Mutex<HashMap<(AccountId, Region), Client>>,
}

/// What CodePipeline says of an execution as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionRecord {
    /// Whether it brings an earlier revision back. No event says so.
    pub is_rollback: bool,
    /// The version of the pipeline's structure that it runs.
    pub pipeline_version: Option<i32>,
    /// The revision of each source artifact, by the artifact's name.
    pub revisions: Vec<(String, String)>,
}

impl CodePipeline {
    /// Prepares access through the role that `TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE` names
    /// (`ToolingCrossAccountLambdaRole`; nothing: the function's own credentials). Clients are
    /// built when an account and Region is first asked for.
    ///
    /// # Errors
    /// If the name is none that a role can have.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let role = env.tooling_role()?;
        // An answer takes some 100 ms; the bounds leave the function time to fail in good order.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(6))
            .build();
        let sdk = sdk.to_builder().timeout_config(timeouts).build();
        Ok(Self { sdk, role, clients: Mutex::default() })
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
            .client(execution)
            .await
            .get_pipeline_execution()
            .pipeline_name(execution.pipeline.as_str())
            .pipeline_execution_id(execution.id.as_str())
            .send()
            .await
            .map_err(|error| self.failed(OPERATION, execution, &error))?
            .pipeline_execution
            .ok_or_else(|| {
                unexpected(OPERATION, execution, "an answer without pipelineExecution")
            })?;
        Ok(execution_record(record))
    }

    /// `ListActionExecutions`: the source actions of this execution that succeeded, each with what
    /// it fetched. All pages are read.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline or the role there fails.
    pub async fn source_actions(&self, execution: &Execution) -> Result<Vec<SourceAction>, Error> {
        const OPERATION: &str = "ListActionExecutions";
        let filter =
            ActionExecutionFilter::builder().pipeline_execution_id(execution.id.as_str()).build();
        let mut pages = self
            .client(execution)
            .await
            .list_action_executions()
            .pipeline_name(execution.pipeline.as_str())
            .filter(filter)
            .into_paginator()
            .items()
            .send();
        let mut actions: Vec<SourceAction> = Vec::new();
        while let Some(detail) = pages.next().await {
            let detail = detail.map_err(|error| self.failed(OPERATION, execution, &error))?;
            if let Some(action) = source_action(&detail)
                .map_err(|detail| unexpected(OPERATION, execution, &detail))?
            {
                // The newest come first: an earlier attempt of the same action counts no more.
                if actions.iter().all(|known| known.name != action.name) {
                    actions.push(action);
                }
            }
        }
        Ok(actions)
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
        self.client(execution)
            .await
            .get_pipeline()
            .name(execution.pipeline.as_str())
            .set_version(version)
            .send()
            .await
            .map_err(|error| self.failed(OPERATION, execution, &error))?
            .pipeline
            .ok_or_else(|| unexpected(OPERATION, execution, "an answer without pipeline"))?
            .stages
            .iter()
            .flat_map(|stage| &stage.actions)
            .filter_map(|action| declared_source(action).transpose())
            .collect::<Result<_, _>>()
            .map_err(|detail| unexpected(OPERATION, execution, &detail))
    }

    async fn client(&self, execution: &Execution) -> Client {
        let Execution { account, region, .. } = execution;
        let mut clients = self.clients.lock().await;
        let key = (account.clone(), region.clone());
        if let Some(client) = clients.get(&key) {
            return client.clone();
        }
        let sdk_region = aws_config::Region::new(region.to_string());
        let mut config = aws_sdk_codepipeline::config::Builder::from(&self.sdk).region(sdk_region);
        if let Some(role) = &self.role {
            let partition = region.partition();
            // The provider refreshes the credentials before they expire.
            let provider =
                AssumeRoleProvider::builder(format!("arn:{partition}:iam::{account}:role/{role}"))
                    .session_name("dora-lambda")
                    .configure(&self.sdk)
                    .build()
                    .await;
            config = config.credentials_provider(provider);
        }
        let client = Client::from_conf(config.build());
        clients.insert(key, client.clone());
        client
    }

    fn failed<E>(
        &self,
        operation: &'static str,
        execution: &Execution,
        error: &SdkError<E>,
    ) -> Error
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let subject = match &self.role {
            None => execution.to_string(),
            Some(role) => format!("{execution}, as role {role} of account {}", execution.account),
        };
        service_error(Service::CodePipeline, operation, &subject, error)
    }
}

fn unexpected(operation: &'static str, execution: &Execution, detail: &str) -> Error {
    Error::Service {
        service: Service::CodePipeline,
        failure: Failure::UnexpectedAnswer,
        operation,
        subject: execution.to_string(),
        detail: detail.to_owned(),
    }
}

fn execution_record(record: PipelineExecution) -> ExecutionRecord {
    ExecutionRecord {
        is_rollback: record.execution_type == Some(ExecutionType::Rollback),
        pipeline_version: record.pipeline_version,
        revisions: record
            .artifact_revisions
            .unwrap_or_default()
            .into_iter()
            .filter_map(|revision| Some((revision.name?, revision.revision_id?)))
            .collect(),
    }
}

/// The action, if it is a source action that succeeded, with what its output variables say.
fn source_action(detail: &ActionExecutionDetail) -> Result<Option<SourceAction>, String> {
    use aws_sdk_codepipeline::types::ActionExecutionStatus::Succeeded;

    let kind = detail.input.as_ref().and_then(|input| input.action_type_id.as_ref());
    if kind.is_none_or(|kind| kind.category != ActionCategory::Source)
        || detail.status != Some(Succeeded)
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
            commit: None,
        },
    }))
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
        ActionExecutionInput, ActionExecutionOutput, ActionExecutionStatus, ActionTypeId,
        ArtifactDetail, OutputArtifact, PipelineDeclaration, StageDeclaration,
    };
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;
    use crate::fixtures;

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
