//! What a function fails with: an `errorType` that is stable enough to alarm on, and a message
//! that says what went wrong, where, and what to do.
//!
//! Lambda retries every failure of an asynchronous invocation twice and then keeps the event in
//! the function's failure queue. [`Failure`] and the variants of [`Error`] say for which of them a
//! retry can help.

use std::borrow::Cow;
use std::fmt;

use lambda_runtime::Diagnostic;

use crate::identity::AccountId;
use crate::incident::Place;

/// Why an event could not be handled. Nothing was published, unless the variant says otherwise.
#[derive(thiserror::Error)]
pub enum Error {
    /// The event is not what AWS would have sent. A retry cannot help.
    #[error("the event's {field} {problem}")]
    InvalidEvent {
        /// The path of the field, such as `detail.execution-id`.
        field: String,
        /// What is wrong with it. Never its value: that may be personal data.
        problem: String,
    },
    /// The event comes from an account that is not configured. A retry cannot help.
    #[error(
        "the event comes from account {0}, which is not in TOOLING_ACCOUNT_IDS: add the account \
         there if its pipelines are to be measured, or remove it from the event bus's policy"
    )]
    UnexpectedAccount(AccountId),
    /// The OpsItem was created where no incidents are expected. A retry cannot help.
    #[error(
        "the OpsItem was created in {0}, which is not in INCIDENT_ACCOUNTS: add it there if its \
         OpsItems are incidents, or remove it from the event bus's policy"
    )]
    UnexpectedIncidentAccount(Place),
    /// A service that the function depends on did not do its part.
    #[error("{service} {operation} for {subject}: {detail}. {advice}", advice = service.advice(*failure))]
    Service {
        /// Who.
        service: Service,
        /// The kind of failure.
        failure: Failure,
        /// The operation that was called.
        operation: &'static str,
        /// What it was called for.
        subject: String,
        /// The service's own words.
        detail: String,
    },
    /// GitHub did not answer what was asked. [`GitHubFailure`] says for which a retry can help.
    #[error("GitHub, repository {repository}: {detail}. {advice}", advice = failure.advice())]
    GitHub {
        /// The kind of failure.
        failure: GitHubFailure,
        /// Whose commits were asked for.
        repository: String,
        /// GitHub's own words.
        detail: String,
    },
    /// Too little time remains in this invocation to publish without the risk that Lambda stops it
    /// between publication and confirmation. A retry helps.
    #[error(
        "{remaining} s remain to this invocation, and publishing for {subject} may take {needed} s: \
         nothing was published, the retry will. If this recurs, raise the function's time-out"
    )]
    CloudWatchOutOfTime {
        /// The deployment.
        subject: String,
        /// Seconds until Lambda stops the invocation.
        remaining: u64,
        /// Seconds that publishing takes at most.
        needed: u64,
    },
    /// Another copy of this event is being handled at this moment. A retry finds its result.
    #[error(
        "another invocation is publishing {metric} for {subject} and may do so until {until}; \
         this one publishes nothing, its retry will find the outcome"
    )]
    LedgerClaimHeld {
        /// The metric.
        metric: &'static str,
        /// The deployment.
        subject: String,
        /// When the claim ends at the latest (RFC 3339).
        until: String,
    },
    /// The claim expired and another invocation took it over before this one could settle it. What
    /// was published, the other invocation may have published again.
    #[error(
        "the claim on {metric} for {subject} had passed to another invocation before this one \
         could settle it: the value may be in CloudWatch twice"
    )]
    LedgerClaimLost {
        /// The metric.
        metric: &'static str,
        /// The deployment.
        subject: String,
    },
}

impl Error {
    /// The word that Lambda reports as `errorType`.
    #[must_use]
    pub fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::InvalidEvent { .. } => "InvalidEvent".into(),
            Self::UnexpectedAccount(_) | Self::UnexpectedIncidentAccount(_) => {
                "UnexpectedAccount".into()
            }
            Self::Service { service, failure, .. } => format!("{service:?}{failure:?}").into(),
            Self::GitHub { failure, .. } => format!("GitHub{failure:?}").into(),
            Self::CloudWatchOutOfTime { .. } => "CloudWatchOutOfTime".into(),
            Self::LedgerClaimHeld { .. } => "LedgerClaimHeld".into(),
            Self::LedgerClaimLost { .. } => "LedgerClaimLost".into(),
        }
    }

    /// An event whose field is not as it must be.
    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::InvalidEvent { field: field.into(), problem: problem.into() }
    }
}

