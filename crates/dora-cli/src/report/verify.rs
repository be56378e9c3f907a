//! `dora report --verify`: is CloudWatch the same as the ledger, value by value?
//!
//! They can differ in one way that the functions know of: a value is repeated if a function ends, or
//! loses CloudWatch's answer, between publishing and recording.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::operation::list_metrics::ListMetricsOutput;
use aws_sdk_cloudwatch::primitives::DateTime as AwsTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric as AwsMetric, MetricDataQuery, MetricStat};
use chrono::{DateTime, NaiveDate, NaiveTime};
use dora_core::ledger::records::{Entry, State};
use dora_core::metric::Metric;

use super::period::Period;
use crate::failure::Failure;

const DAY_SECONDS: i32 = 86_400;
/// `GetMetricData` takes so many queries at once, and each series here needs two.
const MOST_SERIES: usize = 250;
const SUM: &str = "Sum";
const SAMPLES: &str = "SampleCount";

/// A metric under a dimension set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    metric: &'static str,
    /// `Repository` or `Team`, and which.
    dimension: Option<(&'static str, String)>,
}

/// What a day of a series comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Tally {
    sum: f64,
    samples: f64,
}

impl Tally {
    /// Sums are of millions of floats, added in another order.
    fn is_same_as(self, other: Self) -> bool {
        let least = 1e-9 * self.sum.abs().max(other.sum.abs()).max(1.0);
        (self.samples - other.samples).abs() < 0.5 && (self.sum - other.sum).abs() <= least
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.samples {
            0.0 => write!(f, "nothing"),
            1.0 => write!(f, "{} (1 value)", self.sum),
            samples => write!(f, "{} ({samples} values)", self.sum),
        }
    }
}

type Tallies = BTreeMap<(Series, NaiveDate), Tally>;

/// A day on which they are not the same.
#[derive(Debug)]
pub(crate) struct Difference {
    series: Series,
    day: NaiveDate,
    ledger: Tally,
    cloudwatch: Tally,
}

/// What came of the comparison.
#[derive(Debug)]
pub(crate) struct Comparison {
    period: Period,
    compared: usize,
    pub(crate) differences: Vec<Difference>,
}

/// Compares all days of a period.
///
/// # Errors
/// As CloudWatch fails.
pub(crate) async fn compare(
    entries: &[Entry],
    period: Period,
    namespace: &str,
    sdk: &SdkConfig,
) -> Result<Comparison, Failure> {
    let ledger = of_ledger(entries, period);
    let client = Client::new(sdk);
    let mut series: BTreeSet<Series> = ledger.keys().map(|(series, _)| series.clone()).collect();
    series.extend(listed(&client, namespace).await?);
    let cloudwatch = of_cloudwatch(&client, namespace, series, period).await?;
    Ok(differences(period, &ledger, &cloudwatch))
}

fn differences(period: Period, ledger: &Tallies, cloudwatch: &Tallies) -> Comparison {
    let keys: BTreeSet<_> = ledger.keys().chain(cloudwatch.keys()).collect();
    let found = keys.iter().filter_map(|key| {
        let of = |tallies: &Tallies| tallies.get(*key).copied().unwrap_or_default();
        let (ledger, cloudwatch) = (of(ledger), of(cloudwatch));
        let (series, day) = (key.0.clone(), key.1);
        (!ledger.is_same_as(cloudwatch)).then_some(Difference { series, day, ledger, cloudwatch })
    });
    Comparison { period, compared: keys.len(), differences: found.collect() }
}

/// What CloudWatch should have, by the ledger.
fn of_ledger(entries: &[Entry], period: Period) -> Tallies {
    let mut tallies = Tallies::new();
    let records = entries.iter().flat_map(Entry::records);
    for record in records.filter(|record| record.state == State::Published) {
        let Some(datapoint) = &record.datapoint else { continue };
        if !period.contains(datapoint.at) {
            continue;
        }
        let repository = datapoint.repository.as_ref().map(|it| ("Repository", it.to_string()));
        let team = datapoint.team.clone().map(|it| ("Team", it));
        let under = [Some(None), repository.map(Some), team.map(Some)];
        for dimension in under.into_iter().flatten() {
            let series = Series { metric: record.metric.name(), dimension };
            let tally = tallies.entry((series, datapoint.at.date_naive())).or_default();
            for value in &datapoint.values {
                tally.sum += value;
                tally.samples += 1.0;
            }
        }
    }
    tallies
}

/// The series that CloudWatch had values of in the last two weeks: it lists no others.
async fn listed(client: &Client, namespace: &str) -> Result<Vec<Series>, Failure> {
    let pages = client.list_metrics().namespace(namespace).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await;
    let pages =
        pages.map_err(|error| Failure::of_aws("cloudwatch:ListMetrics", namespace, &error))?;
    Ok(pages.iter().flat_map(ListMetricsOutput::metrics).filter_map(series_of).collect())
}

/// None for what the functions do not publish.
fn series_of(metric: &AwsMetric) -> Option<Series> {
    let name = Metric::ALL.into_iter().find(|it| Some(it.name()) == metric.metric_name())?.name();
    let dimension = match metric.dimensions() {
        [] => None,
        [only] => {
            let known = ["Repository", "Team"].into_iter().find(|it| only.name() == Some(*it))?;
            Some((known, only.value()?.to_owned()))
        }
        _ => return None,
    };
    Some(Series { metric: name, dimension })
}

