//! Enters a deployment where incidents look for it, in one transaction with its claim.
//!
//! One call so says all that is to be written before a publication, and all that is to be read: the
//! claim's condition tells whether the deployment was counted before, and the marks of waiting
//! incidents ([`waiting`](super::waiting)) whether one of them waits for it. Either the whole is
//! written or nothing.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use aws_smithy_runtime_api::http::Response;

use super::facts::{pipeline_text, sortable};
use super::waiting::{MARK, no_later_mark};
use super::{Item, Ledger, failed, text};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::incident::Cause;

const OPERATION: &str = "TransactWriteItems";
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// What came of entering a deployment.
#[derive(Debug)]
pub(super) struct Entered {
    /// The deployment's item, if that stood in the way of the claim; then nothing was written.
    pub(super) standing: Option<Item>,
    /// Whether an incident waits for the deployment.
    pub(super) is_awaited: bool,
}

impl Ledger {
    /// Enters a deployment and makes the claim, if its condition holds.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub(super) async fn enter(
        &self,
        deployment: &Deployment,
        claim: &UpdateItemInputBuilder,
    ) -> Result<Entered, Error> {
        let entered = self.transact(deployment, claim, true).await?;
        if entered.standing.is_some() || !entered.is_awaited {
            return Ok(entered);
        }
        let entered = self.transact(deployment, claim, false).await?;
        Ok(Entered { is_awaited: true, ..entered })
    }

    /// Where marks are heeded, one of them stops the transaction: then an incident waits.
    async fn transact(
        &self,
        deployment: &Deployment,
        claim: &UpdateItemInputBuilder,
        heeds_marks: bool,
    ) -> Result<Entered, Error> {
        let failed = |error| failed(OPERATION, &deployment.execution, &error);
        let items = self
            .items(deployment, claim, heeds_marks)
            .map_err(|error| failed(SdkError::construction_failure(error)))?;
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(Entered { standing: None, is_awaited: false }),
            Err(error) => match unmet(&error) {
                Some((of_claim, of_others)) => Ok(Entered {
                    standing: is_unmet(of_claim).then(|| of_claim.item.clone().unwrap_or_default()),
                    // What a mark says is unknown where something else kept it from being read.
                    is_awaited: of_others.iter().any(|reason| reason.code() != Some("None")),
                }),
                None => Err(failed(error)),
            },
        }
    }

    /// The claim first, so that its reason is found.
    fn items(
        &self,
        deployment: &Deployment,
        claim: &UpdateItemInputBuilder,
        heeds_marks: bool,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let Deployment { execution, repository, commit, at, .. } = deployment;
        let pipeline = pipeline_text(&execution.of());
        let of_repository = Cause::Repository(repository.clone()).key();
        let of_commit = commit.as_deref().map(|commit| format!("commit#{commit}"));

        let update = Update::builder()
            .set_table_name(claim.get_table_name().clone())
            .set_key(claim.get_key().clone())
            .set_update_expression(claim.get_update_expression().clone())
            .set_condition_expression(claim.get_condition_expression().clone())
            .set_expression_attribute_names(claim.get_expression_attribute_names().clone())
            .set_expression_attribute_values(claim.get_expression_attribute_values().clone())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut items = vec![TransactWriteItem::builder().update(update.build()?).build()];

        let day = format!("day#{}", at.format("%F"));
        let of_day = (day, format!("{}#{}#{pipeline}", sortable(*at), execution.id));
        let of_pipeline = [Some(of_repository.clone()), of_commit.clone()]
            .into_iter()
            .flatten()
            .map(|pk| (pk, pipeline.clone()));
        for (pk, sk) in of_pipeline.chain([of_day]) {
            let put = Put::builder()
                .table_name(&self.table)
                .item("pk", AttributeValue::S(pk))
                .item("sk", AttributeValue::S(sk))
                .item("repository", text(repository.as_str()))
                .item("expires_at", self.expiry(*at));
            items.push(TransactWriteItem::builder().put(put.build()?).build());
        }
        if !heeds_marks {
            return Ok(items);
        }

        let check = |pk: String| {
            let check = ConditionCheck::builder().table_name(&self.table);
            check.key("pk", AttributeValue::S(pk)).key("sk", text(MARK))
        };
        let named = [Some(Cause::Execution(execution.id.clone()).key()), of_commit];
        let (condition, value) = no_later_mark(*at);
        let checks = named
            .into_iter()
            .flatten()
            .map(|pk| check(pk).condition_expression("attribute_not_exists(pk)"))
            .chain([check(of_repository)
                .condition_expression(condition)
                .expression_attribute_values(":at", value)]);
        for check in checks {
            items.push(TransactWriteItem::builder().condition_check(check.build()?).build());
        }
        Ok(items)
    }
}

/// The reasons of the claim and of all others, if the transaction was cancelled for its conditions.
fn unmet(
    error: &SdkError<TransactWriteItemsError, Response>,
) -> Option<(&CancellationReason, &[CancellationReason])> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    reasons.iter().any(is_unmet).then(|| reasons.split_first()).flatten()
}

fn is_unmet(reason: &CancellationReason) -> bool {
    reason.code() == Some(CONDITION_FAILED)
}
