//! What is to be sent, in which order, and how long that takes. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// CloudWatch takes nothing older than two weeks.
const DAYS_IN_CLOUDWATCH: i64 = 14;

/// A time from one moment, inclusive, to another, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
}

impl Span {
    pub(super) fn contains(self, at: DateTime<Utc>) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// What happened, as far as it decides who hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Execution,
    Incident,
}

impl Kind {
    /// The functions whose buses get such an event.
    pub(super) const fn functions(self) -> &'static [&'static str] {
        match self {
            Self::Execution => {
                &["deployment-frequency", "lead-time", "change-failure-rate", "mttr"]
            }
            Self::Incident => &["change-failure-rate", "mttr"],
        }
    }
}

/// Something that AWS told of, or would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) at: DateTime<Utc>,
    pub(super) kind: Kind,
    pub(super) event: Value,
}

/// In the order of time: what names nothing is attributed to what had arrived before it. At the same
/// moment executions come first.
pub(super) fn in_order(mut happenings: Vec<Happening>) -> Vec<Happening> {
    happenings.sort_by_key(|it| (it.at, it.kind == Kind::Incident));
    happenings
}

/// How many CloudWatch would refuse for their age.
pub(super) fn too_old(happenings: &[Happening], now: DateTime<Utc>) -> usize {
    let days = |it: &&Happening| (now - it.at).num_days();
    happenings.iter().filter(|it| days(it) >= DAYS_IN_CLOUDWATCH).count()
}

/// How long so many events take at a rate, at least.
pub(super) fn duration(events: usize, per_minute: u32) -> Duration {
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    pause(per_minute).saturating_mul(events)
}

/// The time between two events.
pub(super) fn pause(per_minute: u32) -> Duration {
    Duration::from_mins(1) / per_minute.max(1)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn happening(second: i64, kind: Kind) -> Happening {
        let at = "2026-11-02T10:00:00Z".parse::<DateTime<Utc>>().unwrap();
        Happening { at: at + TimeDelta::seconds(second), kind, event: Value::Null }
    }

    #[test]
    fn what_is_older_than_two_weeks_is_told() {
        let now = happening(0, Kind::Incident).at + TimeDelta::days(14);
        let some = [-1, 0, 1].map(|second| happening(second, Kind::Execution));
        assert_eq!(too_old(&some, now), 2);
    }

    #[test]
    fn a_rate_says_how_long_it_takes() {
        assert_eq!(duration(90, 30), Duration::from_mins(3));
        assert_eq!(duration(1, 0), Duration::from_mins(1));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_time_only_goes_on(
            times in prop::collection::vec((0..50_i64, any::<bool>()), 0..30)
        ) {
            let kind = |is_incident| if is_incident { Kind::Incident } else { Kind::Execution };
            let some: Vec<_> =
                times.iter().map(|(second, is_incident)| happening(*second, kind(*is_incident))).collect();
            let ordered = in_order(some.clone());
            prop_assert_eq!(ordered.len(), some.len());
            prop_assert!(some.iter().all(|it| ordered.contains(it)));
            for pair in ordered.windows(2) {
                prop_assert!(pair[0].at <= pair[1].at);
                prop_assert!(
                    pair[0].at < pair[1].at
                        || pair[0].kind != Kind::Incident
                        || pair[1].kind == Kind::Incident
                );
            }
        }
    }
}
