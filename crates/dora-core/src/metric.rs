//! The metrics that we publish: names, units and meanings are a contract, since users build
//! dashboards, alarms and scripts on them. `metrics.json` is the same catalogue for what is not
//! Rust: the dashboard, its tests and the docs.

use chrono::{DateTime, Utc};

use crate::commit::Shipped;
use crate::identity::{Execution, OpsItem};
use crate::repository::Repository;

/// A metric, by the name that it has in CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Production deployments of a change: DORA's deployment frequency is their number in a
    /// period. One value of 1 for each, at the time of the deployment.
    Deployments,
    /// DORA's change lead time: from the first commit that a production deployment shipped to the
    /// deployment. One value for each deployment that shipped commits, at its time.
    LeadTimeForChanges,
    /// The same for each commit shipped: all values of a deployment together, at its time.
    CommitLeadTime,
    /// Production deployments of a change, once more: the denominator of DORA's change fail rate
    /// and deployment rework rate. One value of 1 for each, at its time.
    Changes,
    /// Deployments that failed: those to which an incident was attributed, or which were rolled
    /// back. One value of 1 for each, however many incidents it caused, at the deployment's time.
    FailedChanges,
    /// Incidents. One value of 1 for each, at the time of the OpsItem's creation.
    Incidents,
    /// DORA's failed deployment recovery time: from the creation of an incident to the deployment
    /// or rollback that ended it. One value for each, at the time of the recovery.
    TimeToRecovery,
    /// Unplanned deployments that were made to fix an incident: the numerator of DORA's deployment
    /// rework rate. One value of 1 for each, at its time.
    ReworkDeployments,
}

impl Metric {
    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; 8] = [
        Self::Deployments,
        Self::LeadTimeForChanges,
        Self::CommitLeadTime,
        Self::Changes,
        Self::FailedChanges,
        Self::Incidents,
        Self::TimeToRecovery,
        Self::ReworkDeployments,
    ];

    /// The metric's name in CloudWatch.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployments => "Deployments",
            Self::LeadTimeForChanges => "LeadTimeForChanges",
            Self::CommitLeadTime => "CommitLeadTime",
            Self::Changes => "Changes",
            Self::FailedChanges => "FailedChanges",
            Self::Incidents => "Incidents",
            Self::TimeToRecovery => "TimeToRecovery",
            Self::ReworkDeployments => "ReworkDeployments",
        }
    }

    /// The unit that its values are in.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Deployments
            | Self::Changes
            | Self::FailedChanges
            | Self::Incidents
            | Self::ReworkDeployments => Unit::Count,
            Self::LeadTimeForChanges | Self::CommitLeadTime | Self::TimeToRecovery => Unit::Seconds,
        }
    }
}

/// A unit of CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A duration.
    Seconds,
}

impl Unit {
    /// The unit as CloudWatch spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
        }
    }
}

/// What one event adds to a metric: raw values, never an aggregate, so that every statistic works.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was measured.
    pub metric: Metric,
    /// The values, in the metric's unit.
    pub values: Values,
    /// The time that they belong to, taken from an event, never from the clock.
    pub at: DateTime<Utc>,
    /// The repository that they belong to, where one is known.
    pub repository: Option<Repository>,
}

impl Measurement {
    /// One thing that happened at a time.
    #[must_use]
    pub fn one(metric: Metric, at: DateTime<Utc>, repository: Option<Repository>) -> Self {
        Self { metric, values: Values::One(1.0), at, repository }
    }

    /// A duration that ended at a time. None where it would be negative.
    #[must_use]
    pub fn duration(
        metric: Metric,
        from: DateTime<Utc>,
        at: DateTime<Utc>,
        repository: Option<Repository>,
    ) -> Option<Self> {
        let seconds = seconds(from, at)?;
        Some(Self { metric, values: Values::One(seconds), at, repository })
    }
}

/// The seconds from one time to another, to the millisecond. None where that would be negative.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "exact for 285 years of milliseconds")]
pub fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> Option<f64> {
    (from <= to).then(|| (to - from).num_milliseconds() as f64 / 1000.0)
}

/// The values of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Of a metric that has one value for each event.
    One(f64),
    /// Of a metric that has any number of them for each event.
    Many(Vec<f64>),
}

impl Values {
    /// All values.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// All that one subject adds to the metrics that are claimed together, with the evidence for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Published together, or not at all.
    pub measurements: Vec<Measurement>,
    /// What they rest on.
    pub evidence: Evidence,
}

/// What values rest on, beside what their subject is: for whoever traces a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// The subject says it all.
    Subject,
    /// The commits that a deployment shipped.
    Shipped(Shipped),
    /// The incidents that a deployment references, and so was made to end.
    References(Vec<OpsItem>),
    /// The deployment or rollback that ended an incident, or the failure of the deployment itself.
    EndedBy(Execution),
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Metric;

    #[test]
    fn metrics_have_the_names_and_units_of_the_catalogue() {
        let catalogue: Value = serde_json::from_str(include_str!("../metrics.json")).unwrap();
        let told: Vec<_> = catalogue["metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| json!([metric["name"], metric["unit"]]))
            .collect();
        let published: Vec<_> = Metric::ALL
            .into_iter()
            .map(|metric| json!([metric.name(), metric.unit().as_str()]))
            .collect();
        assert_eq!(published, told);
    }
}
