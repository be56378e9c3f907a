//! Recovery and rework: from an incident to the deployment or rollback that ended it.
//!
//! A deployment ends the incidents that it references: in its branch, in the head branch of a pull
//! request that it shipped, in the message of a commit. A rollback ends those that are attributed to
//! what it undid.

mod config;
mod measure;

use std::collections::BTreeSet;
use std::time::SystemTime;

use dora_core::answer::Answer;
use dora_core::attribution::{Attribution, AttributionRules};
use dora_core::codepipeline::{CodePipeline, ExecutionEvent};
use dora_core::deployment::{Arrival, Deployment, Rollback};
use dora_core::envelope::Envelope;
use dora_core::github::GitHub;
use dora_core::history::{History, PastDeployment, Scope};
use dora_core::identity::{AccountId, Execution, OpsItemId};
use dora_core::incident::{Incident, IncidentRules};
use dora_core::ledger::Subject;
use dora_core::ledger::facts::Known;
use dora_core::metric::{Measured, Measurement, Metric};
use dora_core::opscenter::{self, OpsCenter, OpsItemEvent};
use dora_core::production::Production;
use dora_core::publication::{Publication, within};
use dora_core::rollback::{first_after, undone};
use dora_core::shipped::shipped;
use dora_core::{Decision, Error, Reason, lookup};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use tracing::info;

pub use measure::{Recovery, of_rollback};

/// The function, ready to handle events: clients are built once and kept.
#[derive(Debug)]
pub struct Mttr {
    tooling_accounts: Vec<AccountId>,
    production: Production,
    codepipeline: CodePipeline,
    github: GitHub,
    opscenter: OpsCenter,
    incident_rules: IncidentRules,
    attribution_rules: AttributionRules,
    publication: Publication,
}

