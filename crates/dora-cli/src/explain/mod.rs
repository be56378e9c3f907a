//! `dora explain`: the way from a number back to what it is made of.
//!
//! [`question`] is what is asked, [`trace`] the answer, made of what the ledger holds, and
//! [`text`] its form for people. What codes mean is in [`words`].

mod question;
mod text;
mod trace;
mod words;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use dora_core::identity::{Execution, ExecutionId, OpsItem, OpsItemId};
use dora_core::ledger::Ledger;
use dora_core::ledger::facts::FailedBy;
use dora_core::ledger::records::{DeploymentEntry, Entry, IncidentEntry};

use crate::cli::Aws;
use crate::deployed::{Records, sdk_config};
use crate::failure::Failure;
use question::{Scope, Span, What};
use trace::{DeploymentTrace, IncidentTrace, NumberTrace, RollbackTrace, Trace};

const EXAMPLES: &str = "\
Examples:
  dora explain 0f1e2d3c-4b5a-4697-8877-665544332211   a deployment or rollback
  dora explain oi-0123456789ab                        an incident
  dora explain FailedChanges 2026-11-02               a number of a day (UTC)
  dora explain TimeToRecovery 2026-11 --team Web      a number of a month, of one team";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A pipeline execution's id, an OpsItem's id, or a metric
    #[arg(value_name = "EXECUTION|OPSITEM|METRIC", value_parser = What::parse)]
    what: What,
    /// Of a metric: the day or month in UTC, such as 2026-11-02 or 2026-11
    #[arg(value_name = "DAY|MONTH", value_parser = Span::parse)]
    span: Option<Span>,
    /// Of a metric: only this repository's values
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "team")]
    repository: Option<String>,
    /// Of a metric: only this team's values
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Answers the question.
///
/// # Errors
/// If the ledger knows nothing of it, or cannot be read.
pub(crate) async fn run(aws: &Aws, arguments: Arguments) -> Result<ExitCode, Failure> {
    let scope = match (arguments.repository, arguments.team) {
        (Some(repository), _) => Scope::Repository(repository),
        (None, Some(team)) => Scope::Team(team),
        (None, None) => Scope::All,
    };
    question::check(&arguments.what, arguments.span, &scope);
    let Records { ledger, .. } = Records::of(&sdk_config(aws).await?).await?;
    let traces = match (arguments.what, arguments.span) {
        (What::Execution(id), _) => of_execution(&ledger, &id).await?,
        (What::Incident(id), _) => of_incident(&ledger, &id).await?,
        (What::Metric(metric), Some(span)) => {
            let entries = ledger.entries().await?;
            vec![Trace::Number(NumberTrace::of(metric, span, scope, &entries))]
        }
        (What::Metric(_), None) => Vec::new(),
    };
    let mut out = io::stdout().lock();
    match arguments.format {
        Format::Text => out.write_all(text::of(&traces).as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &traces).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn of_execution(ledger: &Ledger, id: &ExecutionId) -> Result<Vec<Trace>, Failure> {
    let mut traces = Vec::new();
    for entry in ledger.deployments_of(id).await? {
        let mut incidents = Vec::new();
        let failed_by = entry.failed_by.iter().filter_map(|by| match by {
            FailedBy::Incident(_, ops_item) => Some(ops_item),
            FailedBy::Rollback(..) => None,
        });
        for ops_item in failed_by.chain(&entry.references) {
            incidents.extend(incident(ledger, ops_item).await?);
        }
        traces.push(Trace::Deployment(DeploymentTrace::of(entry, &incidents)));
    }
    if traces.is_empty() {
        let rollback = RollbackTrace::of(id, &ledger.entries().await?).ok_or_else(|| {
            Failure::new(
                format!("the ledger knows nothing of execution {id}: no function counted it"),
                format!(
                    "a function that ignored its event logged the reason: aws logs \
                     filter-log-events --log-group-name /aws/lambda/deployment-frequency \
                     --filter-pattern '\"{id}\"'; if none did, no event of it came (dora doctor, \
                     dora backfill --dry-run)"
                ),
            )
        })?;
        traces.push(Trace::Rollback(rollback));
    }
    Ok(traces)
}

async fn of_incident(ledger: &Ledger, id: &OpsItemId) -> Result<Vec<Trace>, Failure> {
    let mut traces = Vec::new();
    for entry in ledger.incidents_of(id).await? {
        let cause = match &entry.deployment {
            Some(execution) => deployment(ledger, execution).await?,
            None => None,
        };
        traces.push(Trace::Incident(IncidentTrace::of(entry, cause.as_ref())));
    }
    if traces.is_empty() {
        return Err(Failure::new(
            format!("the ledger knows nothing of OpsItem {id}: no function counted it"),
            format!(
                "a function that ignored its event logged the reason: aws logs filter-log-events \
                 --log-group-name /aws/lambda/change-failure-rate --filter-pattern '\"{id}\"'; if \
                 none did, no event of it came (dora doctor, dora backfill --dry-run)"
            ),
        ));
    }
    Ok(traces)
}

async fn incident(ledger: &Ledger, which: &OpsItem) -> Result<Option<IncidentEntry>, Failure> {
    let found = ledger.incidents_of(&which.id).await?.into_iter();
    Ok(found.into_iter().find(|entry| entry.ops_item == *which))
}

async fn deployment(
    ledger: &Ledger,
    which: &Execution,
) -> Result<Option<DeploymentEntry>, Failure> {
    let found = ledger.deployments_of(&which.id).await?.into_iter();
    Ok(found.into_iter().find(|entry| entry.execution == *which))
}

/// The deployments among entries.
fn deployments(entries: &[Entry]) -> impl Iterator<Item = &DeploymentEntry> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Deployment(entry) => Some(entry),
        Entry::Incident(_) => None,
    })
}

/// The incidents among entries.
fn incidents(entries: &[Entry]) -> impl Iterator<Item = &IncidentEntry> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Incident(entry) => Some(entry),
        Entry::Deployment(_) => None,
    })
}
