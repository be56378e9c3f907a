//! Numbers as people read them, the same in the table and on the page.

use super::summary::{Compared, Measure, Number, Trend};
use crate::duration::in_words;

/// A value in its measure's unit.
pub(crate) fn value(measure: Measure, value: f64) -> String {
    match measure {
        Measure::DeploymentFrequency => frequency(value),
        Measure::ChangeLeadTime | Measure::RecoveryTime => in_words(value),
        Measure::ChangeFailRate | Measure::ReworkRate => percent(value),
    }
}

/// A number, or why there is none.
pub(crate) fn number(measure: Measure, number: &Number) -> String {
    match number.value {
        Some(found) => value(measure, found),
        None if number.samples == 0 => "no data".to_owned(),
        None => "not enough data".to_owned(),
    }
}

/// So often in the shortest of day, week and month in which it is at least once.
fn frequency(per_day: f64) -> String {
    let (count, of) = if per_day >= 1.0 || per_day == 0.0 {
        (per_day, "day")
    } else if per_day >= 1.0 / 7.0 {
        (per_day * 7.0, "week")
    } else {
        (per_day * 30.0, "month")
    };
    if count >= 10.0 || count == 0.0 {
        format!("{count:.0} a {of}")
    } else {
        format!("{count:.1} a {of}")
    }
}

fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if percent >= 10.0 || percent == 0.0 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// How a number moved, and whether that is good.
pub(crate) fn trend(compared: &Compared) -> &'static str {
    let rose = compared.now.value > compared.before.value;
    match (compared.trend, rose) {
        (None, _) => "",
        (Some(Trend::Same), _) => "→ same",
        (Some(Trend::Better), true) => "↑ better",
        (Some(Trend::Better), false) => "↓ better",
        (Some(Trend::Worse), true) => "↑ worse",
        (Some(Trend::Worse), false) => "↓ worse",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_say_them() {
        for (measure, of, words) in [
            (Measure::DeploymentFrequency, 0.0, "0 a day"),
            (Measure::DeploymentFrequency, 12.34, "12 a day"),
            (Measure::DeploymentFrequency, 2.8, "2.8 a day"),
            (Measure::DeploymentFrequency, 0.5, "3.5 a week"),
            (Measure::DeploymentFrequency, 0.05, "1.5 a month"),
            (Measure::ChangeLeadTime, 7200.0, "2 h 00 min"),
            (Measure::ChangeFailRate, 0.0, "0 %"),
            (Measure::ChangeFailRate, 0.0333, "3.3 %"),
            (Measure::ReworkRate, 0.125, "12 %"),
        ] {
            assert_eq!(value(measure, of), words);
        }
    }
}
