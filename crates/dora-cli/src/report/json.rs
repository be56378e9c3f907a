//! The report for programs. Its fields are a contract, described in `docs/command.md`: durations are
//! in seconds, rates between 0 and 1, days in UTC.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::bands::{self, Band};
use super::period::Period;
use super::summary::{Compared, Counts, Number, Part, Summary, Trend};
use super::{About, Whence};

#[derive(Serialize)]
struct Report<'a> {
    generated_at: DateTime<Utc>,
    account: &'a str,
    region: &'a str,
    namespace: &'a str,
    period: Span,
    period_before: Span,
    minimum_samples: usize,
    study_year: u16,
    pending: usize,
    too_old_for_cloudwatch: usize,
    scopes: Vec<Scope<'a>>,
    series: Vec<Point>,
}

#[derive(Serialize)]
struct Span {
    first_day: NaiveDate,
    last_day: NaiveDate,
    days: u64,
}

#[derive(Serialize)]
struct Scope<'a> {
    kind: &'static str,
    name: Option<&'a str>,
    counts: Counts,
    numbers: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    number: &'static str,
    unit: &'static str,
    #[serde(flatten)]
    now: Sampled,
    before: Sampled,
    trend: Option<Trend>,
    band: Option<Band>,
}

#[derive(Serialize)]
struct Sampled {
    value: Option<f64>,
    p90: Option<f64>,
    samples: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Point {
    first_day: NaiveDate,
    days: u64,
    counts: Counts,
    lead_time_p50: Option<f64>,
    lead_time_p90: Option<f64>,
    recovery_time_p50: Option<f64>,
}

/// The report as JSON.
pub(crate) fn of(summary: &Summary, About { whence, generated_at }: &About) -> String {
    let Whence { account, region, namespace } = whence;
    let report = Report {
        generated_at: *generated_at,
        account,
        region,
        namespace,
        period: summary.period.into(),
        period_before: summary.period.before().into(),
        minimum_samples: summary.minimum,
        study_year: bands::YEAR,
        pending: summary.pending,
        too_old_for_cloudwatch: summary.too_old,
        scopes: summary
            .scopes
            .iter()
            .map(|each| {
                let (kind, name) = each.scope.parts();
                let numbers = each.numbers.iter().map(Entry::from).collect();
                Scope { kind, name, counts: each.counts, numbers }
            })
            .collect(),
        series: summary.parts.iter().map(Point::from).collect(),
    };
    // Nothing of it can fail to be written: no map has keys that are no texts.
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}

impl From<Period> for Span {
    fn from(period: Period) -> Self {
        Self { first_day: period.from, last_day: period.last_day(), days: period.days() }
    }
}

impl From<&Compared> for Entry {
    fn from(compared: &Compared) -> Self {
        let Compared { measure, now, before, trend, band } = compared;
        Self {
            number: measure.key(),
            unit: measure.unit_and_samples().0,
            now: now.into(),
            before: before.into(),
            trend: *trend,
            band: *band,
        }
    }
}

impl From<&Number> for Sampled {
    fn from(Number { value, p90, samples }: &Number) -> Self {
        let reason = match (value, samples) {
            (Some(_), _) => None,
            (None, 0) => Some("no-data"),
            (None, _) => Some("not-enough-data"),
        };
        Self { value: *value, p90: *p90, samples: *samples, reason }
    }
}

impl From<&Part> for Point {
    fn from(part: &Part) -> Self {
        let [lead_time_p50, lead_time_p90] = part.lead_time;
        Self {
            first_day: part.period.from,
            days: part.period.days(),
            counts: part.counts,
            lead_time_p50,
            lead_time_p90,
            recovery_time_p50: part.recovery_time,
        }
    }
}
