//! From the ledger's entries to the five DORA numbers of a period, for all, each team and each
//! repository, beside those of the period before. Pure.

use std::collections::BTreeMap;

use dora_core::decision::Reason;
use dora_core::ledger::records::{Datapoint, Entry, State};
use dora_core::metric::Metric;
use serde::Serialize;

use super::bands::Band;
use super::percentile::percentile;
use super::period::Period;

/// One of DORA's five numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Deployments a day.
    DeploymentFrequency,
    /// The median of `LeadTimeForChanges`, in seconds.
    ChangeLeadTime,
    /// `FailedChanges` ÷ `Changes`.
    ChangeFailRate,
    /// The median of `TimeToRecovery`, in seconds.
    RecoveryTime,
    /// `ReworkDeployments` ÷ `Changes`.
    ReworkRate,
}

impl Measure {
    pub(crate) const ALL: [Self; 5] = [
        Self::DeploymentFrequency,
        Self::ChangeLeadTime,
        Self::ChangeFailRate,
        Self::RecoveryTime,
        Self::ReworkRate,
    ];

    /// What it is called, in DORA's words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::DeploymentFrequency => "Deployment frequency",
            Self::ChangeLeadTime => "Change lead time",
            Self::ChangeFailRate => "Change fail rate",
            Self::RecoveryTime => "Failed deployment recovery time",
            Self::ReworkRate => "Deployment rework rate",
        }
    }

    /// What it is called in JSON and CSV.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::DeploymentFrequency => "deployment_frequency",
            Self::ChangeLeadTime => "change_lead_time",
            Self::ChangeFailRate => "change_fail_rate",
            Self::RecoveryTime => "failed_deployment_recovery_time",
            Self::ReworkRate => "deployment_rework_rate",
        }
    }

    /// What its value counts in, and its samples are.
    pub(crate) const fn unit_and_samples(self) -> (&'static str, &'static str) {
        match self {
            Self::DeploymentFrequency => ("per_day", "deployments"),
            Self::ChangeLeadTime => ("seconds", "deployments that shipped commits"),
            Self::ChangeFailRate | Self::ReworkRate => ("ratio", "changes"),
            Self::RecoveryTime => ("seconds", "recoveries"),
        }
    }

    const fn is_better_higher(self) -> bool {
        matches!(self, Self::DeploymentFrequency)
    }

    const fn is_rate(self) -> bool {
        matches!(self, Self::ChangeFailRate | Self::ReworkRate)
    }
}

/// Whose numbers: in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    All,
    Team(String),
    Repository(String),
}

impl Scope {
    /// The kind, and the name if it has one.
    pub(crate) fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::All => ("all", None),
            Self::Team(name) => ("team", Some(name)),
            Self::Repository(name) => ("repository", Some(name)),
        }
    }
}

/// A number of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    /// None where there are no samples, or fewer than the minimum.
    pub(crate) value: Option<f64>,
    /// The 90th percentile of a duration, likewise.
    pub(crate) p90: Option<f64>,
    /// How many values it is made of.
    pub(crate) samples: usize,
}

/// How a number compares with that of the period before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Trend {
    Better,
    Same,
    Worse,
}

/// A number, and what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Compared {
    pub(crate) measure: Measure,
    pub(crate) now: Number,
    pub(crate) before: Number,
    pub(crate) trend: Option<Trend>,
    pub(crate) band: Option<Band>,
}

/// What the numbers of a scope are made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScopeSummary {
    pub(crate) scope: Scope,
    pub(crate) numbers: [Compared; 5],
    pub(crate) counts: Counts,
}

/// Sums of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Counts {
    pub(crate) deployments: usize,
    pub(crate) changes: usize,
    pub(crate) failed_changes: usize,
    pub(crate) rework_deployments: usize,
    pub(crate) incidents: usize,
    pub(crate) commits: usize,
    pub(crate) recoveries: usize,
}

/// A part of the period, for plots; of the first scope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) period: Period,
    pub(crate) counts: Counts,
    pub(crate) lead_time: [Option<f64>; 2],
    pub(crate) recovery_time: Option<f64>,
}

