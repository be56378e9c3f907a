//! The answers: what the ledger holds of a deployment, an incident, a rollback or a number, put
//! together. Pure; its fields are the JSON that `--format json` prints (times in UTC, values in the
//! metric's unit).

use chrono::{DateTime, Utc};
use dora_core::commit::Commit;
use dora_core::identity::{Execution, ExecutionId, OpsItem};
use dora_core::incident::Cause;
use dora_core::ledger::facts::{FailedBy, RecoveryOf};
use dora_core::ledger::records::{DeploymentEntry, Entry, IncidentEntry, Record, State};
use dora_core::metric::Metric;
use serde::Serialize;

use super::question::{Scope, Span};
use super::{deployments, incidents, words};

/// An answer.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Trace {
    Deployment(DeploymentTrace),
    Incident(IncidentTrace),
    Rollback(RollbackTrace),
    Number(NumberTrace),
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct DeploymentTrace {
    pub(super) execution: ExecutionRef,
    pub(super) repository: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) deployed_at: Option<DateTime<Utc>>,
    pub(super) rule: Option<String>,
    pub(super) since: Option<String>,
    pub(super) commits: Vec<CommitRef>,
    pub(super) failed_by: Vec<FailureRef>,
    pub(super) recovery_of: Option<&'static str>,
    pub(super) ended_by: Option<ExecutionRef>,
    pub(super) references: Vec<IncidentRef>,
    pub(super) numbers: Vec<Number>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct IncidentTrace {
    pub(super) ops_item: OpsItemRef,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) names: Option<String>,
    pub(super) attributed_by: Option<String>,
    pub(super) deployment: Option<DeploymentRef>,
    pub(super) ended_by: Option<ExecutionRef>,
    pub(super) numbers: Vec<Number>,
}

/// An execution that is no deployment: it undid one.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct RollbackTrace {
    pub(super) id: String,
    pub(super) succeeded_at: Option<DateTime<Utc>>,
    pub(super) undid: Vec<DeploymentRef>,
    pub(super) ended: Vec<OpsItemRef>,
}

/// A metric in a day or month, with all that it is made of.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct NumberTrace {
    pub(super) metric: &'static str,
    pub(super) unit: &'static str,
    pub(super) span: String,
    pub(super) repository: Option<String>,
    pub(super) team: Option<String>,
    pub(super) sum: f64,
    pub(super) samples: usize,
    /// Those that CloudWatch holds or refused for their age, in the order of time.
    pub(super) made_of: Vec<Contribution>,
    /// What gave no number there, and why.
    pub(super) left_out: Vec<LeftOut>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Contribution {
    pub(super) subject: Subject,
    pub(super) at: DateTime<Utc>,
    pub(super) values: Vec<f64>,
    pub(super) repository: Option<String>,
    pub(super) team: Option<String>,
    /// `published`, or `too-old-for-cloudwatch`.
    pub(super) state: String,
    pub(super) because: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct LeftOut {
    pub(super) subject: Subject,
    pub(super) at: DateTime<Utc>,
    pub(super) repository: Option<String>,
    /// `pending`, or the reason.
    pub(super) state: String,
}

/// What a value was measured of.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Subject {
    Deployment(ExecutionRef),
    Incident(OpsItemRef),
}

