//! Publishes measurements with `PutMetricData`.
//!
//! Each value goes out as a raw `Value` under every dimension set that applies: none, `Repository`,
//! and `Team` where the repository has one. CloudWatch does not add up custom metrics over
//! dimensions, so each set is published, all in one request: it is taken as a whole or not at all.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime as SdkDateTime;
use aws_sdk_cloudwatch::types::builders::MetricDatumBuilder;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use chrono::TimeDelta;

use crate::env::{ConfigError, Env};
use crate::error::{Error, Service};
use crate::metric::{Measurement, Values};
use crate::repository::Teams;
use crate::sdk_error::service_error;

/// CloudWatch refuses a value whose time is further in the past than this.
pub const OLDEST_ACCEPTED: TimeDelta = TimeDelta::weeks(2);

/// How long a publication may take, retries included.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// CloudWatch takes at most so many different values in a datum.
const MOST_VALUES: usize = 150;

/// The metrics' home.
#[derive(Debug)]
pub struct CloudWatch {
    client: Client,
    namespace: String,
}

impl CloudWatch {
    /// Prepares a client for the namespace that `METRIC_NAMESPACE` names (`DORA`).
    ///
    /// A request whose answer is lost may have been counted, so a repetition could count it twice:
    /// a slow answer is waited for as long as the function can afford.
    ///
    /// # Errors
    /// If CloudWatch would refuse the namespace.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let namespace = namespace(env)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_timeout(TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(4)
            .with_initial_backoff(Duration::from_millis(100))
            .with_max_backoff(Duration::from_secs(1));
        let config = aws_sdk_cloudwatch::config::Builder::from(sdk)
            .timeout_config(timeouts)
            .retry_config(retries)
            .build();
        Ok(Self { client: Client::from_conf(config), namespace })
    }

    #[cfg(test)]
    pub(crate) fn with_client(client: Client) -> Self {
        Self { client, namespace: "DORA".to_owned() }
    }

    /// Publishes the measurements for their repositories and these repositories' teams, together.
    ///
    /// # Errors
    /// [`Error::Service`] as CloudWatch fails. Unless the answer was lost on the way, nothing was
    /// published then.
    pub async fn publish(&self, measurements: &[Measurement], teams: &Teams) -> Result<(), Error> {
        let data = measurements.iter().flat_map(|measurement| data(measurement, teams)).collect();
        self.client
            .put_metric_data()
            .namespace(&self.namespace)
            .set_metric_data(Some(data))
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                let names: Vec<_> = measurements.iter().map(|each| each.metric.name()).collect();
                let subject = format!("{} in {}", names.join(", "), self.namespace);
                service_error(Service::CloudWatch, "PutMetricData", &subject, &error)
            })
    }
}

/// The namespace that `METRIC_NAMESPACE` names (`DORA`).
///
/// # Errors
/// If CloudWatch would refuse it.
pub fn namespace(env: &Env) -> Result<String, ConfigError> {
    let allowed = "at most 255 letters, digits and ._-/#: that begin with neither : nor AWS/";
    env.parsed("METRIC_NAMESPACE", allowed, "DORA", |namespace| {
        is_namespace(namespace).then(|| namespace.to_owned())
    })
}

fn is_namespace(text: &str) -> bool {
    text.len() <= 255
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/#:".contains(&b))
        && !text.starts_with(':')
        && !text.starts_with("AWS/")
}

fn data(measurement: &Measurement, teams: &Teams) -> Vec<MetricDatum> {
    let dimension = |name, value| Dimension::builder().name(name).value(value).build();
    let repository = measurement.repository.as_ref();
    let team = repository.and_then(|repository| teams.of(repository));
    let repository = repository.map(|repository| dimension("Repository", repository.as_str()));
    let team = team.map(|team| dimension("Team", team));
    let sets = [Some(None), repository.map(Some), team.map(Some)];
    sets.into_iter()
        .flatten()
        .flat_map(|dimension| {
            values(&measurement.values).into_iter().map(move |datum| {
                datum
                    .metric_name(measurement.metric.name())
                    .unit(StandardUnit::from(measurement.metric.unit().as_str()))
                    .timestamp(SdkDateTime::from_millis(measurement.at.timestamp_millis()))
                    .set_dimensions(dimension.clone().map(|dimension| vec![dimension]))
                    .build()
            })
        })
        .collect()
}

