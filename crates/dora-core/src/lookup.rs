//! From an event to the production deployment that it tells of, with what the event lacks looked
//! up in CodePipeline. The rules themselves are in [`production`](crate::production) and
//! [`source`]; here is only the order of the calls, and no call that an answer
//! already in hand makes needless.

use crate::codepipeline::client::ExecutionRecord;
use crate::codepipeline::{CodePipeline, ExecutionEvent, Level};
use crate::commit::CommitId;
use crate::decision::{Decision, Reason};
use crate::deployment::{Arrival, Deployment};
use crate::error::{Error, Failure, Service};
use crate::identity::Execution;
use crate::production::Production;
use crate::source::{self, Source, SourceAction};

/// The deployment that the event tells of, or why it tells of none. One call where the event's
/// trigger says all (no event marks a rollback), else two, rarely three.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn deployment(
    codepipeline: &CodePipeline,
    production: &Production,
    event: ExecutionEvent,
) -> Result<Decision<Deployment>, Error> {
    let trigger = trigger(&event);
    if let Some(reason) = production.reason_to_ignore(&event, &trigger) {
        return Ok(Decision::Ignore(reason));
    }
    let (record, actions) = records(codepipeline, &event.execution, &trigger).await?;
    if record.rollback.is_some() {
        return Ok(Decision::Ignore(Reason::Rollback));
    }
    let source = source(codepipeline, &event.execution, trigger, &record, actions).await?;
    Ok(production.deployment(event, source))
}

/// The deployment or rollback that the event tells of, or why it tells of none. One call more than
/// [`deployment`] where only a rollback could make the event count.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn arrival(
    codepipeline: &CodePipeline,
    production: &Production,
    event: ExecutionEvent,
) -> Result<Decision<Arrival>, Error> {
    let trigger = trigger(&event);
    if let Some(reason) = production.reason_to_ignore(&event, &trigger)
        && !production.may_be_rollback(&event, &trigger)
    {
        return Ok(Decision::Ignore(reason));
    }
    let (record, actions) = records(codepipeline, &event.execution, &trigger).await?;
    let source = source(codepipeline, &event.execution, trigger, &record, actions).await?;
    Ok(match record.rollback {
        None => production.deployment(event, source).map(Arrival::Deployment),
        Some(of) => production.rollback(event, source, of).map(Arrival::Rollback),
    })
}

fn trigger(event: &ExecutionEvent) -> Source {
    match &event.level {
        Level::Pipeline { trigger } => trigger.clone(),
        Level::Stage { .. } => Source::default(),
    }
}

async fn records(
    codepipeline: &CodePipeline,
    execution: &Execution,
    trigger: &Source,
) -> Result<(ExecutionRecord, Vec<SourceAction>), Error> {
    if trigger.is_complete() {
        Ok((codepipeline.execution(execution).await?, Vec::new()))
    } else {
        tokio::try_join!(codepipeline.execution(execution), codepipeline.source_actions(execution))
    }
}

async fn source(
    codepipeline: &CodePipeline,
    execution: &Execution,
    trigger: Source,
    record: &ExecutionRecord,
    mut actions: Vec<SourceAction>,
) -> Result<Source, Error> {
    if !trigger.is_complete() && !source::is_settled(&trigger, &actions) {
        let declared = codepipeline.declared_sources(execution, record.pipeline_version).await?;
        actions = source::merged(declared, &actions);
    }
    Ok(source::completed(trigger, &actions, &record.revisions))
}

