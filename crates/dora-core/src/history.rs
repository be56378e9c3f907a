//! The production deployment before a given one, by CodePipeline's own history: so a lead time does
//! not depend on which events have arrived, nor in which order.
//!
//! Deployments are ordered by when they reached production, not by when they started: an execution
//! that failed, and was retried after a later one had succeeded, came after that one.

use chrono::{DateTime, TimeDelta, Utc};

use crate::codepipeline::CodePipeline;
use crate::commit::CommitId;
use crate::deployment::{Deployment, Rule};
use crate::error::Error;
use crate::identity::ExecutionId;
use crate::production::Production;
use crate::source::SourceAction;

/// An execution may reach production this long after its start at most: approvals wait seven days,
/// and a stage can be retried after that.
const LONGEST_EXECUTION: TimeDelta = TimeDelta::days(30);

/// An execution in a pipeline's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastExecution {
    /// Its id.
    pub id: ExecutionId,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When its state last changed: when it ended, if it has.
    pub updated_at: DateTime<Utc>,
    /// Whether the whole pipeline succeeded.
    pub succeeded: bool,
    /// Whether it brought an earlier revision back.
    pub is_rollback: bool,
    /// The revision of each source action, by the action's name.
    pub revisions: Vec<(String, String)>,
}

/// What the actions of an execution tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastActions {
    /// The source actions that succeeded.
    pub sources: Vec<SourceAction>,
    /// When the production stage succeeded, if it did.
    pub production_at: Option<DateTime<Utc>>,
}

/// The commit that was in production before this deployment, if the pipeline had deployed any.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn commit_before(
    codepipeline: &CodePipeline,
    production: &Production,
    deployment: &Deployment,
) -> Result<Option<CommitId>, Error> {
    let mut history = codepipeline.history(&deployment.execution).await;
    let mut latest: Option<(DateTime<Utc>, CommitId)> = None;
    while let Some(past) = history.next().await {
        let past = past?;
        if let Some((at, _)) = &latest {
            if past.started_at + LONGEST_EXECUTION < *at {
                break;
            }
            if past.updated_at <= *at {
                continue;
            }
        }
        if !is_candidate(&past, deployment) {
            continue;
        }
        let actions = codepipeline.past_actions(&deployment.execution, &past, production).await?;
        if let Some(found) = deployed(&past, &actions, production, deployment) {
            latest = latest.max(Some(found));
        }
    }
    Ok(latest.map(|(_, commit)| commit))
}

/// Whether the execution may have been a production deployment before this one, as far as the
/// history alone tells.
fn is_candidate(past: &PastExecution, deployment: &Deployment) -> bool {
    past.id != deployment.execution.id
        && !past.is_rollback
        && past.started_at < deployment.at
        && match deployment.rule {
            Rule::Gitflow => past.succeeded && past.updated_at <= deployment.at,
            Rule::TrunkBased => true,
        }
}

/// When the execution reached production and with which commit, if it did so before this deployment
/// and from the same repository.
fn deployed(
    past: &PastExecution,
    actions: &PastActions,
    production: &Production,
    deployment: &Deployment,
) -> Option<(DateTime<Utc>, CommitId)> {
    let at = match deployment.rule {
        Rule::Gitflow => past.updated_at,
        Rule::TrunkBased => actions.production_at?,
    };
    let source = match actions.sources.as_slice() {
        [only] if only.source.repository.is_none() => only,
        sources => sources
            .iter()
            .find(|action| action.source.repository.as_ref() == Some(&deployment.repository))?,
    };
    let is_production = match (deployment.rule, &source.source.branch) {
        (Rule::Gitflow, Some(branch)) => production.is_main_branch(branch),
        _ => true,
    };
    let revision = past.revisions.iter().find(|(action, _)| *action == source.name);
    let commit = source.source.commit.as_deref().or(revision.map(|(_, id)| id.as_str()))?;
    (is_production && at <= deployment.at).then_some((at, CommitId::parse(commit)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::fixtures;
    use crate::repository::Repository;
    use crate::source::Source;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-02T{time}:00Z").parse().unwrap()
    }

    fn commit(digit: &str) -> CommitId {
        CommitId::parse(&digit.repeat(40)).unwrap()
    }

    fn past(updated: &str) -> PastExecution {
        PastExecution {
            id: ExecutionId::parse("00000000-0000-4000-8000-000000000001").unwrap(),
            started_at: at("08:00"),
            updated_at: at(updated),
            succeeded: true,
            is_rollback: false,
            revisions: vec![("Source".to_owned(), "b".repeat(40))],
        }
    }

    fn from(repository: &str, branch: &str) -> PastActions {
        let source = Source {
            repository: Repository::parse(repository),
            branch: Some(branch.to_owned()),
            commit: Some("a".repeat(40)),
            provider: None,
        };
        let action = SourceAction { name: "Source".to_owned(), source, ..SourceAction::default() };
        PastActions { sources: vec![action], production_at: Some(at("09:00")) }
    }

    #[test]
    fn a_deployment_before_is_one_of_the_same_repository_and_of_production() {
        let production = Production::from_env(&Env::default()).unwrap();
        let now = fixtures::deployment();
        for (actions, expected) in [
            (from("acme/web", "main"), Some((at("09:30"), commit("a")))),
            (from("acme/web", "develop"), None),
            (from("acme/other", "main"), None),
            (PastActions::default(), None),
        ] {
            assert_eq!(deployed(&past("09:30"), &actions, &production, &now), expected);
        }
    }

    #[test]
    fn a_trunk_based_deployment_is_dated_by_its_production_stage() {
        let production = Production::from_env(&Env::default()).unwrap();
        let now = Deployment { rule: Rule::TrunkBased, ..fixtures::deployment() };
        let failed_later = PastExecution { succeeded: false, ..past("11:00") };
        assert!(is_candidate(&failed_later, &now));
        let found = deployed(&failed_later, &from("acme/web", "x"), &production, &now);
        assert_eq!(found, Some((at("09:00"), commit("a"))));
        let not_there = PastActions { production_at: None, ..from("acme/web", "x") };
        assert_eq!(deployed(&failed_later, &not_there, &production, &now), None);
    }

    #[test]
    fn what_is_no_deployment_before_is_not_looked_at() {
        let now = fixtures::deployment();
        assert!(is_candidate(&past("09:30"), &now));
        for other in [
            PastExecution { is_rollback: true, ..past("09:30") },
            PastExecution { succeeded: false, ..past("09:30") },
            PastExecution { id: now.execution.id.clone(), ..past("09:30") },
            past("10:01"),
        ] {
            assert!(!is_candidate(&other, &now), "{other:?}");
        }
    }

    #[test]
    fn a_commit_that_the_action_does_not_name_is_its_revision() {
        let production = Production::from_env(&Env::default()).unwrap();
        let mut actions = from("acme/web", "main");
        actions.sources[0].source.commit = None;
        let found = deployed(&past("09:30"), &actions, &production, &fixtures::deployment());
        assert_eq!(found, Some((at("09:30"), commit("b"))));
    }
}
