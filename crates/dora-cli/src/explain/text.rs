//! The answers as people read them.

use std::fmt::{self, Write as _};

use dora_core::identity::Region;

use super::trace::{
    CommitRef, DeploymentTrace, ExecutionRef, FailureRef, IncidentTrace, LeftOut, Number,
    NumberTrace, OpsItemRef, RollbackTrace, Subject, Trace, at, brief,
};
use super::words;
use crate::duration::in_words;

/// Commits that are listed of a deployment; JSON has them all.
const MOST_COMMITS: usize = 20;

/// All answers, an empty line between them.
pub(super) fn of(traces: &[Trace]) -> String {
    let texts: Vec<_> = traces
        .iter()
        .map(|trace| match trace {
            Trace::Deployment(it) => it.to_string(),
            Trace::Incident(it) => it.to_string(),
            Trace::Rollback(it) => it.to_string(),
            Trace::Number(it) => it.to_string(),
        })
        .collect();
    texts.join("\n")
}

/// A fact and what it is called.
fn line(f: &mut fmt::Formatter<'_>, name: &str, fact: impl fmt::Display) -> fmt::Result {
    writeln!(f, "  {name:<14}{fact}")
}

/// The same, if it is known.
fn known(f: &mut fmt::Formatter<'_>, name: &str, fact: Option<impl fmt::Display>) -> fmt::Result {
    fact.map_or(Ok(()), |fact| line(f, name, fact))
}

impl fmt::Display for DeploymentTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repository = self.repository.as_deref().unwrap_or("a repository not heard of yet");
        writeln!(f, "Deployment {} of {repository}", self.execution.id)?;
        pipeline(f, &self.execution)?;
        match self.deployed_at {
            Some(time) => line(f, "deployed", format_args!("{} UTC", at(time)))?,
            None => line(f, "deployed", "its own event has not come yet")?,
        }
        known(f, "branch", self.branch.as_deref())?;
        known(f, "commit", self.commit.as_deref())?;
        known(f, "counted since", self.rule.as_deref().map(words::rule))?;
        commits(f, self.since.as_deref(), &self.commits)?;
        for failure in &self.failed_by {
            match failure {
                FailureRef::Incident { ops_item, created_at, attributed_by } => {
                    let rule = attributed_by.as_deref().map(words::attribution);
                    let (id, rule) = (&ops_item.id, rule.unwrap_or("the incident has expired"));
                    let time = at(*created_at);
                    line(f, "failed by", format_args!("incident {id}, {time}: {rule}"))?;
                }
                FailureRef::Rollback { id, succeeded_at } => {
                    line(f, "failed by", format_args!("rollback {id}, {}", at(*succeeded_at)))?;
                }
            }
        }
        match (self.recovery_of, &self.ended_by) {
            (Some("deployment"), Some(by)) => {
                line(f, "recovered", format_args!("from its own success to rollback {}", by.id))?;
            }
            (Some("incidents"), _) => line(f, "recovered", "each incident for itself")?,
            _ => {}
        }
        for incident in &self.references {
            let first = match &incident.ended_by {
                Some(by) if *by == self.execution => "which it ended".to_owned(),
                Some(by) => format!("which {} had ended before", by.id),
                None => "of which no end is recorded".to_owned(),
            };
            line(f, "references", format_args!("incident {}, {first}", incident.ops_item.id))?;
        }
        numbers(f, &self.numbers)
    }
}

impl fmt::Display for IncidentTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpsItemRef { id, account, region } = &self.ops_item;
        writeln!(f, "Incident {id}")?;
        line(f, "recorded in", format_args!("OpsCenter, account {account}, {region}"))?;
        known(f, "created", self.created_at.map(|time| format!("{} UTC", at(time))))?;
        known(f, "names", self.names.as_deref())?;
        if let Some(deployment) = &self.deployment {
            let (id, repository) = (&deployment.execution.id, deployment.repository.as_deref());
            let of = repository.map(|name| format!(" of {name}")).unwrap_or_default();
            let time = deployment.deployed_at.map(|time| format!(", deployed {}", at(time)));
            line(f, "caused by", format_args!("{id}{of}{}", time.unwrap_or_default()))?;
        }
        known(f, "since", self.attributed_by.as_deref().map(words::attribution))?;
        match &self.ended_by {
            Some(by) => line(f, "ended by", format_args!("{}, pipeline {}", by.id, by.pipeline))?,
            None => line(f, "ended by", "nothing that the ledger knows")?,
        }
        numbers(f, &self.numbers)
    }
}

