//! The rule of these metrics: from an incident's creation to what ended it.
//!
//! DORA's failed deployment recovery time is "the time it takes to recover from a deployment that
//! fails and requires immediate intervention".

use chrono::{DateTime, Utc};
use dora_core::identity::Execution;
use dora_core::incident::Incident;
use dora_core::ledger::Subject;
use dora_core::ledger::facts::{FailedBy, Known, RecoveryOf};
use dora_core::metric::{Measurement, Metric};
use dora_core::repository::Repository;
use dora_core::rollback::PastRollback;

/// A recovery, and what it is counted once for: an incident, or a deployment that was rolled back.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// What it is counted once for.
    pub subject: Subject,
    /// What it adds to `TimeToRecovery`.
    pub measurement: Measurement,
    /// The deployment or rollback that brought it about.
    pub ended_by: Execution,
}

impl Recovery {
    /// From an incident to what ended it. Nothing ends an incident before it began.
    #[must_use]
    pub fn of(
        incident: &Incident,
        ended_by: Execution,
        at: DateTime<Utc>,
        repository: Option<Repository>,
    ) -> Self {
        let from = incident.created_at.min(at);
        let measurement = duration(from, at, repository);
        Self { subject: Subject::incident(incident), measurement, ended_by }
    }
}

/// Whose recovery the first rollback of a deployment was: that of the incidents which are attributed
/// to it and were there before; if there is none, the deployment's own, whose failure began with it.
/// None while the events of the deployment or of the rollback are still to come.
#[must_use]
pub fn recovery_of(known: &Known, rollbacks: &[PastRollback]) -> Option<RecoveryOf> {
    let first = rollbacks.first()?;
    known.deployed_at.and(known.undone_at(&first.id))?;
    let was_before =
        |by: &FailedBy| matches!(by, FailedBy::Incident(created_at, _) if *created_at < first.at);
    let any = known.failed_by.iter().any(was_before);
    Some(if any { RecoveryOf::Incidents } else { RecoveryOf::Deployment })
}

/// What the rollbacks of a deployment ended, as far as their events have come. Each ended the
/// incidents since the one before; the first one may have been the deployment's own recovery.
#[must_use]
pub fn of_rollbacks(
    execution: &Execution,
    known: &Known,
    rollbacks: &[PastRollback],
) -> Vec<Recovery> {
    let Some(deployed_at) = known.deployed_at else { return Vec::new() };
    let mut found = Vec::new();
    let mut before = DateTime::<Utc>::MIN_UTC;
    for (i, PastRollback { id, at }) in rollbacks.iter().enumerate() {
        let since = std::mem::replace(&mut before, *at);
        let Some(undone_at) = known.undone_at(id) else { continue };
        let rollback = execution.of().execution(id.clone());
        match known.recovery_of {
            None if i == 0 => {}
            Some(RecoveryOf::Deployment) if i == 0 => found.push(Recovery {
                subject: Subject::execution(execution),
                measurement: duration(
                    deployed_at.min(undone_at),
                    undone_at,
                    known.repository.clone(),
                ),
                ended_by: rollback,
            }),
            _ => found.extend(
                incidents(known)
                    .filter(|incident| (since..*at).contains(&incident.created_at))
                    .map(|it| {
                        let repository = known.repository.clone();
                        Recovery::of(&it, rollback.clone(), undone_at, repository)
                    }),
            ),
        }
    }
    found
}

/// The incidents that are attributed to a deployment.
fn incidents(known: &Known) -> impl Iterator<Item = Incident> {
    known.failed_by.iter().filter_map(|by| match by {
        FailedBy::Incident(at, ops_item) => Some(Incident::named_nothing(ops_item.clone(), *at)),
        FailedBy::Rollback(..) => None,
    })
}

fn duration(from: DateTime<Utc>, to: DateTime<Utc>, repository: Option<Repository>) -> Measurement {
    let length = Measurement::duration(Metric::TimeToRecovery, from, to, repository.clone());
    length.unwrap_or_else(|| Measurement::one(Metric::TimeToRecovery, to, repository))
}

