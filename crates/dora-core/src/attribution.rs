//! Which deployment caused an incident? The first rule that applies decides:
//!
//! 1. it names the execution, or the commit that was deployed;
//! 2. it names the repository: its latest deployment before the incident;
//! 3. it names nothing: the latest deployment of any repository before it.
//!
//! For 1 and 2 CodePipeline's own history tells, so it does not matter what has arrived. The third
//! goes by what has.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};

use crate::deployment::Deployment;
use crate::env::{ConfigError, Env};
use crate::error::Error;
use crate::histories::Histories;
use crate::identity::Execution;
use crate::incident::{Cause, Incident};
use crate::ledger::facts::{Attributed, AttributedBy, FailedBy, Known};
use crate::repository::Repository;

/// How soon after a deployment its event is there, unless something is amiss. No incident that names
/// nothing is heard of sooner: one is created only when somebody has noticed the failure.
const PROMPT: TimeDelta = TimeDelta::seconds(10);

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
        let mut attributed = ledger.attributed(&incident.ops_item).await?;
        if attributed.is_none() {
            attributed = self.decide(incident, None).await?;
        }
        if attributed.is_none() {
            ledger.wait(incident).await?;
            if incident.cause == Cause::Unnamed && !self.rules.is_explicit {
                until_all_look(incident).await;
            }
            // A deployment that was entered meanwhile did not know of it.
            attributed = self.decide(incident, None).await?;
        }
        let Some(Attributed { execution, repository, .. }) = attributed else {
            ledger.leave_unattributed(incident).await?;
            return Ok(None);
        };
        let by = FailedBy::Incident(incident.created_at, incident.ops_item.clone());
        let known = ledger.mark_failed(&execution, &repository, &by, incident.created_at).await?;
        Ok(Some((execution, known)))
    }

    /// Attributes the incidents that waited for this deployment, which has been entered; returns the
    /// deployments that they marked, which may be others, and this one, as the ledger knows each by
    /// then. `known` and `is_awaited` are what entering it told.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn settle_waiting(
        &self,
        deployment: &Deployment,
        known: Known,
        is_awaited: bool,
    ) -> Result<BTreeMap<Execution, Known>, Error> {
        let (ledger, window) = (self.histories.ledger, self.rules.window);
        let mut incidents = Vec::new();
        if is_awaited {
            incidents.extend(ledger.waiting_for(deployment, window).await?);
        }
        if Utc::now() - deployment.at > PROMPT && !self.rules.is_explicit {
            incidents.extend(ledger.waiting_unnamed(deployment.at, window).await?);
        }
        let mut marked = BTreeMap::from([(deployment.execution.clone(), known)]);
        for incident in &incidents {
            marked.extend(self.settle(incident).await?);
        }
        Ok(marked)
    }

    /// The deployment that caused the incident, as it was decided before or is now. It is looked for
    /// in a repository too that is concerned, though the incident does not name it.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn cause_of(
        &self,
        incident: &Incident,
        concerned: &Repository,
    ) -> Result<Option<Attributed>, Error> {
        match self.histories.ledger.attributed(&incident.ops_item).await? {
            Some(decided) => Ok(Some(decided)),
            None => self.decide(incident, Some(concerned)).await,
        }
    }

    /// Finds the deployment that caused the incident, and records it: whoever goes by it must find
    /// the same the next time.
    async fn decide(
        &self,
        incident: &Incident,
        concerned: Option<&Repository>,
    ) -> Result<Option<Attributed>, Error> {
        match self.find(incident, concerned).await? {
            Some(found) => Ok(Some(self.histories.ledger.attribute(incident, &found).await?)),
            None => Ok(None),
        }
    }

    /// The deployment that caused the incident, by the first rule that applies.
    async fn find(
        &self,
        incident: &Incident,
        concerned: Option<&Repository>,
    ) -> Result<Option<Attributed>, Error> {
        let Self { histories, rules } = self;
        let created_at = incident.created_at;
        let period = created_at - rules.window..created_at;
        let named = incident.repository.as_ref().into_iter().chain(concerned);
        let (found, by) = match &incident.cause {
            Cause::Execution(id) => {
                let mut found = histories.ledger.deployment(id).await?;
                if found.is_none() {
                    found = histories.deployment_of(id, named, created_at).await?;
                }
                (found, AttributedBy::Change)
            }
            Cause::Commit(commit) => {
                let found = histories.latest_of(commit, named, created_at).await?;
                (found, AttributedBy::Change)
            }
            Cause::Repository(repository) => {
                (histories.latest(repository, period).await?, AttributedBy::Repository)
            }
            Cause::Unnamed if !rules.is_explicit => {
                (histories.ledger.latest_in(period).await?, AttributedBy::Latest)
            }
            Cause::Unnamed | Cause::Unreadable => return Ok(None),
        };
        Ok(found.map(|(execution, repository)| Attributed { execution, repository, by }))
    }
}

/// Waits until every deployment from before an incident either has been entered or will look for
/// incidents that name nothing; a moment longer, since clocks of two invocations differ a little.
async fn until_all_look(incident: &Incident) {
    let all_look = incident.created_at + PROMPT + TimeDelta::seconds(2);
    tokio::time::sleep((all_look - Utc::now()).to_std().unwrap_or_default()).await;
}