/// Lambda's runtime logs a failure in this form, so it is the one for people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.error_type())
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.error_type().into_owned(), error_message: error.to_string() }
    }
}

/// A service that a function depends on. The first part of an `errorType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// AWS CodePipeline in the event's account and Region, and the role there.
    CodePipeline,
    /// Amazon CloudWatch.
    CloudWatch,
    /// The ledger's table in Amazon DynamoDB.
    Ledger,
    /// OpsCenter of AWS Systems Manager, in the OpsItem's account and Region, and the role there.
    OpsCenter,
    /// The secret in AWS Secrets Manager that holds GitHub's token.
    GitHubToken,
}

impl Service {
    const fn advice(self, failure: Failure) -> &'static str {
        match (self, failure) {
            (Self::GitHubToken, Failure::NotFound) => {
                "Put GitHub's token into the secret that GITHUB_TOKEN_SECRET_ID names; then invoke \
                 the function again with the events of its failure queue"
            }
            _ => failure.advice(),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CodePipeline => "CodePipeline",
            Self::CloudWatch => "CloudWatch",
            Self::Ledger => "DynamoDB",
            Self::OpsCenter => "OpsCenter",
            Self::GitHubToken => "Secrets Manager",
        })
    }
}

/// How a service failed. The second part of an `errorType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Too many requests. A retry helps.
    Throttled,
    /// No answer in time, no connection, or an internal error. A retry helps.
    Unavailable,
    /// A permission or a trust is missing. A retry helps once it is granted.
    AccessDenied,
    /// What was asked for does not exist, or no longer. A retry rarely helps.
    NotFound,
    /// The service does not take the request. A retry does not help.
    Refused,
    /// The service's answer lacks what its API promises. A retry rarely helps.
    UnexpectedAnswer,
}

impl Failure {
    const fn advice(self) -> &'static str {
        match self {
            Self::Throttled | Self::Unavailable => {
                "Nothing is lost: the event is retried, and after that kept in the failure queue"
            }
            Self::AccessDenied => {
                "Grant the permission to the role that the message names (or to the function's \
                 role if it names none), and check that the role exists and trusts its caller; \
                 then invoke the function again with the events of its failure queue"
            }
            Self::NotFound => {
                "Check that it exists in that account and Region and was not deleted; then invoke \
                 the function again with the events of its failure queue"
            }
            Self::Refused | Self::UnexpectedAnswer => {
                "This should not happen: please report it with this message. The event stays in \
                 the failure queue"
            }
        }
    }
}

/// How GitHub failed. The second part of an `errorType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitHubFailure {
    /// The token is none, or no longer. A retry helps once the secret is right.
    Unauthorized,
    /// The token lacks a permission. A retry helps once it is granted.
    Forbidden,
    /// Too many requests, by any of GitHub's limits. A retry helps after a while.
    RateLimited,
    /// No such repository or commit, or the token may not see it.
    NotFound,
    /// The repository has no commits.
    EmptyRepository,
    /// GitHub may not show the repository, for legal reasons.
    BlockedForLegalReasons,
    /// GitHub does not take the request. A retry does not help.
    Refused,
    /// No answer in time, no connection, or an internal error. A retry helps.
    Unavailable,
    /// The answer is not what GitHub documents, or not all of it. A retry may help.
    UnexpectedAnswer,
}

impl GitHubFailure {
    const fn advice(self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "Put a valid token into the secret that GITHUB_TOKEN_SECRET_ID names; then invoke \
                 the function again with the events of its failure queue"
            }
            Self::Forbidden | Self::NotFound => {
                "The token needs read access to the repository's contents and pull requests \
                 (\"Contents: read\" and \"Pull requests: read\")"
            }
            Self::RateLimited | Self::Unavailable | Self::UnexpectedAnswer => {
                "Nothing is lost: the event is retried, and after that kept in the failure queue"
            }
            Self::EmptyRepository | Self::BlockedForLegalReasons | Self::Refused => {
                "A retry does not help; the event stays in the failure queue"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_type_names_service_and_failure() {
        let error = Error::Service {
            service: Service::Ledger,
            failure: Failure::Throttled,
            operation: "UpdateItem",
            subject: "pipeline web".to_owned(),
            detail: "slow down".to_owned(),
        };
        let diagnostic = Diagnostic::from(error);
        assert_eq!(diagnostic.error_type, "LedgerThrottled");
        assert_eq!(
            diagnostic.error_message,
            "DynamoDB UpdateItem for pipeline web: slow down. Nothing is lost: the event is \
             retried, and after that kept in the failure queue"
        );
    }
}
