//! What a command fails with: what went wrong, where, and what to do next; and the exit codes.

use std::io;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use dora_core::env::ConfigError;

/// The command found what its user should look at: a difference, a fault of the set-up, an event
/// that could not be replayed.
pub(crate) const EXIT_FOUND: u8 = 1;

/// The command could not do its work. (2 is a wrong command line, by the convention of clap.)
pub(crate) const EXIT_FAILED: u8 = 3;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something is not as the command needs it.
    #[error("{problem}\n      {next}")]
    Problem {
        /// What and where.
        problem: String,
        /// What to do next.
        next: String,
    },
    /// A function's setting cannot be used.
    #[error(
        "a setting of the function {function}: {error}\n      correct it in infra/config.ts, then run `make deploy`"
    )]
    Setting {
        /// Whose.
        function: &'static str,
        /// Which, and what is allowed.
        error: ConfigError,
    },
    /// The ledger, CodePipeline, GitHub or OpsCenter, as the functions ask them. The message says
    /// what to do.
    #[error("{0}")]
    Service(#[from] dora_core::Error),
    /// The ledger cannot be read.
    #[error("{0}")]
    Ledger(#[from] dora_core::ledger::records::ReadError),
    /// Standard output or a file cannot be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

impl Failure {
    /// Something is not as the command needs it; what to do next.
    pub(crate) fn new(problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Problem { problem: problem.into(), next: next.into() }
    }

    /// A call of AWS failed: `action` is its IAM action, such as `lambda:InvokeFunction`, and
    /// `subject` what it was for.
    pub(crate) fn of_aws<E, R>(action: &str, subject: &str, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let next = match (error, error.code()) {
            (SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_), _) => {
                "see that --profile names credentials that are valid (`aws sts get-caller-identity`), \
                 and that --region names the Region of the functions"
                    .to_owned()
            }
            (_, Some(code)) if code.contains("AccessDenied") || code.contains("Unauthorized") => {
                format!("allow {action} to these credentials, or name others by --profile")
            }
            (_, Some(code)) if code.contains("ExpiredToken") || code.contains("InvalidClientToken") => {
                "renew these credentials (`aws sso login`), or name others by --profile".to_owned()
            }
            (_, Some(code)) if code.contains("Throttl") || code.contains("TooManyRequests") => {
                "wait a minute, then run the command again".to_owned()
            }
            _ => "run the command again; if it fails again, the message above is AWS's own".to_owned(),
        };
        let words = match error.message() {
            Some(message) => message.to_owned(),
            None => DisplayErrorContext(error).to_string(),
        };
        Self::new(format!("{action} for {subject} failed: {words}"), next)
    }

    /// Whether the reader of standard output went away, such as `head`.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
