//! What CodePipeline's histories tell of a repository: those of all its pipelines that the ledger has
//! heard of, since a repository can have several.
//!
//! A pipeline that was deleted has no history any more, and one in an account that is no longer
//! listed must not be asked: neither may stand in the way of the others.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{DateTime, Utc};
use tracing::info;

use crate::codepipeline::CodePipeline;
use crate::commit::CommitId;
use crate::deployment::Deployment;
use crate::error::{Error, Failure, Service};
use crate::history::{History, PastDeployment, Scope};
use crate::identity::{AccountId, Execution, ExecutionId, Pipeline};
use crate::incident::Cause;
use crate::ledger::Ledger;
use crate::production::Production;
use crate::repository::Repository;
use crate::rollback::{PastRollback, rollbacks_of};

/// Without a beginning.
const EVER: DateTime<Utc> = DateTime::<Utc>::MIN_UTC;

/// The histories of all pipelines.
#[derive(Debug, Clone, Copy)]
pub struct Histories<'a> {
    /// Knows the pipelines.
    pub ledger: &'a Ledger,
    /// Knows their executions.
    pub codepipeline: &'a CodePipeline,
    /// The accounts whose pipelines may be asked for.
    pub tooling_accounts: &'a [AccountId],
    /// What a deployment is.
    pub production: &'a Production,
}

impl Histories<'_> {
    /// The latest deployment of a repository in a period.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn latest(
        &self,
        repository: &Repository,
        period: Range<DateTime<Utc>>,
    ) -> Result<Option<(Execution, Repository)>, Error> {
        let mut latest = None;
        for scope in self.scopes([repository]).await? {
            if let Some(history) = self.within(period.clone(), &scope).await?
                && let Some(found) = history.latest()
            {
                latest = latest.max(Some((found.clone(), scope.pipeline, scope.repository)));
            }
        }
        Ok(latest.map(execution))
    }

    /// The latest deployment of a commit before a time: by a pipeline that the ledger says deployed
    /// it, however long ago; by any other of the repositories', in its last weeks.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn latest_of(
        &self,
        commit: &CommitId,
        repositories: impl IntoIterator<Item = &Repository>,
        before: DateTime<Utc>,
    ) -> Result<Option<(Execution, Repository)>, Error> {
        let known = self.ledger.pipelines(&Cause::Commit(commit.clone())).await?;
        let mut repositories: BTreeSet<_> = repositories.into_iter().cloned().collect();
        repositories.extend(known.iter().map(|(_, repository)| repository.clone()));
        let mut latest = None;
        for scope in self.scopes(&repositories).await? {
            let found = if known.iter().any(|(pipeline, _)| *pipeline == scope.pipeline) {
                let Self { codepipeline, production, .. } = self;
                let found =
                    History::latest_ever(commit, before, scope.clone(), codepipeline, production);
                unless_deleted(&scope.pipeline, found.await)?.flatten()
            } else {
                match self.within(EVER..before, &scope).await? {
                    Some(history) => history.latest_of(commit).await?,
                    None => None,
                }
            };
            if let Some(found) = found {
                latest = latest.max(Some((found, scope.pipeline, scope.repository)));
            }
        }
        Ok(latest.map(execution))
    }

    /// The deployment that an execution was, from any of the repositories, if it was one before a
    /// time.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn deployment_of(
        &self,
        id: &ExecutionId,
        repositories: impl IntoIterator<Item = &Repository>,
        before: DateTime<Utc>,
    ) -> Result<Option<(Execution, Repository)>, Error> {
        for scope in self.scopes(repositories).await? {
            if let Some(history) = self.within(EVER..before, &scope).await?
                && history.deployment_of(id).await?.is_some()
            {
                return Ok(Some((scope.pipeline.execution(id.clone()), scope.repository)));
            }
        }
        Ok(None)
    }

    /// The deployments of a repository in a period, as their own events will tell of them.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn deployments(
        &self,
        repository: &Repository,
        period: Range<DateTime<Utc>>,
    ) -> Result<Vec<Deployment>, Error> {
        let mut found = Vec::new();
        for scope in self.scopes([repository]).await? {
            if let Some(history) = self.within(period.clone(), &scope).await? {
                let past = history.all().await?;
                found.extend(past.into_iter().map(|past| past.deployment(&scope)));
            }
        }
        Ok(found)
    }

    /// The rollbacks that undid a deployment and succeeded, first first.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn rollbacks_of(
        &self,
        execution: &Execution,
        repository: &Repository,
    ) -> Result<Vec<PastRollback>, Error> {
        if !self.tooling_accounts.contains(&execution.account) {
            return Ok(Vec::new());
        }
        let scope = self.scope(execution.of(), repository.clone());
        let found = rollbacks_of(execution, &scope, self.codepipeline, self.production).await;
        Ok(unless_deleted(&scope.pipeline, found)?.unwrap_or_default())
    }

    /// What had reached production in a period, unless the pipeline was deleted.
    async fn within(
        &self,
        period: Range<DateTime<Utc>>,
        scope: &Scope,
    ) -> Result<Option<History<'_>>, Error> {
        let history = History::within(period, scope.clone(), self.codepipeline, self.production);
        unless_deleted(&scope.pipeline, history.await)
    }

    async fn scopes(
        &self,
        repositories: impl IntoIterator<Item = &Repository>,
    ) -> Result<Vec<Scope>, Error> {
        let mut pipelines = BTreeSet::new();
        for repository in repositories {
            pipelines.extend(self.ledger.pipelines(&Cause::Repository(repository.clone())).await?);
        }
        pipelines.retain(|(pipeline, _)| self.tooling_accounts.contains(&pipeline.account));
        Ok(pipelines.into_iter().map(|(pipeline, of)| self.scope(pipeline, of)).collect())
    }

    fn scope(&self, pipeline: Pipeline, repository: Repository) -> Scope {
        let rule = self.production.rule(&repository);
        Scope { pipeline, repository, rule, action: None }
    }
}

fn execution(
    (found, pipeline, of): (PastDeployment, Pipeline, Repository),
) -> (Execution, Repository) {
    (pipeline.execution(found.id().clone()), of)
}

fn unless_deleted<T>(pipeline: &Pipeline, result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(Error::Service {
            service: Service::CodePipeline, failure: Failure::NotFound, ..
        }) => {
            info!(pipeline = pipeline.to_string(), "the pipeline was deleted, and its history");
            Ok(None)
        }
        result => result.map(Some),
    }
}
