//! Which commits did a deployment ship? The order of the questions; the rules are in
//! [`resolve`](super::resolve).

use std::time::SystemTime;

use super::client::GitHub;
use super::resolve::{Known, Resolution, Span, resolve};
use crate::commit::Commit;
use crate::error::Error;
use crate::repository::Repository;

impl GitHub {
    /// What a deployment of this span brought to production, where merges that hide commits are
    /// resolved to what they hide.
    ///
    /// # Errors
    /// [`Error::GitHub`] as GitHub fails; [`Error::Service`] if the token cannot be read.
    pub async fn shipped(
        &self,
        repository: &Repository,
        span: Span<'_>,
        deadline: SystemTime,
    ) -> Result<Vec<Commit>, Error> {
        let mut known = Known::default();
        self.learn_commits(repository, span.commits(), &mut known, deadline).await?;
        loop {
            match resolve(&known, span) {
                Resolution::Need(numbers) => {
                    self.learn_own_commits(repository, numbers, &mut known, deadline).await?;
                }
                Resolution::Shipped(commits) => return Ok(commits),
            }
        }
    }
}
