//! The two ways that a good event can end: it is recorded, or ignored with a reason that a user
//! can look up. (What is wrong ends as an [`Error`](crate::Error) instead.)

use serde::{Serialize, Serializer};

/// What a rule decides about an event or a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<T> {
    /// It counts: this is what to go on with.
    Record(T),
    /// It counts for nothing, and this is why.
    Ignore(Reason),
}

impl<T> Decision<T> {
    /// The same decision about what is made of the value.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Decision<U> {
        match self {
            Self::Record(value) => Decision::Record(f(value)),
            Self::Ignore(reason) => Decision::Ignore(reason),
        }
    }
}

/// Why an event gives no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A CodePipeline event of a kind that says nothing about deployments, such as an action's.
    UnsupportedEvent,
    /// The execution or stage started, failed, was stopped, superseded, …
    NotSucceeded,
    /// Another stage than production's, another branch than the main one, or the kind of event
    /// that does not count for this repository.
    NotProduction,
    /// A rollback execution: it brings an old revision back and is no deployment of a change.
    Rollback,
    /// The source has no repository and branch, such as an S3 object or an ECR image.
    UnsupportedSource,
    /// The deployment shipped no commit that was not in production before.
    NoNewCommits,
    /// Every commit that it shipped is dated after the deployment: a clock was wrong.
    NoUsableCommitTime,
    /// An OpsItem that is no new issue, or that the configuration does not count.
    NotAnIncident,
    /// An OpsItem that was deleted before it could be read.
    OpsItemDeleted,
    /// An incident that nothing has ended yet, as far as deployments tell.
    NotRecovered,
    /// The deployment references no OpsItem that it could have resolved.
    NoOpsItemReferenced,
    /// The measurement is in the ledger, but CloudWatch takes nothing older than two weeks.
    TooOldForCloudwatch,
}

impl Reason {
    /// The word that answers, logs and the ledger carry: a contract with users.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::UnsupportedEvent => "unsupported-event",
            Self::NotSucceeded => "not-succeeded",
            Self::NotProduction => "not-production",
            Self::Rollback => "rollback",
            Self::UnsupportedSource => "unsupported-source",
            Self::NoNewCommits => "no-new-commits",
            Self::NoUsableCommitTime => "no-usable-commit-time",
            Self::NotAnIncident => "not-an-incident",
            Self::OpsItemDeleted => "ops-item-deleted",
            Self::NotRecovered => "not-recovered",
            Self::NoOpsItemReferenced => "no-ops-item-referenced",
            Self::TooOldForCloudwatch => "too-old-for-cloudwatch",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}
