//! Which deployment caused an incident? The first rule that applies decides:
//!
//! 1. it names the execution, or the commit that was deployed;
//! 2. it names the repository: its latest deployment before the incident;
//! 3. it names nothing: the latest deployment of any repository before it.
//!
//! For 1 and 2 CodePipeline's own history tells, so it does not matter what has arrived. The third
//! goes by what has.

use chrono::TimeDelta;

use crate::codepipeline::CodePipeline;
use crate::deployment::Deployment;
use crate::env::{ConfigError, Env};
use crate::error::Error;
use crate::history::{History, PastDeployment, Scope};
use crate::identity::Execution;
use crate::incident::{Cause, Incident};
use crate::ledger::Ledger;
use crate::ledger::facts::{AttributedBy, FailedBy, Known};
use crate::production::Production;

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
    /// Where deployments and incidents meet.
    pub ledger: &'a Ledger,
    /// Whose history decides.
    pub codepipeline: &'a CodePipeline,
    /// What a deployment is.
    pub production: &'a Production,
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
        let decided = self.ledger.attributed(&incident.ops_item).await?;
        let execution = if let Some(decided) = decided {
            decided
        } else {
            self.ledger.wait(incident).await?;
            match self.find(incident).await? {
                None => return Ok(None),
                Some((found, rule)) => self.ledger.attribute(incident, &found, rule).await?,
            }
        };
        let by = FailedBy::Incident(incident.ops_item.clone(), incident.created_at);
        let known = self.ledger.mark_failed(&execution, &by, incident.created_at).await?;
        self.ledger.stop_waiting(incident).await?;
        Ok(Some((execution, known)))
    }

    /// Attributes the incidents that waited for this deployment.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn settle_waiting(&self, deployment: &Deployment) -> Result<(), Error> {
        for incident in self.ledger.waiting_for(deployment, self.rules.window).await? {
            self.settle(&incident).await?;
        }
        Ok(())
    }

    /// The deployment that caused the incident, by the first rule that applies.
    ///
    /// # Errors
    /// [`Error::Service`] as the ledger or CodePipeline fails.
    pub async fn find(
        &self,
        incident: &Incident,
    ) -> Result<Option<(Execution, AttributedBy)>, Error> {
        let Incident { created_at, cause, .. } = incident;
        let (found, rule) = match cause {
            Cause::Execution(id) => {
                (self.ledger.executions(id).await?.into_iter().next(), AttributedBy::Change)
            }
            Cause::Commit(_) => (self.in_histories(incident).await?, AttributedBy::Change),
            Cause::Repository(_) => (self.in_histories(incident).await?, AttributedBy::Repository),
            Cause::Unnamed if self.rules.is_explicit => (None, AttributedBy::Latest),
            Cause::Unnamed => (
                self.ledger.latest_before(*created_at, self.rules.window).await?,
                AttributedBy::Latest,
            ),
        };
        Ok(found.map(|execution| (execution, rule)))
    }

    async fn in_histories(&self, incident: &Incident) -> Result<Option<Execution>, Error> {
        let Incident { created_at, cause, .. } = incident;
        let mut latest: Option<(PastDeployment, Execution)> = None;
        for (pipeline, repository) in self.ledger.pipelines(cause).await? {
            let rule = self.production.rule(&repository);
            let scope = Scope { pipeline: pipeline.clone(), repository, rule, action: None };
            let history =
                History::until(*created_at, scope, self.codepipeline, self.production).await?;
            let found = match cause {
                Cause::Commit(commit) => history.latest_of(commit).await?,
                _ => history
                    .latest()
                    .filter(|deployment| deployment.at() >= *created_at - self.rules.window)
                    .cloned(),
            };
            if let Some(found) = found {
                let execution = pipeline.execution(found.id().clone());
                latest = latest.max(Some((found, execution)));
            }
        }
        Ok(latest.map(|(_, execution)| execution))
    }
}