async fn of_cloudwatch(
    client: &Client,
    namespace: &str,
    series: BTreeSet<Series>,
    period: Period,
) -> Result<Tallies, Failure> {
    let mut tallies = Tallies::new();
    let series: Vec<_> = series.into_iter().collect();
    let midnight =
        |day: NaiveDate| AwsTime::from_secs(day.and_time(NaiveTime::MIN).and_utc().timestamp());
    for some in series.chunks(MOST_SERIES) {
        let queries = some.iter().enumerate().flat_map(|(number, each)| {
            [SUM, SAMPLES].map(|statistic| query(namespace, number, each, statistic))
        });
        let results = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.collect()))
            .start_time(midnight(period.from))
            .end_time(midnight(period.until))
            .into_paginator()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(|error| Failure::of_aws("cloudwatch:GetMetricData", namespace, &error))?;
        for result in results.iter().flat_map(GetMetricDataOutput::metric_data_results) {
            let Some((statistic, number)) = result.id().and_then(|id| id.split_once('_')) else {
                continue;
            };
            let Some(each) = number.parse().ok().and_then(|it: usize| some.get(it)) else {
                continue;
            };
            for (time, value) in result.timestamps().iter().zip(result.values()) {
                let Some(at) = DateTime::from_timestamp(time.secs(), 0) else { continue };
                let tally = tallies.entry((each.clone(), at.date_naive())).or_default();
                if statistic == "sum" { tally.sum += value } else { tally.samples += value }
            }
        }
    }
    Ok(tallies)
}

fn query(namespace: &str, number: usize, series: &Series, statistic: &str) -> MetricDataQuery {
    let dimension = series
        .dimension
        .as_ref()
        .map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    let metric = AwsMetric::builder()
        .namespace(namespace)
        .metric_name(series.metric)
        .set_dimensions(Some(dimension.into_iter().collect()))
        .build();
    let stat = MetricStat::builder().metric(metric).period(DAY_SECONDS).stat(statistic).build();
    let id = if statistic == SUM { "sum" } else { "samples" };
    MetricDataQuery::builder().id(format!("{id}_{number}")).metric_stat(stat).build()
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.dimension {
            None => write!(f, "{}", self.metric),
            Some((name, value)) => write!(f, "{} of {name} {value}", self.metric),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { period, compared, differences } = self;
        if differences.is_empty() {
            return writeln!(
                f,
                "{period}: all {compared} numbers (a metric, under a dimension set, on a day) are \
                 the same in the ledger and in CloudWatch."
            );
        }
        for Difference { series, day, ledger, cloudwatch } in differences {
            writeln!(f, "{day}  {series}: {ledger} in the ledger, {cloudwatch} in CloudWatch")?;
        }
        let count = differences.len();
        writeln!(f, "\n{period}: {count} of {compared} numbers differ.")?;
        if differences.iter().any(|it| it.cloudwatch.samples > it.ledger.samples) {
            writeln!(
                f,
                "  More in CloudWatch: a value was repeated since a function ended before it could \
                 record that it had published it; or somebody else wrote to this namespace."
            )?;
        }
        if differences.iter().any(|it| it.cloudwatch.samples <= it.ledger.samples) {
            writeln!(
                f,
                "  Less in CloudWatch: it may take 48 hours to show values of days that are over; \
                 after 15 months it has none."
            )?;
        }
        writeln!(f, "  What a number is made of: dora explain METRIC DAY")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(sum: f64, samples: f64) -> Tally {
        Tally { sum, samples }
    }

    #[test]
    fn what_differs_is_told_with_how_that_comes_about() {
        let day: NaiveDate = "2026-11-02".parse().unwrap();
        let period = Period::days_of(day, day).unwrap();
        let series = |metric| (Series { metric, dimension: None }, day);
        let ledger = Tallies::from([
            (series("Changes"), tally(2.0, 2.0)),
            (series("Deployments"), tally(2.0, 2.0)),
        ]);
        let same = differences(period, &ledger, &ledger);
        assert!(same.differences.is_empty() && same.to_string().contains("all 2 numbers"));
        let cloudwatch = Tallies::from([
            (series("Changes"), tally(2.0, 2.0)),
            (series("Deployments"), tally(3.0, 3.0)),
            (series("Incidents"), tally(1.0, 1.0)),
        ]);
        let told = differences(period, &ledger, &cloudwatch).to_string();
        for part in [
            "Deployments: 2 (2 values) in the ledger, 3 (3 values) in CloudWatch",
            "Incidents: nothing in the ledger, 1 (1 value) in CloudWatch",
            "2 of 3 numbers differ",
            "More in CloudWatch",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert!(!told.contains("Less in CloudWatch"), "{told}");
    }

    #[test]
    fn what_others_publish_is_none_of_ours() {
        let metric = |name: &str, dimensions: &[&str]| {
            let dimensions = dimensions
                .iter()
                .map(|name| Dimension::builder().name(*name).value("it").build())
                .collect();
            AwsMetric::builder().metric_name(name).set_dimensions(Some(dimensions)).build()
        };
        assert!(series_of(&metric("Changes", &[])).is_some());
        assert!(series_of(&metric("Changes", &["Team"])).is_some());
        assert_eq!(series_of(&metric("Changes", &["Stage"])), None);
        assert_eq!(series_of(&metric("Changes", &["Team", "Repository"])), None);
        assert_eq!(series_of(&metric("Errors", &[])), None);
    }
}
