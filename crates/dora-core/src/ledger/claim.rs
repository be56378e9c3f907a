//! The right to publish a metric of something once.
//!
//! A claim ends with the invocation that holds it: its lease lasts until that invocation's
//! deadline, after which Lambda has stopped it, so that a crash leaves nothing locked.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::entry::Entered;
use super::facts::{Known, execution_text, known, ops_item_text};
use super::{
    Item, Key, Ledger, attempt_timeouts, failed, is_condition_failure, millis, retries, rfc3339,
    standing_item, text,
};
use crate::commit::Shipped;
use crate::decision::Reason;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::identity::Execution;
use crate::incident::Incident;
use crate::metric::{Evidence, Measured, Measurement, Metric, Values};
use crate::repository::Teams;

const OPERATION: &str = "UpdateItem";
const PENDING: &str = "pending";
const PUBLISHED: &str = "published";

/// Clocks of two invocations may differ a little: a lease lasts this much longer than needed.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(2);

/// What metrics are claimed of: a deployment or an incident.
#[derive(Debug, Clone)]
pub struct Subject {
    key: Key,
    /// As messages name it.
    name: String,
    /// What is known of it, for whoever reads the ledger.
    facts: Vec<(&'static str, AttributeValue)>,
    /// From when on the ledger keeps it, if that is known.
    since: Option<DateTime<Utc>>,
    /// What is entered with the claim, if incidents are to find it.
    entry: Option<Deployment>,
}

impl Subject {
    /// A deployment whose event is at hand.
    #[must_use]
    pub fn deployment(deployment: &Deployment) -> Self {
        let facts = [
            ("repository", Some(text(deployment.repository.as_str()))),
            ("branch", deployment.branch.as_deref().map(text)),
            ("commit", deployment.commit.as_deref().map(text)),
            ("rule", Some(text(deployment.rule.as_str()))),
            ("deployed_at", Some(text(&rfc3339(deployment.at)))),
        ];
        Self {
            facts: facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            since: Some(deployment.at),
            ..Self::execution(&deployment.execution)
        }
    }

    /// The same, entered with its claim where incidents look for it.
    #[must_use]
    pub fn entering(deployment: &Deployment) -> Self {
        Self { entry: Some(deployment.clone()), ..Self::deployment(deployment) }
    }

    /// A deployment that the ledger knows already.
    #[must_use]
    pub fn execution(execution: &Execution) -> Self {
        let (key, name) = (Key::deployment(execution), execution.to_string());
        Self { key, name, facts: Vec::new(), since: None, entry: None }
    }

    /// An incident.
    #[must_use]
    pub fn incident(incident: &Incident) -> Self {
        let Incident { ops_item, created_at, cause, .. } = incident;
        Self {
            key: Key::incident(ops_item),
            name: ops_item.to_string(),
            facts: vec![("created_at", text(&rfc3339(*created_at))), ("cause", text(&cause.key()))],
            since: Some(*created_at),
            entry: None,
        }
    }

    /// As messages name it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The right, held by one invocation, to publish some metrics of a subject.
#[derive(Debug)]
pub struct Claim<'a> {
    subject: &'a Subject,
    metrics: &'static [Metric],
    token: String,
}

/// What came of an attempt to claim.
#[derive(Debug)]
pub struct Claimed<'a> {
    /// Measure and publish, then confirm; or release. None if the metrics were published, or ignored
    /// for good, before.
    pub claim: Option<Claim<'a>>,
    /// What the ledger knew of the subject, if it was settled.
    pub known: Known,
    /// Whether an incident waits for the deployment that was entered.
    pub is_awaited: bool,
}