/// The values in as few data as CloudWatch takes: each value once, with the number of times that it
/// occurs.
fn values(values: &Values) -> Vec<MetricDatumBuilder> {
    match values {
        Values::One(value) => vec![MetricDatum::builder().value(*value)],
        Values::Many(values) => {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let counted: Vec<(f64, f64)> = sorted
                .chunk_by(f64::eq)
                .map(|same| {
                    (
                        same.iter().copied().next().unwrap_or_default(),
                        same.iter().map(|_| 1.0).sum(),
                    )
                })
                .collect();
            counted
                .chunks(MOST_VALUES)
                .map(|chunk| {
                    let (values, counts) = chunk.iter().copied().unzip();
                    MetricDatum::builder().set_values(Some(values)).set_counts(Some(counts))
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataOutput;
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;
    use crate::fixtures::measurement;

    fn teams() -> Teams {
        Teams::new(vec![("acme/web".to_owned(), "Storefront".to_owned())]).unwrap()
    }

    fn dimension_sets(data: &[MetricDatum]) -> Vec<Vec<(&str, &str)>> {
        data.iter()
            .map(|datum| {
                datum
                    .dimensions()
                    .iter()
                    .map(|dimension| (dimension.name().unwrap(), dimension.value().unwrap()))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn a_value_is_published_under_each_dimension_set_once() {
        let with_team = data(&measurement(), &teams());
        let expected = [vec![], vec![("Repository", "acme/web")], vec![("Team", "Storefront")]];
        assert_eq!(dimension_sets(&with_team), expected);
        let without = data(&measurement(), &Teams::default());
        assert_eq!(dimension_sets(&without), [vec![], vec![("Repository", "acme/web")]]);
        let nowhere = Measurement { repository: None, ..measurement() };
        assert_eq!(dimension_sets(&data(&nowhere, &teams())), [vec![]]);
    }

    #[tokio::test]
    async fn all_goes_out_in_one_request_with_the_events_time() {
        let rule = mock!(Client::put_metric_data)
            .match_requests(|request| {
                request.namespace() == Some("DORA")
                    && request.metric_data().len() == 3
                    && request.metric_data().iter().all(|datum| {
                        datum.metric_name() == Some("Deployments")
                            && datum.value() == Some(1.0)
                            && datum.statistic_values().is_none()
                            && datum.unit() == Some(&StandardUnit::Count)
                            && datum.timestamp() == Some(&SdkDateTime::from_secs(1_793_613_600))
                    })
            })
            .then_output(|| PutMetricDataOutput::builder().build());
        let cloudwatch = CloudWatch::with_client(mock_client!(aws_sdk_cloudwatch, [&rule]));
        cloudwatch.publish(&[measurement()], &teams()).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }

    #[test]
    fn many_values_go_out_as_different_values_with_their_counts() {
        let many = |values| Measurement { values: Values::Many(values), ..measurement() };
        let data = data(&many(vec![3.0, 1.0, 3.0]), &Teams::default());
        assert_eq!(data.len(), 2, "a datum for each dimension set");
        for datum in data {
            assert_eq!(datum.values(), [1.0, 3.0]);
            assert_eq!(datum.counts(), [1.0, 2.0]);
            assert_eq!(datum.value(), None);
        }
    }

    #[test]
    fn a_datum_holds_no_more_values_than_cloudwatch_takes() {
        let values: Vec<f64> = (0..301).map(f64::from).collect();
        let many = Measurement { values: Values::Many(values.clone()), ..measurement() };
        let data = data(&many, &teams());
        assert_eq!(data.len(), 9);
        for set in data.chunks(3) {
            let all: Vec<f64> = set.iter().flat_map(|datum| datum.values().to_vec()).collect();
            assert_eq!(all, values);
        }
    }
}
