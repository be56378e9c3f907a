//! The ledger: one DynamoDB table that makes every number exactly one number, and traceable.
//!
//! EventBridge and Lambda deliver at least once and in any order, and `PutMetricData` adds up. So
//! before a function publishes a value it *claims* it here with a conditional write, and after
//! that it *confirms* it. An item is a deployment, keyed by its identity; each metric published
//! from it is an attribute of that name:
//!
//! | attribute | meaning |
//! |---|---|
//! | `id` | `deployment#<account>#<region>#<pipeline>#<execution id>` |
//! | `repository`, `branch`, `commit`, `rule`, `deployed_at` | what was deployed, and which rule decided that it was |
//! | `<Metric>.state` | `pending`, `published`, or `too-old-for-cloudwatch` |
//! | `<Metric>.value`, `.unit`, `.at`, `.repository`, `.team` | the datapoint, as it is published |
//! | `<Metric>.claim`, `.lease_until` | the invocation that claimed it; until when it may be at work (epoch milliseconds) |
//! | `expires_at` | when DynamoDB may delete the item (epoch seconds) |
//!
//! A claim ends with the invocation that holds it: its lease lasts until that invocation's
//! deadline, after which Lambda has stopped it, so that a crash leaves nothing locked.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uuid::Uuid;

use crate::decision::Reason;
use crate::deployment::Deployment;
use crate::env::{ConfigError, Env};
use crate::error::{Error, Service};
use crate::metric::Measurement;
use crate::sdk_error::service_error;

const OPERATION: &str = "UpdateItem";
const PENDING: &str = "pending";
const PUBLISHED: &str = "published";

/// Clocks of two invocations may differ a little: a lease lasts this much longer than needed.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(2);

/// How long a call may take, retries included; a confirmation may take longer.
pub const TIMEOUT: Duration = Duration::from_secs(6);

/// The table.
#[derive(Debug)]
pub struct Ledger {
    client: Client,
    table: String,
    retention: TimeDelta,
}

/// The right, held by one invocation, to publish one measurement.
#[derive(Debug)]
pub struct Claim<'a> {
    deployment: &'a Deployment,
    measurement: &'a Measurement,
    token: String,
}

/// What came of an attempt to claim.
#[derive(Debug)]
pub enum Claimed<'a> {
    /// Publish, then confirm; or release.
    Mine(Claim<'a>),
    /// The measurement was published, or recorded as too old, before.
    Settled,
}