impl Ledger {
    /// Claims the right to publish these metrics of the subject until `deadline`, at which
    /// Lambda stops this invocation. A function always claims the same metrics together, so the
    /// first of them stands for all.
    ///
    /// # Errors
    /// [`Error::LedgerClaimHeld`] while another invocation holds the claim; [`Error::Service`] as
    /// DynamoDB fails.
    pub async fn claim<'a>(
        &self,
        subject: &'a Subject,
        metrics: &'static [Metric],
        now: DateTime<Utc>,
        deadline: DateTime<Utc>,
    ) -> Result<Claimed<'a>, Error> {
        let claim = Claim { subject, metrics, token: Uuid::new_v4().to_string() };
        let mut record = claim.record(PENDING);
        record.insert("lease_until".to_owned(), millis(deadline + CLOCK_SKEW));
        let records = metrics.iter().map(|_| record.clone()).collect();
        let update = self
            .write(&claim, records, self.facts(subject))
            .condition_expression(
                "attribute_not_exists(#metric0) OR (#metric0.#state = :pending \
                 AND (#metric0.#lease < :now OR #metric0.#claim = :claim))",
            )
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#lease", "lease_until")
            // The SDK repeats a request whose answer was lost: then the claim is already ours. It
            // must be pending, since the first request may still arrive when all is settled.
            .expression_attribute_values(":claim", text(&claim.token))
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":now", millis(now));
        let Entered { standing, is_awaited } = match &subject.entry {
            Some(deployment) => self.enter(deployment, update.as_input()).await?,
            None => Entered { standing: self.standing(subject, update).await?, is_awaited: false },
        };
        let Some(standing) = standing else {
            return Ok(Claimed { claim: Some(claim), known: Known::default(), is_awaited });
        };
        let record = standing.get(claim.metric()).and_then(|record| record.as_m().ok());
        if let Some(record) = record.filter(|record| state(record) == Some(PENDING)) {
            return Err(claim.held_until(record.get("lease_until")));
        }
        Ok(Claimed { claim: None, known: known(&standing), is_awaited })
    }

    /// Makes an update, unless its condition fails: then returns the item that stood in its way.
    async fn standing(
        &self,
        subject: &Subject,
        update: UpdateItemFluentBuilder,
    ) -> Result<Option<Item>, Error> {
        let all = ReturnValuesOnConditionCheckFailure::AllOld;
        match update.return_values_on_condition_check_failure(all).send().await {
            Ok(_) => Ok(None),
            Err(error) => match standing_item(&error) {
                Some(standing) => Ok(Some(standing.clone())),
                None => Err(failed(OPERATION, &subject.name, &error)),
            },
        }
    }

    /// Records what is in CloudWatch now; returns what the ledger knows of the subject since.
    ///
    /// # Errors
    /// [`Error::LedgerClaimLost`] if the claim expired and passed to another invocation;
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn confirm(
        &self,
        claim: Claim<'_>,
        measured: &Measured,
        teams: &Teams,
    ) -> Result<Known, Error> {
        self.settle(claim, PUBLISHED, Some(measured), teams).await
    }

    /// Records that the subject gives no number, and why; what was measured is kept.
    ///
    /// # Errors
    /// As for [`Ledger::confirm`].
    pub async fn ignore(
        &self,
        claim: Claim<'_>,
        reason: Reason,
        measured: Option<&Measured>,
        teams: &Teams,
    ) -> Result<Known, Error> {
        self.settle(claim, reason.slug(), measured, teams).await
    }

    /// Ends a claim for good. Until this has succeeded a crash would let a retry publish a value a
    /// second time, so it is tried until Lambda stops it.
    async fn settle(
        &self,
        claim: Claim<'_>,
        state: &str,
        measured: Option<&Measured>,
        teams: &Teams,
    ) -> Result<Known, Error> {
        let record = claim.record(state);
        let records = match measured {
            None => claim.metrics.iter().map(|_| record.clone()).collect(),
            Some(measured) => measured
                .measurements
                .iter()
                .map(|measurement| {
                    record.clone().into_iter().chain(datapoint(measurement, teams)).collect()
                })
                .collect(),
        };
        let facts = measured.map(|measured| evidence(&measured.evidence)).unwrap_or_default();
        let until_stopped = aws_sdk_dynamodb::config::Config::builder()
            .retry_config(retries(1000))
            .timeout_config(attempt_timeouts().disable_operation_timeout().build());
        self.write(&claim, records, facts)
            .condition_expression("#metric0.#claim = :claim")
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_values(":claim", text(&claim.token))
            .return_values(ReturnValue::AllNew)
            .customize()
            .config_override(until_stopped)
            .send()
            .await
            .map(|output| known(&output.attributes.unwrap_or_default()))
            .map_err(|error| {
                if is_condition_failure(&error) {
                    claim.lost()
                } else {
                    failed(OPERATION, &claim.subject.name, &error)
                }
            })
    }

    /// Gives a claim back of which nothing was published, so that the retry need not wait.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails. The lease then ends the claim.
    pub async fn release(&self, claim: Claim<'_>) -> Result<(), Error> {
        let removed: Vec<_> = (0..claim.metrics.len()).map(|i| format!("#metric{i}")).collect();
        let mut update = self.update(&claim.subject.key);
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
            Err(error) if !is_condition_failure(&error) => {
                Err(failed(OPERATION, &claim.subject.name, &error))
            }
            _ => Ok(()),
        }
    }

    /// What is known of the subject itself.
    fn facts(&self, subject: &Subject) -> Vec<(&'static str, AttributeValue)> {
        let expiry = subject.since.map(|since| ("expires_at", self.expiry(since)));
        subject.facts.iter().cloned().chain(expiry).collect()
    }

    /// An update that writes a record for each claimed metric, and facts where they are not known
    /// yet.
    fn write(
        &self,
        claim: &Claim<'_>,
        records: Vec<Item>,
        facts: Vec<(&'static str, AttributeValue)>,
    ) -> UpdateItemFluentBuilder {
        let mut assignments = Vec::new();
        let mut update = self.update(&claim.subject.key);
        for (i, (metric, record)) in claim.metrics.iter().zip(records).enumerate() {
            assignments.push(format!("#metric{i} = :record{i}"));
            update = update
                .expression_attribute_names(format!("#metric{i}"), metric.name())
                .expression_attribute_values(format!(":record{i}"), AttributeValue::M(record));
        }
        for (name, value) in facts {
            assignments.push(match name {
                // A rollback or an incident that came before may have named another of a pipeline
                // that has several.
                "repository" => format!("#{name} = :{name}"),
                _ => format!("#{name} = if_not_exists(#{name}, :{name})"),
            });
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        update.update_expression(format!("SET {}", assignments.join(", ")))
    }
}

impl Claim<'_> {
    fn record(&self, state: &str) -> Item {
        Item::from([("state".to_owned(), text(state)), ("claim".to_owned(), text(&self.token))])
    }

    pub(crate) fn subject_name(&self) -> &str {
        &self.subject.name
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
            subject: self.subject.name.clone(),
            until: until.map_or_else(|| "an unknown time".to_owned(), rfc3339),
        }
    }

    fn lost(&self) -> Error {
        Error::LedgerClaimLost { metric: self.metric(), subject: self.subject.name.clone() }
    }
}

