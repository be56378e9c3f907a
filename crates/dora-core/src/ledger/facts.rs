//! Where deployments, incidents and rollbacks meet, whichever of them is heard of first.
//!
//! Each side first writes what it knows, and then reads what the other has written. Reads are
//! consistent, so of two sides that come at the same moment at least one sees the other. All of it
//! can be repeated: what is written twice is the same.

use std::collections::BTreeSet;
use std::ops::Range;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, SecondsFormat, Utc};

use super::{Item, Key, Ledger, failed, rfc3339, standing_item, text};
use crate::error::Error;
use crate::identity::{
    AccountId, Execution, ExecutionId, OpsItem, OpsItemId, Pipeline, PipelineName, Region,
};
use crate::incident::{Cause, Incident};
use crate::metric::Metric;
use crate::repository::Repository;
use crate::rollback::PastRollback;

/// What the ledger knows of a deployment. Its event need not have arrived yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// When it reached production, once its event has arrived.
    pub deployed_at: Option<DateTime<Utc>>,
    /// Its repository.
    pub repository: Option<Repository>,
    /// What made it a failed change.
    pub failed_by: BTreeSet<FailedBy>,
    /// Whose recovery its rollback was, once that is decided.
    pub recovery_of: Option<RecoveryOf>,
    /// Whether it was counted as a change.
    pub is_counted: bool,
    /// Whether it was counted as a failed one.
    pub failure_is_counted: bool,
    /// Whether its references to incidents were followed.
    pub was_followed: bool,
}

impl Known {
    /// The rollbacks that undid it, as far as their events have come, first first.
    pub fn rollbacks(&self) -> impl Iterator<Item = PastRollback> {
        self.failed_by.iter().filter_map(|by| match by {
            FailedBy::Rollback(at, id) => Some(PastRollback { id: id.clone(), at: *at }),
            FailedBy::Incident(..) => None,
        })
    }

    /// When a rollback that undid it succeeded, by its event.
    #[must_use]
    pub fn undone_at(&self, rollback: &ExecutionId) -> Option<DateTime<Utc>> {
        self.rollbacks().find(|undoing| undoing.id == *rollback).map(|undoing| undoing.at)
    }
}

/// What made a deployment a failed change, and when that was created or succeeded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailedBy {
    /// An incident that is attributed to it.
    Incident(DateTime<Utc>, OpsItem),
    /// The execution that rolled it back.
    Rollback(DateTime<Utc>, ExecutionId),
}

/// Whose recovery the first rollback of a deployment was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryOf {
    /// That of the incidents that the deployment had caused before.
    Incidents,
    /// The deployment's own: it had caused none.
    Deployment,
}

impl RecoveryOf {
    /// As the ledger writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incidents => "incidents",
            Self::Deployment => "deployment",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Incidents, Self::Deployment].into_iter().find(|of| of.as_str() == text)
    }
}

/// The deployment that caused an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    /// The deployment.
    pub execution: Execution,
    /// Its repository.
    pub repository: Repository,
    /// The rule that decided.
    pub by: AttributedBy,
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
    const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Repository => "repository",
            Self::Latest => "latest",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Change, Self::Repository, Self::Latest].into_iter().find(|by| by.as_str() == text)
    }
}

impl Ledger {
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

