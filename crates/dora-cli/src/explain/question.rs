//! What can be asked: about a deployment, an incident, or a metric in a day or month.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use dora_core::identity::{ExecutionId, OpsItemId};
use dora_core::ledger::records::Datapoint;
use dora_core::metric::Metric;

use crate::cli::Cli;

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Execution(ExecutionId),
    Incident(OpsItemId),
    Metric(Metric),
}

impl What {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let metric = Metric::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(text));
        ExecutionId::parse(&lower)
            .map(Self::Execution)
            .or_else(|| OpsItemId::parse(&lower).map(Self::Incident))
            .or_else(|| metric.map(Self::Metric))
            .ok_or_else(|| {
                format!(
                    "it must be a pipeline execution's id (a UUID), an OpsItem's id (oi- and \
                     twelve hexadecimal digits), or one of {}",
                    Metric::ALL.map(Metric::name).join(", ")
                )
            })
    }
}

/// A day or a month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    from: NaiveDate,
    until: NaiveDate,
}

impl Span {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let month = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok();
        let of = |from: NaiveDate, until: Option<NaiveDate>| Some(Self { from, until: until? });
        day.and_then(|day| of(day, day.succ_opt()))
            .or_else(|| month.and_then(|month| of(month, month.checked_add_months(Months::new(1)))))
            .ok_or_else(|| "it must be a day such as 2026-11-02, or a month such as 2026-11".into())
    }

    /// Whether a time lies in it.
    pub(super) fn contains(self, at: DateTime<Utc>) -> bool {
        (self.from..self.until).contains(&at.date_naive())
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.from.succ_opt() == Some(self.until) {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}-{:02}", self.from.year(), self.from.month())
        }
    }
}

/// Whose values are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Repository(String),
    Team(String),
}

impl Scope {
    /// Whether a value is under the dimension set that is asked about.
    pub(super) fn covers(&self, datapoint: &Datapoint) -> bool {
        match self {
            Self::All => true,
            Self::Repository(name) => {
                datapoint.repository.as_ref().is_some_and(|it| it.as_str() == name)
            }
            Self::Team(name) => datapoint.team.as_ref() == Some(name),
        }
    }
}

/// Ends the process as clap does where the parts of the question do not go together.
pub(super) fn check(what: &What, span: Option<Span>, scope: &Scope) {
    let problem = match (what, span, scope) {
        (What::Metric(metric), None, _) => {
            format!("of which day or month? For example: dora explain {} 2026-11-02", metric.name())
        }
        (What::Execution(_) | What::Incident(_), Some(_), _) => {
            "a day or month goes with a metric only".to_owned()
        }
        (What::Execution(_) | What::Incident(_), None, Scope::Repository(_) | Scope::Team(_)) => {
            "--repository and --team go with a metric only".to_owned()
        }
        _ => return,
    };
    Cli::command().error(ErrorKind::ArgumentConflict, problem).exit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_about_is_told_by_its_form() {
        let execution = "0f1e2d3c-4b5a-4697-8877-665544332211";
        for (text, is_right) in [
            (execution, matches!(What::parse(execution), Ok(What::Execution(_)))),
            ("OI-0123456789AB", matches!(What::parse("OI-0123456789AB"), Ok(What::Incident(_)))),
            ("changes", What::parse("changes") == Ok(What::Metric(Metric::Changes))),
        ] {
            assert!(is_right, "{text}");
        }
        let refused = What::parse("mttr").unwrap_err();
        assert!(refused.contains("TimeToRecovery"), "{refused}");
    }

    #[test]
    fn a_span_is_a_day_or_a_month() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (text, first, last) in [
            ("2026-11-02", "2026-11-02T00:00:00Z", "2026-11-02T23:59:59Z"),
            ("2026-12", "2026-12-01T00:00:00Z", "2026-12-31T23:59:59Z"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.to_string(), text);
            assert!(span.contains(at(first)) && span.contains(at(last)));
            assert!(!span.contains(at(first) - chrono::TimeDelta::seconds(1)));
            assert!(!span.contains(at(last) + chrono::TimeDelta::seconds(1)));
        }
        for text in ["yesterday", "2026-13", "2026-02-30", "2026", "2026-11-02T10:00:00Z"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }
}
