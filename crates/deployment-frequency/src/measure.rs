//! The rule of this metric: a production deployment of a change counts one, at the time at which
//! it reached production.
//!
//! Deployment frequency as DORA defines it, "how often an organization successfully releases to
//! production", is then the sum over a period.

use dora_core::deployment::Deployment;
use dora_core::metric::{Measured, Measurement, Metric, Values};

/// What the deployment adds to the metric.
#[must_use]
pub fn measure(deployment: &Deployment) -> Measured {
    let measurement = Measurement {
        metric: Metric::Deployments,
        values: Values::One(1.0),
        at: deployment.at,
        repository: deployment.repository.clone(),
    };
    Measured { measurements: vec![measurement], shipped: None }
}

#[cfg(test)]
mod tests {
    use dora_core::deployment::Rule;
    use dora_core::identity::{AccountId, Execution, ExecutionId, PipelineName, Region};
    use dora_core::repository::Repository;

    use super::*;

    #[test]
    fn a_deployment_counts_one_at_its_own_time_for_its_repository() {
        let at = "2026-11-02T10:00:00Z".parse().unwrap();
        let repository = Repository::parse("acme/web").unwrap();
        let deployment = Deployment {
            execution: Execution {
                account: AccountId::parse("111122223333").unwrap(),
                region: Region::parse("eu-west-1").unwrap(),
                pipeline: PipelineName::parse("web").unwrap(),
                id: ExecutionId::parse("6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77").unwrap(),
            },
            at,
            repository: repository.clone(),
            branch: Some("main".to_owned()),
            commit: None,
            provider: None,
            rule: Rule::Gitflow,
        };
        let values = Values::One(1.0);
        let expected = Measurement { metric: Metric::Deployments, values, at, repository };
        assert_eq!(measure(&deployment).measurements, [expected]);
    }
}
