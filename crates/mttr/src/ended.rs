//! Had something ended an incident before? The first deployment or rollback to do so counts, and
//! CodePipeline's history tells which that was, though its event may come late.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use dora_core::Error;
use dora_core::deployment::Deployment;
use dora_core::history::History;
use dora_core::identity::Execution;
use dora_core::incident::Incident;
use dora_core::ledger::facts::{FailedBy, Known};
use dora_core::repository::Repository;
use dora_core::rollback::PastRollback;

use crate::Mttr;

impl Mttr {
    /// Whether the deployment is the first to end the incident: no rollback of the deployment that
    /// caused it did, nor an earlier deployment.
    pub(crate) async fn is_first_to_end(
        &self,
        deployment: &Deployment,
        incident: &Incident,
        deadline: SystemTime,
    ) -> Result<bool, Error> {
        let history = History::before(deployment, &self.codepipeline, &self.production).await?;
        let (from, to) = (incident.created_at, history.end());
        let cause = self.attribution().cause_of(incident, &deployment.repository).await?;
        if let Some(cause) = cause {
            let rollbacks =
                self.histories().rollbacks_of(&cause.execution, &cause.repository).await?;
            if rollbacks.iter().any(|rollback| from < rollback.at && rollback.at < to) {
                return Ok(false);
            }
        }
        Ok(!self.is_referenced(incident, &deployment.repository, to, deadline).await?)
    }

    /// What rolled a deployment back, first first: as CodePipeline's history has it, or else as the
    /// events told.
    pub(crate) async fn rollbacks(
        &self,
        execution: &Execution,
        known: &Known,
        repository: &Repository,
    ) -> Result<Vec<PastRollback>, Error> {
        let mut found = self.histories().rollbacks_of(execution, repository).await?;
        let told: Vec<_> = known
            .rollbacks()
            .filter(|told| found.iter().all(|rollback| rollback.id != told.id))
            .collect();
        found.extend(told);
        found.sort();
        Ok(found)
    }

    /// The same deployment without the incidents that another deployment ended before a rollback
    /// of this one could.
    pub(crate) async fn still_open(
        &self,
        known: Known,
        repository: &Repository,
        rollbacks: &[PastRollback],
        deadline: SystemTime,
    ) -> Result<Known, Error> {
        let mut open = known.clone();
        for by in &known.failed_by {
            let FailedBy::Incident(created_at, ops_item) = by else { continue };
            let Some(rollback) = rollbacks.iter().find(|it| it.at > *created_at) else { continue };
            let undone_at = known.undone_at(&rollback.id).unwrap_or(rollback.at);
            let recovered_at = self.publication.ledger.recovered_at(ops_item).await?;
            let incident = Incident::named_nothing(ops_item.clone(), *created_at);
            if recovered_at.is_some_and(|recovered_at| recovered_at < undone_at)
                || self.is_referenced(&incident, repository, rollback.at, deadline).await?
            {
                open.failed_by.remove(by);
            }
        }
        Ok(open)
    }

    /// Whether a deployment of the repository references the incident, of those that reached
    /// production between it and a time and were not followed yet. What the others ended is
    /// published.
    async fn is_referenced(
        &self,
        incident: &Incident,
        repository: &Repository,
        until: DateTime<Utc>,
        deadline: SystemTime,
    ) -> Result<bool, Error> {
        let period = incident.created_at..until;
        let earlier = self.histories().deployments(repository, period).await?;
        for deployment in earlier {
            let known = self.publication.ledger.known(&deployment.execution).await?;
            if !known.was_followed
                && self.references(&deployment, deadline).await?.contains(&incident.ops_item.id)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