/// All that a report says of a period.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub(crate) period: Period,
    /// Fewer samples are not enough for a number.
    pub(crate) minimum: usize,
    pub(crate) scopes: Vec<ScopeSummary>,
    pub(crate) parts: Vec<Part>,
    /// What functions are at work on, so that numbers may still change.
    pub(crate) pending: usize,
    /// Values that are in the ledger alone: CloudWatch takes nothing older than two weeks.
    pub(crate) too_old: usize,
}

/// Which scopes are wanted: all, if none is named.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) repositories: Vec<String>,
    pub(crate) teams: Vec<String>,
}

impl Filter {
    fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.teams.is_empty()
    }

    fn wants(&self, scope: &Scope) -> bool {
        match scope {
            Scope::All => self.is_empty(),
            Scope::Team(name) => self.is_empty() || self.teams.contains(name),
            Scope::Repository(name) => self.is_empty() || self.repositories.contains(name),
        }
    }

    /// Those that are named.
    fn named(&self) -> impl Iterator<Item = Scope> {
        let teams = self.teams.iter().cloned().map(Scope::Team);
        teams.chain(self.repositories.iter().cloned().map(Scope::Repository))
    }
}

/// The values of a scope in a period.
#[derive(Debug, Clone, Default)]
struct Values {
    counts: Counts,
    lead_times: Vec<f64>,
    recovery_times: Vec<f64>,
}

impl Values {
    fn add(&mut self, metric: Metric, values: &[f64]) {
        let Counts {
            deployments,
            changes,
            failed_changes,
            rework_deployments,
            incidents,
            commits,
            recoveries,
        } = &mut self.counts;
        // Counts are published as ones.
        let count = match metric {
            Metric::Deployments => deployments,
            Metric::Changes => changes,
            Metric::FailedChanges => failed_changes,
            Metric::ReworkDeployments => rework_deployments,
            Metric::Incidents => incidents,
            Metric::CommitLeadTime => commits,
            Metric::TimeToRecovery => {
                self.recovery_times.extend_from_slice(values);
                recoveries
            }
            Metric::LeadTimeForChanges => return self.lead_times.extend_from_slice(values),
        };
        *count += values.len();
    }

    #[expect(clippy::cast_precision_loss, reason = "exact for 2^53 deployments")]
    fn number(&self, measure: Measure, period: Period, minimum: usize) -> Number {
        let Counts { deployments, changes, failed_changes, rework_deployments, .. } = self.counts;
        let rate = |part: usize| (part as f64 / changes as f64, None, changes);
        let duration = |values: &[f64]| {
            let (p50, p90) = (percentile(values, 50.0), percentile(values, 90.0));
            (p50.unwrap_or_default(), p90, values.len())
        };
        let (value, p90, samples) = match measure {
            Measure::DeploymentFrequency => {
                let value = deployments as f64 / period.days() as f64;
                return Number { value: Some(value), p90: None, samples: deployments };
            }
            Measure::ChangeLeadTime => duration(&self.lead_times),
            Measure::ChangeFailRate => rate(failed_changes),
            Measure::RecoveryTime => duration(&self.recovery_times),
            Measure::ReworkRate => rate(rework_deployments),
        };
        let is_enough = samples >= minimum.max(1);
        Number { value: is_enough.then_some(value), p90: p90.filter(|_| is_enough), samples }
    }
}

