//! The ledger, read back: for reports and explanations, which need every deployment and incident
//! with all that was recorded of it. What the functions read to decide is in [`facts`](super::facts).
//!
//! Items that cannot be read are an error that names them: a report that left them out would show
//! wrong numbers.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

use super::facts::{
    FailedBy, RecoveryOf, execution_of, failed_by_of, ops_item_of, pipeline_of, string,
};
use super::{Item, Ledger, failed, text};
use crate::commit::{Commit, CommitId};
use crate::error::Error;
use crate::identity::{Execution, ExecutionId, OpsItem, OpsItemId};
use crate::incident::Cause;
use crate::metric::Metric;
use crate::repository::Repository;

/// Parts of the table that are read at the same time.
const SEGMENTS: i32 = 4;

/// What the ledger holds of a deployment or an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A deployment.
    Deployment(DeploymentEntry),
    /// An incident.
    Incident(IncidentEntry),
}

impl Entry {
    /// What was recorded of its metrics.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        match self {
            Self::Deployment(entry) => &entry.records,
            Self::Incident(entry) => &entry.records,
        }
    }
}

/// A deployment, as far as its events and those that concern it have arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentEntry {
    /// Which.
    pub execution: Execution,
    /// Its repository.
    pub repository: Option<Repository>,
    /// The branch that ran.
    pub branch: Option<String>,
    /// The revision that ran.
    pub commit: Option<String>,
    /// The rule that decided that it was a production deployment.
    pub rule: Option<String>,
    /// When it reached production, once its own event has arrived.
    pub deployed_at: Option<DateTime<Utc>>,
    /// The commits that it shipped, oldest first: of a very large deployment the oldest 2,000.
    pub commits: Vec<Commit>,
    /// The commit that was in production before.
    pub since: Option<String>,
    /// What made it a failed change.
    pub failed_by: BTreeSet<FailedBy>,
    /// Whose recovery its first rollback was.
    pub recovery_of: Option<RecoveryOf>,
    /// The incidents that it references, and so was made to end.
    pub references: Vec<OpsItem>,
    /// The rollback that ended its own failure.
    pub ended_by: Option<Execution>,
    /// Its metrics.
    pub records: Vec<Record>,
}

/// An incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentEntry {
    /// Which.
    pub ops_item: OpsItem,
    /// When it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// What it names as its cause.
    pub cause: Option<Cause>,
    /// The deployment that it is attributed to.
    pub deployment: Option<Execution>,
    /// Where that came from.
    pub repository: Option<Repository>,
    /// The rule that attributed it, or `unattributed`.
    pub attributed_by: Option<String>,
    /// The deployment or rollback that ended it.
    pub ended_by: Option<Execution>,
    /// Its metrics.
    pub records: Vec<Record>,
}

/// What a function did about a metric of a deployment or incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Which metric.
    pub metric: Metric,
    /// How that ended.
    pub state: State,
    /// What was measured, if something was: also where CloudWatch takes nothing so old.
    pub datapoint: Option<Datapoint>,
}

/// How the work on a metric ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It has not: an invocation is at work, or was stopped and will be repeated.
    Pending,
    /// The datapoint is in CloudWatch.
    Published,
    /// It gave no number in CloudWatch, for this reason.
    Ignored(String),
}

/// A value, or all of a deployment, as it is published.
#[derive(Debug, Clone, PartialEq)]
pub struct Datapoint {
    /// In the metric's unit.
    pub values: Vec<f64>,
    /// The time that they belong to.
    pub at: DateTime<Utc>,
    /// The repository that they belong to, where one is known.
    pub repository: Option<Repository>,
    /// The team that owned it when they were published.
    pub team: Option<String>,
}

