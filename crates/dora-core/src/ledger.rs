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
//! | `commits`, `since` | the commits that it shipped, and the one that was in production before |
//! | `<Metric>.state` | `pending`, `published`, or the reason why it was ignored |
//! | `<Metric>.value` or `.values`, `.unit`, `.at`, `.repository`, `.team` | the datapoint, as it is published |
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

use crate::commit::Shipped;
use crate::decision::Reason;
use crate::deployment::Deployment;
use crate::env::{ConfigError, Env};
use crate::error::{Error, Service};
use crate::metric::{Measured, Measurement, Metric, Values};
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

/// The right, held by one invocation, to publish some metrics of a deployment.
#[derive(Debug)]
pub struct Claim<'a> {
    deployment: &'a Deployment,
    metrics: &'static [Metric],
    token: String,
}

/// What came of an attempt to claim.
#[derive(Debug)]
pub enum Claimed<'a> {
    /// Measure and publish, then confirm; or release.
    Mine(Claim<'a>),
    /// The metrics were published, or ignored for good, before.
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

    /// Claims the right to publish these metrics of the deployment until `deadline`, at which
    /// Lambda stops this invocation. A function always claims the same metrics together, so the
    /// first of them stands for all.
    ///
    /// # Errors
    /// [`Error::LedgerClaimHeld`] while another invocation holds the claim; [`Error::Service`] as
    /// DynamoDB fails.
    pub async fn claim<'a>(
        &self,
        deployment: &'a Deployment,
        metrics: &'static [Metric],
        now: DateTime<Utc>,
        deadline: DateTime<Utc>,
    ) -> Result<Claimed<'a>, Error> {
        let claim = Claim { deployment, metrics, token: Uuid::new_v4().to_string() };
        let mut record = claim.record(PENDING);
        record.insert("lease_until".to_owned(), millis(deadline + CLOCK_SKEW));
        let records = metrics.iter().map(|_| record.clone()).collect();
        let result = self
            .write(&claim, records, self.facts(deployment))
            .condition_expression(
                "attribute_not_exists(#metric0) OR (#metric0.#state = :pending \
                 AND (#metric0.#lease < :now OR #metric0.#claim = :claim))",
            )
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#lease", "lease_until")
            // The SDK repeats a request whose answer was lost: then the claim is already ours. It
            // must be pending, since the first request may still arrive when all is settled.
            .expression_attribute_values(":claim", text(&claim.token))
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":now", millis(now))
            .send()
            .await;
        match result {
            Ok(_) => Ok(Claimed::Mine(claim)),
            Err(error) => match standing_record(&error, &claim) {
                None => Err(failed(deployment, &error)),
                Some(standing) if state(standing) == Some(PENDING) => {
                    Err(claim.held_until(standing.get("lease_until")))
                }
                Some(_) => Ok(Claimed::Settled),
            },
        }
    }

    /// Records what is in CloudWatch now.
    ///
    /// # Errors
    /// [`Error::LedgerClaimLost`] if the claim expired and passed to another invocation;
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn confirm(
        &self,
        claim: Claim<'_>,
        measured: &Measured,
        team: Option<&str>,
    ) -> Result<(), Error> {
        self.settle(claim, PUBLISHED, Some(measured), team).await
    }

    /// Records that the deployment gives no number, and why; what was measured is kept.
    ///
    /// # Errors
    /// As for [`Ledger::confirm`].
    pub async fn ignore(
        &self,
        claim: Claim<'_>,
        reason: Reason,
        measured: Option<&Measured>,
        team: Option<&str>,
    ) -> Result<(), Error> {
        self.settle(claim, reason.slug(), measured, team).await
    }

    /// Ends a claim for good. Until this has succeeded a crash would let a retry publish a value a
    /// second time, so it is tried until Lambda stops it.
    async fn settle(
        &self,
        claim: Claim<'_>,
        state: &str,
        measured: Option<&Measured>,
        team: Option<&str>,
    ) -> Result<(), Error> {
        let record = claim.record(state);
        let records = match measured {
            None => claim.metrics.iter().map(|_| record.clone()).collect(),
            Some(measured) => measured
                .measurements
                .iter()
                .map(|measurement| {
                    record.clone().into_iter().chain(datapoint(measurement, team)).collect()
                })
                .collect(),
        };
        let shipped = measured.and_then(|measured| measured.shipped.as_ref());
        let until_stopped = aws_sdk_dynamodb::config::Config::builder()
            .retry_config(retries(1000))
            .timeout_config(attempt_timeouts().disable_operation_timeout().build());
        self.write(&claim, records, shipped.map(evidence).unwrap_or_default())
            .condition_expression("#metric0.#claim = :claim")
            .expression_attribute_names("#claim", "claim")
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

    /// Gives a claim back of which nothing was published, so that the retry need not wait.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails. The lease then ends the claim.
    pub async fn release(&self, claim: Claim<'_>) -> Result<(), Error> {
        let removed: Vec<_> = (0..claim.metrics.len()).map(|i| format!("#metric{i}")).collect();
        let mut update = self.update(claim.deployment);
        for (name, metric) in removed.iter().zip(claim.metrics) {
            update = update.expression_attribute_names(name, metric.name());
        }
        let result = update
            .update_expression(format!("REMOVE {}", removed.join(", ")))
            .condition_expression("#metric0.#claim = :claim")
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_values(":claim", text(&claim.token))
            .send()
            .await;
        match result {
            Err(error) if !is_condition_failure(&error) => Err(failed(claim.deployment, &error)),
            _ => Ok(()),
        }
    }

    /// What is known of the deployment itself.
    fn facts(&self, deployment: &Deployment) -> Vec<(&'static str, AttributeValue)> {
        let expires_at = (deployment.at + self.retention).timestamp();
        [
            ("repository", Some(text(deployment.repository.as_str()))),
            ("branch", deployment.branch.as_deref().map(text)),
            ("commit", deployment.commit.as_deref().map(text)),
            ("rule", Some(text(deployment.rule.as_str()))),
            ("deployed_at", Some(text(&rfc3339(deployment.at)))),
            ("expires_at", Some(AttributeValue::N(expires_at.to_string()))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// An update that writes a record for each claimed metric, and facts where they are not known
    /// yet.
    fn write(
        &self,
        claim: &Claim<'_>,
        records: Vec<HashMap<String, AttributeValue>>,
        facts: Vec<(&'static str, AttributeValue)>,
    ) -> UpdateItemFluentBuilder {
        let mut assignments = Vec::new();
        let mut update = self.update(claim.deployment);
        for (i, (metric, record)) in claim.metrics.iter().zip(records).enumerate() {
            assignments.push(format!("#metric{i} = :record{i}"));
            update = update
                .expression_attribute_names(format!("#metric{i}"), metric.name())
                .expression_attribute_values(format!(":record{i}"), AttributeValue::M(record));
        }
        for (name, value) in facts {
            assignments.push(format!("#{name} = if_not_exists(#{name}, :{name})"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
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
    fn record(&self, state: &str) -> HashMap<String, AttributeValue> {
        HashMap::from([("state".to_owned(), text(state)), ("claim".to_owned(), text(&self.token))])
    }

    fn metric(&self) -> &'static str {
        self.metrics.first().map_or("nothing", |metric| metric.name())
    }

    fn held_until(&self, lease_until: Option<&AttributeValue>) -> Error {
        let until = lease_until
            .and_then(|lease| lease.as_n().ok()?.parse().ok())
            .and_then(DateTime::from_timestamp_millis);
        Error::LedgerClaimHeld {
            metric: self.metric(),
            subject: self.deployment.execution.to_string(),
            until: until.map_or_else(|| "an unknown time".to_owned(), rfc3339),
        }
    }

    fn lost(&self) -> Error {
        Error::LedgerClaimLost {
            metric: self.metric(),
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
) -> impl Iterator<Item = (String, AttributeValue)> {
    let number = |value: &f64| AttributeValue::N(value.to_string());
    let values = match &measurement.values {
        Values::One(value) => ("value", Some(number(value))),
        Values::Many(values) => {
            ("values", Some(AttributeValue::L(values.iter().map(number).collect())))
        }
    };
    [
        values,
        ("unit", Some(text(measurement.metric.unit().as_str()))),
        ("at", Some(text(&rfc3339(measurement.at)))),
        ("repository", Some(text(measurement.repository.as_str()))),
        ("team", team.map(text)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// The commits behind the values. An item holds 400 KB, so of a very large deployment only the
/// oldest commits are listed. The values are complete all the same: CloudWatch takes no more of
/// them at once than fit beside these commits.
fn evidence(shipped: &Shipped) -> Vec<(&'static str, AttributeValue)> {
    const MOST_COMMITS: usize = 2000;
    let commits = shipped.commits.iter().take(MOST_COMMITS).map(|commit| {
        AttributeValue::M(HashMap::from([
            ("id".to_owned(), text(commit.id.as_str())),
            ("authored_at".to_owned(), text(&rfc3339(commit.authored_at))),
        ]))
    });
    let mut facts = vec![("commits", AttributeValue::L(commits.collect()))];
    if let Some(since) = &shipped.since {
        facts.push(("since", text(since.as_str())));
    }
    facts
}

/// The record that stood in the way of a conditional write, if that is why it failed.
fn standing_record<'a, R>(
    error: &'a SdkError<UpdateItemError, R>,
    claim: &Claim<'_>,
) -> Option<&'a HashMap<String, AttributeValue>> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(failure) => {
            failure.item()?.get(claim.metric())?.as_m().ok()
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