/// Sums the entries up.
pub(crate) fn summary(
    entries: &[Entry],
    period: Period,
    minimum: usize,
    filter: &Filter,
) -> Summary {
    let before = period.before();
    let counted = || entries.iter().flat_map(counted);
    let of = |wanted: Period| {
        let mut by_scope = BTreeMap::<Scope, Values>::new();
        for (metric, datapoint) in counted().filter(|(_, it)| wanted.contains(it.at)) {
            for scope in scopes(datapoint) {
                by_scope.entry(scope).or_default().add(metric, &datapoint.values);
            }
        }
        by_scope
    };
    let (now, earlier) = (of(period), of(before));
    let mut shown: Vec<Scope> = now.keys().chain(earlier.keys()).cloned().collect();
    shown.extend(filter.named());
    if filter.is_empty() {
        shown.push(Scope::All);
    }
    shown.retain(|scope| filter.wants(scope));
    shown.sort();
    shown.dedup();
    let nothing = Values::default();
    let summarise = |scope: &Scope| {
        let (now, before_it) =
            (now.get(scope).unwrap_or(&nothing), earlier.get(scope).unwrap_or(&nothing));
        let compared = |measure| {
            let now = now.number(measure, period, minimum);
            let before = before_it.number(measure, before, minimum);
            compare(measure, now, before)
        };
        let numbers = Measure::ALL.map(compared);
        ScopeSummary { scope: scope.clone(), numbers, counts: now.counts }
    };
    let parts = period.parts().into_iter().map(|part| {
        let values = shown.first().and_then(|scope| of(part).remove(scope)).unwrap_or_default();
        Part {
            period: part,
            counts: values.counts,
            lead_time: [50.0, 90.0].map(|percent| percentile(&values.lead_times, percent)),
            recovery_time: percentile(&values.recovery_times, 50.0),
        }
    });
    Summary {
        period,
        minimum,
        scopes: shown.iter().map(summarise).collect(),
        parts: parts.collect(),
        pending: entries.iter().map(|entry| pending(entry, period)).sum(),
        too_old: entries
            .iter()
            .flat_map(Entry::records)
            .filter(|record| is_too_old(&record.state))
            .filter_map(|record| record.datapoint.as_ref())
            .filter(|datapoint| period.contains(datapoint.at))
            .count(),
    }
}

/// The datapoints that count, in CloudWatch or not.
fn counted(entry: &Entry) -> impl Iterator<Item = (Metric, &Datapoint)> {
    let records = entry.records().iter();
    let settled =
        records.filter(|record| record.state == State::Published || is_too_old(&record.state));
    settled.filter_map(|record| Some((record.metric, record.datapoint.as_ref()?)))
}

fn is_too_old(state: &State) -> bool {
    matches!(state, State::Ignored(reason) if reason == Reason::TooOldForCloudwatch.slug())
}

/// Under what a datapoint counts.
fn scopes(datapoint: &Datapoint) -> impl Iterator<Item = Scope> {
    let team = datapoint.team.clone().map(Scope::Team);
    let repository = datapoint.repository.as_ref().map(|it| Scope::Repository(it.to_string()));
    [Some(Scope::All), team, repository].into_iter().flatten()
}

fn pending(entry: &Entry, period: Period) -> usize {
    let at = match entry {
        Entry::Deployment(entry) => entry.deployed_at,
        Entry::Incident(entry) => entry.created_at,
    };
    if at.is_some_and(|at| !period.contains(at)) {
        return 0;
    }
    entry.records().iter().filter(|record| record.state == State::Pending).count()
}

