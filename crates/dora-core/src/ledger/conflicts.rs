//! Tries a write again that met a transaction of another function on the same item.
//!
//! All functions hear of a deployment at the same moment, and two of them enter it in a transaction
//! ([`entry`](super::entry)). A transaction lasts some milliseconds; DynamoDB refuses what meets one,
//! and the SDK does not repeat that by itself.
//!
//! Source: "Transaction conflict handling in DynamoDB" in the developer guide.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Classifies conflicts as errors that pass.
#[derive(Debug)]
pub(super) struct Conflicts;

impl ClassifyRetry for Conflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let result = context.output_or_error().and_then(Result::err);
        match result.and_then(OrchestratorError::as_operation_error) {
            Some(error) if is_conflict(error) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "conflicts of transactions"
    }
}

fn is_conflict(error: &Error) -> bool {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.downcast_ref()
    {
        let reasons = cancelled.cancellation_reasons();
        return reasons.iter().any(|reason| reason.code() == Some("TransactionConflict"));
    }
    let update =
        error.downcast_ref().is_some_and(UpdateItemError::is_transaction_conflict_exception);
    let put = error.downcast_ref().is_some_and(PutItemError::is_transaction_conflict_exception);
    update || put
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::{
        ConditionalCheckFailedException, TransactionCanceledException, TransactionConflictException,
    };

    use super::*;

    fn cancelled(codes: &[&str]) -> Error {
        let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build());
        let cancelled = TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(reasons.collect()))
            .build();
        Error::erase(TransactWriteItemsError::TransactionCanceledException(cancelled))
    }

    #[test]
    fn what_met_another_transaction_is_tried_again() {
        assert!(is_conflict(&cancelled(&["None", "TransactionConflict"])));
        let conflict = || TransactionConflictException::builder().build();
        let update = UpdateItemError::TransactionConflictException(conflict());
        assert!(is_conflict(&Error::erase(update)));
        assert!(is_conflict(&Error::erase(PutItemError::TransactionConflictException(conflict()))));
    }

    #[test]
    fn a_condition_that_fails_is_an_answer() {
        assert!(!is_conflict(&cancelled(&["ConditionalCheckFailed", "None"])));
        let failed = ConditionalCheckFailedException::builder().build();
        let update = UpdateItemError::ConditionalCheckFailedException(failed);
        assert!(!is_conflict(&Error::erase(update)));
    }
}
