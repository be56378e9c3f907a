//! What must be known of a repository to say which commits a deployment shipped. Here is the order
//! of the questions; the rules are in [`resolve`](super::resolve).

use std::time::SystemTime;

use super::client::GitHub;
use super::resolve::{Known, Question};
use crate::error::Error;
use crate::repository::Repository;

impl GitHub {
    /// Learns all that the question takes.
    ///
    /// # Errors
    /// [`Error::GitHub`] as GitHub fails; [`Error::Service`] if the token cannot be read.
    pub async fn learn(
        &self,
        repository: &Repository,
        question: Question<'_>,
        deadline: SystemTime,
    ) -> Result<Known, Error> {
        let mut known = Known::default();
        self.learn_commits(repository, question.span.commits(), &mut known, deadline).await?;
        while let Err(numbers) = known.shipped(question) {
            self.learn_own_commits(repository, numbers, &mut known, deadline).await?;
        }
        Ok(known)
    }
}