impl Mttr {
    /// Measures the recoveries that the event brings about: that of a deployment, a rollback, or an
    /// incident that had been ended before it was heard of.
    ///
    /// The payload is taken raw, so that whatever it is ends as an error of ours.
    ///
    /// # Errors
    /// [`Error`]; Lambda then retries the event, and keeps it in the failure queue at last.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Error> {
        let (payload, context) = event.into_parts();
        let envelope = Envelope::parse(payload.get())?;
        if envelope.source == opscenter::event::SOURCE {
            return match OpsItemEvent::read(envelope, self.opscenter.places())? {
                Decision::Record(event) => self.incident(event, &context).await,
                Decision::Ignore(reason) => Ok(Answer::Ignored { reason }),
            };
        }
        let event = match ExecutionEvent::read(envelope, &self.tooling_accounts)? {
            Decision::Record(event) => event,
            Decision::Ignore(reason) => return Ok(Answer::Ignored { reason }),
        };
        let execution = event.execution.clone();
        let answer = match lookup::arrival(&self.codepipeline, &self.production, event).await? {
            Decision::Record(Arrival::Deployment(it)) => self.deployment(&it, &context).await?,
            Decision::Record(Arrival::Rollback(it)) => {
                self.rollback(&it, context.deadline()).await?
            }
            Decision::Ignore(reason) => Answer::Ignored { reason },
        };
        answer.log(&execution);
        Ok(answer)
    }

    async fn deployment(
        &self,
        deployment: &Deployment,
        context: &Context,
    ) -> Result<Answer, Error> {
        let deadline = context.deadline();
        let ledger = &self.publication.ledger;
        ledger.enter(deployment).await?;
        let answer = if ledger.known(&deployment.execution).await?.was_followed {
            Answer::Duplicate
        } else {
            self.follow(deployment, context).await?
        };
        self.attribution().settle_waiting(deployment).await?;
        let known = ledger.known(&deployment.execution).await?;
        self.recoveries(&deployment.execution, &known, answer, deadline).await
    }

    /// Publishes what the deployment's references come to. Each recovery has a claim of its own, and
    /// the deployment's comes last: once it is settled, all of them are.
    async fn follow(&self, deployment: &Deployment, context: &Context) -> Result<Answer, Error> {
        let deadline = context.deadline();
        let own = opscenter::client::own_account(&context.invoked_function_arn)?;
        let subject = Subject::deployment(deployment);
        let resolved = self.resolved(deployment, &own, deadline);
        let resolved = within(deadline, subject.name(), resolved).await?;
        let mut recovered = None;
        for (incident, is_first) in &resolved {
            if *is_first {
                let repository = Some(deployment.repository.clone());
                let recovery = Recovery::of(incident, deployment.at, repository);
                recovered = Some(and(recovered, self.publish(recovery, deadline).await?));
            }
        }
        let rework = if resolved.is_empty() {
            Decision::Ignore(Reason::NoOpsItemReferenced)
        } else {
            let (at, repository) = (deployment.at, Some(deployment.repository.clone()));
            let rework = Measurement::one(Metric::ReworkDeployments, at, repository);
            Decision::Record(Measured { measurements: vec![rework], shipped: None })
        };
        let (metrics, rework) = (&[Metric::ReworkDeployments], async { Ok(rework) });
        let answer = self.publication.publish(&subject, metrics, deadline, rework).await?;
        Ok(and(recovered, answer))
    }

    async fn rollback(&self, rollback: &Rollback, deadline: SystemTime) -> Result<Answer, Error> {
        let ignored = Answer::Ignored { reason: Reason::Rollback };
        let Some(undone) = undone(rollback, &self.codepipeline, &self.production).await? else {
            return Ok(ignored);
        };
        let execution = rollback.execution.of().execution(undone.id().clone());
        let by = &rollback.execution.id;
        let known = self.publication.ledger.mark_undone(&execution, by, rollback.at).await?;
        self.recoveries(&execution, &known, ignored, deadline).await
    }

    async fn incident(&self, event: OpsItemEvent, context: &Context) -> Result<Answer, Error> {
        let own = opscenter::client::own_account(&context.invoked_function_arn)?;
        let answer = match self.opscenter.of_event(&event, &own).await? {
            None => Answer::Ignored { reason: Reason::OpsItemDeleted },
            Some((_, kind)) if !self.incident_rules.cover(&kind) => {
                Answer::Ignored { reason: Reason::NotAnIncident }
            }
            Some((incident, _)) => {
                let open = Answer::Ignored { reason: Reason::NotRecovered };
                match self.attribution().settle(&incident).await? {
                    None => open,
                    Some((execution, known)) => {
                        self.recoveries(&execution, &known, open, context.deadline()).await?
                    }
                }
            }
        };
        answer.log_ops_item(&event.ops_item);
        Ok(answer)
    }

    /// Publishes what the rollback of a deployment ended, if one undid it, on top of `answer`.
    async fn recoveries(
        &self,
        execution: &Execution,
        known: &Known,
        mut answer: Answer,
        deadline: SystemTime,
    ) -> Result<Answer, Error> {
        for recovery in of_rollback(execution, known) {
            answer = answer.and(self.publish(recovery, deadline).await?);
        }
        Ok(answer)
    }

    async fn publish(&self, recovery: Recovery, deadline: SystemTime) -> Result<Answer, Error> {
        let measured = Measured { measurements: vec![recovery.measurement], shipped: None };
        let measure = async { Ok(Decision::Record(measured)) };
        let metrics = &[Metric::TimeToRecovery];
        self.publication.publish(&recovery.subject, metrics, deadline, measure).await
    }

    /// The incidents that the deployment was made to end: those that it references, that exist, and
    /// that were there before it; and of each whether nothing had ended it before.
    async fn resolved(
        &self,
        deployment: &Deployment,
        own: &AccountId,
        deadline: SystemTime,
    ) -> Result<Vec<(Incident, bool)>, Error> {
        let mut incidents = Vec::new();
        for id in self.references(deployment, deadline).await? {
            match self.opscenter.find(&id, own).await? {
                Some((incident, kind))
                    if self.incident_rules.cover(&kind) && incident.created_at <= deployment.at =>
                {
                    let is_first = self.is_first_to_end(deployment, &incident, deadline).await?;
                    incidents.push((incident, is_first));
                }
                found => info!(
                    ops_item_id = id.as_str(),
                    exists = found.is_some(),
                    "referenced, but no incident from before the deployment"
                ),
            }
        }
        Ok(incidents)
    }

    async fn references(
        &self,
        deployment: &Deployment,
        deadline: SystemTime,
    ) -> Result<BTreeSet<OpsItemId>, Error> {
        let mut found = OpsItemId::all_in(deployment.branch.as_deref().unwrap_or_default());
        if deployment.is_on_github() {
            let Self { codepipeline, production, github, .. } = self;
            let shipped = shipped(deployment, codepipeline, production, github, deadline).await?;
            found.extend(shipped.ops_items);
        } else {
            found.extend(deployment.ops_items.iter().cloned());
        }
        Ok(found)
    }

    /// Whether nothing ended the incident before this deployment did: no rollback of the deployment
    /// that caused it, and no earlier deployment that references it, though its event may come late.
    async fn is_first_to_end(
        &self,
        deployment: &Deployment,
        incident: &Incident,
        deadline: SystemTime,
    ) -> Result<bool, Error> {
        if let Some((cause, _)) = self.attribution().find(incident).await?
            && let Some(rolled_back_at) = first_after(&cause, &self.codepipeline).await?
            && rolled_back_at > incident.created_at
            && rolled_back_at < deployment.at
        {
            return Ok(false);
        }
        let history = History::before(deployment, &self.codepipeline, &self.production).await?;
        for earlier in history.since(incident.created_at).await? {
            let earlier = past(deployment, &earlier);
            let known = self.publication.ledger.known(&earlier.execution).await?;
            if !known.was_followed
                && self.references(&earlier, deadline).await?.contains(&incident.ops_item.id)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn attribution(&self) -> Attribution<'_> {
        Attribution {
            ledger: &self.publication.ledger,
            codepipeline: &self.codepipeline,
            production: &self.production,
            rules: &self.attribution_rules,
        }
    }
}

/// An earlier deployment of the same pipeline, as its own event will tell of it.
fn past(deployment: &Deployment, earlier: &PastDeployment) -> Deployment {
    Deployment {
        execution: Scope::of(deployment).pipeline.execution(earlier.id().clone()),
        at: earlier.at(),
        branch: earlier.branch.clone(),
        commit: Some(earlier.commit.as_str().to_owned()),
        ..deployment.clone()
    }
}

fn and(first: Option<Answer>, second: Answer) -> Answer {
    match first {
        None => second,
        Some(first) => first.and(second),
    }
}
