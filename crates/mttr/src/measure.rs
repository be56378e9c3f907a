//! The rule of these metrics: from an incident's creation to what ended it.
//!
//! DORA's failed deployment recovery time is "the time it takes to recover from a deployment that
//! fails and requires immediate intervention".

use chrono::{DateTime, Utc};
use dora_core::identity::Execution;
use dora_core::incident::{Cause, Incident};
use dora_core::ledger::Subject;
use dora_core::ledger::facts::{FailedBy, Known};
use dora_core::metric::{Measurement, Metric};
use dora_core::repository::Repository;

/// A recovery, and what it is counted once for: an incident, or a deployment that was rolled back.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// What it is counted once for.
    pub subject: Subject,
    /// What it adds to `TimeToRecovery`.
    pub measurement: Measurement,
}

impl Recovery {
    /// From an incident to what ended it. Nothing ends an incident before it began.
    #[must_use]
    pub fn of(incident: &Incident, at: DateTime<Utc>, repository: Option<Repository>) -> Self {
        let from = incident.created_at.min(at);
        Self { subject: Subject::incident(incident), measurement: duration(from, at, repository) }
    }
}

/// What the rollback of a deployment ended: every incident that is attributed to it and was there
/// before; if there is none, the deployment's own failure, which began with it.
#[must_use]
pub fn of_rollback(execution: &Execution, known: &Known) -> Vec<Recovery> {
    let Some(undone_at) = known.undone_at else { return Vec::new() };
    let repository = || known.repository.clone();
    let incidents: Vec<_> = known
        .failed_by
        .iter()
        .filter_map(|by| match by {
            FailedBy::Incident(ops_item, created_at) if *created_at < undone_at => {
                let (ops_item, created_at) = (ops_item.clone(), *created_at);
                Some(Incident { ops_item, created_at, cause: Cause::Unnamed, repository: None })
            }
            _ => None,
        })
        .collect();
    match (incidents.is_empty(), known.deployed_at) {
        // Its repository is not known yet: its event brings about these recoveries.
        (_, None) => Vec::new(),
        (true, Some(deployed_at)) => vec![Recovery {
            subject: Subject::execution(execution),
            measurement: duration(deployed_at.min(undone_at), undone_at, repository()),
        }],
        // One that was published for the deployment itself stands for its incidents too.
        (false, _) if known.has_recovery => Vec::new(),
        (false, _) => incidents
            .iter()
            .map(|incident| Recovery::of(incident, undone_at, repository()))
            .collect(),
    }
}

fn duration(from: DateTime<Utc>, to: DateTime<Utc>, repository: Option<Repository>) -> Measurement {
    let length = Measurement::duration(Metric::TimeToRecovery, from, to, repository.clone());
    length.unwrap_or_else(|| Measurement::one(Metric::TimeToRecovery, to, repository))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dora_core::fixtures::deployment;
    use dora_core::identity::{AccountId, OpsItem, OpsItemId, Region};
    use dora_core::metric::Values;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-02T{time}:00Z").parse().unwrap()
    }

    fn incident(digit: &str, time: &str) -> FailedBy {
        let ops_item = OpsItem {
            account: AccountId::parse("444455556666").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            id: OpsItemId::parse(&format!("oi-{}", digit.repeat(12))).unwrap(),
        };
        FailedBy::Incident(ops_item, at(time))
    }

    fn seconds(known: &Known) -> Vec<f64> {
        of_rollback(&deployment().execution, known)
            .iter()
            .flat_map(|recovery| recovery.measurement.values.as_slice().to_vec())
            .collect()
    }

    /// Deployed at 10:00 and rolled back at 10:20.
    fn known(failed_by: &[FailedBy]) -> Known {
        Known {
            deployed_at: Some(at("10:00")),
            repository: Some(deployment().repository),
            failed_by: failed_by.iter().cloned().collect::<BTreeSet<_>>(),
            undone_at: Some(at("10:20")),
            ..Known::default()
        }
    }

    #[test]
    fn a_rollback_ends_the_incidents_of_what_it_undid() {
        let two = known(&[incident("1", "10:05"), incident("2", "10:10")]);
        assert_eq!(seconds(&two), [900.0, 600.0]);
        let later = known(&[incident("1", "10:05"), incident("2", "10:30")]);
        assert_eq!(seconds(&later), [900.0], "the second came after it");
    }

    #[test]
    fn without_an_incident_the_failure_began_with_the_deployment() {
        assert_eq!(seconds(&known(&[])), [1200.0]);
        assert_eq!(seconds(&known(&[incident("2", "10:30")])), [1200.0]);
        let rollback = FailedBy::Rollback(deployment().execution.id);
        assert_eq!(seconds(&known(&[rollback])), [1200.0]);
    }

    #[test]
    fn a_recovery_of_the_deployment_stands_for_its_incidents() {
        let known = Known { has_recovery: true, ..known(&[incident("1", "10:05")]) };
        assert_eq!(seconds(&known), [0.0; 0]);
    }

    #[test]
    fn what_was_not_undone_or_has_not_arrived_has_no_recovery_yet() {
        let standing = Known { undone_at: None, ..known(&[incident("1", "10:05")]) };
        assert_eq!(seconds(&standing), [0.0; 0]);
        let unheard = Known { deployed_at: None, ..known(&[]) };
        assert_eq!(seconds(&unheard), [0.0; 0]);
    }

    #[test]
    fn a_recovery_has_the_time_of_what_ended_the_incident() {
        let FailedBy::Incident(ops_item, created_at) = incident("1", "10:30") else { panic!() };
        let incident = Incident { ops_item, created_at, cause: Cause::Unnamed, repository: None };
        let recovery = Recovery::of(&incident, at("11:30"), None);
        assert_eq!(recovery.measurement.at, at("11:30"));
        assert_eq!(recovery.measurement.values, Values::One(3600.0));
    }
}