/// What was recorded of a metric.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Number {
    pub(super) metric: &'static str,
    pub(super) unit: &'static str,
    /// `published`, `pending`, or the reason why it gave no number.
    pub(super) state: String,
    pub(super) values: Vec<f64>,
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) repository: Option<String>,
    pub(super) team: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ExecutionRef {
    pub(super) id: String,
    pub(super) pipeline: String,
    pub(super) account: String,
    pub(super) region: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct OpsItemRef {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) region: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct DeploymentRef {
    pub(super) execution: ExecutionRef,
    pub(super) repository: Option<String>,
    pub(super) deployed_at: Option<DateTime<Utc>>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct IncidentRef {
    pub(super) ops_item: OpsItemRef,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) ended_by: Option<ExecutionRef>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct CommitRef {
    pub(super) id: String,
    pub(super) authored_at: DateTime<Utc>,
    pub(super) pull_requests: Vec<u64>,
}

/// What made a deployment a failed change.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum FailureRef {
    Incident { ops_item: OpsItemRef, created_at: DateTime<Utc>, attributed_by: Option<String> },
    Rollback { id: String, succeeded_at: DateTime<Utc> },
}

impl DeploymentTrace {
    /// `incidents` are those that it names, as far as the ledger knows them.
    pub(super) fn of(entry: DeploymentEntry, incidents: &[IncidentEntry]) -> Self {
        let known = |which: &OpsItem| incidents.iter().find(|entry| entry.ops_item == *which);
        let failed_by = entry.failed_by.iter().map(|by| match by {
            FailedBy::Incident(at, ops_item) => FailureRef::Incident {
                ops_item: ops_item.into(),
                created_at: *at,
                attributed_by: known(ops_item).and_then(|it| it.attributed_by.clone()),
            },
            FailedBy::Rollback(at, id) => {
                FailureRef::Rollback { id: id.to_string(), succeeded_at: *at }
            }
        });
        let references = entry.references.iter().map(|ops_item| IncidentRef {
            ops_item: ops_item.into(),
            created_at: known(ops_item).and_then(|it| it.created_at),
            ended_by: known(ops_item).and_then(|it| it.ended_by.as_ref()).map(Into::into),
        });
        Self {
            execution: (&entry.execution).into(),
            repository: entry.repository.as_ref().map(ToString::to_string),
            failed_by: failed_by.collect(),
            references: references.collect(),
            numbers: entry.records.iter().map(Into::into).collect(),
            commits: entry.commits.iter().map(Into::into).collect(),
            ended_by: entry.ended_by.as_ref().map(Into::into),
            recovery_of: entry.recovery_of.map(RecoveryOf::as_str),
            branch: entry.branch,
            commit: entry.commit,
            deployed_at: entry.deployed_at,
            rule: entry.rule,
            since: entry.since,
        }
    }
}

impl IncidentTrace {
    /// `cause` is the deployment that it is attributed to, as far as the ledger knows it.
    pub(super) fn of(entry: IncidentEntry, cause: Option<&DeploymentEntry>) -> Self {
        let deployment = entry.deployment.as_ref().map(|execution| DeploymentRef {
            execution: execution.into(),
            repository: entry.repository.as_ref().map(ToString::to_string),
            deployed_at: cause.and_then(|cause| cause.deployed_at),
        });
        Self {
            ops_item: (&entry.ops_item).into(),
            created_at: entry.created_at,
            names: entry.cause.as_ref().map(named),
            attributed_by: entry.attributed_by,
            deployment,
            ended_by: entry.ended_by.as_ref().map(Into::into),
            numbers: entry.records.iter().map(Into::into).collect(),
        }
    }
}

impl RollbackTrace {
    /// None if the ledger knows of nothing that the execution undid or ended.
    pub(super) fn of(id: &ExecutionId, entries: &[Entry]) -> Option<Self> {
        let mut succeeded_at = None;
        let mut undid = Vec::new();
        for entry in deployments(entries) {
            let at = entry.failed_by.iter().find_map(|by| match by {
                FailedBy::Rollback(at, rollback) if rollback == id => Some(*at),
                _ => None,
            });
            if at.is_some() {
                succeeded_at = at;
                undid.push(entry.into());
            }
        }
        let is_ended =
            |entry: &&IncidentEntry| entry.ended_by.as_ref().is_some_and(|by| by.id == *id);
        let ended: Vec<_> =
            incidents(entries).filter(is_ended).map(|entry| (&entry.ops_item).into()).collect();
        let is_known = !undid.is_empty() || !ended.is_empty();
        is_known.then(|| Self { id: id.to_string(), succeeded_at, undid, ended })
    }
}

impl NumberTrace {
    pub(super) fn of(metric: Metric, span: Span, scope: Scope, entries: &[Entry]) -> Self {
        let mut made_of = Vec::new();
        let mut left_out = Vec::new();
        for entry in entries {
            for record in entry.records().iter().filter(|record| record.metric == metric) {
                match &record.datapoint {
                    Some(datapoint) => {
                        if span.contains(datapoint.at) && scope.covers(datapoint) {
                            made_of.push(Contribution {
                                subject: entry.into(),
                                at: datapoint.at,
                                values: datapoint.values.clone(),
                                repository: datapoint.repository.as_ref().map(ToString::to_string),
                                team: datapoint.team.clone(),
                                state: state(record),
                                because: because(metric, entry),
                            });
                        }
                    }
                    None => left_out.extend(left_out_of(record, entry, span, &scope)),
                }
            }
        }
        made_of.sort_by_key(|each| each.at);
        left_out.sort_by_key(|each| each.at);
        let (repository, team) = match scope {
            Scope::All => (None, None),
            Scope::Repository(name) => (Some(name), None),
            Scope::Team(name) => (None, Some(name)),
        };
        let values = || made_of.iter().flat_map(|each| &each.values);
        Self {
            metric: metric.name(),
            unit: metric.unit().as_str(),
            span: span.to_string(),
            repository,
            team,
            sum: values().sum(),
            samples: values().count(),
            made_of,
            left_out,
        }
    }
}

/// A record without a value. Which team it would have counted for is not recorded.
fn left_out_of(record: &Record, entry: &Entry, span: Span, scope: &Scope) -> Option<LeftOut> {
    let (at, repository) = match entry {
        Entry::Deployment(entry) => (entry.deployed_at?, entry.repository.as_ref()),
        Entry::Incident(entry) => (entry.created_at?, entry.repository.as_ref()),
    };
    let is_asked = match scope {
        Scope::Repository(name) => repository.is_some_and(|it| it.as_str() == name),
        Scope::All | Scope::Team(_) => true,
    };
    (span.contains(at) && is_asked).then(|| LeftOut {
        subject: entry.into(),
        at,
        repository: repository.map(ToString::to_string),
        state: state(record),
    })
}

fn state(record: &Record) -> String {
    match &record.state {
        State::Pending => "pending".to_owned(),
        State::Published => "published".to_owned(),
        State::Ignored(reason) => reason.clone(),
    }
}

/// Why a value is there, in one line.
fn because(metric: Metric, entry: &Entry) -> String {
    match entry {
        Entry::Deployment(entry) => of_deployment(metric, entry),
        Entry::Incident(entry) => of_incident(metric, entry),
    }
}

fn of_deployment(metric: Metric, entry: &DeploymentEntry) -> String {
    let rule = words::rule(entry.rule.as_deref().unwrap_or("no rule was recorded"));
    match metric {
        Metric::LeadTimeForChanges => match entry.commits.first() {
            Some(first) => {
                format!("the first commit, {}, is of {}", short(first), at(first.authored_at))
            }
            None => "no commit was recorded".to_owned(),
        },
        Metric::CommitLeadTime => {
            let count = entry.commits.len();
            let since = entry.since.as_deref().map(|id| format!(" since {}", brief(id)));
            format!("commits shipped{}: {count}", since.unwrap_or_default())
        }
        Metric::FailedChanges => {
            let causes: Vec<_> = entry.failed_by.iter().map(cause).collect();
            causes.join(", ")
        }
        Metric::ReworkDeployments => {
            let ids: Vec<_> = entry.references.iter().map(|it| it.id.as_str()).collect();
            format!("it references {}", ids.join(", "))
        }
        Metric::TimeToRecovery => match &entry.ended_by {
            Some(by) => format!("rolled back by {}, without an incident before that", by.id),
            None => "it was rolled back, without an incident before that".to_owned(),
        },
        Metric::Deployments | Metric::Changes | Metric::Incidents => rule.to_owned(),
    }
}

fn of_incident(metric: Metric, entry: &IncidentEntry) -> String {
    match (metric, &entry.deployment, &entry.ended_by) {
        (Metric::TimeToRecovery, _, Some(by)) => format!("ended by {}", by.id),
        (Metric::TimeToRecovery, _, None) => "what ended it was not recorded".to_owned(),
        (_, Some(deployment), _) => {
            let rule = entry.attributed_by.as_deref().unwrap_or("no rule was recorded");
            format!("caused by {}: {}", deployment.id, words::attribution(rule))
        }
        (_, None, _) => words::attribution("unattributed").to_owned(),
    }
}

fn cause(by: &FailedBy) -> String {
    match by {
        FailedBy::Incident(_, ops_item) => format!("incident {}", ops_item.id),
        FailedBy::Rollback(_, id) => format!("rolled back by {id}"),
    }
}

/// What an incident names as its cause.
fn named(cause: &Cause) -> String {
    match cause {
        Cause::Execution(id) => format!("dora/execution-id {id}"),
        Cause::Commit(id) => format!("dora/commit {id}"),
        Cause::Repository(name) => format!("dora/repository {name}"),
        Cause::Unnamed => "nothing".to_owned(),
        Cause::Unreadable => "something that cannot be read".to_owned(),
    }
}

/// A time, to the second.
pub(super) fn at(time: DateTime<Utc>) -> String {
    time.format("%F %T").to_string()
}

/// The first digits of a commit's id, as Git shows them.
pub(super) fn brief(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

fn short(commit: &Commit) -> &str {
    brief(commit.id.as_str())
}

impl From<&Entry> for Subject {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Deployment(entry) => Self::Deployment((&entry.execution).into()),
            Entry::Incident(entry) => Self::Incident((&entry.ops_item).into()),
        }
    }
}

