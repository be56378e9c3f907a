//! Publishes a measurement once: claim it in the ledger, publish it, confirm it.
//!
//! A failure before the publication leaves nothing in CloudWatch, and the event's retry does the
//! whole again. The one window in which a value can be repeated lies between CloudWatch's taking
//! it and the ledger's confirmation, if the process dies or CloudWatch's answer is lost there.

use std::time::{Duration, SystemTime};

use chrono::Utc;

use crate::answer::Answer;
use crate::cloudwatch::{self, CloudWatch, OLDEST_ACCEPTED};
use crate::decision::{Decision, Reason};
use crate::error::Error;
use crate::ledger::facts::Known;
use crate::ledger::{Claim, Claimed, Ledger, Subject};
use crate::metric::{Measured, Metric};
use crate::repository::Teams;

/// A publication may take as long as its client waits, and the confirmation needs a moment too.
/// Nothing is begun that Lambda might stop between the two.
const LONGEST_PUBLICATION: Duration = cloudwatch::TIMEOUT.saturating_add(Duration::from_secs(3));

/// What a measurement passes on its way out.
#[derive(Debug)]
pub struct Publication {
    /// Remembers what was published.
    pub ledger: Ledger,
    /// Takes the values.
    pub cloudwatch: CloudWatch,
    /// Under which team a repository's values appear.
    pub teams: Teams,
}

impl Publication {
    /// Publishes what `measure` makes of the subject, unless that was done before: then it is not
    /// even measured, which spares the calls that measuring takes. `deadline` is when Lambda stops
    /// this invocation.
    ///
    /// # Errors
    /// [`Error`] as measuring, the ledger or CloudWatch fails. Nothing was published then.
    pub async fn publish(
        &self,
        subject: &Subject,
        metrics: &'static [Metric],
        deadline: SystemTime,
        measure: impl Future<Output = Result<Decision<Measured>, Error>>,
    ) -> Result<Answer, Error> {
        let Some(claim) = self.claim(subject, metrics, deadline).await?.claim else {
            return Ok(Answer::Duplicate);
        };
        let measured = within(deadline, subject.name(), measure).await;
        let (answer, ..) = self.fulfil(claim, measured.map(|it| (it, ())), deadline).await?;
        Ok(answer)
    }

    /// Claims the right to publish these metrics of the subject, for whoever has more to do before
    /// it publishes them than to measure.
    ///
    /// # Errors
    /// As for [`Ledger::claim`].
    pub async fn claim<'a>(
        &self,
        subject: &'a Subject,
        metrics: &'static [Metric],
        deadline: SystemTime,
    ) -> Result<Claimed<'a>, Error> {
        self.ledger.claim(subject, metrics, Utc::now(), deadline.into()).await
    }

    /// Publishes what was measured under a claim, and confirms it; or gives the claim back if
    /// measuring failed. Returns also what the ledger knows of the subject since, and what else
    /// measuring brought.
    ///
    /// # Errors
    /// That of measuring, or as the ledger or CloudWatch fails. Nothing was published then.
    pub async fn fulfil<T>(
        &self,
        claim: Claim<'_>,
        measured: Result<(Decision<Measured>, T), Error>,
        deadline: SystemTime,
    ) -> Result<(Answer, Known, T), Error> {
        let (measured, more) = match measured {
            Ok((Decision::Record(measured), more)) => (measured, more),
            Ok((Decision::Ignore(reason), more)) => {
                let known = self.ledger.ignore(claim, reason, None, &self.teams).await?;
                return Ok((Answer::Ignored { reason }, known, more));
            }
            Err(error) => return Err(self.give_back(claim, error).await),
        };
        let now = Utc::now();
        if measured.measurements.iter().any(|measurement| now - measurement.at > OLDEST_ACCEPTED) {
            let reason = Reason::TooOldForCloudwatch;
            let known = self.ledger.ignore(claim, reason, Some(&measured), &self.teams).await?;
            return Ok((Answer::Ignored { reason }, known, more));
        }
        let remaining = deadline.duration_since(now.into()).unwrap_or_default();
        let result = if remaining < LONGEST_PUBLICATION {
            Err(out_of_time(claim.subject_name(), remaining))
        } else {
            self.cloudwatch.publish(&measured.measurements, &self.teams).await
        };
        if let Err(error) = result {
            return Err(self.give_back(claim, error).await);
        }
        let known = self.ledger.confirm(claim, &measured, &self.teams).await?;
        let metrics = measured.measurements.into_iter().map(Into::into).collect();
        Ok((Answer::Published { metrics }, known, more))
    }

    /// The failure is what the caller must hear of; a claim that could not be given back ends by
    /// itself with its lease.
    async fn give_back(&self, claim: Claim<'_>, failure: Error) -> Error {
        let _ = self.ledger.release(claim).await;
        failure
    }
}

