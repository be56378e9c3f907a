//! The wire form of OpsCenter's EventBridge events, read as far as an incident needs it.
//!
//! An event has the OpsItem's title, description and creator too, which are not even read. Source:
//! "Amazon EventBridge event examples for Systems Manager" in the AWS Systems Manager User Guide.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;

use crate::decision::{Decision, Reason};
use crate::envelope::{Envelope, checked, plausible};
use crate::error::Error;
use crate::identity::{OpsItem, OpsItemId};
use crate::incident::Place;

/// The service that emits these events.
pub const SOURCE: &str = "aws.ssm";
const CREATE: &str = "OpsItem Create";
const UPDATE: &str = "OpsItem Update";
const ISSUE: &str = "/aws/issue";

/// An OpsItem was created that may be an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpsItemEvent {
    /// Which.
    pub ops_item: OpsItem,
    /// When it was created. The event's own time can be a minute later.
    pub created_at: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    ops_item_id: String,
    ops_item_type: Option<String>,
    status: String,
    created_time: DateTime<Utc>,
}

impl OpsItemEvent {
    /// Reads what is known to be some event of OpsCenter.
    ///
    /// # Errors
    /// [`Error::InvalidEvent`] names the field that is not as AWS sends it.
    /// [`Error::UnexpectedIncidentAccount`] if incidents are not expected from where it comes.
    pub fn read(event: Envelope, places: &[Place]) -> Result<Decision<Self>, Error> {
        if event.source != SOURCE {
            return Err(Error::invalid("source", format!("must be {SOURCE}")));
        }
        let place = Place { account: event.account.clone(), region: event.region.clone() };
        if !places.contains(&place) {
            return Err(Error::UnexpectedIncidentAccount(place));
        }
        match event.detail_type.as_str() {
            CREATE => {}
            UPDATE => return Ok(Decision::Ignore(Reason::NotAnIncident)),
            _ => return Ok(Decision::Ignore(Reason::UnsupportedEvent)),
        }
        let detail: Detail = event.detail()?;
        if detail.status != "Open" || detail.ops_item_type.is_some_and(|kind| kind != ISSUE) {
            return Ok(Decision::Ignore(Reason::NotAnIncident));
        }
        let id = checked(
            "detail.ops-item-id",
            &detail.ops_item_id,
            OpsItemId::ALLOWED,
            OpsItemId::parse,
        )?;
        // OpsCenter's API has it to the millisecond only, and both must agree.
        let created_at = plausible("detail.created-time", detail.created_time)?.trunc_subsecs(3);
        let Place { account, region } = place;
        Ok(Decision::Record(Self { ops_item: OpsItem { account, region, id }, created_at }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(edit: impl FnOnce(&mut Value)) -> Result<Decision<OpsItemEvent>, Error> {
        let mut event = json!({
            "version": "0", "id": "5d2a7c1e-0000-4000-8000-000000000021",
            "detail-type": CREATE, "source": SOURCE, "account": "444455556666",
            "time": "2026-11-20T10:32:24Z", "region": "eu-west-1",
            "resources": ["arn:aws:ssm:eu-west-1:444455556666:opsitem/oi-0a1b2c3d4e5f"],
            "detail": {
                "created-by": "arn:aws:iam::444455556666:user/ana",
                "created-time": "2026-11-20T10:31:07.629361Z", "source": "aws.ssm",
                "status": "Open", "ops-item-id": "oi-0a1b2c3d4e5f",
                "title": "Checkout returns 5xx", "ops-item-type": "/aws/issue",
                "description": "Alarm checkout-5xx is in ALARM"
            }
        });
        edit(&mut event);
        let places = [Place::parse("444455556666/eu-west-1").unwrap()];
        OpsItemEvent::read(Envelope::parse(&event.to_string())?, &places)
    }

    #[test]
    fn a_new_issue_has_the_time_of_its_creation() {
        let Decision::Record(created) = event(|_| {}).unwrap() else { panic!("ignored") };
        assert_eq!(
            created.ops_item.to_string(),
            "OpsItem oi-0a1b2c3d4e5f (444455556666, eu-west-1)"
        );
        let at = "2026-11-20T10:31:07.629Z".parse::<DateTime<Utc>>().unwrap();
        assert_eq!(created.created_at, at);
    }

    #[test]
    fn what_is_no_new_issue_is_ignored() {
        for (edit, reason) in [
            (("detail-type", json!(UPDATE)), Reason::NotAnIncident),
            (("detail-type", json!("OpsItem Delete")), Reason::UnsupportedEvent),
        ] {
            let found = event(|event| event[edit.0] = edit.1).unwrap();
            assert_eq!(found, Decision::Ignore(reason));
        }
        for (field, value) in [
            ("status", "Resolved"),
            ("status", ""),
            ("ops-item-type", "/aws/changerequest"),
            ("ops-item-type", "/aws/insight"),
        ] {
            let found = event(|event| event["detail"][field] = json!(value)).unwrap();
            assert_eq!(found, Decision::Ignore(Reason::NotAnIncident), "{field} {value}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (edit, field) in [
            (("ops-item-id", json!("oi-1")), "detail.ops-item-id"),
            (("ops-item-id", Value::Null), "detail.ops-item-id"),
            (("created-time", json!("yesterday")), "detail.created-time"),
            (("created-time", json!("9999-01-01T00:00:00Z")), "detail.created-time"),
            (("status", json!(1)), "detail.status"),
        ] {
            let error = event(|event| event["detail"][edit.0] = edit.1).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
        let elsewhere = event(|event| event["region"] = json!("eu-central-1")).unwrap_err();
        assert_eq!(elsewhere.error_type(), "UnexpectedAccount");
    }
}