impl From<&Record> for Number {
    fn from(record: &Record) -> Self {
        let datapoint = record.datapoint.as_ref();
        Self {
            metric: record.metric.name(),
            unit: record.metric.unit().as_str(),
            state: state(record),
            values: datapoint.map(|it| it.values.clone()).unwrap_or_default(),
            at: datapoint.map(|it| it.at),
            repository: datapoint.and_then(|it| it.repository.as_ref()).map(ToString::to_string),
            team: datapoint.and_then(|it| it.team.clone()),
        }
    }
}

impl From<&Execution> for ExecutionRef {
    fn from(Execution { account, region, pipeline, id }: &Execution) -> Self {
        Self {
            id: id.to_string(),
            pipeline: pipeline.to_string(),
            account: account.to_string(),
            region: region.to_string(),
        }
    }
}

impl From<&OpsItem> for OpsItemRef {
    fn from(OpsItem { account, region, id }: &OpsItem) -> Self {
        Self { id: id.to_string(), account: account.to_string(), region: region.to_string() }
    }
}

impl From<&DeploymentEntry> for DeploymentRef {
    fn from(entry: &DeploymentEntry) -> Self {
        Self {
            execution: (&entry.execution).into(),
            repository: entry.repository.as_ref().map(ToString::to_string),
            deployed_at: entry.deployed_at,
        }
    }
}

impl From<&Commit> for CommitRef {
    fn from(commit: &Commit) -> Self {
        Self {
            id: commit.id.to_string(),
            authored_at: commit.authored_at,
            pull_requests: commit.pull_requests.iter().copied().collect(),
        }
    }
}
