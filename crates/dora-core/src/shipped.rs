//! What a deployment brought to production for the first time: between CodePipeline's history, which
//! tells what was there before, and GitHub, which tells what lies between.

use std::time::SystemTime;

use crate::codepipeline::CodePipeline;
use crate::commit::Shipped;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::github::{GitHub, Known, Question, Span};
use crate::history::History;
use crate::lookup;
use crate::production::Production;

/// What the deployment shipped. The repository must be on GitHub.
///
/// # Errors
/// [`Error`] as CodePipeline or GitHub fails.
pub async fn shipped(
    deployment: &Deployment,
    codepipeline: &CodePipeline,
    production: &Production,
    github: &GitHub,
    deadline: SystemTime,
) -> Result<Shipped, Error> {
    let Deployment { repository, branch, .. } = deployment;
    let head = lookup::commit(deployment)?;
    let history = History::before(deployment, codepipeline, production).await?;
    let since = history.latest().map(|deployment| deployment.commit.clone());
    let new = match &since {
        None => Vec::new(),
        Some(since) => {
            let range = github.range(repository, since, &head, deadline).await?;
            history.first_time(range).await?.ids()
        }
    };
    let span = if since.is_some() { Span::Since(&new) } else { Span::First(&head) };
    let question = Question { span, branch: branch.as_deref(), before: &[] };
    let mut known = Known::default();
    github.shipped(repository, question, &mut known, deadline).await?;
    let before = history.deployed_among(known.own_commits()).await?;
    let question = Question { before: &before, ..question };
    let found = github.shipped(repository, question, &mut known, deadline).await?;
    Ok(Shipped { since, commits: found.commits, ops_items: found.ops_items })
}
