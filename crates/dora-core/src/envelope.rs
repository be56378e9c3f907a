//! What every event of EventBridge has in common, read so that an error names the field it lies in.
//!
//! Only fields that decide something are declared: AWS adds fields over time, and the others carry
//! personal data or change their type. Source: "Events in Amazon EventBridge" in its User Guide.

use std::ops::RangeInclusive;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use chrono::{DateTime, Datelike, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::identity::{AccountId, Region};

/// CodePipeline began in 2015. Outside of this range arithmetic on times could overflow.
const PLAUSIBLE_YEARS: RangeInclusive<i32> = 2015..=2100;

/// The fields that are read, as far as an error can lie in them.
const FIELDS: [&str; 21] = [
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "pipeline",
    "execution-id",
    "state",
    "stage",
    "execution-trigger",
    "full-repository-name",
    "branch-name",
    "commit-id",
    "commit-message",
    "ops-item-id",
    "ops-item-type",
    "created-time",
    "status",
];

/// An event, as EventBridge delivers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The service that emitted it.
    pub source: String,
    /// What it tells of.
    pub detail_type: String,
    /// The account that it happened in. EventBridge writes it: no sender can forge it.
    pub account: AccountId,
    /// The Region that it happened in.
    pub region: Region,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What the service says.
    pub(crate) detail: Value,
}

impl Envelope {
    /// Reads the event.
    ///
    /// # Errors
    /// [`Error::InvalidEvent`] names the field that is not as AWS sends it.
    pub fn parse(payload: &str) -> Result<Self, Error> {
        let mut json = serde_json::Deserializer::from_str(payload);
        let event: EventBridgeEvent = deserialize(None, &mut json)?;
        json.end().map_err(|_| Error::invalid("JSON", "is not valid"))?;
        let account = required("account", event.account)?;
        let region = required("region", event.region)?;
        Ok(Self {
            source: event.source,
            detail_type: event.detail_type,
            account: checked("account", &account, AccountId::ALLOWED, AccountId::parse)?,
            region: checked("region", &region, Region::ALLOWED, Region::parse)?,
            at: plausible("time", required("time", event.time)?)?,
            detail: event.detail,
        })
    }

    /// Reads the service's part of it.
    pub(crate) fn detail<T: DeserializeOwned>(self) -> Result<T, Error> {
        deserialize(Some("detail"), self.detail)
    }
}

pub(crate) fn plausible(field: &str, time: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    if PLAUSIBLE_YEARS.contains(&time.year()) {
        Ok(time)
    } else {
        Err(Error::invalid(field, "must lie in the years 2015 to 2100"))
    }
}

pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::invalid(field, "is missing"))
}

pub(crate) fn checked<T>(
    field: &str,
    text: &str,
    allowed: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Error> {
    parse(text).ok_or_else(|| Error::invalid(field, format!("must be {allowed}")))
}

/// Deserialises what lies at `path`, and names the field below it where that fails.
fn deserialize<'de, T, D>(path: Option<&str>, json: D) -> Result<T, Error>
where
    T: DeserializeOwned,
    D: serde::Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(json).map_err(|error| {
        let message = error.inner().to_string();
        // What was a value already has no lines: then the words are the value's own.
        let position = message.rfind(" at line ").filter(|_| error.inner().line() > 0);
        let message = message.get(..position.unwrap_or(message.len())).unwrap_or_default();
        let (missing, problem) = problem(message);
        let below = error.path().to_string();
        // Deep inside a value the path is made of the event's own keys, which can be anything.
        let known = below.split('.').take_while(|name| FIELDS.contains(name));
        let field: Vec<&str> = path.into_iter().chain(known).chain(missing).collect();
        let field = if field.is_empty() { "JSON".to_owned() } else { field.join(".") };
        Error::invalid(field, problem)
    })
}

/// The field that serde's message says is missing, and the message without the value that it may
/// quote, which can be anything.
fn problem(message: &str) -> (Option<&str>, String) {
    if let Some(field) = message.strip_prefix("missing field `") {
        (Some(field.trim_end_matches('`')), "is missing".to_owned())
    } else if let Some((_, expected)) = message.rsplit_once(", expected ") {
        (None, format!("must be {expected}"))
    } else {
        (None, "is not valid".to_owned())
    }
}
