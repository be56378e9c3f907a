//! What CodePipeline's history tells: which executions reached production, when, and by which event
//! AWS said so. It only decides what is sent; what it counts for is the functions' decision.

use aws_sdk_codepipeline::operation::list_pipelines::ListPipelinesOutput;
use chrono::{DateTime, TimeDelta, Utc};
use dora_core::codepipeline::CodePipeline;
use dora_core::deployment::Rule;
use dora_core::env::Env;
use dora_core::history::{PastActions, PastExecution, Status};
use dora_core::identity::{Pipeline, PipelineName};
use dora_core::production::Production;

use super::event::{Level, of_execution};
use super::plan::{Happening, Kind, Span};
use crate::failure::Failure;
use crate::sources::Reached;

/// An execution may end this long after its start at most.
const LONGEST_EXECUTION: TimeDelta = TimeDelta::days(30);

/// What became of the executions of a pipeline in the period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) happenings: Vec<Happening>,
    /// Executions that reached production with a change, as far as history tells.
    pub(super) deployments: usize,
    /// Executions that brought an earlier one back.
    pub(super) rollbacks: usize,
    /// Executions that succeeded, but not in production.
    pub(super) elsewhere: usize,
    /// Executions that failed, were stopped or superseded, or are under way.
    pub(super) not_succeeded: usize,
}

/// The pipelines of an account and Region.
///
/// # Errors
/// As CodePipeline fails.
pub(super) async fn pipelines(source: &Reached) -> Result<Vec<Pipeline>, Failure> {
    let client = aws_sdk_codepipeline::Client::new(&source.sdk);
    let pages =
        client.list_pipelines().into_paginator().send().collect::<Result<Vec<_>, _>>().await;
    let place = source.place.to_string();
    let pages =
        pages.map_err(|error| Failure::of_aws("codepipeline:ListPipelines", &place, &error))?;
    let names = pages.iter().flat_map(ListPipelinesOutput::pipelines);
    let pipeline = |name: &str| {
        Some(Pipeline {
            account: source.place.account.clone(),
            region: source.place.region.clone(),
            name: PipelineName::parse(name)?,
        })
    };
    Ok(names.filter_map(|summary| pipeline(summary.name()?)).collect())
}

/// Reads a pipeline's history of a period.
///
/// # Errors
/// As CodePipeline fails.
pub(super) async fn history(
    pipeline: &Pipeline,
    span: Span,
    production: &Production,
    source: &Reached,
) -> Result<Found, Failure> {
    // The operator's own credentials, not the functions' role.
    let own = Env::from([("TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE", "")]);
    let codepipeline = CodePipeline::from_env(&own, &source.sdk)
        .map_err(|error| Failure::Setting { function: "mttr", error })?;
    let mut executions = codepipeline.executions(pipeline).await;
    let mut found = Found::default();
    while let Some(past) = executions.next().await {
        let past = past?;
        if past.started_at + LONGEST_EXECUTION < span.from {
            break;
        }
        if past.updated_at < span.from || past.started_at >= span.until {
            continue;
        }
        let execution = pipeline.execution(past.id.clone());
        let actions = codepipeline.past_actions(&execution, production).await?;
        let said = arrivals(&past, &actions, production);
        let in_span = said.iter().any(|(_, at)| span.contains(*at));
        match (in_span, past.rollback.is_some(), past.status) {
            (true, false, _) => found.deployments += 1,
            (true, true, _) => found.rollbacks += 1,
            (false, _, Status::Succeeded) if said.is_empty() => found.elsewhere += 1,
            (false, _, _) if said.is_empty() => found.not_succeeded += 1,
            (false, _, _) => {}
        }
        for (level, at) in said.into_iter().filter(|(_, at)| span.contains(*at)) {
            let event = of_execution(&execution, &level, at);
            found.happenings.push(Happening { at, kind: Kind::Execution, event });
        }
    }
    Ok(found)
}