impl fmt::Display for RollbackTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Rollback {}: no deployment of a change, so it is counted in none", self.id)?;
        known(f, "succeeded", self.succeeded_at.map(|time| format!("{} UTC", at(time))))?;
        for deployment in &self.undid {
            let repository = deployment.repository.as_deref().unwrap_or("a repository");
            line(f, "undid", format_args!("{} of {repository}", deployment.execution.id))?;
        }
        for incident in &self.ended {
            line(f, "ended", format_args!("incident {}", incident.id))?;
        }
        Ok(())
    }
}

impl fmt::Display for NumberTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match (&self.repository, &self.team) {
            (Some(name), _) => format!(" of {name}"),
            (None, Some(team)) => format!(" of team {team}"),
            (None, None) => String::new(),
        };
        let values = match (self.unit, self.samples) {
            (_, 0) => "no value".to_owned(),
            ("Seconds", 1) => "1 value".to_owned(),
            ("Seconds", samples) => format!("{samples} values"),
            (_, _) => format!("{}", self.sum),
        };
        writeln!(f, "{}{of}, {}: {values}", self.metric, self.span)?;
        for each in &self.made_of {
            let values: Vec<_> = each.values.iter().map(|it| value(self.unit, *it)).collect();
            let repository = each.repository.as_deref().unwrap_or("no repository");
            let old = match each.state.as_str() {
                "published" => String::new(),
                state => format!("; not in CloudWatch: {}", words::reason(state)),
            };
            writeln!(f, "\n  {}  {repository}  {}", at(each.at), values.join(", "))?;
            line(f, "", format_args!("{}", subject(&each.subject)))?;
            line(f, "", format_args!("{}{old}", each.because))?;
        }
        if !self.left_out.is_empty() {
            writeln!(f, "\n  Without a value:")?;
        }
        for LeftOut { subject: of, at: time, repository, state } in &self.left_out {
            let repository = repository.as_deref().unwrap_or("no repository");
            writeln!(f, "\n  {}  {repository}  {state}: {}", at(*time), words::reason(state))?;
            line(f, "", subject(of))?;
        }
        writeln!(f, "\nMore of each: dora explain <id>")
    }
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Deployment(execution) => {
            format!("deployment {}, pipeline {}", execution.id, execution.pipeline)
        }
        Subject::Incident(ops_item) => format!("incident {}", ops_item.id),
    }
}

fn pipeline(f: &mut fmt::Formatter<'_>, execution: &ExecutionRef) -> fmt::Result {
    let ExecutionRef { id, pipeline, account, region } = execution;
    line(f, "pipeline", format_args!("{pipeline}, account {account}, {region}"))?;
    if Region::parse(region).is_none_or(|region| region.partition() != "aws") {
        return Ok(()); // Consoles of other partitions are elsewhere.
    }
    line(
        f,
        "console",
        format_args!(
            "https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/\
             executions/{id}/timeline?region={region}"
        ),
    )
}

fn commits(f: &mut fmt::Formatter<'_>, since: Option<&str>, commits: &[CommitRef]) -> fmt::Result {
    if commits.is_empty() {
        return Ok(());
    }
    let since =
        since.map_or("the first deployment".to_owned(), |id| format!("since {}", brief(id)));
    line(f, "shipped", format_args!("{} commits, {since}", commits.len()))?;
    for commit in commits.iter().take(MOST_COMMITS) {
        let mut requests = String::new();
        for number in &commit.pull_requests {
            write!(requests, "  pull request {number}")?;
        }
        line(f, "", format_args!("{}  {}{requests}", at(commit.authored_at), brief(&commit.id)))?;
    }
    match commits.len().saturating_sub(MOST_COMMITS) {
        0 => Ok(()),
        more => line(f, "", format_args!("… and {more} more: --format json")),
    }
}

fn numbers(f: &mut fmt::Formatter<'_>, numbers: &[Number]) -> fmt::Result {
    writeln!(f, "\n  Numbers")?;
    for number in numbers {
        let Number { metric, unit, state, values, at: time, repository, team } = number;
        let values: Vec<_> = values.iter().map(|it| value(unit, *it)).collect();
        write!(f, "  {metric:<20}")?;
        match (time, values.is_empty()) {
            (Some(time), false) => {
                let under = [Some("all"), repository.as_deref(), team.as_deref()];
                let under: Vec<_> = under.into_iter().flatten().collect();
                let (values, under) = (values.join(", "), under.join(", "));
                write!(f, "{values} at {}, for {under}", at(*time))?;
            }
            _ => write!(f, "none")?,
        }
        match state.as_str() {
            "published" => writeln!(f)?,
            "pending" => writeln!(f, " (pending: its function is at work, or will be again)")?,
            reason => writeln!(f, " ({reason}: {})", words::reason(reason))?,
        }
    }
    Ok(())
}

fn value(unit: &str, value: f64) -> String {
    match unit {
        "Seconds" => format!("{} ({value} s)", in_words(value)),
        _ => format!("{value}"),
    }
}
