//! Which deployment did a rollback undo, and which rollbacks undid a deployment?
//!
//! A rollback that CodePipeline started by itself names the execution that failed. Any other undid
//! what was in production at last; if it brought back just that, what it undid was no deployment.
//! Both questions are answered from CodePipeline's history by the same rule, so the order in which
//! events come does not matter.

use chrono::{DateTime, Utc};

use crate::codepipeline::CodePipeline;
use crate::deployment::{Rollback, RollbackOf, Rule};
use crate::error::{Error, Failure, Service};
use crate::history::{self, History, PastActions, PastDeployment, PastExecution, Scope, Status};
use crate::identity::{Execution, ExecutionId};
use crate::production::Production;

/// A rollback in its pipeline's history. They are ordered by when they succeeded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PastRollback {
    /// When it had brought an older revision back.
    pub at: DateTime<Utc>,
    /// The execution that did.
    pub id: ExecutionId,
}

/// The deployment that the rollback undid, if it undid one.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn undone(
    rollback: &Rollback,
    codepipeline: &CodePipeline,
    production: &Production,
) -> Result<Option<PastDeployment>, Error> {
    let Rollback { execution, repository, rule, of, .. } = rollback;
    if of.is_automatic && of.failed.is_none() {
        return Err(Error::Service {
            service: Service::CodePipeline,
            failure: Failure::UnexpectedAnswer,
            operation: "GetPipelineExecution",
            subject: execution.to_string(),
            detail: "an automated rollback that names no failed execution".to_owned(),
        });
    }
    let scope = Scope {
        pipeline: execution.of(),
        repository: repository.clone(),
        rule: *rule,
        action: None,
    };
    let started_at = match history::record(execution, codepipeline).await? {
        Some(record) => record.started_at,
        None => rollback.at,
    };
    let actions = codepipeline.past_actions(execution, production).await?;
    if reaches_past_production(of, &actions, *rule, production) != rollback.is_after_production {
        return Ok(None);
    }
    undone_by(of, started_at, &actions, scope, codepipeline, production).await
}

/// The rollbacks that undid a deployment and succeeded, first first.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn rollbacks_of(
    deployment: &Execution,
    scope: &Scope,
    codepipeline: &CodePipeline,
    production: &Production,
) -> Result<Vec<PastRollback>, Error> {
    let mut found = Vec::new();
    for past in history::since(deployment, codepipeline).await? {
        let Some(of) = past.rollback.as_ref().filter(|of| may_undo(of, deployment)) else {
            continue;
        };
        let execution = deployment.of().execution(past.id.clone());
        let actions = codepipeline.past_actions(&execution, production).await?;
        let Some(at) = succeeded_at(&past, of, &actions, scope.rule, production) else { continue };
        let (started_at, scope) = (past.started_at, scope.clone());
        let undone = undone_by(of, started_at, &actions, scope, codepipeline, production).await?;
        if undone.is_some_and(|undone| *undone.id() == deployment.id) {
            found.push(PastRollback { id: past.id, at });
        }
    }
    found.sort();
    Ok(found)
}

