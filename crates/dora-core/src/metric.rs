//! The catalogue of the metrics that we publish: names, units and meanings are a contract, since
//! users build dashboards, alarms and scripts on them.

use chrono::{DateTime, Utc};

use crate::commit::Shipped;
use crate::repository::Repository;

/// A metric, by the name that it has in CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Production deployments of a change: DORA's deployment frequency is their number in a
    /// period. One value of 1 for each, at the time of the deployment.
    Deployments,
    /// DORA's change lead time: from the first commit that a production deployment shipped to the
    /// deployment. One value for each deployment that shipped commits, at its time.
    LeadTimeForChanges,
    /// The same for each commit shipped: all values of a deployment together, at its time.
    CommitLeadTime,
}

impl Metric {
    /// The metric's name in CloudWatch.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployments => "Deployments",
            Self::LeadTimeForChanges => "LeadTimeForChanges",
            Self::CommitLeadTime => "CommitLeadTime",
        }
    }

    /// The unit that its values are in.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Deployments => Unit::Count,
            Self::LeadTimeForChanges | Self::CommitLeadTime => Unit::Seconds,
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
    /// The repository that they belong to.
    pub repository: Repository,
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

/// All that one deployment adds to the metrics of a function, with the evidence for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Published together, or not at all.
    pub measurements: Vec<Measurement>,
    /// The commits behind the values, where they were looked at.
    pub shipped: Option<Shipped>,
}
