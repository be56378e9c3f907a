//! Which commits did a deployment ship? Here is the order of the questions; the rules are in
//! [`resolve`](super::resolve).

use std::time::SystemTime;

use super::client::GitHub;
use super::resolve::{Found, Known, Question};
use crate::commit::CommitId;
use crate::error::Error;
use crate::repository::Repository;

impl GitHub {
    /// What the deployment shipped, its commits oldest first. What is not `known` yet is learnt.
    ///
    /// # Errors
    /// [`Error::GitHub`] as GitHub fails; [`Error::Service`] if the token cannot be read.
    pub async fn shipped(
        &self,
        repository: &Repository,
        question: Question<'_>,
        known: &mut Known,
        deadline: SystemTime,
    ) -> Result<Found, Error> {
        let is_unknown = |id: &&CommitId| !known.commits.contains_key(*id);
        let unknown: Vec<_> = question.span.commits().iter().filter(is_unknown).cloned().collect();
        self.learn_commits(repository, &unknown, known, deadline).await?;
        loop {
            match known.shipped(question) {
                Ok(found) => return Ok(found),
                Err(numbers) => {
                    self.learn_own_commits(repository, numbers, known, deadline).await?;
                }
            }
        }
    }
}
