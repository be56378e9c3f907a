//! Which deployment did a rollback undo?
//!
//! One that CodePipeline started by itself names the execution that failed; any other undid what
//! was in production at last, other than what it brought back. Only the first rollback after a
//! deployment undoes it.

use chrono::{DateTime, Utc};

use crate::codepipeline::CodePipeline;
use crate::deployment::{Rollback, Rule};
use crate::error::Error;
use crate::history::{self, History, PastDeployment, PastExecution, Scope, Status};
use crate::identity::Execution;
use crate::production::Production;

/// The deployment that the rollback undid, if it undid one.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn undone(
    rollback: &Rollback,
    codepipeline: &CodePipeline,
    production: &Production,
) -> Result<Option<PastDeployment>, Error> {
    let Rollback { execution, repository, rule, target, failed, .. } = rollback;
    let pipeline = execution.of();
    let started_at = match history::record(execution, codepipeline).await? {
        Some(record) => record.started_at,
        None => rollback.at,
    };
    let scope = Scope { pipeline, repository: repository.clone(), rule: *rule, action: None };
    let history = History::until(started_at, scope, codepipeline, production).await?;
    let found = match failed {
        Some(failed) => history.deployment_of(failed).await?,
        None => history.latest_but(target.as_ref()).await?,
    };
    let Some(found) = found else { return Ok(None) };
    if !is_of_production(rollback, &found, codepipeline, production).await? {
        return Ok(None);
    }
    let was_undone_before = history::between(&execution.of(), found.at(), started_at, codepipeline)
        .await?
        .iter()
        .any(|past| {
            past.status == Status::Succeeded
                && past.id != execution.id
                && past.rollback.as_ref().is_some_and(|of| of.target.as_ref() != Some(found.id()))
        });
    Ok((!was_undone_before).then_some(found))
}

/// When the first rollback after a deployment succeeded, if one did that undid it.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn first_after(
    deployment: &Execution,
    codepipeline: &CodePipeline,
) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(own) = history::record(deployment, codepipeline).await? else { return Ok(None) };
    let later =
        history::between(&deployment.of(), own.started_at, DateTime::<Utc>::MAX_UTC, codepipeline)
            .await?;
    let first_deployed_later = later
        .iter()
        .filter(|past| past.rollback.is_none() && past.status == Status::Succeeded)
        .filter(|past| past.id != deployment.id && past.updated_at > own.updated_at)
        .map(|past| past.updated_at)
        .min();
    let undid = |past: &&PastExecution| {
        past.status == Status::Succeeded
            && past.rollback.as_ref().is_some_and(|of| match &of.failed {
                Some(failed) => *failed == deployment.id,
                None => {
                    of.target.as_ref() != Some(&deployment.id)
                        && past.started_at > own.updated_at
                        && first_deployed_later.is_none_or(|later| past.started_at < later)
                }
            })
    };
    Ok(later.iter().filter(undid).map(|past| past.updated_at).min())
}

/// Whether the rollback is the one that tells of what it undid. Under trunk-based development that is
/// the production stage's, or the pipeline's where it left that stage alone. Under GitFlow it ran the
/// production stage; but a pipeline need not have one of that name: then whatever was rolled back
/// counts.
async fn is_of_production(
    rollback: &Rollback,
    undone: &PastDeployment,
    codepipeline: &CodePipeline,
    production: &Production,
) -> Result<bool, Error> {
    if rollback.rule == Rule::TrunkBased && !rollback.is_after_production {
        return Ok(true);
    }
    let of_undone = rollback.execution.of().execution(undone.id().clone());
    let (own, of_undone) = tokio::try_join!(
        codepipeline.past_actions(&rollback.execution, production),
        codepipeline.past_actions(&of_undone, production),
    )?;
    let stage = production.stage();
    Ok(match rollback.rule {
        Rule::TrunkBased => !own.stages.contains(stage),
        Rule::Gitflow => own.stages.contains(stage) || !of_undone.stages.contains(stage),
    })
}