fn datapoint(
    measurement: &Measurement,
    teams: &Teams,
) -> impl Iterator<Item = (String, AttributeValue)> {
    let number = |value: &f64| AttributeValue::N(value.to_string());
    let values = match &measurement.values {
        Values::One(value) => ("value", Some(number(value))),
        Values::Many(values) => {
            ("values", Some(AttributeValue::L(values.iter().map(number).collect())))
        }
    };
    let repository = measurement.repository.as_ref();
    let team = repository.and_then(|repository| teams.of(repository));
    [
        values,
        ("unit", Some(text(measurement.metric.unit().as_str()))),
        ("at", Some(text(&rfc3339(measurement.at)))),
        ("repository", repository.map(|repository| text(repository.as_str()))),
        ("team", team.map(text)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// What the values rest on, as attributes of the subject.
fn evidence(evidence: &Evidence) -> Vec<(&'static str, AttributeValue)> {
    match evidence {
        Evidence::Subject => Vec::new(),
        Evidence::Shipped(shipped) => commits(shipped),
        Evidence::References(ops_items) => {
            let texts = ops_items.iter().map(ops_item_text).collect();
            vec![("references", AttributeValue::Ss(texts))]
        }
        Evidence::EndedBy(execution) => vec![("ended_by", text(&execution_text(execution)))],
    }
}

/// The commits behind the values. An item holds 400 KB, so of a very large deployment only the
/// oldest commits are listed, and of a commit a few pull requests. The values are complete all the same: CloudWatch takes no more of
/// them at once than fit beside these commits.
fn commits(shipped: &Shipped) -> Vec<(&'static str, AttributeValue)> {
    const MOST_COMMITS: usize = 2000;
    const MOST_PULL_REQUESTS: usize = 5;
    let commits = shipped.commits.iter().take(MOST_COMMITS).map(|commit| {
        let numbers = commit.pull_requests.iter().take(MOST_PULL_REQUESTS).map(u64::to_string);
        let numbers: Vec<_> = numbers.collect();
        // DynamoDB takes no empty set.
        let numbers = (!numbers.is_empty()).then_some(AttributeValue::Ns(numbers));
        let facts = [
            ("id", Some(text(commit.id.as_str()))),
            ("authored_at", Some(text(&rfc3339(commit.authored_at)))),
            ("pull_requests", numbers),
        ];
        let facts = facts.into_iter();
        AttributeValue::M(
            facts.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        )
    });
    let mut facts = vec![("commits", AttributeValue::L(commits.collect()))];
    if let Some(since) = &shipped.since {
        facts.push(("since", text(since.as_str())));
    }
    facts
}

fn state(record: &Item) -> Option<&str> {
    record.get("state")?.as_s().ok().map(String::as_str)
}
