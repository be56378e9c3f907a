//! What a function answers when nothing is wrong: a small JSON document for whoever invokes it by
//! hand, and for the record that Lambda keeps of an asynchronous invocation.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use tracing::info;

use crate::decision::Reason;
use crate::identity::{Execution, OpsItem};
use crate::metric::{Measurement, Values};
use crate::repository::Repository;

/// The outcome of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Answer {
    /// These values are in CloudWatch now, and were not before.
    Published {
        /// What was published.
        metrics: Vec<Published>,
    },
    /// The event gives no number.
    Ignored {
        /// Why.
        reason: Reason,
    },
    /// Another event already gave this number.
    Duplicate,
}

impl Answer {
    /// The outcome of two things that one event brought about: what was published wins over what
    /// was published before, and that over a reason to ignore, of which the first one stays.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Published { mut metrics }, Self::Published { metrics: more }) => {
                metrics.extend(more);
                Self::Published { metrics }
            }
            (published @ Self::Published { .. }, _) | (_, published @ Self::Published { .. }) => {
                published
            }
            (Self::Duplicate, _) | (_, Self::Duplicate) => Self::Duplicate,
            (ignored, _) => ignored,
        }
    }

    /// Logs what became of an OpsItem's event.
    pub fn log_ops_item(&self, ops_item: &OpsItem) {
        let (outcome, reason) = self.words();
        info!(
            account = ops_item.account.as_str(),
            region = ops_item.region.as_str(),
            ops_item_id = ops_item.id.as_str(),
            outcome,
            reason,
            "event handled"
        );
    }

    /// Logs what became of an execution's event.
    pub fn log(&self, execution: &Execution) {
        let (outcome, reason) = self.words();
        info!(
            account = execution.account.as_str(),
            region = execution.region.as_str(),
            pipeline = execution.pipeline.as_str(),
            execution_id = execution.id.as_str(),
            outcome,
            reason,
            "event handled"
        );
    }

    fn words(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Published { .. } => ("published", None),
            Self::Ignored { reason } => ("ignored", Some(reason.slug())),
            Self::Duplicate => ("duplicate", None),
        }
    }
}

/// A published value, as the answer shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    name: &'static str,
    #[serde(flatten)]
    values: PublishedValues,
    #[serde(serialize_with = "rfc3339")]
    timestamp: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Repository>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum PublishedValues {
    Value(f64),
    Values(Vec<f64>),
}

impl From<Measurement> for Published {
    fn from(measurement: Measurement) -> Self {
        let Measurement { metric, values, at, repository } = measurement;
        let values = match values {
            Values::One(value) => PublishedValues::Value(value),
            Values::Many(values) => PublishedValues::Values(values),
        };
        Self { name: metric.name(), values, timestamp: at, repository }
    }
}

fn rfc3339<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::measurement;
    use crate::metric::Metric;

    #[test]
    fn answers_have_the_documented_form() {
        for (answer, expected) in [
            (
                Answer::Published { metrics: vec![measurement().into()] },
                json!({"outcome": "published", "metrics": [{"name": "Deployments", "value": 1.0,
                       "timestamp": "2026-11-02T10:00:00Z", "repository": "acme/web"}]}),
            ),
            (
                Answer::Published {
                    metrics: vec![
                        Measurement {
                            metric: Metric::CommitLeadTime,
                            values: Values::Many(vec![7200.0]),
                            ..measurement()
                        }
                        .into(),
                    ],
                },
                json!({"outcome": "published", "metrics": [{"name": "CommitLeadTime",
                       "values": [7200.0], "timestamp": "2026-11-02T10:00:00Z",
                       "repository": "acme/web"}]}),
            ),
            (
                Answer::Ignored { reason: Reason::TooOldForCloudwatch },
                json!({"outcome": "ignored", "reason": "too-old-for-cloudwatch"}),
            ),
            (Answer::Duplicate, json!({"outcome": "duplicate"})),
        ] {
            assert_eq!(serde_json::to_value(answer).unwrap(), expected);
        }
    }
}