impl Ledger {
    /// Prepares a client for the table that `LEDGER_TABLE` names. Items expire
    /// `LEDGER_RETENTION_DAYS` (400) after the deployment.
    ///
    /// # Errors
    /// If a setting is missing or out of range. Retention is at least 15 days: an item must outlive
    /// the two weeks in which CloudWatch would take the same value again.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let table = env.required("LEDGER_TABLE", "the name of a DynamoDB table", |name| {
            Some(name.to_owned())
        })?;
        let retention = env.number("LEDGER_RETENTION_DAYS", 15..=3650, 400)?;
        let config = aws_sdk_dynamodb::config::Builder::from(sdk)
            .timeout_config(attempt_timeouts().operation_timeout(TIMEOUT).build())
            .retry_config(retries(5))
            .retry_partition(never_exhausted())
            .build();
        let client = Client::from_conf(config);
        Ok(Self { client, table, retention: TimeDelta::days(retention) })
    }

    #[cfg(test)]
    pub(crate) fn with_client(client: Client) -> Self {
        Self { client, table: "ledger".to_owned(), retention: TimeDelta::days(400) }
    }

    /// Claims the right to publish the measurement of the deployment until `deadline`, at which
    /// Lambda stops this invocation.
    ///
    /// # Errors
    /// [`Error::LedgerClaimHeld`] while another invocation holds the claim; [`Error::Service`] as
    /// DynamoDB fails.
    pub async fn claim<'a>(
        &self,
        deployment: &'a Deployment,
        measurement: &'a Measurement,
        team: Option<&str>,
        now: DateTime<Utc>,
        deadline: DateTime<Utc>,
    ) -> Result<Claimed<'a>, Error> {
        let token = Uuid::new_v4().to_string();
        let mut record = datapoint(measurement, team, PENDING);
        record.insert("claim".to_owned(), text(&token));
        record.insert("lease_until".to_owned(), millis(deadline + CLOCK_SKEW));
        let result = self
            .record(deployment, measurement, record)
            .condition_expression(
                "attribute_not_exists(#metric) OR (#metric.#state = :pending \
                 AND (#metric.#lease < :now OR #metric.#claim = :claim))",
            )
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#lease", "lease_until")
            // The SDK repeats a request whose answer was lost: then the claim is already ours. It
            // must be pending, since the first request may still arrive when all is settled.
            .expression_attribute_values(":claim", text(&token))
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":now", millis(now))
            .send()
            .await;
        let claim = Claim { deployment, measurement, token };
        match result {
            Ok(_) => Ok(Claimed::Mine(claim)),
            Err(error) => match standing_record(&error, measurement) {
                None => Err(failed(deployment, &error)),
                Some(standing) if state(standing) == Some(PENDING) => {
                    Err(claim.held_until(standing.get("lease_until")))
                }
                Some(_) => Ok(Claimed::Settled),
            },
        }
    }

    /// Records that the claimed measurement is in CloudWatch now.
    ///
    /// # Errors
    /// [`Error::LedgerClaimLost`] if the claim expired and passed to another invocation;
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn confirm(&self, claim: Claim<'_>) -> Result<(), Error> {
        self.settle(claim, PUBLISHED).await
    }

    /// Keeps the claimed measurement, which CloudWatch would refuse for its age.
    ///
    /// # Errors
    /// As for [`Ledger::confirm`].
    pub async fn keep_too_old(&self, claim: Claim<'_>) -> Result<(), Error> {
        self.settle(claim, Reason::TooOldForCloudwatch.slug()).await
    }

    /// Ends a claim for good. Until this has succeeded a crash would let a retry publish a value a
    /// second time, so it is tried until Lambda stops it.
    async fn settle(&self, claim: Claim<'_>, state: &str) -> Result<(), Error> {
        let until_stopped = aws_sdk_dynamodb::config::Config::builder()
            .retry_config(retries(1000))
            .timeout_config(attempt_timeouts().disable_operation_timeout().build());
        self.update(claim.deployment)
            .update_expression("SET #metric.#state = :state REMOVE #metric.#lease")
            .condition_expression("#metric.#claim = :claim")
            .expression_attribute_names("#metric", claim.measurement.metric.name())
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#lease", "lease_until")
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_values(":state", text(state))
            .expression_attribute_values(":claim", text(&claim.token))
            .customize()
            .config_override(until_stopped)
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                if is_condition_failure(&error) {
                    claim.lost()
                } else {
                    failed(claim.deployment, &error)
                }
            })
    }

    /// Gives a claim back whose measurement was not published, so that the retry need not wait.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails. The lease then ends the claim.
    pub async fn release(&self, claim: Claim<'_>) -> Result<(), Error> {
        let result = self
            .update(claim.deployment)
            .update_expression("REMOVE #metric")
            .condition_expression("#metric.#claim = :claim")
            .expression_attribute_names("#metric", claim.measurement.metric.name())
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_values(":claim", text(&claim.token))
            .send()
            .await;
        match result {
            Err(error) if !is_condition_failure(&error) => Err(failed(claim.deployment, &error)),
            _ => Ok(()),
        }
    }

    /// An update that writes what is known of the deployment, where it is not known yet, and the
    /// record of one metric.
    fn record(
        &self,
        deployment: &Deployment,
        measurement: &Measurement,
        record: HashMap<String, AttributeValue>,
    ) -> UpdateItemFluentBuilder {
        let expires_at = (deployment.at + self.retention).timestamp();
        let facts = [
            ("repository", Some(text(deployment.repository.as_str()))),
            ("branch", deployment.branch.as_deref().map(text)),
            ("commit", deployment.commit.as_deref().map(text)),
            ("rule", Some(text(deployment.rule.as_str()))),
            ("deployed_at", Some(text(&rfc3339(deployment.at)))),
            ("expires_at", Some(AttributeValue::N(expires_at.to_string()))),
        ];
        let mut assignments = vec!["#metric = :record".to_owned()];
        let mut update = self
            .update(deployment)
            .expression_attribute_names("#metric", measurement.metric.name())
            .expression_attribute_values(":record", AttributeValue::M(record))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in facts {
            if let Some(value) = value {
                assignments.push(format!("#{name} = if_not_exists(#{name}, :{name})"));
                update = update
                    .expression_attribute_names(format!("#{name}"), name)
                    .expression_attribute_values(format!(":{name}"), value);
            }
        }
        update.update_expression(format!("SET {}", assignments.join(", ")))
    }

    fn update(&self, deployment: &Deployment) -> UpdateItemFluentBuilder {
        let execution = &deployment.execution;
        let id = format!(
            "deployment#{}#{}#{}#{}",
            execution.account, execution.region, execution.pipeline, execution.id
        );
        self.client.update_item().table_name(&self.table).key("id", text(&id))
    }
}

impl Claim<'_> {
    fn held_until(&self, lease_until: Option<&AttributeValue>) -> Error {
        let until = lease_until
            .and_then(|lease| lease.as_n().ok()?.parse().ok())
            .and_then(DateTime::from_timestamp_millis);
        Error::LedgerClaimHeld {
            metric: self.measurement.metric.name(),
            subject: self.deployment.execution.to_string(),
            until: until.map_or_else(|| "an unknown time".to_owned(), rfc3339),
        }
    }

    fn lost(&self) -> Error {
        Error::LedgerClaimLost {
            metric: self.measurement.metric.name(),
            subject: self.deployment.execution.to_string(),
        }
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

fn datapoint(
    measurement: &Measurement,
    team: Option<&str>,
    state: &str,
) -> HashMap<String, AttributeValue> {
    [
        ("state", Some(text(state))),
        ("value", Some(AttributeValue::N(measurement.value.to_string()))),
        ("unit", Some(text(measurement.metric.unit().as_str()))),
        ("at", Some(text(&rfc3339(measurement.at)))),
        ("repository", Some(text(measurement.repository.as_str()))),
        ("team", team.map(text)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// The record that stood in the way of a conditional write, if that is why it failed.
fn standing_record<'a, R>(
    error: &'a SdkError<UpdateItemError, R>,
    measurement: &Measurement,
) -> Option<&'a HashMap<String, AttributeValue>> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(failure) => {
            failure.item()?.get(measurement.metric.name())?.as_m().ok()
        }
        _ => None,
    }
}

fn is_condition_failure<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

fn state(record: &HashMap<String, AttributeValue>) -> Option<&str> {
    record.get("state")?.as_s().ok().map(String::as_str)
}

fn failed(
    deployment: &Deployment,
    error: &SdkError<UpdateItemError, aws_smithy_runtime_api::http::Response>,
) -> Error {
    service_error(Service::Ledger, OPERATION, &deployment.execution, error)
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