async fn undone_by(
    of: &RollbackOf,
    started_at: DateTime<Utc>,
    actions: &PastActions,
    scope: Scope,
    codepipeline: &CodePipeline,
    production: &Production,
) -> Result<Option<PastDeployment>, Error> {
    let (rule, pipeline) = (scope.rule, scope.pipeline.clone());
    let before = DateTime::<Utc>::MIN_UTC..started_at;
    let history = History::within(before, scope, codepipeline, production).await?;
    let found = match &of.failed {
        Some(failed) => history.deployment_of(failed).await?,
        None => history.latest().filter(|latest| Some(latest.id()) != of.target.as_ref()).cloned(),
    };
    let Some(found) = found else { return Ok(None) };
    // A pipeline of a GitFlow repository need not have a stage of production's name: then whatever
    // was rolled back counts.
    let stage = production.stage();
    if rule == Rule::Gitflow && !actions.stages.contains(stage) {
        let undone = pipeline.execution(found.id().clone());
        if codepipeline.past_actions(&undone, production).await?.stages.contains(stage) {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

fn may_undo(of: &RollbackOf, deployment: &Execution) -> bool {
    match &of.failed {
        Some(failed) => *failed == deployment.id,
        None => !of.is_automatic && of.target.as_ref() != Some(&deployment.id),
    }
}

/// When a rollback had brought production back, if it had.
fn succeeded_at(
    past: &PastExecution,
    of: &RollbackOf,
    actions: &PastActions,
    rule: Rule,
    production: &Production,
) -> Option<DateTime<Utc>> {
    if rule == Rule::TrunkBased && actions.stages.contains(production.stage()) {
        return actions.production_time(past.status);
    }
    let counts = rule == Rule::Gitflow || reaches_past_production(of, actions, rule, production);
    (counts && past.status == Status::Succeeded).then_some(past.updated_at)
}

/// Whether CodePipeline rolled back a stage after production's: then, under trunk-based development,
/// it is the pipeline's success that tells.
fn reaches_past_production(
    of: &RollbackOf,
    actions: &PastActions,
    rule: Rule,
    production: &Production,
) -> bool {
    rule == Rule::TrunkBased && of.failed.is_some() && !actions.stages.contains(production.stage())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::env::Env;
    use crate::fixtures;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-02T{time}:00Z").parse().unwrap()
    }

    /// Started at 10:00, ended at 10:30; its production stage, if it ran, succeeded at 10:20.
    fn rolled_back(stage: &str, rule: Rule, status: Status, failed: bool) -> Option<DateTime<Utc>> {
        let id = fixtures::deployment().execution.id;
        let failed = failed.then(|| id.clone());
        let of = RollbackOf { target: None, is_automatic: failed.is_some(), failed };
        let past = PastExecution {
            id,
            started_at: at("10:00"),
            updated_at: at("10:30"),
            status,
            rollback: Some(of.clone()),
            revisions: Vec::new(),
        };
        let actions = PastActions {
            stages: BTreeSet::from([stage.to_owned()]),
            production_at: (stage == "DeployPROD").then(|| at("10:20")),
            ..PastActions::default()
        };
        let production = Production::from_env(&Env::default()).unwrap();
        succeeded_at(&past, &of, &actions, rule, &production)
    }

    #[test]
    fn a_rollback_succeeds_with_its_pipeline_or_with_the_production_stage() {
        let (gitflow, trunk_based) = (Rule::Gitflow, Rule::TrunkBased);
        let (succeeded, broken_off) = (Status::Succeeded, Status::BrokenOff);
        for (stage, rule, status, failed, expected) in [
            ("DeployPROD", gitflow, succeeded, false, Some("10:30")),
            ("Deploy", gitflow, succeeded, false, Some("10:30")),
            ("DeployPROD", gitflow, broken_off, false, None),
            ("DeployPROD", trunk_based, succeeded, false, Some("10:20")),
            ("DeployPROD", trunk_based, Status::Other, false, Some("10:20")),
            ("DeployPROD", trunk_based, broken_off, true, None),
            ("Smoke", trunk_based, succeeded, false, None),
            ("Smoke", trunk_based, succeeded, true, Some("10:30")),
            ("Smoke", trunk_based, broken_off, true, None),
        ] {
            let found = rolled_back(stage, rule, status, failed);
            assert_eq!(found, expected.map(at), "{stage} {rule:?} {status:?} {failed}");
        }
    }

    #[test]
    fn a_rollback_by_itself_that_names_nothing_undoes_nothing() {
        let of = RollbackOf { is_automatic: true, ..RollbackOf::default() };
        assert!(!may_undo(&of, &fixtures::deployment().execution));
    }

    #[test]
    fn a_rollback_undoes_what_failed_or_else_anything_but_its_target() {
        let deployment = fixtures::deployment().execution;
        let other = ExecutionId::first();
        let own = || Some(deployment.id.clone());
        for (target, failed, expected) in [
            (None, None, true),
            (own(), None, false),
            (Some(other.clone()), None, true),
            (Some(other.clone()), own(), true),
            (own(), Some(other.clone()), false),
        ] {
            let of = RollbackOf { target, is_automatic: failed.is_some(), failed };
            assert_eq!(may_undo(&of, &deployment), expected, "{of:?}");
        }
    }
}
