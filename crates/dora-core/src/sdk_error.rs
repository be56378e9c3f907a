//! Reads what an error of the AWS SDK means for us: may a retry help, and what did the service say?

use std::error::Error as StdError;

use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{Error, Failure, Service};

/// The error of `operation`, called for `subject`.
pub(crate) fn service_error<E>(
    service: Service,
    operation: &'static str,
    subject: &dyn ToString,
    error: &SdkError<E, Response>,
) -> Error
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    let (failure, detail) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let failure = match (service, answer.err().meta().code()) {
                // So Secrets Manager answers for a secret that is to be deleted.
                (Service::GitHubToken, Some("InvalidRequestException")) => Failure::NotFound,
                (_, code) => failure_of(code, status),
            };
            (failure, words(answer.err()))
        }
        SdkError::TimeoutError(_) => (Failure::Unavailable, "no answer in time".to_owned()),
        SdkError::ResponseError(_) => (Failure::Unavailable, chain(error)),
        // The SDK reports credentials that it could not get, too, as a failure to dispatch.
        SdkError::DispatchFailure(_) => match assume_role_error(error) {
            Some(refusal) => (
                failure_of(refusal.meta().code(), 0),
                format!("sts:AssumeRole: {}", words(refusal)),
            ),
            None => (Failure::Unavailable, chain(error)),
        },
        _ => (Failure::Refused, chain(error)),
    };
    Error::Service { service, failure, operation, subject: subject.to_string(), detail }
}

/// The kind of failure, by the service's error code, else by the status of the answer.
fn failure_of(code: Option<&str>, status: u16) -> Failure {
    let code = code.unwrap_or_default();
    if ["Throttl", "TooManyRequests", "LimitExceeded", "ThroughputExceeded", "SlowDown"]
        .iter()
        .any(|word| code.contains(word))
    {
        Failure::Throttled
    } else if [
        "AccessDenied",
        "Unauthorized",
        "UnrecognizedClient",
        "InvalidClientToken",
        "Expired",
    ]
    .iter()
    .any(|word| code.contains(word))
    {
        Failure::AccessDenied
    } else if code.contains("NotFound") {
        Failure::NotFound
    } else if status >= 500 || code.contains("Internal") || code.contains("Unavailable") {
        Failure::Unavailable
    } else if ["TransactionConflictException", "TransactionCanceledException"].contains(&code) {
        Failure::Throttled
    } else {
        Failure::Refused
    }
}

fn assume_role_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a AssumeRoleError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        cause = error.source();
    }
    None
}

fn words(error: &impl ProvideErrorMetadata) -> String {
    let meta = error.meta();
    let code = meta.code().unwrap_or("unknown error");
    meta.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))
}

fn chain(error: &(impl StdError + 'static)) -> String {
    DisplayErrorContext(error).to_string()
}

/// What an operation was called for, and as which role there, if not as the function's own: so that
/// whoever reads a refusal knows whose permissions to look at.
pub(crate) fn as_role(role: Option<&str>, subject: &dyn ToString) -> String {
    match role {
        None => subject.to_string(),
        Some(role) => format!("{}, as role {role} there", subject.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_services_are_understood() {
        for (code, status, failure) in [
            (Some("ThrottlingException"), 400, Failure::Throttled),
            (Some("Throttling"), 400, Failure::Throttled),
            (Some("ProvisionedThroughputExceededException"), 400, Failure::Throttled),
            (Some("RequestLimitExceeded"), 400, Failure::Throttled),
            (Some("TransactionConflictException"), 400, Failure::Throttled),
            (Some("TransactionCanceledException"), 400, Failure::Throttled),
            (Some("AccessDeniedException"), 400, Failure::AccessDenied),
            (Some("AccessDenied"), 403, Failure::AccessDenied),
            (Some("UnrecognizedClientException"), 400, Failure::AccessDenied),
            (Some("ExpiredTokenException"), 400, Failure::AccessDenied),
            (Some("PipelineExecutionNotFoundException"), 400, Failure::NotFound),
            (Some("ResourceNotFoundException"), 400, Failure::NotFound),
            (Some("InternalServerError"), 500, Failure::Unavailable),
            (Some("InternalServiceFault"), 500, Failure::Unavailable),
            (None, 503, Failure::Unavailable),
            (Some("ValidationException"), 400, Failure::Refused),
            (Some("InvalidParameterValue"), 400, Failure::Refused),
            (None, 418, Failure::Refused),
        ] {
            assert_eq!(failure_of(code, status), failure, "{code:?} {status}");
        }
    }
}
