//! Which deployment caused an incident? The first rule that applies decides:
//!
//! 1. it names the execution, or the commit that was deployed;
//! 2. it names the repository: its latest deployment before the incident;
//! 3. it names nothing: the latest deployment of any repository before it.
//!
//! For 1 and 2 CodePipeline's own history tells, so it does not matter what has arrived. The third
//! goes by what has.

use chrono::TimeDelta;

use crate::deployment::Deployment;
use crate::env::{ConfigError, Env};
use crate::error::Error;
use crate::histories::Histories;
use crate::identity::Execution;
use crate::incident::{Cause, Incident};
use crate::ledger::facts::{Attributed, AttributedBy, FailedBy, Known};

/// How incidents are attributed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributionRules {
    /// Whether an incident that names nothing stays without a deployment.
    is_explicit: bool,
    /// How far 2 and 3 look back.
    window: TimeDelta,
}

impl AttributionRules {
    /// Reads `ATTRIBUTION` (`all`, or `explicit`) and `ATTRIBUTION_WINDOW_HOURS` (24).
    ///
    /// # Errors
    /// If either is something else.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            is_explicit: env.parsed(
                "ATTRIBUTION",
                "all or explicit",
                "all",
                |text| match text {
                    "all" => Some(false),
                    "explicit" => Some(true),
                    _ => None,
                },
            )?,
            window: TimeDelta::hours(env.number("ATTRIBUTION_WINDOW_HOURS", 1..=720, 24)?),
        })
    }
}

/// What an attribution takes.
#[derive(Debug, Clone, Copy)]
pub struct Attribution<'a> {
    /// Who decides what was in production, and when.
    pub histories: Histories<'a>,
    /// How it is decided.
    pub rules: &'a AttributionRules,
}

impl Attribution<'_> {
    /// Attributes an incident, and marks its deployment as failed. None where no deployment is
    /// known yet: then the incident waits for one.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn settle(&self, incident: &Incident) -> Result<Option<(Execution, Known)>, Error> {
        let ledger = self.histories.ledger;
        let attributed = if let Some(decided) = ledger.attributed(&incident.ops_item).await? {
            decided
        } else {
            ledger.wait(incident).await?;
            match self.find(incident).await? {
                None => return Ok(None),
                Some(found) => ledger.attribute(incident, &found).await?,
            }
        };
        let Attributed { execution, repository, .. } = attributed;
        let by = FailedBy::Incident(incident.created_at, incident.ops_item.clone());
        let known = ledger.mark_failed(&execution, &repository, &by, incident.created_at).await?;
        ledger.stop_waiting(incident).await?;
        Ok(Some((execution, known)))
    }

    /// Attributes the incidents that waited for this deployment; returns the deployments that they
    /// marked, which may be others.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn settle_waiting(
        &self,
        deployment: &Deployment,
    ) -> Result<Vec<(Execution, Known)>, Error> {
        let mut marked = Vec::new();
        for incident in self.histories.ledger.waiting_for(deployment, self.rules.window).await? {
            marked.extend(self.settle(&incident).await?);
        }
        Ok(marked)
    }

    /// The deployment that caused the incident, as it was decided or would be now.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn cause_of(&self, incident: &Incident) -> Result<Option<Attributed>, Error> {
        match self.histories.ledger.attributed(&incident.ops_item).await? {
            Some(decided) => Ok(Some(decided)),
            None => self.find(incident).await,
        }
    }

    /// The deployment that caused the incident, by the first rule that applies.
    async fn find(&self, incident: &Incident) -> Result<Option<Attributed>, Error> {
        let Self { histories, rules } = self;
        let (created_at, window) = (incident.created_at, rules.window);
        let (found, by) = match &incident.cause {
            Cause::Execution(id) => (histories.ledger.deployment(id).await?, AttributedBy::Change),
            Cause::Commit(commit) => {
                let by_commit = histories.ledger.pipelines(&incident.cause).await?;
                let repositories =
                    by_commit.iter().map(|(_, of)| of).chain(incident.repository.as_ref());
                let found = histories.latest_of(commit, repositories, created_at).await?;
                (found, AttributedBy::Change)
            }
            Cause::Repository(repository) => {
                let found = histories.latest(repository, created_at, window).await?;
                (found, AttributedBy::Repository)
            }
            Cause::Unnamed if rules.is_explicit => (None, AttributedBy::Latest),
            Cause::Unnamed => {
                let found = histories.ledger.latest_before(created_at, window).await?;
                (found, AttributedBy::Latest)
            }
        };
        Ok(found.map(|(execution, repository)| Attributed { execution, repository, by }))
    }
}
