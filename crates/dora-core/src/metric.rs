//! The catalogue of the metrics that we publish: names, units and meanings are a contract, since
//! users build dashboards, alarms and scripts on them.

use chrono::{DateTime, Utc};

use crate::repository::Repository;

/// A metric, by the name that it has in CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Production deployments of a change: DORA's deployment frequency is their number in a
    /// period. One value of 1 for each, at the time of the deployment.
    Deployments,
}

impl Metric {
    /// The metric's name in CloudWatch.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployments => "Deployments",
        }
    }

    /// The unit that its values are in.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Deployments => Unit::Count,
        }
    }
}

/// A unit of CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
}

impl Unit {
    /// The unit as CloudWatch spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
        }
    }
}

/// One raw value of a metric: never an aggregate, so that every statistic works on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was measured.
    pub metric: Metric,
    /// The value, in the metric's unit.
    pub value: f64,
    /// The time that it belongs to, taken from an event, never from the clock.
    pub at: DateTime<Utc>,
    /// The repository that it belongs to.
    pub repository: Repository,
}
