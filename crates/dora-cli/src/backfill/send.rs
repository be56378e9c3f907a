//! Hands an event to the functions that would get it, and waits for their answers.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinSet;

use super::plan::Happening;
use crate::failure::Failure;

/// How long is waited before each further attempt: as Lambda does, but not for minutes.
const WAITS: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)];

/// No retry can help: the event or the settings are wrong.
const FINAL: [&str; 4] =
    ["InvalidEvent", "UnexpectedAccount", "UnexpectedIncidentAccount", "InvalidConfiguration"];

/// What a function made of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) function: &'static str,
    /// Its outcome, and the reason if it has one; or its error.
    pub(super) result: Result<String, Refusal>,
}

/// Why a function did not handle an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refusal {
    pub(super) error_type: String,
    #[serde(default)]
    pub(super) error_message: String,
}

impl Refusal {
    fn is_final(&self) -> bool {
        FINAL.contains(&self.error_type.as_str())
    }
}

#[derive(Deserialize)]
struct Outcome {
    outcome: String,
    reason: Option<String>,
}

/// Sends an event to all of its functions at the same time.
///
/// # Errors
/// As Lambda fails: a function's own error is an answer.
pub(super) async fn send(client: &Client, happening: &Happening) -> Result<Vec<Answer>, Failure> {
    let mut tasks = JoinSet::new();
    for function in happening.kind.functions() {
        tasks.spawn(ask(client.clone(), function, happening.event.clone()));
    }
    tasks.join_all().await.into_iter().collect()
}

async fn ask(client: Client, function: &'static str, event: Value) -> Result<Answer, Failure> {
    let mut waits = WAITS.into_iter();
    loop {
        let result = invoke(&client, function, &event).await?;
        match &result {
            Err(refusal) if !refusal.is_final() => match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Ok(Answer { function, result }),
            },
            _ => return Ok(Answer { function, result }),
        }
    }
}

async fn invoke(
    client: &Client,
    function: &'static str,
    event: &Value,
) -> Result<Result<String, Refusal>, Failure> {
    let request = client.invoke().function_name(function).payload(Blob::new(event.to_string()));
    let answer = request.send().await;
    let answer =
        answer.map_err(|error| Failure::of_aws("lambda:InvokeFunction", function, &error))?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    read(answer.function_error.is_some(), &payload).ok_or_else(|| {
        Failure::new(
            format!("{function} answered {}", String::from_utf8_lossy(&payload)),
            "see that it is the function of this project, and of this version: dora doctor",
        )
    })
}

/// None of what no function of this project answers.
fn read(is_error: bool, payload: &[u8]) -> Option<Result<String, Refusal>> {
    if is_error {
        return serde_json::from_slice(payload).ok().map(Err);
    }
    let Outcome { outcome, reason } = serde_json::from_slice(payload).ok()?;
    Some(Ok(reason.map_or(outcome.clone(), |reason| format!("{outcome}: {reason}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_outcome_or_an_error() {
        let read = |is_error, text: &str| read(is_error, text.as_bytes());
        assert_eq!(read(false, r#"{"outcome":"duplicate"}"#), Some(Ok("duplicate".to_owned())));
        let ignored = r#"{"outcome":"ignored","reason":"not-production"}"#;
        assert_eq!(read(false, ignored), Some(Ok("ignored: not-production".to_owned())));
        let Some(Err(refusal)) = read(true, r#"{"errorType":"InvalidEvent","errorMessage":"…"}"#)
        else {
            panic!("no error")
        };
        assert!(refusal.is_final());
        assert_eq!(read(false, "null"), None);
        assert_eq!(read(true, "null"), None);
    }
}
