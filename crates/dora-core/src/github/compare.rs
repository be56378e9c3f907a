//! The commits between two deployments, by REST: GraphQL compares from branches and tags only.
//!
//! Source: "Compare two commits" in GitHub's REST API reference.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::client::GitHub;
use super::resolve::CommitNode;
use crate::commit::CommitId;
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
    commit: Details,
    parents: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Details {
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    date: Option<DateTime<Utc>>,
}

impl GitHub {
    /// The commits that `head` has and `base` has not, all pages, oldest first. None where `head`
    /// is `base` or an ancestor of it.
    pub(super) async fn range(
        &self,
        repository: &Repository,
        base: &CommitId,
        head: &CommitId,
        deadline: SystemTime,
    ) -> Result<Vec<(CommitId, CommitNode)>, Error> {
        let path = format!("compare/{base}...{head}");
        let mut commits = Vec::new();
        loop {
            let page = commits.len() / PAGE + 1;
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let answer: Comparison = self.get(repository, &path, &query, deadline).await?;
            let is_last = answer.commits.len() < PAGE;
            for listed in answer.commits {
                commits.push(listed.node().ok_or_else(|| incomplete(repository, "a commit's id"))?);
            }
            if commits.len() == answer.total_commits {
                return Ok(commits);
            }
            if is_last || commits.len() > answer.total_commits {
                let found = format!("{} of {} commits", commits.len(), answer.total_commits);
                return Err(incomplete(repository, &found));
            }
        }
    }
}

impl Listed {
    fn node(self) -> Option<(CommitId, CommitNode)> {
        let authored_at = self.commit.author.and_then(|author| author.date);
        let node =
            CommitNode { authored_at, parents: self.parents.len(), pull_requests: Vec::new() };
        Some((CommitId::parse(&self.sha)?, node))
    }
}

fn incomplete(repository: &Repository, what: &str) -> Error {
    Error::GitHub {
        failure: GitHubFailure::UnexpectedAnswer,
        repository: repository.to_string(),
        detail: format!("the comparison is incomplete: {what}"),
    }
}
