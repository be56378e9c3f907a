//! The rule of these metrics: from a commit's author date to the deployment that brought it to
//! production, for the earliest commit (`LeadTimeForChanges`) and for each (`CommitLeadTime`).
//!
//! DORA's change lead time is "the amount of time it takes for a change to go from committed to
//! version control to deployed in production".

use dora_core::commit::{Commit, Shipped};
use dora_core::deployment::Deployment;
use dora_core::metric::{Evidence, Measured, Measurement, Metric, Values, seconds};
use dora_core::{Decision, Reason};

/// What the deployment adds to the metrics.
#[must_use]
pub fn measure(deployment: &Deployment, shipped: Shipped) -> Decision<Measured> {
    if shipped.commits.is_empty() {
        return Decision::Ignore(Reason::NoNewCommits);
    }
    let lead_times: Vec<f64> = shipped
        .commits
        .iter()
        .filter_map(|commit| seconds(commit.authored_at, deployment.at))
        .collect();
    let Some(longest) = lead_times.iter().copied().reduce(f64::max) else {
        return Decision::Ignore(Reason::NoUsableCommitTime);
    };
    let measurement = |metric, values| Measurement {
        metric,
        values,
        at: deployment.at,
        repository: Some(deployment.repository.clone()),
    };
    Decision::Record(Measured {
        measurements: vec![
            measurement(Metric::LeadTimeForChanges, Values::One(longest)),
            measurement(Metric::CommitLeadTime, Values::Many(lead_times)),
        ],
        evidence: Evidence::Shipped(shipped),
    })
}

/// The commits that are dated after the deployment, by a clock that was wrong: they are left out.
pub fn skewed<'a>(
    deployment: &'a Deployment,
    shipped: &'a Shipped,
) -> impl Iterator<Item = &'a Commit> {
    shipped.commits.iter().filter(|commit| commit.authored_at > deployment.at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dora_core::commit::CommitId;
    use dora_core::fixtures::deployment;

    use super::*;

    fn shipped(times: &[&str]) -> Shipped {
        let commits = times.iter().map(|time| Commit {
            authored_at: format!("2026-11-02T{time}Z").parse().unwrap(),
            id: CommitId::parse(&"a".repeat(40)).unwrap(),
            pull_requests: BTreeSet::new(),
        });
        Shipped { since: None, commits: commits.collect(), ops_items: BTreeSet::new() }
    }

    #[test]
    fn the_first_commit_is_the_changes_and_each_commit_its_own() {
        for (times, change, commits) in [
            (&["08:00:00", "09:00:00"][..], 7200.0, vec![7200.0, 3600.0]),
            (&["10:00:00"], 0.0, vec![0.0]),
            (&["09:59:59.500", "10:00:00.001"], 0.5, vec![0.5]),
        ] {
            let Decision::Record(measured) = measure(&deployment(), shipped(times)) else {
                panic!("ignored")
            };
            let values: Vec<_> = measured.measurements.iter().map(|each| &each.values).collect();
            assert_eq!(values, [&Values::One(change), &Values::Many(commits)]);
        }
    }

    #[test]
    fn nothing_new_or_nothing_usable_gives_no_number() {
        for (times, reason) in
            [(&[][..], Reason::NoNewCommits), (&["10:00:01"], Reason::NoUsableCommitTime)]
        {
            assert_eq!(measure(&deployment(), shipped(times)), Decision::Ignore(reason));
        }
    }
}
