//! Where deployments, incidents and rollbacks meet, whichever of them is heard of first.
//!
//! Each side first writes what it knows, and then reads what the other has written. Reads are
//! consistent, so of two sides that come at the same moment at least one sees the other. All of it
//! can be repeated: what is written twice is the same.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{Item, Key, Ledger, failed, rfc3339, text};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::identity::{
    AccountId, Execution, ExecutionId, OpsItem, OpsItemId, Pipeline, PipelineName, Region,
};
use crate::incident::{Cause, Incident};
use crate::repository::Repository;

const WAITING: &str = "waiting";
/// Events come up to two weeks late; an incident need not wait much longer for its deployment.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(30);

/// What the ledger knows of a deployment. Its event need not have arrived yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// When it reached production, once its event has arrived.
    pub deployed_at: Option<DateTime<Utc>>,
    /// Its repository, once its event has arrived.
    pub repository: Option<Repository>,
    /// What made it a failed change.
    pub failed_by: BTreeSet<FailedBy>,
    /// When a rollback undid it.
    pub undone_at: Option<DateTime<Utc>>,
    /// Whether a recovery from it was published, or is about to be, that is no incident's.
    pub has_recovery: bool,
    /// Whether its references to incidents were followed.
    pub was_followed: bool,
}

/// What made a deployment a failed change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailedBy {
    /// An incident that is attributed to it.
    Incident(OpsItem, DateTime<Utc>),
    /// The execution that rolled it back.
    Rollback(ExecutionId),
}

/// The rule that attributed an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributedBy {
    /// It names the execution or the commit.
    Change,
    /// It names the repository.
    Repository,
    /// It names nothing, and was the latest deployment.
    Latest,
}

impl AttributedBy {
    /// As the ledger and the log name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Repository => "repository",
            Self::Latest => "latest",
        }
    }
}

