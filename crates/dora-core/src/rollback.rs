//! Which deployment did a rollback undo, and which rollbacks undid a deployment?
//!
//! A rollback that CodePipeline started by itself names the execution that failed; any other undid
//! what was in production at last, other than what it brought back. Both questions are answered from
//! CodePipeline's history by the same rule, so the order in which events come does not matter.

use chrono::{DateTime, Utc};

use crate::codepipeline::CodePipeline;
use crate::deployment::{Rollback, RollbackOf, Rule};
use crate::error::Error;
use crate::history::{self, History, PastActions, PastDeployment, PastExecution, Scope, Status};
use crate::identity::{Execution, ExecutionId};
use crate::production::Production;

/// A rollback in its pipeline's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRollback {
    /// The execution that brought an older revision back.
    pub id: ExecutionId,
    /// When it had.
    pub at: DateTime<Utc>,
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
    found.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
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
    let history = History::until(started_at, scope, codepipeline, production).await?;
    let found = match &of.failed {
        Some(failed) => history.deployment_of(failed).await?,
        None => history.latest_but(of.target.as_ref()).await?,
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
        None => of.target.as_ref() != Some(&deployment.id),
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