/// Why the ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// DynamoDB did not answer.
    #[error("{0}")]
    Ledger(#[from] Error),
    /// An item is not as the functions write it.
    #[error(
        "the ledger's item {pk} / {sk} has an attribute {attribute} that cannot be read: no \
         function wrote it like that. Correct or delete the item, or update this command"
    )]
    Unreadable {
        /// The item's partition key.
        pk: String,
        /// The item's sort key.
        sk: String,
        /// What cannot be read of it.
        attribute: &'static str,
    },
}

impl Ledger {
    /// All deployments and incidents. It reads the whole table.
    ///
    /// # Errors
    /// [`ReadError`] as DynamoDB fails, or an item is none that a function wrote.
    pub async fn entries(&self) -> Result<Vec<Entry>, ReadError> {
        let (a, b, c, d) =
            tokio::try_join!(self.scan(0), self.scan(1), self.scan(2), self.scan(3))?;
        [a, b, c, d].iter().flatten().map(entry).collect()
    }

    /// The deployments of an execution id, in whatever account, Region and pipeline.
    ///
    /// # Errors
    /// As for [`Ledger::entries`].
    pub async fn deployments_of(
        &self,
        id: &ExecutionId,
    ) -> Result<Vec<DeploymentEntry>, ReadError> {
        let items = self.query(format!("deployment#{id}"), None).await?;
        items.iter().map(|item| deployment(&Reader(item))).collect()
    }

    /// The incidents of an OpsItem's id, in whatever account and Region.
    ///
    /// # Errors
    /// As for [`Ledger::entries`].
    pub async fn incidents_of(&self, id: &OpsItemId) -> Result<Vec<IncidentEntry>, ReadError> {
        let items = self.query(format!("incident#{id}"), None).await?;
        items.iter().map(|item| incident(&Reader(item))).collect()
    }

    async fn scan(&self, segment: i32) -> Result<Vec<Item>, Error> {
        self.client
            .scan()
            .table_name(&self.table)
            .segment(segment)
            .total_segments(SEGMENTS)
            .consistent_read(true)
            .filter_expression("begins_with(pk, :deployment) OR begins_with(pk, :incident)")
            .expression_attribute_values(":deployment", text("deployment#"))
            .expression_attribute_values(":incident", text("incident#"))
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| failed("Scan", &self.table, &error))
    }
}

fn entry(item: &Item) -> Result<Entry, ReadError> {
    let item = Reader(item);
    let kind = item.text("pk")?.unwrap_or_default();
    if kind.starts_with("deployment#") {
        deployment(&item).map(Entry::Deployment)
    } else {
        incident(&item).map(Entry::Incident)
    }
}

fn deployment(item: &Reader<'_>) -> Result<DeploymentEntry, ReadError> {
    let id = item.key("pk", |pk| ExecutionId::parse(pk.strip_prefix("deployment#")?))?;
    Ok(DeploymentEntry {
        execution: item.key("sk", pipeline_of)?.execution(id),
        repository: item.parsed("repository", Repository::parse)?,
        branch: item.text("branch")?.map(str::to_owned),
        commit: item.text("commit")?.map(str::to_owned),
        rule: item.text("rule")?.map(str::to_owned),
        deployed_at: item.parsed("deployed_at", |text| text.parse().ok())?,
        commits: item.read("commits", commits)?.unwrap_or_default(),
        since: item.text("since")?.map(str::to_owned),
        failed_by: item.read("failed_by", failures)?.unwrap_or_default(),
        recovery_of: item.parsed("recovery_of", RecoveryOf::parse)?,
        references: item.read("references", ops_items)?.unwrap_or_default(),
        ended_by: item.parsed("ended_by", execution_of)?,
        records: item.records()?,
    })
}