#[cfg(test)]
mod tests {
    use dora_core::fixtures::deployment;
    use dora_core::identity::{AccountId, ExecutionId, OpsItem, OpsItemId, Region};
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
        FailedBy::Incident(at(time), ops_item)
    }

    fn execution(digit: &str) -> ExecutionId {
        ExecutionId::parse(&format!("00000000-0000-4000-8000-{}", digit.repeat(12))).unwrap()
    }

    fn rollback(digit: &str, time: &str) -> FailedBy {
        FailedBy::Rollback(at(time), execution(digit))
    }

    /// The first one's record is half a minute later than its event.
    fn history() -> [PastRollback; 2] {
        let late = chrono::TimeDelta::seconds(30);
        [("1", at("10:20") + late), ("2", at("10:40"))]
            .map(|(digit, at)| PastRollback { id: execution(digit), at })
    }

    /// What is published of a deployment at 10:00, in seconds, with what is decided at once.
    fn seconds(failed_by: &[FailedBy]) -> Vec<f64> {
        let mut known = Known {
            deployed_at: Some(at("10:00")),
            repository: Some(deployment().repository),
            failed_by: failed_by.iter().cloned().collect(),
            ..Known::default()
        };
        known.recovery_of = recovery_of(&known, &history());
        published(&known)
    }

    fn published(known: &Known) -> Vec<f64> {
        of_rollbacks(&deployment().execution, known, &history())
            .iter()
            .flat_map(|recovery| recovery.measurement.values.as_slice().to_vec())
            .collect()
    }

    #[test]
    fn a_rollback_ends_the_incidents_of_what_it_undid() {
        let undone = rollback("1", "10:20");
        let two = [incident("1", "10:05"), incident("2", "10:10"), undone.clone()];
        assert_eq!(seconds(&two), [900.0, 600.0]);
        let later = [incident("1", "10:05"), incident("2", "10:30"), undone];
        assert_eq!(seconds(&later), [900.0], "the second came after it");
    }

    #[test]
    fn without_an_incident_the_failure_began_with_the_deployment() {
        assert_eq!(seconds(&[rollback("1", "10:20")]), [1200.0]);
        assert_eq!(seconds(&[rollback("1", "10:20"), incident("2", "10:30")]), [1200.0]);
    }

    #[test]
    fn a_second_rollback_ends_what_the_first_did_not() {
        let both = [rollback("1", "10:20"), rollback("2", "10:40")];
        assert_eq!(seconds(&both), [1200.0]);
        let [one, other] = both;
        let three = [incident("1", "10:10"), one, incident("2", "10:30"), other];
        assert_eq!(seconds(&three), [600.0, 600.0]);
    }

    #[test]
    fn a_rollback_whose_event_is_still_to_come_is_waited_for() {
        assert_eq!(seconds(&[incident("1", "10:10"), rollback("2", "10:40")]), [0.0; 0]);
        assert_eq!(seconds(&[incident("1", "10:30"), rollback("2", "10:40")]), [600.0]);
        assert_eq!(seconds(&[rollback("2", "10:40")]), [0.0; 0]);
    }

    #[test]
    fn an_incident_by_the_history_before_the_rollback_ended_with_it() {
        let barely = [incident("1", "10:20"), rollback("1", "10:20")];
        assert_eq!(seconds(&barely), [0.0]);
    }

    #[test]
    fn what_was_decided_is_kept() {
        let failed_by = [incident("1", "10:05"), rollback("1", "10:20")];
        let known = |recovery_of| Known {
            deployed_at: Some(at("10:00")),
            failed_by: failed_by.iter().cloned().collect(),
            recovery_of,
            ..Known::default()
        };
        assert_eq!(published(&known(Some(RecoveryOf::Deployment))), [1200.0]);
        assert_eq!(published(&known(Some(RecoveryOf::Incidents))), [900.0]);
        assert_eq!(published(&known(None)), [0.0; 0]);
    }

    #[test]
    fn what_was_not_undone_or_has_not_arrived_has_no_recovery_yet() {
        assert_eq!(seconds(&[incident("1", "10:05")]), [0.0; 0]);
        let unheard = Known {
            failed_by: [rollback("1", "10:20")].into(),
            recovery_of: Some(RecoveryOf::Deployment),
            ..Known::default()
        };
        assert_eq!(recovery_of(&unheard, &history()), None);
        assert_eq!(published(&unheard), [0.0; 0]);
    }

    #[test]
    fn a_recovery_has_the_time_of_what_ended_the_incident() {
        let FailedBy::Incident(created_at, ops_item) = incident("1", "10:30") else { panic!() };
        let incident = Incident::named_nothing(ops_item, created_at);
        let recovery = Recovery::of(&incident, deployment().execution, at("11:30"), None);
        assert_eq!(recovery.measurement.at, at("11:30"));
        assert_eq!(recovery.measurement.values, Values::One(3600.0));
    }
}
