//! The performance levels of DORA's studies, to tell how a number compares.
//!
//! Source: Accelerate State of DevOps Report 2024. `dora-bands.json` in `dora-core` holds the same
//! levels, for the dashboard's lines too.

use serde::Serialize;

use super::summary::Measure;

/// The year of the study.
pub(crate) const YEAR: u16 = 2024;

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// A level, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Band {
    Elite,
    High,
    Medium,
    Low,
}

impl Band {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Elite => "elite",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// The level of a number in its unit. The study has none for rework.
    ///
    /// Its levels came out of clusters of answers, so they do not always follow one another: medium
    /// performers recovered as fast as high ones, and failed less often. A number has the best level
    /// that it reaches, so neither recovery nor failure is ever "medium".
    pub(crate) fn of(measure: Measure, value: f64) -> Option<Self> {
        use Band::{Elite, High, Low, Medium};
        let best = |levels: &[(Self, bool)]| {
            levels.iter().find(|(_, reached)| *reached).map_or(Low, |(band, _)| *band)
        };
        Some(match measure {
            Measure::DeploymentFrequency => best(&[
                (Elite, value >= 1.0),
                (High, value >= 1.0 / 7.0),
                (Medium, value >= 1.0 / 30.0),
            ]),
            Measure::ChangeLeadTime => best(&[
                (Elite, value < DAY),
                (High, value < 7.0 * DAY),
                (Medium, value < 30.0 * DAY),
            ]),
            Measure::ChangeFailRate => best(&[(Elite, value <= 0.05), (High, value <= 0.2)]),
            Measure::RecoveryTime => best(&[(Elite, value < HOUR), (High, value < DAY)]),
            Measure::ReworkRate => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_number_has_the_best_level_that_it_reaches() {
        use Band::{Elite, High, Low, Medium};
        for (measure, levels) in [
            (
                Measure::DeploymentFrequency,
                [(1.0, Elite), (0.99, High), (0.1, Medium), (0.03, Low)],
            ),
            (
                Measure::ChangeLeadTime,
                [(86_399.0, Elite), (86_400.0, High), (700_000.0, Medium), (2_700_000.0, Low)],
            ),
            (Measure::ChangeFailRate, [(0.0, Elite), (0.05, Elite), (0.2, High), (0.21, Low)]),
            (
                Measure::RecoveryTime,
                [(3599.0, Elite), (3600.0, High), (86_399.0, High), (86_400.0, Low)],
            ),
        ] {
            for (value, band) in levels {
                assert_eq!(Band::of(measure, value), Some(band), "{measure:?} {value}");
            }
        }
        assert_eq!(Band::of(Measure::ReworkRate, 0.1), None);
    }

    #[test]
    fn the_levels_are_those_of_the_dashboard() {
        let told: Value =
            serde_json::from_str(include_str!("../../../dora-core/dora-bands.json")).unwrap();
        assert_eq!(told["year"], YEAR);
        let level = |name: &str, band: &str| told[name][band].as_f64().unwrap();
        for (measure, name, unit, is_least) in [
            (Measure::DeploymentFrequency, "deploymentsPerDay", 1.0, true),
            (Measure::ChangeLeadTime, "leadTimeHours", HOUR, false),
            (Measure::ChangeFailRate, "changeFailRatePercent", 0.01, false),
            (Measure::RecoveryTime, "recoveryHours", HOUR, false),
        ] {
            for (band, found) in [("elite", Band::Elite), ("high", Band::High)] {
                let limit = level(name, band) * unit;
                let (within, beyond) = (limit * 0.999, limit * 1.001);
                let (within, beyond) = if is_least { (beyond, within) } else { (within, beyond) };
                assert_eq!(Band::of(measure, within), Some(found), "{name} {band}");
                assert_ne!(Band::of(measure, beyond), Some(found), "{name} {band}");
            }
        }
    }
}
