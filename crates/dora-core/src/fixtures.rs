//! One deployment that tests of several modules and crates speak of.
#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "for tests only")]

use std::collections::BTreeSet;

use crate::deployment::{Deployment, Rule};
use crate::identity::{AccountId, Execution, ExecutionId, PipelineName, Region};
use crate::metric::{Measurement, Metric, Values};
use crate::repository::Repository;

/// `acme/web` reached production on 2026-11-02 at 10:00.
#[must_use]
pub fn deployment() -> Deployment {
    Deployment {
        execution: Execution {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            pipeline: PipelineName::parse("web").unwrap(),
            id: ExecutionId::parse("6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77").unwrap(),
        },
        at: "2026-11-02T10:00:00Z".parse().unwrap(),
        repository: Repository::parse("acme/web").unwrap(),
        branch: Some("main".to_owned()),
        commit: Some("3f2a9c0d1e4b5a6978877665544332211000ffee".to_owned()),
        provider: Some("GitHub".to_owned()),
        ops_items: BTreeSet::new(),
        rule: Rule::Gitflow,
    }
}

/// What that deployment adds to `Deployments`.
#[must_use]
pub fn measurement() -> Measurement {
    let Deployment { at, repository, .. } = deployment();
    let repository = Some(repository);
    Measurement { metric: Metric::Deployments, values: Values::One(1.0), at, repository }
}
