//! The time that a report is about: whole days in UTC, and as much before it to compare with.

use std::fmt;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeDelta, Utc};

/// Days from one, inclusive, to another, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// The first day.
    pub(crate) from: NaiveDate,
    /// The day after the last one.
    pub(crate) until: NaiveDate,
    /// Of how many calendar months it is, if it is of whole ones: they are compared with months.
    months: Option<u32>,
}

impl Period {
    /// The days from one to another, both inclusive. None where there are none.
    pub(crate) fn days_of(first: NaiveDate, last: NaiveDate) -> Option<Self> {
        let until = last.succ_opt()?;
        (first < until).then_some(Self { from: first, until, months: None })
    }

    /// So many whole days, weeks or months before today, such as `30d`, `4w` or `3m`.
    pub(crate) fn last(text: &str, today: NaiveDate) -> Option<Self> {
        let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let count: u32 = count.parse().ok().filter(|count| (1..=1000).contains(count))?;
        let from = match unit {
            "d" => today.checked_sub_days(Days::new(count.into()))?,
            "w" => today.checked_sub_days(Days::new(u64::from(count) * 7))?,
            "m" => today.checked_sub_months(Months::new(count))?,
            _ => return None,
        };
        Some(Self { from, until: today, months: (unit == "m").then_some(count) })
    }

    /// A calendar month, such as `2026-11`.
    pub(crate) fn month(text: &str) -> Option<Self> {
        Self::months(NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?, 1)
    }

    /// A quarter, such as `2026-Q4`.
    pub(crate) fn quarter(text: &str) -> Option<Self> {
        let (year, quarter) = text.split_once("-Q")?;
        let quarter: u32 = quarter.parse().ok().filter(|it| (1..=4).contains(it))?;
        Self::months(NaiveDate::from_ymd_opt(year.parse().ok()?, quarter * 3 - 2, 1)?, 3)
    }

    fn months(from: NaiveDate, count: u32) -> Option<Self> {
        let until = from.checked_add_months(Months::new(count))?;
        Some(Self { from, until, months: Some(count) })
    }

    /// As much time just before it.
    pub(crate) fn before(self) -> Self {
        let from = match self.months {
            Some(count) => self.from.checked_sub_months(Months::new(count)),
            None => self.from.checked_sub_days(Days::new(self.days())),
        };
        Self { from: from.unwrap_or(NaiveDate::MIN), until: self.from, months: self.months }
    }

    /// How many days it has.
    pub(crate) fn days(self) -> u64 {
        (self.until - self.from).num_days().unsigned_abs()
    }

    /// The last day.
    pub(crate) fn last_day(self) -> NaiveDate {
        self.until.pred_opt().unwrap_or(self.until)
    }

    /// Whether a time lies in it.
    pub(crate) fn contains(self, at: DateTime<Utc>) -> bool {
        (self.from..self.until).contains(&at.date_naive())
    }

    /// Its parts for a plot: days, or weeks from Monday where it has more than five of them. The
    /// first and last may be shorter.
    pub(crate) fn parts(self) -> Vec<Self> {
        let step = if self.days() > 35 { 7 } else { 1 };
        let mut parts = Vec::new();
        let mut from = self.from;
        while from < self.until {
            let weekday = i64::from(from.weekday().num_days_from_monday());
            let whole = if step == 7 { 7 - weekday } else { 1 };
            let until = (from + TimeDelta::days(whole)).min(self.until);
            parts.push(Self { from, until, months: None });
            from = until;
        }
        parts
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last_day();
        if self.from == last {
            write!(f, "{}", last.format("%-d %B %Y"))
        } else if self.from.year() == last.year() {
            write!(f, "{} – {}", self.from.format("%-d %B"), last.format("%-d %B %Y"))
        } else {
            write!(f, "{} – {}", self.from.format("%-d %B %Y"), last.format("%-d %B %Y"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_compared_with_as_much_before_it() {
        let today = day("2026-12-01");
        for (period, from, until, before) in [
            (Period::last("30d", today), "2026-11-01", "2026-12-01", "2026-10-02"),
            (Period::last("4w", today), "2026-11-03", "2026-12-01", "2026-10-06"),
            (Period::last("3m", today), "2026-09-01", "2026-12-01", "2026-06-01"),
            (Period::month("2026-11"), "2026-11-01", "2026-12-01", "2026-10-01"),
            (Period::quarter("2026-Q4"), "2026-10-01", "2027-01-01", "2026-07-01"),
            (
                Period::days_of(day("2026-11-02"), day("2026-11-02")),
                "2026-11-02",
                "2026-11-03",
                "2026-11-01",
            ),
        ] {
            let period = period.unwrap();
            assert_eq!((period.from, period.until), (day(from), day(until)));
            assert_eq!((period.before().from, period.before().until), (day(before), day(from)));
        }
    }

    #[test]
    fn what_is_no_period_is_refused() {
        let today = day("2026-12-01");
        for text in ["", "d", "0d", "30", "30y", "-3d", "9999d", "é"] {
            assert_eq!(Period::last(text, today), None, "{text}");
        }
        for text in ["2026", "2026-13", "November"] {
            assert_eq!(Period::month(text), None, "{text}");
        }
        for text in ["2026-Q5", "2026Q1", "Q1"] {
            assert_eq!(Period::quarter(text), None, "{text}");
        }
        assert_eq!(Period::days_of(day("2026-11-03"), day("2026-11-02")), None);
    }

    proptest! {
        #[test]
        fn its_parts_are_all_of_it_without_gap_or_overlap(first in 0..5000_i64, days in 0..500_i64) {
            let first = day("2020-01-01") + TimeDelta::days(first);
            let period = Period::days_of(first, first + TimeDelta::days(days)).unwrap();
            let parts = period.parts();
            prop_assert_eq!(parts.first().unwrap().from, period.from);
            prop_assert_eq!(parts.last().unwrap().until, period.until);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].until, pair[1].from);
            }
            prop_assert_eq!(parts.iter().map(|part| part.days()).sum::<u64>(), period.days());
        }
    }
}
