//! The ledger: one DynamoDB table that makes every number exactly one number, and traceable.
//!
//! EventBridge and Lambda deliver at least once and in any order, and `PutMetricData` adds up. So
//! before a function publishes a value it *claims* it here with a conditional write, and after
//! that it *confirms* it ([`claim`]). What several functions must agree on, whichever of them hears of
//! it first, meets here too ([`facts`]): deployments are entered where incidents look for them
//! (`entry`), and incidents that came before theirs wait (`waiting`).
//!
//! | `pk` | `sk` | what it is |
//! |---|---|---|
//! | `deployment#<execution id>` | `<account>#<Region>#<pipeline>` | a deployment |
//! | `incident#<OpsItem id>` | `<account>#<Region>` | an incident |
//! | `repository#<name>` | `<account>#<Region>#<pipeline>` | a pipeline that deployed the repository |
//! | `commit#<id>` | `<account>#<Region>#<pipeline>` | a pipeline that deployed the commit |
//! | `day#<date>` | `<time>#<execution id>#<account>#<Region>#<pipeline>` | a deployment of that day |
//! | `waiting` | `<what it names>#<time>#<OpsItem id>#<account>#<Region>` | an incident of which no deployment was known when it came |
//! | `execution#<id>`, `commit#<id>`, `repository#<name>` | `waiting` | the mark that such an incident leaves at what it names; `latest` is the time of the latest |
//!
//! | attribute of | name | meaning |
//! |---|---|---|
//! | deployment | `repository`, `branch`, `commit`, `rule`, `deployed_at` | what was deployed, and which rule decided that it was |
//! | | `commits`, `since` | the commits that it shipped, with their dates and pull requests, and the one that was in production before |
//! | | `failed_by` | the incidents attributed to it and the rollbacks that undid it, each with its time |
//! | | `references` | the incidents that it references, and so was made to end |
//! | | `recovery_of` | whose recovery the first rollback was: its `incidents`', or the `deployment`'s own |
//! | incident | `created_at`, `cause` | when it was created, and what it names |
//! | | `deployment`, `repository`, `attributed_by` | the deployment that it is attributed to, where that came from, and the rule that decided |
//! | both | `ended_by` | the deployment or rollback that ended the incident, or the deployment's own failure |
//! | | `<Metric>.state` | `pending`, `published`, or the reason why it was ignored |
//! | | `<Metric>.value` or `.values`, `.unit`, `.at`, `.repository`, `.team` | the datapoint, as it is published |
//! | | `<Metric>.claim`, `.lease_until` | the invocation that claimed it; until when it may be at work (epoch milliseconds) |
//! | all | `expires_at` | when DynamoDB may delete the item (epoch seconds) |

pub mod claim;
mod conflicts;
mod entry;
pub mod facts;
pub mod records;
mod waiting;

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::http::Response;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::env::{ConfigError, Env, made_of};
use crate::error::{Error, Service};
use crate::identity::{Execution, OpsItem};
use crate::sdk_error::service_error;

pub use claim::{Claim, Claimed, Subject};
use conflicts::Conflicts;

/// How long a call may take, retries included; a confirmation may take longer.
pub const TIMEOUT: Duration = Duration::from_secs(6);

type Item = HashMap<String, AttributeValue>;

/// The table.
#[derive(Debug)]
pub struct Ledger {
    client: Client,
    table: String,
    retention: TimeDelta,
}

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pk: String,
    sk: String,
}

impl Key {
    pub(crate) fn deployment(execution: &Execution) -> Self {
        let Execution { account, region, pipeline, id } = execution;
        Self { pk: format!("deployment#{id}"), sk: format!("{account}#{region}#{pipeline}") }
    }

    pub(crate) fn incident(ops_item: &OpsItem) -> Self {
        let OpsItem { account, region, id } = ops_item;
        Self { pk: format!("incident#{id}"), sk: format!("{account}#{region}") }
    }
}

impl Ledger {
    /// Prepares a client for the table that `LEDGER_TABLE` names. Items expire
    /// `LEDGER_RETENTION_DAYS` (400) after the deployment.
    ///
    /// # Errors
    /// If a setting is missing or out of range. Retention is at least 15 days: an item must outlive
    /// the two weeks in which CloudWatch would take the same value again.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let allowed = "the name of a DynamoDB table: 3 to 255 letters, digits and ._-";
        let table = env.required("LEDGER_TABLE", allowed, |name| made_of(b"._-", 3..=255, name))?;
        let retention = env.number("LEDGER_RETENTION_DAYS", 15..=3650, 400)?;
        let config = aws_sdk_dynamodb::config::Builder::from(sdk)
            .timeout_config(attempt_timeouts().operation_timeout(TIMEOUT).build())
            .retry_config(retries(5))
            .retry_partition(never_exhausted())
            .retry_classifier(Conflicts)
            .build();
        let client = Client::from_conf(config);
        Ok(Self { client, table, retention: TimeDelta::days(retention) })
    }

    #[cfg(test)]
    pub(crate) fn with_client(client: Client) -> Self {
        Self { client, table: "ledger".to_owned(), retention: TimeDelta::days(400) }
    }

    fn update(&self, key: &Key) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update.key("pk", text(&key.pk)).key("sk", text(&key.sk))
    }

    fn expiry(&self, from: DateTime<Utc>) -> AttributeValue {
        AttributeValue::N((from + self.retention).timestamp().to_string())
    }
}

/// A single attempt that hangs must not use up the time of all.
fn attempt_timeouts() -> TimeoutConfigBuilder {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
}

/// The table holds one item for each deployment, written a few times: contention is rare and
/// short, so retries are quick.
fn retries(attempts: u32) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500))
}

/// By default the SDK stops to retry after many failures, whatever the number of attempts allowed,
/// until calls have succeeded again. But a confirmation must be retried after an outage too.
fn never_exhausted() -> RetryPartition {
    RetryPartition::custom("ledger").token_bucket(TokenBucket::unlimited()).build()
}

fn failed<E>(
    operation: &'static str,
    subject: &dyn ToString,
    error: &SdkError<E, Response>,
) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    service_error(Service::Ledger, operation, subject, error)
}

/// The item that stood in the way of a conditional write, if that is why it failed.
fn standing_item<R>(error: &SdkError<UpdateItemError, R>) -> Option<&Item> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(failure) => failure.item(),
        _ => None,
    }
}

fn is_condition_failure<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn millis(time: DateTime<Utc>) -> AttributeValue {
    AttributeValue::N(time.timestamp_millis().to_string())
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
