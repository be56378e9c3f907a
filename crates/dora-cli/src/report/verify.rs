//! `dora report --verify`: is CloudWatch the same as the ledger, day by day?
//!
//! They can differ in one way that the functions know of: a value is repeated if a function ends, or
//! loses CloudWatch's answer, between publishing and recording.
//!
//! Asked is for what the ledger names, since CloudWatch lists only metrics of the last two weeks, and
//! for what CloudWatch lists, since a value without a record is a difference too.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::operation::list_metrics::ListMetricsOutput;
use aws_sdk_cloudwatch::primitives::DateTime as AwsTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as AwsMetric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};
use chrono::{DateTime, NaiveDate, NaiveTime};
use dora_core::ledger::records::{Entry, State};
use dora_core::metric::{Metric, Unit};

use super::period::Period;
use crate::failure::Failure;

const DAY_SECONDS: i32 = 86_400;
/// `GetMetricData` takes so many queries at once.
const MOST_QUERIES: usize = 500;

/// What CloudWatch is asked of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statistic {
    Sum,
    Samples,
    Least,
    Most,
}

impl Statistic {
    /// Of what is counted each value is 1, so that its sum says it all.
    fn of(metric: Metric) -> &'static [Self] {
        match metric.unit() {
            Unit::Count => &[Self::Sum, Self::Samples],
            Unit::Seconds => &[Self::Sum, Self::Samples, Self::Least, Self::Most],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sum => "Sum",
            Self::Samples => "SampleCount",
            Self::Least => "Minimum",
            Self::Most => "Maximum",
        }
    }
}

/// A metric under a dimension set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    metric: Metric,
    /// `Repository` or `Team`, and which.
    dimension: Option<(&'static str, String)>,
}

/// What a day of a series comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Tally {
    sum: f64,
    samples: f64,
    /// Of durations.
    least: Option<f64>,
    /// Of durations.
    most: Option<f64>,
}

impl Tally {
    fn of(metric: Metric, values: &[f64]) -> Self {
        let is_duration = metric.unit() == Unit::Seconds;
        let durations = || values.iter().copied().filter(|_| is_duration);
        Self {
            sum: values.iter().sum(),
            samples: values.iter().map(|_| 1.0).sum(),
            least: durations().reduce(f64::min),
            most: durations().reduce(f64::max),
        }
    }

    /// Both together.
    fn with(self, other: Self) -> Self {
        let of = |choose: fn(f64, f64) -> f64, one: Option<f64>, other: Option<f64>| {
            one.into_iter().chain(other).reduce(choose)
        };
        Self {
            sum: self.sum + other.sum,
            samples: self.samples + other.samples,
            least: of(f64::min, self.least, other.least),
            most: of(f64::max, self.most, other.most),
        }
    }

    fn set(&mut self, statistic: Statistic, value: f64) {
        match statistic {
            Statistic::Sum => self.sum = value,
            Statistic::Samples => self.samples = value,
            Statistic::Least => self.least = Some(value),
            Statistic::Most => self.most = Some(value),
        }
    }

    fn is_same_as(self, other: Self) -> bool {
        (self.samples - other.samples).abs() < 0.5
            && is_same(self.sum, other.sum)
            && [(self.least, other.least), (self.most, other.most)].into_iter().all(|pair| {
                match pair {
                    (Some(one), Some(other)) => is_same(one, other),
                    (one, other) => one == other,
                }
            })
    }
}

/// Sums are of floats that were added in another order.
fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.samples, self.least, self.most) {
            (0.0, ..) => write!(f, "nothing"),
            (1.0, Some(_), _) => write!(f, "{} s (1 value)", self.sum),
            (1.0, None, _) => write!(f, "{} (1 value)", self.sum),
            (samples, Some(least), Some(most)) => {
                write!(f, "{} s ({samples} values, {least} s to {most} s)", self.sum)
            }
            (samples, ..) => write!(f, "{} ({samples} values)", self.sum),
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
            let series = Series { metric: record.metric, dimension };
            let tally = tallies.entry((series, datapoint.at.date_naive())).or_default();
            *tally = tally.with(Tally::of(record.metric, &datapoint.values));
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
    let ours = Metric::ALL.into_iter().find(|it| Some(it.name()) == metric.metric_name())?;
    let dimension = match metric.dimensions() {
        [] => None,
        [only] => {
            let known = ["Repository", "Team"].into_iter().find(|it| only.name() == Some(*it))?;
            Some((known, only.value()?.to_owned()))
        }
        _ => return None,
    };
    Some(Series { metric: ours, dimension })
}

async fn of_cloudwatch(
    client: &Client,
    namespace: &str,
    series: BTreeSet<Series>,
    period: Period,
) -> Result<Tallies, Failure> {
    let mut tallies = Tallies::new();
    let midnight =
        |day: NaiveDate| AwsTime::from_secs(day.and_time(NaiveTime::MIN).and_utc().timestamp());
    let asked: Vec<_> = series
        .into_iter()
        .flat_map(|each| Statistic::of(each.metric).iter().map(move |it| (each.clone(), *it)))
        .collect();
    for some in asked.chunks(MOST_QUERIES) {
        let queries = some
            .iter()
            .enumerate()
            .map(|(number, (series, statistic))| query(namespace, number, series, *statistic));
        let pages = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.collect()))
            .start_time(midnight(period.from))
            .end_time(midnight(period.until))
            .into_paginator()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(|error| Failure::of_aws("cloudwatch:GetMetricData", namespace, &error))?;
        for result in pages.iter().flat_map(GetMetricDataOutput::metric_data_results) {
            let number = result.id().and_then(|id| id.strip_prefix('q')?.parse().ok());
            let asked = number.and_then(|number: usize| some.get(number));
            let (series, statistic) = asked.ok_or_else(|| half_an_answer(result))?;
            if matches!(
                result.status_code(),
                Some(StatusCode::InternalError | StatusCode::Forbidden)
            ) {
                return Err(half_an_answer(result));
            }
            for (time, value) in result.timestamps().iter().zip(result.values()) {
                let at = DateTime::from_timestamp(time.secs(), time.subsec_nanos())
                    .ok_or_else(|| half_an_answer(result))?;
                let day = tallies.entry((series.clone(), at.date_naive())).or_default();
                day.set(*statistic, *value);
            }
        }
    }
    Ok(tallies)
}

