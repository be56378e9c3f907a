//! Which commits did a deployment ship? The order of the questions; the rules are in
//! [`resolve`](super::resolve).

use std::time::SystemTime;

use super::client::GitHub;
use super::resolve::{Known, Resolution, resolve};
use crate::commit::{CommitId, Shipped};
use crate::error::Error;
use crate::repository::Repository;

impl GitHub {
    /// The commits that `head` brought to production, where `since` was before; where nothing was,
    /// the commit `head` alone or what it stands for.
    ///
    /// # Errors
    /// [`Error::GitHub`] as GitHub fails; [`Error::Service`] if the token cannot be read.
    pub async fn shipped(
        &self,
        repository: &Repository,
        since: Option<CommitId>,
        head: &CommitId,
        deadline: SystemTime,
    ) -> Result<Shipped, Error> {
        let range: Vec<CommitId> = match &since {
            None => vec![head.clone()],
            Some(since) => {
                let range = self.range(repository, since, head, deadline).await?;
                range.into_iter().map(|(id, _)| id).collect()
            }
        };
        let mut known = Known::default();
        self.learn_commits(repository, &range, &mut known, deadline).await?;
        loop {
            match resolve(&known, &range) {
                Resolution::Need(numbers) => {
                    self.learn_own_commits(repository, numbers, &mut known, deadline).await?;
                }
                Resolution::Shipped(commits, _) => return Ok(Shipped { since, commits }),
            }
        }
    }
}
