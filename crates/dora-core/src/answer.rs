//! What a function answers when nothing is wrong: a small JSON document for whoever invokes it by
//! hand, and for the record that Lambda keeps of an asynchronous invocation.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use crate::decision::Reason;
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
    /// The outcome's word, for the log.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Published { .. } => "published",
            Self::Ignored { .. } => "ignored",
            Self::Duplicate => "duplicate",
        }
    }

    /// Why the event was ignored, if it was.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Ignored { reason } => Some(*reason),
            Self::Published { .. } | Self::Duplicate => None,
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
    repository: Repository,
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
            assert_eq!(answer.outcome(), expected["outcome"]);
            assert_eq!(serde_json::to_value(answer).unwrap(), expected);
        }
    }
}