impl Ledger {
    /// Enters a deployment where incidents look for it.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn enter(&self, deployment: &Deployment) -> Result<(), Error> {
        let Deployment { execution, repository, commit, at, .. } = deployment;
        let pipeline = pipeline_text(&execution.of());
        let until = self.expiry(*at);
        let entry = |pk: String, sk: String| {
            self.client
                .put_item()
                .table_name(&self.table)
                .item("pk", AttributeValue::S(pk))
                .item("sk", AttributeValue::S(sk))
                .item("repository", text(repository.as_str()))
                .item("expires_at", until.clone())
        };
        let day = entry(
            format!("day#{}", at.format("%F")),
            format!("{}#{}#{pipeline}", sortable(*at), execution.id),
        );
        let of_repository = entry(Cause::Repository(repository.clone()).key(), pipeline.clone());
        let of_commit = entry(format!("commit#{}", commit.as_deref().unwrap_or("none")), pipeline);
        tokio::try_join!(day.send(), of_repository.send(), of_commit.send())
            .map(drop)
            .map_err(|error| failed("PutItem", execution, &error))
    }

    /// The pipelines that deployed what an incident names, with the repositories that they deployed.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn pipelines(&self, cause: &Cause) -> Result<Vec<(Pipeline, Repository)>, Error> {
        let items = self.query(cause.key(), None).await?;
        let pipeline = |item: &Item| {
            let repository = Repository::parse(string(item, "repository")?)?;
            Some((pipeline_of(string(item, "sk")?)?, repository))
        };
        Ok(items.iter().filter_map(pipeline).collect())
    }

    /// The deployments of that execution id. There is one at most, as ids are unique.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn executions(&self, id: &ExecutionId) -> Result<Vec<Execution>, Error> {
        let items = self.query(format!("deployment#{id}"), None).await?;
        let execution = |item: &Item| {
            string(item, "deployed_at")?;
            Some(pipeline_of(string(item, "sk")?)?.execution(id.clone()))
        };
        Ok(items.iter().filter_map(execution).collect())
    }

    /// The latest deployment that has arrived of those before a time, within a window.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn latest_before(
        &self,
        time: DateTime<Utc>,
        window: TimeDelta,
    ) -> Result<Option<Execution>, Error> {
        let earliest = time - window;
        let mut day = time.date_naive();
        while day >= earliest.date_naive() {
            let pk = format!("day#{day}");
            let range = (sortable(earliest), sortable(time));
            let items = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", text(&pk))
                .expression_attribute_values(":from", text(&range.0))
                .expression_attribute_values(":to", text(&range.1))
                .scan_index_forward(false)
                .limit(1)
                .send()
                .await
                .map_err(|error| failed("Query", &pk, &error))?
                .items
                .unwrap_or_default();
            if let Some(execution) = items.first().and_then(|item| {
                let (_, rest) = string(item, "sk")?.split_once('#')?;
                let (id, pipeline) = rest.split_once('#')?;
                Some(pipeline_of(pipeline)?.execution(ExecutionId::parse(id)?))
            }) {
                return Ok(Some(execution));
            }
            let Some(before) = day.pred_opt() else { break };
            day = before;
        }
        Ok(None)
    }

    /// Remembers an incident for a deployment that is not known yet.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn wait(&self, incident: &Incident) -> Result<(), Error> {
        let until = incident.created_at + LONGEST_WAIT;
        self.client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(WAITING))
            .item("sk", AttributeValue::S(waiting_key(incident)))
            .item("expires_at", AttributeValue::N(until.timestamp().to_string()))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("PutItem", &incident.ops_item, &error))
    }

    /// The incident has found its deployment.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn stop_waiting(&self, incident: &Incident) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(WAITING))
            .key("sk", AttributeValue::S(waiting_key(incident)))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("DeleteItem", &incident.ops_item, &error))
    }

    /// The incidents without a deployment that this one may have caused.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn waiting_for(
        &self,
        deployment: &Deployment,
        window: TimeDelta,
    ) -> Result<Vec<Incident>, Error> {
        let Deployment { execution, repository, commit, at, .. } = deployment;
        let (from, to) = (sortable(*at), sortable(*at + window));
        let whole = |key: String| (format!("{key}#"), format!("{key}#~"));
        let within = |key: String| (format!("{key}#{from}"), format!("{key}#{to}~"));
        let named = [
            whole(Cause::Execution(execution.id.clone()).key()),
            whole(format!("commit#{}", commit.as_deref().unwrap_or("none"))),
            within(Cause::Repository(repository.clone()).key()),
            within(Cause::Unnamed.key()),
        ];
        let mut found = Vec::new();
        for range in named {
            let items = self.query(WAITING.to_owned(), Some(range)).await?;
            found.extend(items.iter().filter_map(|item| waiting_of(string(item, "sk")?)));
        }
        Ok(found)
    }

    /// Records what an incident is attributed to, unless that was decided before; returns the
    /// decision.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn attribute(
        &self,
        incident: &Incident,
        execution: &Execution,
        rule: AttributedBy,
    ) -> Result<Execution, Error> {
        let Incident { ops_item, created_at, cause, .. } = incident;
        let item = self
            .update(&Key::incident(ops_item))
            .update_expression(
                "SET deployment = if_not_exists(deployment, :deployment), \
                 attributed_by = if_not_exists(attributed_by, :rule), \
                 created_at = if_not_exists(created_at, :created), \
                 cause = if_not_exists(cause, :cause), \
                 expires_at = if_not_exists(expires_at, :until)",
            )
            .expression_attribute_values(":deployment", text(&execution_text(execution)))
            .expression_attribute_values(":rule", text(rule.as_str()))
            .expression_attribute_values(":created", text(&rfc3339(*created_at)))
            .expression_attribute_values(":cause", text(&cause.key()))
            .expression_attribute_values(":until", self.expiry(*created_at))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| failed("UpdateItem", ops_item, &error))?
            .attributes
            .unwrap_or_default();
        let decided = string(&item, "deployment").and_then(execution_of);
        Ok(decided.unwrap_or_else(|| execution.clone()))
    }

    /// The deployment that an incident was attributed to, if it was.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn attributed(&self, ops_item: &OpsItem) -> Result<Option<Execution>, Error> {
        let item = self.get(&Key::incident(ops_item), ops_item).await?;
        Ok(string(&item, "deployment").and_then(execution_of))
    }

    /// Marks a deployment as a failed change. `at` is when that happened.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn mark_failed(
        &self,
        execution: &Execution,
        by: &FailedBy,
        at: DateTime<Utc>,
    ) -> Result<Known, Error> {
        let causes = AttributeValue::Ss(vec![failed_by_text(by)]);
        let output = self
            .update(&Key::deployment(execution))
            .update_expression(
                "SET expires_at = if_not_exists(expires_at, :until) ADD failed_by :causes",
            )
            .expression_attribute_values(":causes", causes)
            .expression_attribute_values(":until", self.expiry(at))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| failed("UpdateItem", execution, &error))?;
        Ok(known(&output.attributes.unwrap_or_default()))
    }

    /// Records that a rollback undid a deployment.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn mark_undone(
        &self,
        execution: &Execution,
        by: &ExecutionId,
        at: DateTime<Utc>,
    ) -> Result<Known, Error> {
        let output = self
            .update(&Key::deployment(execution))
            .update_expression(
                "SET undone_at = if_not_exists(undone_at, :at), \
                 undone_by = if_not_exists(undone_by, :by), \
                 expires_at = if_not_exists(expires_at, :until)",
            )
            .expression_attribute_values(":at", text(&rfc3339(at)))
            .expression_attribute_values(":by", text(by.as_str()))
            .expression_attribute_values(":until", self.expiry(at))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| failed("UpdateItem", execution, &error))?;
        Ok(known(&output.attributes.unwrap_or_default()))
    }

    /// What is known of a deployment.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn known(&self, execution: &Execution) -> Result<Known, Error> {
        Ok(known(&self.get(&Key::deployment(execution), execution).await?))
    }

    async fn get(&self, key: &Key, subject: &dyn ToString) -> Result<Item, Error> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("GetItem", &subject.to_string(), &error))?;
        Ok(output.item.unwrap_or_default())
    }

    /// All items of a partition, or of a range of it.
    async fn query(&self, pk: String, range: Option<(String, String)>) -> Result<Vec<Item>, Error> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .expression_attribute_values(":pk", text(&pk));
        query = match range {
            None => query.key_condition_expression("pk = :pk"),
            Some((from, to)) => query
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":from", AttributeValue::S(from))
                .expression_attribute_values(":to", AttributeValue::S(to)),
        };
        query
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| failed("Query", &pk, &error))
    }
}