fn incident(item: &Reader<'_>) -> Result<IncidentEntry, ReadError> {
    let id = item.key("pk", |pk| OpsItemId::parse(pk.strip_prefix("incident#")?))?;
    Ok(IncidentEntry {
        ops_item: item.key("sk", |place| ops_item_of(&format!("{id}#{place}")))?,
        created_at: item.parsed("created_at", |text| text.parse().ok())?,
        cause: item.parsed("cause", |text| match text {
            "unreadable#" => Some(Cause::Unreadable),
            _ => Cause::parse(text),
        })?,
        deployment: item.parsed("deployment", execution_of)?,
        repository: item.parsed("repository", Repository::parse)?,
        attributed_by: item.text("attributed_by")?.map(str::to_owned),
        ended_by: item.parsed("ended_by", execution_of)?,
        records: item.records()?,
    })
}

fn failures(value: &AttributeValue) -> Option<BTreeSet<FailedBy>> {
    value.as_ss().ok()?.iter().map(|text| failed_by_of(text)).collect()
}

fn ops_items(value: &AttributeValue) -> Option<Vec<OpsItem>> {
    value.as_ss().ok()?.iter().map(|text| ops_item_of(text)).collect()
}

fn commits(value: &AttributeValue) -> Option<Vec<Commit>> {
    let commit = |value: &AttributeValue| {
        let item = value.as_m().ok()?;
        let numbers = item.get("pull_requests").map(|numbers| numbers.as_ns());
        Some(Commit {
            id: CommitId::parse(string(item, "id")?)?,
            authored_at: string(item, "authored_at")?.parse().ok()?,
            pull_requests: match numbers {
                None => BTreeSet::new(),
                Some(numbers) => {
                    numbers.ok()?.iter().map(|n| n.parse().ok()).collect::<Option<_>>()?
                }
            },
        })
    };
    value.as_l().ok()?.iter().map(commit).collect()
}

fn record(metric: Metric, value: &AttributeValue) -> Option<Record> {
    let item = value.as_m().ok()?;
    let state = match string(item, "state")? {
        "pending" => State::Pending,
        "published" => State::Published,
        reason => State::Ignored(reason.to_owned()),
    };
    let number = |value: &AttributeValue| value.as_n().ok()?.parse().ok();
    let values = match (item.get("value"), item.get("values")) {
        (Some(value), _) => Some(vec![number(value)?]),
        (None, Some(values)) => {
            Some(values.as_l().ok()?.iter().map(number).collect::<Option<_>>()?)
        }
        (None, None) => None,
    };
    let datapoint = match values {
        None => None,
        Some(values) => Some(Datapoint {
            values,
            at: string(item, "at")?.parse().ok()?,
            repository: match item.get("repository") {
                None => None,
                Some(name) => Some(Repository::parse(name.as_s().ok()?)?),
            },
            team: string(item, "team").map(str::to_owned),
        }),
    };
    Some(Record { metric, state, datapoint })
}

/// An item, whose attributes are read or named.
struct Reader<'a>(&'a Item);

