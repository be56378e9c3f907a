//! Deployment frequency: from an event of CodePipeline to one more deployment in CloudWatch.

mod config;
mod measure;

use std::time::SystemTime;

use dora_core::answer::Answer;
use dora_core::codepipeline::{CodePipeline, ExecutionEvent};
use dora_core::identity::AccountId;
use dora_core::ledger::Subject;
use dora_core::metric::Metric;
use dora_core::production::Production;
use dora_core::publication::Publication;
use dora_core::{Decision, Error, lookup};
use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;

pub use measure::measure;

const METRICS: &[Metric] = &[Metric::Deployments];

/// The function, ready to handle events: clients are built once and kept.
#[derive(Debug)]
pub struct DeploymentFrequency {
    tooling_accounts: Vec<AccountId>,
    production: Production,
    codepipeline: CodePipeline,
    publication: Publication,
}

impl DeploymentFrequency {
    /// Counts the deployment that the event tells of, if it tells of one.
    ///
    /// The payload is taken raw, so that whatever it is ends as an error of ours.
    ///
    /// # Errors
    /// [`Error`]; Lambda then retries the event, and keeps it in the failure queue at last.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Error> {
        let (payload, context) = event.into_parts();
        let event = match ExecutionEvent::parse(payload.get(), &self.tooling_accounts)? {
            Decision::Record(event) => event,
            Decision::Ignore(reason) => return Ok(Answer::Ignored { reason }),
        };
        let execution = event.execution.clone();
        let answer = self.answer(event, context.deadline()).await?;
        answer.log(&execution);
        Ok(answer)
    }

    async fn answer(&self, event: ExecutionEvent, deadline: SystemTime) -> Result<Answer, Error> {
        match lookup::deployment(&self.codepipeline, &self.production, event).await? {
            Decision::Record(deployment) => {
                let measured = async { Ok(Decision::Record(measure(&deployment))) };
                let subject = Subject::deployment(&deployment);
                self.publication.publish(&subject, METRICS, deadline, measured).await
            }
            Decision::Ignore(reason) => Ok(Answer::Ignored { reason }),
        }
    }
}