/// The events by which an execution may have been told to have reached production, and when.
///
/// A pipeline with sources of both branching models has both: the functions know which of its
/// repositories counts. So has a rollback: it runs no source action, so its history names none.
fn arrivals(
    past: &PastExecution,
    actions: &PastActions,
    production: &Production,
) -> Vec<(Level, DateTime<Utc>)> {
    let repositories = || actions.sources.iter().map(|source| source.source.repository.as_ref());
    let rule = |repository| production.rule(repository);
    let is_trunk_based = repositories().flatten().any(|it| rule(it) == Rule::TrunkBased);
    let is_gitflow = repositories().any(|it| it.is_none_or(|it| rule(it) == Rule::Gitflow));
    let on_main = actions.sources.iter().any(|source| {
        source.source.branch.as_ref().is_none_or(|branch| production.is_main_branch(branch))
    });
    let is_unknown = past.rollback.is_some() || actions.sources.is_empty();
    let mut said = Vec::new();
    if (is_trunk_based || is_unknown)
        && let Some(at) = actions.production_time(past.status)
    {
        said.push((Level::Stage(production.stage().to_owned()), at));
    }
    if past.status == Status::Succeeded && (is_unknown || (is_gitflow && on_main)) {
        said.push((Level::Pipeline, past.updated_at));
    }
    said
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dora_core::deployment::RollbackOf;
    use dora_core::identity::ExecutionId;
    use dora_core::repository::Repository;
    use dora_core::source::{Source, SourceAction};

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-02T{time}:00Z").parse().unwrap()
    }

    fn told(
        repositories: &[(&str, &str)],
        status: Status,
        rollback: Option<RollbackOf>,
        production_at: Option<&str>,
    ) -> Vec<(Level, DateTime<Utc>)> {
        let production =
            Production::from_env(&Env::from([("APP_REPOSITORY_NAMES", "acme/payments")]));
        let past = PastExecution {
            id: ExecutionId::parse("0f1e2d3c-4b5a-4697-8877-665544332211").unwrap(),
            started_at: at("09:00"),
            updated_at: at("10:00"),
            status,
            rollback,
            revisions: Vec::new(),
        };
        let source = |(name, branch): &(&str, &str)| SourceAction {
            artifacts: Vec::new(),
            name: "Source".to_owned(),
            source: Source {
                repository: Repository::parse(name),
                branch: Some((*branch).to_owned()),
                ..Source::default()
            },
        };
        let actions = PastActions {
            sources: repositories.iter().map(source).collect(),
            stages: BTreeSet::new(),
            production_at: production_at.map(at),
            went_on: true,
        };
        arrivals(&past, &actions, &production.unwrap())
    }

    #[test]
    fn what_reached_production_is_told_by_the_event_that_counts() {
        let (web, payments) = (("acme/web", "main"), ("acme/payments", "any"));
        let stage = || (Level::Stage("DeployPROD".to_owned()), at("09:30"));
        let pipeline = || (Level::Pipeline, at("10:00"));
        let back = || Some(RollbackOf::default());
        let reached = Some("09:30");
        for (name, sources, status, rollback, production, expected) in [
            ("GitFlow", &[web][..], Status::Succeeded, None, reached, vec![pipeline()]),
            ("another branch", &[("acme/web", "dev")], Status::Succeeded, None, reached, vec![]),
            ("that failed", &[web], Status::BrokenOff, None, reached, vec![]),
            ("trunk-based", &[payments], Status::Succeeded, None, reached, vec![stage()]),
            ("that failed later", &[payments], Status::BrokenOff, None, reached, vec![stage()]),
            ("that failed before", &[payments], Status::BrokenOff, None, None, vec![]),
            ("both", &[web, payments], Status::Succeeded, None, reached, vec![stage(), pipeline()]),
            (
                "a rollback",
                &[payments],
                Status::Succeeded,
                back(),
                reached,
                vec![stage(), pipeline()],
            ),
            (
                "its branch is old",
                &[("acme/web", "dev")],
                Status::Succeeded,
                back(),
                None,
                vec![pipeline()],
            ),
        ] {
            assert_eq!(told(sources, status, rollback, production), expected, "{name}");
        }
    }
}