impl<'a> Reader<'a> {
    fn read<T>(
        &self,
        attribute: &'static str,
        read: impl FnOnce(&'a AttributeValue) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        let Some(value) = self.0.get(attribute) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.unreadable(attribute))
    }

    fn text(&self, attribute: &'static str) -> Result<Option<&'a str>, ReadError> {
        self.read(attribute, |value| value.as_s().ok().map(String::as_str))
    }

    fn parsed<T>(
        &self,
        attribute: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        self.read(attribute, |value| parse(value.as_s().ok()?))
    }

    fn key<T>(
        &self,
        attribute: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ReadError> {
        self.parsed(attribute, parse)?.ok_or_else(|| self.unreadable(attribute))
    }

    fn records(&self) -> Result<Vec<Record>, ReadError> {
        let records = Metric::ALL
            .into_iter()
            .map(|metric| self.read(metric.name(), |value| record(metric, value)));
        records.filter_map(Result::transpose).collect()
    }

    fn unreadable(&self, attribute: &'static str) -> ReadError {
        let key = |name| string(self.0, name).unwrap_or("?").to_owned();
        ReadError::Unreadable { pk: key("pk"), sk: key("sk"), attribute }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXECUTION: &str = "0f1e2d3c-4b5a-4697-8877-665544332211";

    fn item(attributes: &[(&str, AttributeValue)]) -> Item {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn map(attributes: &[(&str, AttributeValue)]) -> AttributeValue {
        AttributeValue::M(item(attributes))
    }

    fn number(text: &str) -> AttributeValue {
        AttributeValue::N(text.to_owned())
    }

    fn a_deployment(more: &[(&str, AttributeValue)]) -> Item {
        let mut found = item(&[
            ("pk", text(&format!("deployment#{EXECUTION}"))),
            ("sk", text("111122223333#eu-west-1#web")),
            ("repository", text("acme/web")),
            ("deployed_at", text("2026-11-02T10:00:00Z")),
        ]);
        found.extend(item(more));
        found
    }

    #[test]
    fn a_deployment_is_read_with_its_commits_and_datapoints() {
        let commit = map(&[
            ("id", text(&"a".repeat(40))),
            ("authored_at", text("2026-11-02T08:00:00Z")),
            ("pull_requests", AttributeValue::Ns(vec!["12".to_owned()])),
        ]);
        let times = map(&[
            ("state", text("published")),
            ("values", AttributeValue::L(vec![number("7200"), number("3600.5")])),
            ("at", text("2026-11-02T10:00:00Z")),
            ("repository", text("acme/web")),
            ("team", text("Storefront")),
        ]);
        let item = a_deployment(&[
            ("commits", AttributeValue::L(vec![commit])),
            ("CommitLeadTime", times),
            ("ReworkDeployments", map(&[("state", text("no-ops-item-referenced"))])),
            ("Changes", map(&[("state", text("pending"))])),
        ]);
        let Entry::Deployment(read) = entry(&item).unwrap() else { panic!("an incident") };
        assert_eq!(read.commits.first().unwrap().pull_requests, BTreeSet::from([12]));
        let of = |metric| read.records.iter().find(|record| record.metric == metric).unwrap();
        let datapoint = of(Metric::CommitLeadTime).datapoint.as_ref().unwrap();
        assert_eq!(datapoint.values, [7200.0, 3600.5]);
        assert_eq!(datapoint.team.as_deref(), Some("Storefront"));
        assert_eq!(of(Metric::Changes).state, State::Pending);
        let ignored = State::Ignored("no-ops-item-referenced".to_owned());
        assert_eq!(of(Metric::ReworkDeployments).state, ignored);
        assert_eq!(read.records.len(), 3);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (attribute, value) in [
            ("deployed_at", text("yesterday")),
            ("repository", number("1")),
            ("failed_by", AttributeValue::Ss(vec!["somebody#".to_owned()])),
            ("commits", AttributeValue::L(vec![map(&[("id", text("short"))])])),
            ("Deployments", map(&[("state", text("published")), ("value", number("1"))])),
            ("Deployments", map(&[])),
        ] {
            let error = entry(&a_deployment(&[(attribute, value)])).unwrap_err().to_string();
            assert!(error.contains(attribute) && error.contains(EXECUTION), "{error}");
        }
    }

    #[test]
    fn an_incident_is_read_with_its_deployment() {
        let item = item(&[
            ("pk", text("incident#oi-0123456789ab")),
            ("sk", text("444455556666#eu-west-1")),
            ("created_at", text("2026-11-02T10:30:00Z")),
            ("cause", text("repository#acme/web")),
            ("deployment", text(&format!("{EXECUTION}#111122223333#eu-west-1#web"))),
            ("repository", text("acme/web")),
            ("attributed_by", text("repository")),
        ]);
        let Entry::Incident(read) = entry(&item).unwrap() else { panic!("a deployment") };
        assert_eq!(read.ops_item.id.as_str(), "oi-0123456789ab");
        assert_eq!(read.deployment.unwrap().id.as_str(), EXECUTION);
    }
}
