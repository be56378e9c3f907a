//! Deployment frequency: from an event of CodePipeline to one more deployment in CloudWatch.

mod config;
mod measure;

use std::time::SystemTime;

use dora_core::answer::Answer;
use dora_core::codepipeline::{CodePipeline, ExecutionEvent};
use dora_core::identity::AccountId;
use dora_core::metric::Metric;
use dora_core::production::Production;
use dora_core::publication::Publication;
use dora_core::{Decision, Error, Reason, lookup};
use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use tracing::info;

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
        match ExecutionEvent::parse(payload.get(), &self.tooling_accounts)? {
            Decision::Record(event) => self.count(event, context.deadline()).await,
            Decision::Ignore(reason) => Ok(Answer::Ignored { reason }),
        }
    }

    async fn count(&self, event: ExecutionEvent, deadline: SystemTime) -> Result<Answer, Error> {
        let execution = event.execution.clone();
        let answer = match lookup::deployment(&self.codepipeline, &self.production, event).await? {
            Decision::Record(deployment) => {
                let measured = async { Ok(Decision::Record(measure(&deployment))) };
                self.publication.publish(&deployment, METRICS, deadline, measured).await?
            }
            Decision::Ignore(reason) => Answer::Ignored { reason },
        };
        info!(
            account = execution.account.as_str(),
            region = execution.region.as_str(),
            pipeline = execution.pipeline.as_str(),
            execution_id = execution.id.as_str(),
            outcome = answer.outcome(),
            reason = answer.reason().map(Reason::slug),
            "event handled"
        );
        Ok(answer)
    }
}