/// Awaits what comes before a publication, as long as there will be time for that.
///
/// # Errors
/// That of the future; [`Error::CloudWatchOutOfTime`] if it takes too long.
pub async fn within<T>(
    deadline: SystemTime,
    subject: &str,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let remaining = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    let time = remaining.saturating_sub(LONGEST_PUBLICATION);
    let result = tokio::time::timeout(time, future).await;
    result.unwrap_or_else(|_| Err(out_of_time(subject, LONGEST_PUBLICATION)))
}

fn out_of_time(subject: &str, remaining: Duration) -> Error {
    Error::CloudWatchOutOfTime {
        subject: subject.to_owned(),
        remaining: remaining.as_secs(),
        needed: LONGEST_PUBLICATION.as_secs(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::error::ErrorMetadata;
    use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataError, PutMetricDataOutput};
    use aws_sdk_dynamodb::operation::update_item::{
        UpdateItemError, UpdateItemInput, UpdateItemOutput,
    };
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::deployment::Deployment;
    use crate::fixtures;
    use crate::metric::{Evidence, Measurement};

    /// A deployment of an hour ago, for which CloudWatch still takes a value.
    fn recent() -> (Deployment, Measurement) {
        dated(Utc::now() - TimeDelta::hours(1))
    }

    fn dated(at: DateTime<Utc>) -> (Deployment, Measurement) {
        let deployment = Deployment { at, ..fixtures::deployment() };
        (deployment, Measurement { at, ..fixtures::measurement() })
    }

    fn publication(ledger: &[&Rule], cloudwatch: &[&Rule]) -> Publication {
        Publication {
            ledger: Ledger::with_client(mock_client!(
                aws_sdk_dynamodb,
                RuleMode::Sequential,
                ledger
            )),
            cloudwatch: CloudWatch::with_client(mock_client!(
                aws_sdk_cloudwatch,
                RuleMode::Sequential,
                cloudwatch
            )),
            teams: Teams::default(),
        }
    }

    async fn publish(
        publication: &Publication,
        measured: (Deployment, Measurement),
    ) -> Result<Answer, Error> {
        publish_within(30, publication, measured).await
    }

    async fn publish_within(
        seconds: u64,
        publication: &Publication,
        (deployment, measurement): (Deployment, Measurement),
    ) -> Result<Answer, Error> {
        let deadline = SystemTime::now() + Duration::from_secs(seconds);
        let measured = Measured { measurements: vec![measurement], evidence: Evidence::Subject };
        let measure = async { Ok(Decision::Record(measured)) };
        let subject = Subject::deployment(&deployment);
        publication.publish(&subject, &[Metric::Deployments], deadline, measure).await
    }

    /// Accepts an update of the ledger whose expression contains the text.
    fn updates(expected: &'static str) -> Rule {
        mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(move |request: &UpdateItemInput| {
                request.update_expression().is_some_and(|update| update.contains(expected))
            })
            .then_output(|| UpdateItemOutput::builder().build())
    }

    /// Refuses an update since the metric has this record already.
    fn stands(state: &'static str) -> Rule {
        mock!(aws_sdk_dynamodb::Client::update_item).then_error(move || {
            let lease = AttributeValue::N("1793613630000".to_owned());
            let record = [
                ("state".to_owned(), AttributeValue::S(state.to_owned())),
                ("lease_until".to_owned(), lease),
            ];
            UpdateItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder()
                    .item("Deployments", AttributeValue::M(record.into()))
                    .build(),
            )
        })
    }

    fn takes_metrics() -> Rule {
        mock!(aws_sdk_cloudwatch::Client::put_metric_data)
            .then_output(|| PutMetricDataOutput::builder().build())
    }

    fn refuses_metrics(code: &'static str) -> Rule {
        mock!(aws_sdk_cloudwatch::Client::put_metric_data).then_error(move || {
            PutMetricDataError::generic(ErrorMetadata::builder().code(code).build())
        })
    }

    #[tokio::test]
    async fn a_measurement_is_claimed_published_and_confirmed() {
        let (claim, put) = (updates("#metric0 = :record0, #repository"), takes_metrics());
        let confirm = updates("SET #metric0 = :record0");
        let answer = publish(&publication(&[&claim, &confirm], &[&put]), recent()).await.unwrap();
        assert!(matches!(answer, Answer::Published { .. }), "{answer:?}");
        assert_eq!([&claim, &put, &confirm].map(Rule::num_calls), [1, 1, 1]);
    }

    #[tokio::test]
    async fn what_was_settled_before_is_a_duplicate_after_one_call() {
        for state in ["published", "too-old-for-cloudwatch"] {
            let claim = stands(state);
            let answer = publish(&publication(&[&claim], &[]), recent()).await.unwrap();
            assert_eq!(answer, Answer::Duplicate, "{state}");
            assert_eq!(claim.num_calls(), 1);
        }
    }

    #[tokio::test]
    async fn while_another_copy_is_at_work_this_one_fails_to_be_retried() {
        let error = publish(&publication(&[&stands("pending")], &[]), recent()).await.unwrap_err();
        assert_eq!(error.error_type(), "LedgerClaimHeld");
        assert!(error.to_string().contains("2026-11-02T10:00:30Z"), "{error}");
    }

    #[tokio::test]
    async fn a_claim_is_given_back_when_cloudwatch_refuses() {
        for (code, error_type) in [
            ("Throttling", "CloudWatchThrottled"),
            ("AccessDenied", "CloudWatchAccessDenied"),
            ("InvalidParameterValue", "CloudWatchRefused"),
            ("InternalServiceFault", "CloudWatchUnavailable"),
        ] {
            let (claim, put, release) = (
                updates("#metric0 = :record0, #repository"),
                refuses_metrics(code),
                updates("REMOVE #metric0"),
            );
            let publication = publication(&[&claim, &release], &[&put]);
            let error = publish(&publication, recent()).await.unwrap_err();
            assert_eq!(error.error_type(), error_type);
            assert_eq!(release.num_calls(), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn a_claim_that_passed_to_another_copy_is_reported() {
        let (claim, confirm) = (updates("#metric0 = :record0, #repository"), stands("pending"));
        let publication = publication(&[&claim, &confirm], &[&takes_metrics()]);
        let error = publish(&publication, recent()).await.unwrap_err();
        assert_eq!(error.error_type(), "LedgerClaimLost");
    }

    #[tokio::test]
    async fn nothing_is_begun_that_lambda_might_stop_half_way() {
        let (claim, release) = (updates("#metric0 = :record0"), updates("REMOVE #metric0"));
        let publication = publication(&[&claim, &release], &[]);
        let error = publish_within(12, &publication, recent()).await.unwrap_err();
        assert_eq!(error.error_type(), "CloudWatchOutOfTime");
        assert!(error.to_string().contains("13 s"), "{error}");
        assert_eq!(release.num_calls(), 1);
    }

    #[tokio::test]
    async fn what_cloudwatch_would_refuse_for_its_age_is_kept_in_the_ledger() {
        let old = || dated(Utc::now() - OLDEST_ACCEPTED - TimeDelta::seconds(1));
        let (claim, keep) =
            (updates("#metric0 = :record0, #repository"), updates("SET #metric0 = :record0"));
        let answer = publish(&publication(&[&claim, &keep], &[]), old()).await.unwrap();
        assert_eq!(answer, Answer::Ignored { reason: Reason::TooOldForCloudwatch });
        let again = stands("too-old-for-cloudwatch");
        let answer = publish(&publication(&[&again], &[]), old()).await.unwrap();
        assert_eq!(answer, Answer::Duplicate);
    }
}
