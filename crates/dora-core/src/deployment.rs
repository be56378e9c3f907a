//! The domain: what a production deployment is, apart from any service that tells of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::identity::{Execution, ExecutionId, OpsItemId};
use crate::repository::Repository;

/// A change that reached production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The pipeline execution that shipped it: the deployment's identity.
    pub execution: Execution,
    /// When it reached production: the time of the event that says so.
    pub at: DateTime<Utc>,
    /// The repository that it came from.
    pub repository: Repository,
    /// The branch that ran, where the source names one. Always the main branch under GitFlow.
    pub branch: Option<String>,
    /// The revision that ran, where CodePipeline knows it.
    pub commit: Option<String>,
    /// Where the repository is hosted, in CodePipeline's words (`GitHub`, `GitLab`, …), where it
    /// says.
    pub provider: Option<String>,
    /// The OpsItems that the revision's commit message names.
    pub ops_items: BTreeSet<OpsItemId>,
    /// The rule that made it a production deployment.
    pub rule: Rule,
}

impl Deployment {
    /// Whether GitHub, or a GitHub Enterprise Server, has the repository. CodePipeline does not
    /// always say who has; GitHub is by far the most likely then. A name of other than two parts
    /// would lead to other paths of its API.
    #[must_use]
    pub fn is_on_github(&self) -> bool {
        self.repository.as_str().split('/').count() == 2
            && self.provider.as_ref().is_none_or(|provider| provider.starts_with("GitHub"))
    }
}

/// An earlier revision was brought back to production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// The execution that brought it back.
    pub execution: Execution,
    /// When it had: the time of the event that says so.
    pub at: DateTime<Utc>,
    /// The repository of what was brought back.
    pub repository: Repository,
    /// The rule by which it reached production.
    pub rule: Rule,
    /// Whether it counts only if it left the production stage alone: else that stage's own event
    /// tells of it.
    pub is_after_production: bool,
    /// What it brought back, and why.
    pub of: RollbackOf,
}

/// What a rollback execution says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollbackOf {
    /// The earlier execution whose revision it brings back.
    pub target: Option<ExecutionId>,
    /// Whether CodePipeline started it by itself.
    pub is_automatic: bool,
    /// The execution whose failure made CodePipeline do so.
    pub failed: Option<ExecutionId>,
}

/// What reached production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A change.
    Deployment(Deployment),
    /// An earlier revision, again.
    Rollback(Rollback),
}

/// Which of the two branching models decided that production was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The pipeline succeeded on the main branch.
    Gitflow,
    /// The production stage succeeded, on whatever branch.
    TrunkBased,
}

impl Rule {
    /// The rule as the ledger and the log name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gitflow => "gitflow",
            Self::TrunkBased => "trunk-based",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::deployment;

    #[test]
    fn github_has_what_has_an_owner_and_a_name() {
        for (name, provider, is_there) in [
            ("acme/web", Some("GitHub"), true),
            ("acme/web", Some("GitHubEnterpriseServer"), true),
            ("acme/web", None, true),
            ("acme/web", Some("GitLab"), false),
            ("acme/web/issues", Some("GitHub"), false),
            ("web", None, false),
        ] {
            let deployment = Deployment {
                repository: Repository::parse(name).unwrap(),
                provider: provider.map(str::to_owned),
                ..deployment()
            };
            assert_eq!(deployment.is_on_github(), is_there, "{name} {provider:?}");
        }
    }
}