fn known(item: &Item) -> Known {
    let time = |name: &str| string(item, name)?.parse().ok();
    let causes = item.get("failed_by").and_then(|causes| causes.as_ss().ok());
    let rework = item.get("ReworkDeployments").and_then(|record| record.as_m().ok());
    Known {
        deployed_at: time("deployed_at"),
        repository: string(item, "repository").and_then(Repository::parse),
        failed_by: causes.into_iter().flatten().filter_map(|text| failed_by_of(text)).collect(),
        undone_at: time("undone_at"),
        has_recovery: item.contains_key("TimeToRecovery"),
        was_followed: rework.and_then(|record| string(record, "state")) != Some("pending")
            && rework.is_some(),
    }
}

fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// Of one width, so that the order of texts is that of times.
fn sortable(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn pipeline_text(Pipeline { account, region, name }: &Pipeline) -> String {
    format!("{account}#{region}#{name}")
}

fn pipeline_of(text: &str) -> Option<Pipeline> {
    let mut parts = text.splitn(3, '#');
    Some(Pipeline {
        account: AccountId::parse(parts.next()?)?,
        region: Region::parse(parts.next()?)?,
        name: PipelineName::parse(parts.next()?)?,
    })
}

fn execution_text(execution: &Execution) -> String {
    format!("{}#{}", execution.id, pipeline_text(&execution.of()))
}

fn execution_of(text: &str) -> Option<Execution> {
    let (id, pipeline) = text.split_once('#')?;
    Some(pipeline_of(pipeline)?.execution(ExecutionId::parse(id)?))
}

fn ops_item_text(OpsItem { account, region, id }: &OpsItem) -> String {
    format!("{id}#{account}#{region}")
}

fn ops_item_of(text: &str) -> Option<OpsItem> {
    let mut parts = text.splitn(3, '#');
    let id = OpsItemId::parse(parts.next()?)?;
    let account = AccountId::parse(parts.next()?)?;
    Some(OpsItem { account, region: Region::parse(parts.next()?)?, id })
}

fn failed_by_text(by: &FailedBy) -> String {
    match by {
        FailedBy::Incident(ops_item, at) => {
            format!("incident#{}#{}", sortable(*at), ops_item_text(ops_item))
        }
        FailedBy::Rollback(id) => format!("rollback#{id}"),
    }
}

fn failed_by_of(text: &str) -> Option<FailedBy> {
    match text.split_once('#')? {
        ("rollback", id) => ExecutionId::parse(id).map(FailedBy::Rollback),
        ("incident", rest) => {
            let (at, ops_item) = rest.split_once('#')?;
            Some(FailedBy::Incident(ops_item_of(ops_item)?, at.parse().ok()?))
        }
        _ => None,
    }
}

fn waiting_key(Incident { ops_item, created_at, cause, .. }: &Incident) -> String {
    format!("{}#{}#{}", cause.key(), sortable(*created_at), ops_item_text(ops_item))
}

fn waiting_of(text: &str) -> Option<Incident> {
    let (kind, rest) = text.split_once('#')?;
    let (name, rest) = rest.split_once('#')?;
    let (at, ops_item) = rest.split_once('#')?;
    let cause = Cause::parse(&format!("{kind}#{name}"))?;
    let created_at = at.parse().ok()?;
    Some(Incident { ops_item: ops_item_of(ops_item)?, created_at, cause, repository: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::CommitId;
    use crate::fixtures;

    fn ops_item() -> OpsItem {
        ops_item_of("oi-0123456789ab#444455556666#eu-west-1").unwrap()
    }

    fn at() -> DateTime<Utc> {
        "2026-11-02T10:30:00.25Z".parse().unwrap()
    }

    #[test]
    fn what_is_written_can_be_read() {
        let execution = fixtures::deployment().execution;
        assert_eq!(execution_of(&execution_text(&execution)), Some(execution.clone()));
        for by in [FailedBy::Rollback(execution.id.clone()), FailedBy::Incident(ops_item(), at())] {
            assert_eq!(failed_by_of(&failed_by_text(&by)), Some(by));
        }
        for cause in [
            Cause::Execution(execution.id),
            Cause::Commit(CommitId::parse(&"a".repeat(40)).unwrap()),
            Cause::Repository(Repository::parse("acme/web").unwrap()),
            Cause::Unnamed,
        ] {
            let incident =
                Incident { ops_item: ops_item(), created_at: at(), cause, repository: None };
            assert_eq!(waiting_of(&waiting_key(&incident)), Some(incident));
        }
    }

    #[test]
    fn the_order_of_texts_is_that_of_times() {
        let earlier: DateTime<Utc> = "2026-11-02T10:30:00Z".parse().unwrap();
        assert!(sortable(earlier) < sortable(at()));
    }

    #[test]
    fn nothing_known_is_nothing_followed() {
        assert_eq!(known(&Item::new()), Known::default());
    }
}
