//! Recovery and rework: from an incident to the deployment or rollback that ended it.
//!
//! A deployment ends the incidents that it references: in its branch, in the head branch of a pull
//! request that it shipped, in the message of a commit. A rollback ends those that are attributed to
//! what it undid.

mod config;
mod ended;
mod measure;

use std::collections::BTreeSet;
use std::time::SystemTime;

use dora_core::answer::Answer;
use dora_core::attribution::{Attribution, AttributionRules};
use dora_core::codepipeline::{CodePipeline, ExecutionEvent};
use dora_core::deployment::{Arrival, Deployment, Rollback};
use dora_core::envelope::Envelope;
use dora_core::github::GitHub;
use dora_core::histories::Histories;
use dora_core::identity::{AccountId, Execution, OpsItemId};
use dora_core::incident::{Incident, IncidentRules};
use dora_core::ledger::facts::{FailedBy, Known};
use dora_core::ledger::{Claimed, Subject};
use dora_core::metric::{Evidence, Measured, Measurement, Metric};
use dora_core::opscenter::{self, OpsCenter, OpsItemEvent};
use dora_core::production::Production;
use dora_core::publication::{Publication, within};
use dora_core::rollback::undone;
use dora_core::shipped::shipped;
use dora_core::{Decision, Error, Reason, lookup};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use tracing::info;

pub use measure::{Recovery, of_rollbacks, recovery_of};

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
        let subject = Subject::entering(deployment);
        let Claimed { claim, known, is_awaited } =
            self.publication.claim(&subject, &[Metric::ReworkDeployments], deadline).await?;
        let attribution = self.attribution();
        let marked = attribution.settle_waiting(deployment, known, is_awaited);
        let marked = within(deadline, subject.name(), marked).await;
        let (mut answer, marked) = match claim {
            None => (Answer::Duplicate, marked?),
            Some(claim) => {
                let followed = match marked {
                    Ok(marked) => {
                        let followed = self.follow(deployment, context).await;
                        followed.map(|(rework, recovered)| (rework, (recovered, marked)))
                    }
                    Err(error) => Err(error),
                };
                let (answer, known, (recovered, mut marked)) =
                    self.publication.fulfil(claim, followed, deadline).await?;
                marked.insert(deployment.execution.clone(), known);
                (and(recovered, answer), marked)
            }
        };
        for (execution, known) in marked {
            answer = self.recoveries(&execution, known, answer, deadline).await?;
        }
        Ok(answer)
    }

    /// Publishes the recoveries that the deployment's references come to, each under a claim of its
    /// own, and says whether it is rework. That is settled last: then all recoveries are, too.
    async fn follow(
        &self,
        deployment: &Deployment,
        context: &Context,
    ) -> Result<(Decision<Measured>, Option<Answer>), Error> {
        let deadline = context.deadline();
        let own = opscenter::client::own_account(&context.invoked_function_arn)?;
        let resolved = self.resolved(deployment, &own, deadline);
        let resolved = within(deadline, &deployment.execution.to_string(), resolved).await?;
        let mut recovered = None;
        for (incident, is_first) in &resolved {
            if *is_first {
                let repository = Some(deployment.repository.clone());
                let ended_by = deployment.execution.clone();
                let recovery = Recovery::of(incident, ended_by, deployment.at, repository);
                recovered = Some(and(recovered, self.publish(recovery, deadline).await?));
            }
        }
        if resolved.is_empty() {
            return Ok((Decision::Ignore(Reason::NoOpsItemReferenced), None));
        }
        let (at, repository) = (deployment.at, Some(deployment.repository.clone()));
        let rework = Measurement::one(Metric::ReworkDeployments, at, repository);
        let references = resolved.into_iter().map(|(incident, _)| incident.ops_item).collect();
        let evidence = Evidence::References(references);
        let rework = Measured { measurements: vec![rework], evidence };
        Ok((Decision::Record(rework), recovered))
    }

    async fn rollback(&self, rollback: &Rollback, deadline: SystemTime) -> Result<Answer, Error> {
        let ignored = Answer::Ignored { reason: Reason::Rollback };
        let Some(undone) = undone(rollback, &self.codepipeline, &self.production).await? else {
            return Ok(ignored);
        };
        let execution = rollback.execution.of().execution(undone.id().clone());
        let by = FailedBy::Rollback(rollback.at, rollback.execution.id.clone());
        let (ledger, repository) = (&self.publication.ledger, &rollback.repository);
        let known = ledger.mark_failed(&execution, repository, &by, rollback.at).await?;
        self.recoveries(&execution, known, ignored, deadline).await
    }

    async fn incident(&self, event: OpsItemEvent, context: &Context) -> Result<Answer, Error> {
        let own = opscenter::client::own_account(&context.invoked_function_arn)?;
        let answer = match self.opscenter.of_event(&event, &own).await? {
            None => Answer::Ignored { reason: Reason::OpsItemDeleted },
            Some((_, kind)) if !self.incident_rules.cover(&kind) => {
                Answer::Ignored { reason: Reason::NotAnIncident }
            }
            Some((incident, _)) => {
                let mut answer = Answer::Ignored { reason: Reason::NotRecovered };
                if let Some((execution, known)) = self.attribution().settle(&incident).await? {
                    let deadline = context.deadline();
                    answer = self.recoveries(&execution, known, answer, deadline).await?;
                }
                let ledger = &self.publication.ledger;
                match answer {
                    Answer::Published { .. } => answer,
                    _ if ledger.recovered_at(&incident.ops_item).await?.is_some() => {
                        Answer::Duplicate
                    }
                    _ => Answer::Ignored { reason: Reason::NotRecovered },
                }
            }
        };
        answer.log_ops_item(&event.ops_item);
        Ok(answer)
    }

    /// Publishes what the rollbacks of a deployment ended, if any undid it, on top of `answer`.
    async fn recoveries(
        &self,
        execution: &Execution,
        known: Known,
        mut answer: Answer,
        deadline: SystemTime,
    ) -> Result<Answer, Error> {
        let Some(repository) = known.repository.clone() else { return Ok(answer) };
        // Not before the incidents that waited for it are settled, as they are when it was followed.
        if !known.was_followed || known.rollbacks().next().is_none() {
            return Ok(answer);
        }
        let rollbacks = self.rollbacks(execution, &known, &repository).await?;
        let mut open = self.still_open(known, &repository, &rollbacks, deadline).await?;
        if let Some(of) = recovery_of(&open, &rollbacks) {
            let known = self.publication.ledger.decide_recovery(execution, of).await?;
            open = self.still_open(known, &repository, &rollbacks, deadline).await?;
        }
        for recovery in of_rollbacks(execution, &open, &rollbacks) {
            answer = answer.and(self.publish(recovery, deadline).await?);
        }
        Ok(answer)
    }

    async fn publish(&self, recovery: Recovery, deadline: SystemTime) -> Result<Answer, Error> {
        let evidence = Evidence::EndedBy(recovery.ended_by);
        let measured = Measured { measurements: vec![recovery.measurement], evidence };
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

    fn attribution(&self) -> Attribution<'_> {
        Attribution { histories: self.histories(), rules: &self.attribution_rules }
    }

    fn histories(&self) -> Histories<'_> {
        Histories {
            ledger: &self.publication.ledger,
            codepipeline: &self.codepipeline,
            tooling_accounts: &self.tooling_accounts,
            production: &self.production,
        }
    }
}

fn and(first: Option<Answer>, second: Answer) -> Answer {
    match first {
        None => second,
        Some(first) => first.and(second),
    }
}
