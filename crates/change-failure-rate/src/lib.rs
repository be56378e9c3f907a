//! Change failure rate: from deployments, rollbacks and incidents to the changes and the failed ones.
//!
//! DORA counts failed deployments, not incidents: a deployment fails once, however many incidents
//! it causes. So an incident is attributed to a deployment, and marks it.

mod config;

use std::future::ready;
use std::time::SystemTime;

use dora_core::answer::Answer;
use dora_core::attribution::{Attribution, AttributionRules};
use dora_core::codepipeline::{CodePipeline, ExecutionEvent};
use dora_core::deployment::{Arrival, Deployment, Rollback};
use dora_core::envelope::Envelope;
use dora_core::histories::Histories;
use dora_core::identity::{AccountId, Execution};
use dora_core::incident::IncidentRules;
use dora_core::ledger::facts::{FailedBy, Known};
use dora_core::ledger::{Claimed, Subject};
use dora_core::metric::{Evidence, Measured, Measurement, Metric};
use dora_core::opscenter::{self, OpsCenter, OpsItemEvent};
use dora_core::production::Production;
use dora_core::publication::{Publication, within};
use dora_core::rollback::undone;
use dora_core::{Decision, Error, Reason, lookup};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use tracing::info;

/// The function, ready to handle events: clients are built once and kept.
#[derive(Debug)]
pub struct ChangeFailureRate {
    tooling_accounts: Vec<AccountId>,
    production: Production,
    codepipeline: CodePipeline,
    opscenter: OpsCenter,
    incident_rules: IncidentRules,
    attribution_rules: AttributionRules,
    publication: Publication,
}

impl ChangeFailureRate {
    /// Counts what the event tells of: a deployment, a rollback or an incident.
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
        let deadline = context.deadline();
        let answer = match lookup::arrival(&self.codepipeline, &self.production, event).await? {
            Decision::Record(Arrival::Deployment(it)) => self.deployment(&it, deadline).await?,
            Decision::Record(Arrival::Rollback(it)) => self.rollback(&it, deadline).await?,
            Decision::Ignore(reason) => Answer::Ignored { reason },
        };
        answer.log(&execution);
        Ok(answer)
    }

    async fn deployment(
        &self,
        deployment: &Deployment,
        deadline: SystemTime,
    ) -> Result<Answer, Error> {
        let subject = Subject::entering(deployment);
        let Claimed { claim, known, is_awaited } =
            self.publication.claim(&subject, &[Metric::Changes], deadline).await?;
        let attribution = self.attribution();
        let marked = attribution.settle_waiting(deployment, known, is_awaited);
        let marked = within(deadline, subject.name(), marked).await;
        let (mut answer, marked) = match claim {
            None => (Answer::Duplicate, marked?),
            Some(claim) => {
                let (at, repository) = (deployment.at, Some(deployment.repository.clone()));
                let change = one(Measurement::one(Metric::Changes, at, repository));
                let counted = marked.map(|marked| (change, marked));
                let (answer, known, mut marked) =
                    self.publication.fulfil(claim, counted, deadline).await?;
                marked.insert(deployment.execution.clone(), known);
                (answer, marked)
            }
        };
        for (execution, known) in marked {
            if let Some(failed) = self.failed_change(&execution, &known, deadline).await? {
                answer = answer.and(failed);
            }
        }
        Ok(answer)
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
        Ok(self.failed_change(&execution, &known, deadline).await?.unwrap_or(ignored))
    }

    async fn incident(&self, event: OpsItemEvent, context: &Context) -> Result<Answer, Error> {
        let deadline = context.deadline();
        let own = opscenter::client::own_account(&context.invoked_function_arn)?;
        let ignored = |reason| {
            let answer = Answer::Ignored { reason };
            answer.log_ops_item(&event.ops_item);
            answer
        };
        let Some((incident, kind)) = self.opscenter.of_event(&event, &own).await? else {
            return Ok(ignored(Reason::OpsItemDeleted));
        };
        if !self.incident_rules.cover(&kind) {
            return Ok(ignored(Reason::NotAnIncident));
        }
        let attributed = self.attribution().settle(&incident).await?;
        if attributed.is_none() {
            info!(ops_item_id = incident.ops_item.id.as_str(), "unattributed");
        }
        let of_deployment = attributed.as_ref().and_then(|(_, known)| known.repository.clone());
        let repository = match (incident.repository.clone(), of_deployment) {
            // As CodePipeline spells it: people may write it in another case.
            (Some(named), Some(deployed)) if named.is_same_as(&deployed) => Some(deployed),
            (named, deployed) => named.or(deployed),
        };
        let subject = Subject::incident(&incident);
        let counted = Measurement::one(Metric::Incidents, incident.created_at, repository);
        let counted = ready(Ok(one(counted)));
        let mut answer =
            self.publication.publish(&subject, &[Metric::Incidents], deadline, counted).await?;
        if let Some((execution, known)) = attributed
            && let Some(failed) = self.failed_change(&execution, &known, deadline).await?
        {
            answer = answer.and(failed);
        }
        answer.log_ops_item(&event.ops_item);
        Ok(answer)
    }

    /// Publishes that a deployment failed, once it is counted as a change: of all changes, no more
    /// than all can have failed.
    async fn failed_change(
        &self,
        execution: &Execution,
        known: &Known,
        deadline: SystemTime,
    ) -> Result<Option<Answer>, Error> {
        let has_failed = known.is_counted && !known.failed_by.is_empty();
        let Some(at) = known.deployed_at.filter(|_| has_failed && !known.failure_is_counted) else {
            return Ok(None);
        };
        let failed = Measurement::one(Metric::FailedChanges, at, known.repository.clone());
        let failed = ready(Ok(one(failed)));
        let subject = Subject::execution(execution);
        let answer =
            self.publication.publish(&subject, &[Metric::FailedChanges], deadline, failed).await?;
        Ok(Some(answer))
    }

    fn attribution(&self) -> Attribution<'_> {
        let histories = Histories {
            ledger: &self.publication.ledger,
            codepipeline: &self.codepipeline,
            tooling_accounts: &self.tooling_accounts,
            production: &self.production,
        };
        Attribution { histories, rules: &self.attribution_rules }
    }
}

fn one(measurement: Measurement) -> Decision<Measured> {
    Decision::Record(Measured { measurements: vec![measurement], evidence: Evidence::Subject })
}
