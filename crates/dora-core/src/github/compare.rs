//! The commits between two deployments, by REST: GraphQL compares from branches and tags only.
//!
//! Source: "Compare two commits" in GitHub's REST API reference.

use std::time::SystemTime;

use serde::Deserialize;

use super::client::GitHub;
use crate::commit::{CommitId, Range};
use crate::error::{Error, GitHubFailure};
use crate::repository::Repository;

const PAGE: usize = 100;

#[derive(Deserialize)]
struct Comparison {
    total_commits: usize,
    commits: Vec<Listed>,
}

/// Authors' names and addresses are in the answer too, and are not even read.
#[derive(Deserialize)]
struct Listed {
    sha: String,
    parents: Vec<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    sha: String,
}

impl GitHub {
    /// The commits that `head` has and `base` has not, all pages, oldest first. None where `head`
    /// is `base` or an ancestor of it.
    ///
    /// # Errors
    /// [`Error::GitHub`] as GitHub fails; [`Error::Service`] if the token cannot be read.
    pub async fn range(
        &self,
        repository: &Repository,
        base: &CommitId,
        head: &CommitId,
        deadline: SystemTime,
    ) -> Result<Range, Error> {
        let path = format!("compare/{base}...{head}");
        let mut range = Range::default();
        for page in 1.. {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let answer: Comparison = self.get(repository, &path, &query, deadline).await?;
            let is_last = answer.commits.len() < PAGE;
            for listed in answer.commits {
                range.0.push(listed.ids().ok_or_else(|| incomplete(repository, "a commit's id"))?);
            }
            if range.0.len() == answer.total_commits {
                break;
            }
            if is_last || range.0.len() > answer.total_commits {
                let found = format!("{} of {} commits", range.0.len(), answer.total_commits);
                return Err(incomplete(repository, &found));
            }
        }
        Ok(range)
    }
}

impl Listed {
    fn ids(self) -> Option<(CommitId, Vec<CommitId>)> {
        let parents = self.parents.iter().map(|parent| CommitId::parse(&parent.sha));
        Some((CommitId::parse(&self.sha)?, parents.collect::<Option<_>>()?))
    }
}

fn incomplete(repository: &Repository, what: &str) -> Error {
    Error::GitHub {
        failure: GitHubFailure::UnexpectedAnswer,
        repository: repository.to_string(),
        detail: format!("the comparison is incomplete: {what}"),
    }
}
