//! Lead time for changes: from a deployment to the time that its commits took to get there.

mod config;
mod measure;

use std::time::SystemTime;

use dora_core::answer::Answer;
use dora_core::codepipeline::{CodePipeline, ExecutionEvent};
use dora_core::commit::Shipped;
use dora_core::deployment::Deployment;
use dora_core::github::{GitHub, Known, Question, Span};
use dora_core::history::History;
use dora_core::identity::AccountId;
use dora_core::metric::{Measured, Metric};
use dora_core::production::Production;
use dora_core::publication::Publication;
use dora_core::{Decision, Error, Reason, lookup};
use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use tracing::warn;

pub use measure::{measure, skewed};

const METRICS: &[Metric] = &[Metric::LeadTimeForChanges, Metric::CommitLeadTime];

/// The function, ready to handle events: clients are built once and kept.
#[derive(Debug)]
pub struct LeadTime {
    tooling_accounts: Vec<AccountId>,
    production: Production,
    codepipeline: CodePipeline,
    github: GitHub,
    publication: Publication,
}

impl LeadTime {
    /// Measures the deployment that the event tells of, if it tells of one.
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
            Decision::Record(deployment) if deployment.is_on_github() => {
                let measured = self.measured(&deployment, deadline);
                self.publication.publish(&deployment, METRICS, deadline, measured).await
            }
            Decision::Record(_) => Ok(Answer::Ignored { reason: Reason::UnsupportedSource }),
            Decision::Ignore(reason) => Ok(Answer::Ignored { reason }),
        }
    }

    async fn measured(
        &self,
        deployment: &Deployment,
        deadline: SystemTime,
    ) -> Result<Decision<Measured>, Error> {
        let shipped = self.shipped(deployment, deadline).await?;
        for commit in skewed(deployment, &shipped) {
            warn!(
                repository = deployment.repository.as_str(),
                commit = commit.id.as_str(),
                authored_at = %commit.authored_at,
                "left out: dated after the deployment"
            );
        }
        Ok(measure(deployment, shipped))
    }

    /// What the deployment brought to production for the first time.
    async fn shipped(
        &self,
        deployment: &Deployment,
        deadline: SystemTime,
    ) -> Result<Shipped, Error> {
        let Deployment { repository, branch, .. } = deployment;
        let head = lookup::commit(deployment)?;
        let history = History::before(deployment, &self.codepipeline, &self.production).await?;
        let since = history.commit_before().cloned();
        let new = match &since {
            None => Vec::new(),
            Some(since) => {
                let range = self.github.range(repository, since, &head, deadline).await?;
                history.first_time(range).await?.ids()
            }
        };
        let span = if since.is_some() { Span::Since(&new) } else { Span::First(&head) };
        let question = Question { span, branch: branch.as_deref(), before: &[] };
        let mut known = Known::default();
        self.github.shipped(repository, question, &mut known, deadline).await?;
        let before = history.deployed_among(known.own_commits()).await?;
        let question = Question { before: &before, ..question };
        let commits = self.github.shipped(repository, question, &mut known, deadline).await?;
        Ok(Shipped { since, commits })
    }
}