/// The commit that ran. Of a Git repository CodePipeline always knows it.
///
/// # Errors
/// [`Error::Service`] if it named none all the same.
pub fn commit(deployment: &Deployment) -> Result<CommitId, Error> {
    deployment.commit.as_deref().and_then(CommitId::parse).ok_or_else(|| Error::Service {
        service: Service::CodePipeline,
        failure: Failure::UnexpectedAnswer,
        operation: "GetPipelineExecution",
        subject: deployment.execution.to_string(),
        detail: "the source's revision is no commit".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_codepipeline::Client;
    use aws_sdk_codepipeline::error::ErrorMetadata;
    use aws_sdk_codepipeline::operation::get_pipeline::GetPipelineOutput;
    use aws_sdk_codepipeline::operation::get_pipeline_execution::{
        GetPipelineExecutionError, GetPipelineExecutionOutput,
    };
    use aws_sdk_codepipeline::operation::list_action_executions::ListActionExecutionsOutput;
    use aws_sdk_codepipeline::types::error::PipelineExecutionNotFoundException;
    use aws_sdk_codepipeline::types::{ExecutionType, PipelineExecution};
    use aws_smithy_mocks::{Rule, mock, mock_client};

    use super::*;
    use crate::codepipeline::event::State;
    use crate::env::Env;
    use crate::fixtures;

    /// CodePipeline with this one kind of execution, no source action and no declaration.
    struct Service {
        get_execution: Rule,
        list_actions: Rule,
        get_pipeline: Rule,
    }

    impl Service {
        fn with(kind: ExecutionType) -> Self {
            Self {
                get_execution: mock!(Client::get_pipeline_execution).then_output(move || {
                    let execution =
                        PipelineExecution::builder().execution_type(kind.clone()).build();
                    GetPipelineExecutionOutput::builder().pipeline_execution(execution).build()
                }),
                list_actions: mock!(Client::list_action_executions)
                    .then_output(|| ListActionExecutionsOutput::builder().build()),
                get_pipeline: mock!(Client::get_pipeline)
                    .then_output(|| GetPipelineOutput::builder().build()),
            }
        }

        async fn look_up(&self, trigger: Source) -> Result<Decision<Deployment>, Error> {
            let Deployment { execution, at, .. } = fixtures::deployment();
            let rules = [&self.get_execution, &self.list_actions, &self.get_pipeline];
            let client =
                mock_client!(aws_sdk_codepipeline, aws_smithy_mocks::RuleMode::MatchAny, &rules);
            let codepipeline = CodePipeline::with_client(&execution, client);
            let production = Production::from_env(&Env::default()).unwrap();
            let level = Level::Pipeline { trigger };
            let event = ExecutionEvent { execution, at, state: State::Succeeded, level };
            deployment(&codepipeline, &production, event).await
        }

        /// Calls of `GetPipelineExecution`, `ListActionExecutions`, `GetPipeline`.
        fn calls(&self) -> [usize; 3] {
            [&self.get_execution, &self.list_actions, &self.get_pipeline].map(Rule::num_calls)
        }
    }

    fn complete_trigger() -> Source {
        let Deployment { repository, branch, commit, provider, .. } = fixtures::deployment();
        Source { repository: Some(repository), branch, commit, provider, ..Source::default() }
    }

    #[tokio::test]
    async fn a_trigger_that_says_all_costs_one_call() {
        let service = Service::with(ExecutionType::Standard);
        let found = service.look_up(complete_trigger()).await.unwrap();
        assert_eq!(found, Decision::Record(fixtures::deployment()));
        assert_eq!(service.calls(), [1, 0, 0]);
    }

    #[tokio::test]
    async fn a_trigger_that_excludes_production_costs_none() {
        let service = Service::with(ExecutionType::Standard);
        let trigger = Source { branch: Some("develop".to_owned()), ..complete_trigger() };
        let found = service.look_up(trigger).await.unwrap();
        assert_eq!(found, Decision::Ignore(Reason::NotProduction));
        assert_eq!(service.calls(), [0, 0, 0]);
    }

    #[tokio::test]
    async fn a_rollback_is_no_deployment_whatever_its_trigger_says() {
        let service = Service::with(ExecutionType::Rollback);
        for (trigger, calls) in [(complete_trigger(), [1, 0, 0]), (Source::default(), [2, 1, 0])] {
            let found = service.look_up(trigger).await.unwrap();
            assert_eq!(found, Decision::Ignore(Reason::Rollback));
            assert_eq!(service.calls(), calls);
        }
    }

    #[tokio::test]
    async fn the_declaration_is_asked_for_last_and_must_be_there() {
        let service = Service::with(ExecutionType::Standard);
        let error = service.look_up(Source::default()).await.unwrap_err();
        assert_eq!(error.error_type(), "CodePipelineUnexpectedAnswer");
        assert_eq!(service.calls(), [1, 1, 1]);
    }

    #[tokio::test]
    async fn an_execution_that_codepipeline_does_not_know_is_named() {
        let mut service = Service::with(ExecutionType::Standard);
        service.get_execution = mock!(Client::get_pipeline_execution).then_error(|| {
            GetPipelineExecutionError::PipelineExecutionNotFoundException(
                PipelineExecutionNotFoundException::builder()
                    .meta(
                        ErrorMetadata::builder().code("PipelineExecutionNotFoundException").build(),
                    )
                    .build(),
            )
        });
        let error = service.look_up(complete_trigger()).await.unwrap_err();
        assert_eq!(error.error_type(), "CodePipelineNotFound");
        assert!(error.to_string().contains("6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77"), "{error}");
    }
}