/// A difference of less than a twentieth, or of a rate less than a percentage point, is none.
fn compare(measure: Measure, now: Number, before: Number) -> Compared {
    let trend = match (now.value, before.value) {
        (Some(now), Some(before)) => {
            let least = if measure.is_rate() { 0.01 } else { before.abs() / 20.0 };
            let rose = now - before;
            Some(if rose.abs() < least || rose == 0.0 {
                Trend::Same
            } else if (rose > 0.0) == measure.is_better_higher() {
                Trend::Better
            } else {
                Trend::Worse
            })
        }
        _ => None,
    };
    let band = now.value.and_then(|value| Band::of(measure, value));
    Compared { measure, now, before, trend, band }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
    use dora_core::identity::{AccountId, Execution, ExecutionId, PipelineName, Region};
    use dora_core::ledger::records::{DeploymentEntry, Record};
    use dora_core::repository::Repository;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// An entry with these datapoints, of a repository and its team.
    fn entry(records: &[(Metric, &str, &[f64])], repository: &str, team: Option<&str>) -> Entry {
        let execution = Execution {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            pipeline: PipelineName::parse("web").unwrap(),
            id: ExecutionId::parse("0f1e2d3c-4b5a-4697-8877-665544332211").unwrap(),
        };
        let repository = Repository::parse(repository);
        let records = records.iter().map(|(metric, time, values)| Record {
            metric: *metric,
            state: State::Published,
            datapoint: Some(Datapoint {
                values: values.to_vec(),
                at: at(time),
                repository: repository.clone(),
                team: team.map(str::to_owned),
            }),
        });
        Entry::Deployment(DeploymentEntry {
            execution,
            repository: repository.clone(),
            branch: None,
            commit: None,
            rule: None,
            deployed_at: None,
            commits: Vec::new(),
            since: None,
            failed_by: std::collections::BTreeSet::new(),
            recovery_of: None,
            references: Vec::new(),
            ended_by: None,
            records: records.collect(),
        })
    }

    /// The worked example of 2 November: four deployments, two failed, one is rework.
    fn worked_example() -> Vec<Entry> {
        use Metric::{
            Changes, CommitLeadTime, Deployments, FailedChanges, LeadTimeForChanges,
            ReworkDeployments, TimeToRecovery,
        };
        let times =
            ["10:00", "11:30", "15:00", "16:00"].map(|time| format!("2026-11-02T{time}:00Z"));
        let mut entries: Vec<_> = times
            .iter()
            .map(|time| {
                entry(
                    &[(Deployments, time, &[1.0]), (Changes, time, &[1.0])],
                    "acme/web",
                    Some("Storefront"),
                )
            })
            .collect();
        let more: [(Metric, &str, &[f64]); 7] = [
            (LeadTimeForChanges, &times[0], &[7200.0]),
            (CommitLeadTime, &times[0], &[7200.0, 3600.0]),
            (FailedChanges, &times[0], &[1.0]),
            (FailedChanges, &times[2], &[1.0]),
            (TimeToRecovery, &times[1], &[3600.0]),
            (TimeToRecovery, "2026-11-02T15:20:00Z", &[1200.0]),
            (ReworkDeployments, &times[1], &[1.0]),
        ];
        entries.push(entry(&more, "acme/web", Some("Storefront")));
        entries
    }

    fn day(text: &str) -> Period {
        let day: NaiveDate = text.parse().unwrap();
        Period::days_of(day, day).unwrap()
    }

    #[test]
    fn the_worked_example_has_the_numbers_that_it_states() {
        let found = summary(&worked_example(), day("2026-11-02"), 1, &Filter::default());
        let scopes: Vec<_> = found.scopes.iter().map(|it| it.scope.parts()).collect();
        let names = [("all", None), ("team", Some("Storefront")), ("repository", Some("acme/web"))];
        assert_eq!(scopes, names);
        for scope in &found.scopes {
            let values = scope.numbers.map(|number| number.now.value);
            assert_eq!(values, [4.0, 7200.0, 0.5, 2400.0, 0.25].map(Some));
            assert_eq!(scope.counts.commits, 2);
        }
    }

    #[test]
    fn fewer_samples_than_the_minimum_are_not_enough() {
        let found = summary(&worked_example(), day("2026-11-02"), 3, &Filter::default());
        let numbers = found.scopes.first().unwrap().numbers;
        assert_eq!(numbers.map(|it| it.now.value.is_some()), [true, false, true, false, true]);
        assert_eq!(numbers.map(|it| it.now.samples), [4, 1, 4, 2, 4]);
    }

    #[test]
    fn without_changes_there_is_no_rate_and_without_failures_it_is_nought() {
        let found = summary(&[], day("2026-11-02"), 1, &Filter::default());
        let numbers = found.scopes.first().unwrap().numbers;
        assert_eq!(numbers.map(|it| it.now.value), [Some(0.0), None, None, None, None]);
        let found = summary(&worked_example()[..1], day("2026-11-02"), 1, &Filter::default());
        assert_eq!(found.scopes.first().unwrap().numbers[2].now.value, Some(0.0));
    }

    #[test]
    fn a_number_is_compared_with_the_period_before() {
        let found = summary(&worked_example(), day("2026-11-03"), 1, &Filter::default());
        let numbers = found.scopes.first().unwrap().numbers;
        assert_eq!(numbers[0].before.value, Some(4.0));
        assert_eq!(numbers[0].trend, Some(Trend::Worse));
        assert_eq!(numbers[2].trend, None, "there is no rate to compare");
        let number = |value| Number { value: Some(value), p90: None, samples: 9 };
        for (measure, now, before, trend) in [
            (Measure::DeploymentFrequency, 1.2, 1.0, Trend::Better),
            (Measure::ChangeLeadTime, 1.2, 1.0, Trend::Worse),
            (Measure::ChangeLeadTime, 1.04, 1.0, Trend::Same),
            (Measure::ChangeFailRate, 0.055, 0.05, Trend::Same),
            (Measure::ChangeFailRate, 0.03, 0.05, Trend::Better),
            (Measure::ReworkRate, 0.0, 0.0, Trend::Same),
        ] {
            let found = compare(measure, number(now), number(before));
            assert_eq!(found.trend, Some(trend), "{measure:?} {now} after {before}");
        }
    }

    #[test]
    fn only_what_is_named_is_shown_though_it_has_nothing() {
        let filter = Filter {
            repositories: vec!["acme/none".to_owned()],
            teams: vec!["Storefront".to_owned()],
        };
        let found = summary(&worked_example(), day("2026-11-02"), 1, &filter);
        let scopes: Vec<_> = found.scopes.iter().map(|it| it.scope.parts()).collect();
        assert_eq!(scopes, [("team", Some("Storefront")), ("repository", Some("acme/none"))]);
        assert_eq!(found.parts.iter().map(|it| it.counts.deployments).sum::<usize>(), 4);
    }

    #[test]
    fn what_is_not_settled_is_told_and_not_counted() {
        let mut entries = worked_example();
        let Some(Entry::Deployment(first)) = entries.first_mut() else { panic!("no deployment") };
        first.records[0].state = State::Pending;
        first.records[1].state = State::Ignored("too-old-for-cloudwatch".to_owned());
        let found = summary(&entries, day("2026-11-02"), 1, &Filter::default());
        assert_eq!((found.pending, found.too_old), (1, 1));
        let counts = found.scopes.first().unwrap().counts;
        assert_eq!((counts.deployments, counts.changes), (3, 4));
    }

    proptest! {
        #[test]
        fn periods_add_up_and_order_changes_nothing(
            times in prop::collection::vec((0..90_i64, 0..86_400_i64, 0..3_usize), 0..40), cut in 1..89_i64
        ) {
            let begin = at("2026-09-01T00:00:00Z");
            let entries: Vec<_> = times.iter().map(|(day, second, repository)| {
                let time = (begin + TimeDelta::days(*day) + TimeDelta::seconds(*second)).to_rfc3339();
                #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
                let value = [*second as f64];
                let records: [(Metric, &str, &[f64]); 2] =
                    [(Metric::Deployments, &time, &[1.0]), (Metric::LeadTimeForChanges, &time, &value)];
                entry(&records, ["acme/web", "acme/shop", "acme/api"][*repository], None)
            }).collect();
            let first = begin.date_naive();
            let part = |from: i64, until: i64| {
                let (from, last) = (first + TimeDelta::days(from), first + TimeDelta::days(until - 1));
                Period::days_of(from, last).unwrap()
            };
            let of = |period| summary(&entries, period, 1, &Filter::default());
            let (whole, early, late) = (of(part(0, 90)), of(part(0, cut)), of(part(cut, 90)));
            let count = |found: &Summary| found.scopes.first().unwrap().counts.deployments;
            prop_assert_eq!(count(&whole), count(&early) + count(&late));
            prop_assert_eq!(count(&whole), times.len());
            let by_repository: usize = whole.scopes.iter()
                .filter(|it| matches!(it.scope, Scope::Repository(_)))
                .map(|it| it.counts.deployments).sum();
            prop_assert_eq!(by_repository, times.len());
            let in_parts: usize = whole.parts.iter().map(|it| it.counts.deployments).sum();
            prop_assert_eq!(in_parts, times.len());
            let reversed: Vec<_> = entries.iter().rev().cloned().collect();
            prop_assert_eq!(summary(&reversed, part(0, 90), 1, &Filter::default()), whole);
        }
    }
}