/// What was not answered is not the same as nothing.
fn half_an_answer(result: &MetricDataResult) -> Failure {
    let status = result.status_code().map_or("no status", StatusCode::as_str);
    let messages = result.messages().iter().filter_map(|it| it.value()).collect::<Vec<_>>();
    Failure::new(
        format!("cloudwatch:GetMetricData gave no whole answer: {status} {}", messages.join(", ")),
        "run the command again; if it fails again, name a shorter period",
    )
}

fn query(namespace: &str, number: usize, series: &Series, statistic: Statistic) -> MetricDataQuery {
    let dimension = series
        .dimension
        .as_ref()
        .map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    let metric = AwsMetric::builder()
        .namespace(namespace)
        .metric_name(series.metric.name())
        .set_dimensions(Some(dimension.into_iter().collect()))
        .build();
    let stat =
        MetricStat::builder().metric(metric).period(DAY_SECONDS).stat(statistic.name()).build();
    MetricDataQuery::builder().id(format!("q{number}")).metric_stat(stat).build()
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.dimension {
            None => write!(f, "{}", self.metric.name()),
            Some((name, value)) => write!(f, "{} of {name} {value}", self.metric.name()),
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
        let any = |order: Ordering| {
            let of = |it: &Difference| it.cloudwatch.samples.total_cmp(&it.ledger.samples);
            differences.iter().any(|it| of(it) == order)
        };
        if any(Ordering::Greater) {
            writeln!(
                f,
                "  More in CloudWatch: a value was repeated since a function ended before it could \
                 record that it had published it; or the record has expired, or was deleted; or \
                 somebody else wrote to this namespace."
            )?;
        }
        if any(Ordering::Less) {
            writeln!(
                f,
                "  Less in CloudWatch: it may take 48 hours to show values of days that are over, so \
                 compare again later; after 15 months it has none."
            )?;
        }
        if any(Ordering::Equal) {
            writeln!(
                f,
                "  As many, but others: somebody else wrote to this namespace, or the ledger was \
                 changed by hand."
            )?;
        }
        writeln!(f, "  What a number is made of: dora explain METRIC DAY")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ones(count: usize) -> Tally {
        Tally::of(Metric::Changes, &vec![1.0; count])
    }

    fn durations(values: &[f64]) -> Tally {
        Tally::of(Metric::TimeToRecovery, values)
    }

    #[test]
    fn what_differs_is_told_with_how_that_comes_about() {
        let day: NaiveDate = "2026-11-02".parse().unwrap();
        let period = Period::days_of(day, day).unwrap();
        let key = |metric| (Series { metric, dimension: None }, day);
        let ledger = Tallies::from([
            (key(Metric::Changes), ones(2)),
            (key(Metric::Deployments), ones(2)),
            (key(Metric::TimeToRecovery), durations(&[3600.0, 1200.0])),
        ]);
        let same = differences(period, &ledger, &ledger);
        assert!(same.differences.is_empty() && same.to_string().contains("all 3 numbers"));
        for (metric, in_cloudwatch, told) in [
            (
                Metric::Deployments,
                ones(3),
                ["2 (2 values) in the ledger, 3 (3 values) in CloudWatch", "More in CloudWatch"],
            ),
            (
                Metric::Incidents,
                ones(1),
                ["nothing in the ledger, 1 (1 value) in CloudWatch", "More in CloudWatch"],
            ),
            (
                Metric::Changes,
                Tally::default(),
                ["2 (2 values) in the ledger, nothing in CloudWatch", "Less in CloudWatch"],
            ),
            (
                Metric::TimeToRecovery,
                durations(&[4000.0, 800.0]),
                ["4800 s (2 values, 1200 s to 3600 s) in the ledger", "As many, but others"],
            ),
        ] {
            let mut cloudwatch = ledger.clone();
            cloudwatch.insert(key(metric), in_cloudwatch);
            let found = differences(period, &ledger, &cloudwatch);
            assert_eq!(found.differences.len(), 1, "{metric:?}");
            let words = found.to_string();
            for part in [&format!("2026-11-02  {}: ", metric.name()), told[0], told[1]] {
                assert!(words.contains(part), "{words}");
            }
            let reasons = ["More in", "Less in", "As many"];
            assert_eq!(reasons.iter().filter(|reason| words.contains(**reason)).count(), 1);
        }
    }

    #[test]
    fn values_of_a_day_add_up() {
        let parts = [durations(&[5.0]), durations(&[2.0, 9.0]), durations(&[])];
        let together = parts.into_iter().fold(Tally::default(), Tally::with);
        assert_eq!(together, durations(&[5.0, 2.0, 9.0]));
        assert!(durations(&[0.1, 0.2, 0.3]).is_same_as(durations(&[0.3, 0.2, 0.1])));
        assert!(!durations(&[1.0]).is_same_as(ones(1)));
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
