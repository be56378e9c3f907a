//! The rule of this metric: a production deployment of a change counts one, at the time at which
//! it reached production.
//!
//! Deployment frequency as DORA defines it, "how often an organization successfully releases to
//! production", is then the sum over a period.

use dora_core::deployment::Deployment;
use dora_core::metric::{Evidence, Measured, Measurement, Metric};

/// What the deployment adds to the metric.
#[must_use]
pub fn measure(deployment: &Deployment) -> Measured {
    let repository = Some(deployment.repository.clone());
    let measurement = Measurement::one(Metric::Deployments, deployment.at, repository);
    Measured { measurements: vec![measurement], evidence: Evidence::Subject }
}

#[cfg(test)]
mod tests {
    use dora_core::fixtures;

    use super::*;

    #[test]
    fn a_deployment_counts_one_at_its_own_time_for_its_repository() {
        assert_eq!(measure(&fixtures::deployment()).measurements, [fixtures::measurement()]);
    }
}