    /// The deployment of that execution id, once its event has arrived, and its repository.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn deployment(
        &self,
        id: &ExecutionId,
    ) -> Result<Option<(Execution, Repository)>, Error> {
        let items = self.query(format!("deployment#{id}"), None).await?;
        let deployment = |item: &Item| {
            string(item, "deployed_at")?;
            let repository = Repository::parse(string(item, "repository")?)?;
            Some((pipeline_of(string(item, "sk")?)?.execution(id.clone()), repository))
        };
        Ok(items.iter().find_map(deployment))
    }

    /// The latest deployment of a period, of those that have arrived.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn latest_in(
        &self,
        period: Range<DateTime<Utc>>,
    ) -> Result<Option<(Execution, Repository)>, Error> {
        let mut day = period.end.date_naive();
        while day >= period.start.date_naive() {
            let pk = format!("day#{day}");
            let range = (sortable(period.start), sortable(period.end));
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
            let deployment = items.first().and_then(|item| {
                let (_, rest) = string(item, "sk")?.split_once('#')?;
                Some((execution_of(rest)?, Repository::parse(string(item, "repository")?)?))
            });
            if deployment.is_some() {
                return Ok(deployment);
            }
            let Some(before) = day.pred_opt() else { break };
            day = before;
        }
        Ok(None)
    }

    /// Records what an incident is attributed to, unless that was decided before; returns the
    /// decision.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn attribute(
        &self,
        incident: &Incident,
        found: &Attributed,
    ) -> Result<Attributed, Error> {
        let result = self
            .describe(
                incident,
                "deployment = :deployment, repository = :repository, attributed_by = :rule",
            )
            .condition_expression("attribute_not_exists(deployment)")
            .expression_attribute_values(":deployment", text(&execution_text(&found.execution)))
            .expression_attribute_values(":repository", text(found.repository.as_str()))
            .expression_attribute_values(":rule", text(found.by.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(found.clone()),
            Err(error) => match standing_item(&error).and_then(attributed) {
                Some(decided) => Ok(decided),
                None => Err(failed("UpdateItem", &incident.ops_item, &error)),
            },
        }
    }

    /// Records that no deployment is known yet that an incident could be attributed to.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn leave_unattributed(&self, incident: &Incident) -> Result<(), Error> {
        self.describe(incident, "attributed_by = if_not_exists(attributed_by, :rule)")
            .expression_attribute_values(":rule", text("unattributed"))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("UpdateItem", &incident.ops_item, &error))
    }

    /// An update of an incident that says what it is, too.
    fn describe(&self, incident: &Incident, assignments: &str) -> UpdateItemFluentBuilder {
        let Incident { ops_item, created_at, cause, .. } = incident;
        self.update(&Key::incident(ops_item))
            .update_expression(format!(
                "SET {assignments}, created_at = if_not_exists(created_at, :created), \
                 cause = if_not_exists(cause, :cause), \
                 expires_at = if_not_exists(expires_at, :until)"
            ))
            .expression_attribute_values(":created", text(&rfc3339(*created_at)))
            .expression_attribute_values(":cause", text(&cause.key()))
            .expression_attribute_values(":until", self.expiry(*created_at))
    }

    /// What an incident was attributed to, if it was.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn attributed(&self, ops_item: &OpsItem) -> Result<Option<Attributed>, Error> {
        Ok(attributed(&self.get(&Key::incident(ops_item), ops_item).await?))
    }

    /// When an incident ended, if that was published, or is known and too old for CloudWatch.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn recovered_at(&self, ops_item: &OpsItem) -> Result<Option<DateTime<Utc>>, Error> {
        let item = self.get(&Key::incident(ops_item), ops_item).await?;
        let recovery = item.get(Metric::TimeToRecovery.name()).and_then(|it| it.as_m().ok());
        Ok(recovery.and_then(|recovery| string(recovery, "at")?.parse().ok()))
    }

    /// Marks a deployment as a failed change. `at` is when that happened.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn mark_failed(
        &self,
        execution: &Execution,
        repository: &Repository,
        by: &FailedBy,
        at: DateTime<Utc>,
    ) -> Result<Known, Error> {
        let causes = AttributeValue::Ss(vec![failed_by_text(by)]);
        let output = self
            .update(&Key::deployment(execution))
            .update_expression(
                "SET expires_at = if_not_exists(expires_at, :until), \
                 repository = if_not_exists(repository, :repository) ADD failed_by :causes",
            )
            .expression_attribute_values(":causes", causes)
            .expression_attribute_values(":repository", text(repository.as_str()))
            .expression_attribute_values(":until", self.expiry(at))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| failed("UpdateItem", execution, &error))?;
        Ok(known(&output.attributes.unwrap_or_default()))
    }

    /// Decides once whose recovery the rollback of a deployment was, and returns what is known of
    /// the deployment since.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn decide_recovery(
        &self,
        execution: &Execution,
        of: RecoveryOf,
    ) -> Result<Known, Error> {
        let output = self
            .update(&Key::deployment(execution))
            .update_expression("SET recovery_of = if_not_exists(recovery_of, :of)")
            .expression_attribute_values(":of", text(of.as_str()))
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
    pub(super) async fn query(
        &self,
        pk: String,
        range: Option<(String, String)>,
    ) -> Result<Vec<Item>, Error> {
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

fn attributed(item: &Item) -> Option<Attributed> {
    Some(Attributed {
        execution: execution_of(string(item, "deployment")?)?,
        repository: Repository::parse(string(item, "repository")?)?,
        by: AttributedBy::parse(string(item, "attributed_by")?)?,
    })
}

pub(super) fn known(item: &Item) -> Known {
    let time = |name: &str| string(item, name)?.parse().ok();
    let causes = item.get("failed_by").and_then(|causes| causes.as_ss().ok());
    let is_settled = |metric: Metric| {
        let record = item.get(metric.name()).and_then(|record| record.as_m().ok());
        record.is_some_and(|record| string(record, "state") != Some("pending"))
    };
    Known {
        deployed_at: time("deployed_at"),
        repository: string(item, "repository").and_then(Repository::parse),
        failed_by: causes.into_iter().flatten().filter_map(|text| failed_by_of(text)).collect(),
        recovery_of: string(item, "recovery_of").and_then(RecoveryOf::parse),
        is_counted: is_settled(Metric::Changes),
        failure_is_counted: is_settled(Metric::FailedChanges),
        was_followed: is_settled(Metric::ReworkDeployments),
    }
}

pub(super) fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// Of one width, so that the order of texts is that of times.
pub(super) fn sortable(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(super) fn pipeline_text(Pipeline { account, region, name }: &Pipeline) -> String {
    format!("{account}#{region}#{name}")
}

pub(super) fn pipeline_of(text: &str) -> Option<Pipeline> {
    let mut parts = text.splitn(3, '#');
    Some(Pipeline {
        account: AccountId::parse(parts.next()?)?,
        region: Region::parse(parts.next()?)?,
        name: PipelineName::parse(parts.next()?)?,
    })
}

pub(super) fn execution_text(execution: &Execution) -> String {
    format!("{}#{}", execution.id, pipeline_text(&execution.of()))
}

pub(super) fn execution_of(text: &str) -> Option<Execution> {
    let (id, pipeline) = text.split_once('#')?;
    Some(pipeline_of(pipeline)?.execution(ExecutionId::parse(id)?))
}

pub(super) fn ops_item_text(OpsItem { account, region, id }: &OpsItem) -> String {
    format!("{id}#{account}#{region}")
}

pub(super) fn ops_item_of(text: &str) -> Option<OpsItem> {
    let mut parts = text.splitn(3, '#');
    let id = OpsItemId::parse(parts.next()?)?;
    let account = AccountId::parse(parts.next()?)?;
    Some(OpsItem { account, region: Region::parse(parts.next()?)?, id })
}

fn failed_by_text(by: &FailedBy) -> String {
    match by {
        FailedBy::Incident(at, ops_item) => {
            format!("incident#{}#{}", sortable(*at), ops_item_text(ops_item))
        }
        FailedBy::Rollback(at, id) => format!("rollback#{}#{id}", sortable(*at)),
    }
}

pub(super) fn failed_by_of(text: &str) -> Option<FailedBy> {
    let (kind, rest) = text.split_once('#')?;
    let (at, what) = rest.split_once('#')?;
    let at = at.parse().ok()?;
    match kind {
        "rollback" => Some(FailedBy::Rollback(at, ExecutionId::parse(what)?)),
        "incident" => Some(FailedBy::Incident(at, ops_item_of(what)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        for by in
            [FailedBy::Rollback(at(), execution.id.clone()), FailedBy::Incident(at(), ops_item())]
        {
            assert_eq!(failed_by_of(&failed_by_text(&by)), Some(by));
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
