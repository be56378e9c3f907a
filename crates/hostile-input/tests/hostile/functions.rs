//! The four functions, and what must hold whatever they are handed.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use change_failure_rate::ChangeFailureRate;
use deployment_frequency::DeploymentFrequency;
use dora_core::Error;
use dora_core::answer::Answer;
use dora_core::env::Env;
use dora_core::envelope::Envelope;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use lead_time::LeadTime;
use mttr::Mttr;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

use crate::documented;
use crate::event::{Event, MARKS};
use crate::network::{Asked, Network};
use crate::run::Outcome;

/// The accounts whose pipelines are measured, and where incidents are recorded.
const TOOLING: [&str; 2] = ["111122223333", "777788889999"];
const PLACE: [&str; 2] = ["444455556666", "eu-west-1"];

/// No message is longer, whatever the event holds.
const LONGEST_MESSAGE: usize = 700;

/// The functions, configured as on the stage, with the network below them.
pub(crate) struct Functions {
    network: Network,
    runtime: Runtime,
    deployment_frequency: DeploymentFrequency,
    lead_time: LeadTime,
    change_failure_rate: ChangeFailureRate,
    mttr: Mttr,
    errors: BTreeSet<String>,
    reasons: BTreeSet<String>,
}

impl Functions {
    pub(crate) fn new() -> Self {
        let network = Network::default();
        let sdk = network.config();
        let env = Env::from([
            ("TOOLING_ACCOUNT_IDS", TOOLING.join(",").as_str()),
            ("INCIDENT_ACCOUNTS", PLACE.join("/").as_str()),
            ("LEDGER_TABLE", "dora-ledger"),
            ("APP_REPOSITORY_NAMES", "acme/payments"),
            ("GITHUB_TOKEN_SECRET_ID", "dora-github-token"),
            ("TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE", ""),
        ]);
        Self {
            deployment_frequency: DeploymentFrequency::from_env(&env, &sdk).unwrap(),
            lead_time: LeadTime::from_env(&env, &sdk).unwrap(),
            change_failure_rate: ChangeFailureRate::from_env(&env, &sdk).unwrap(),
            mttr: Mttr::from_env(&env, &sdk).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap(),
            network,
            errors: documented::errors(),
            reasons: documented::reasons(),
        }
    }

    /// Hands an event to its function, and looks at what that answers and asked for.
    pub(crate) fn check(&self, event: &Event) -> Outcome {
        let answer = match RawValue::from_string(event.payload.clone()) {
            Ok(payload) => self.runtime.block_on(self.handle(event.function, payload)),
            // Lambda hands over nothing but JSON; the function itself does not rely on it.
            Err(_) => match Envelope::parse(&event.payload) {
                Ok(_) => return Err("what is no JSON was read".to_owned()),
                Err(error) => Err(error),
            },
        };
        judge_requests(&self.network.take(), &event.payload)?;
        match answer {
            Ok(answer) => self.judge_answer(&answer),
            Err(error) => self.judge_error(error),
        }
    }

    async fn handle(&self, function: u8, payload: Box<RawValue>) -> Result<Answer, Error> {
        let ends = SystemTime::now() + Duration::from_mins(1);
        let ends = ends.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut context = Context::default();
        context.deadline = ends.try_into().unwrap_or_default();
        context.invoked_function_arn = "arn:aws:lambda:eu-west-1:444455556666:function:f".into();
        let event = LambdaEvent::new(payload, context);
        match function % 4 {
            0 => self.deployment_frequency.handle(event).await,
            1 => self.lead_time.handle(event).await,
            2 => self.change_failure_rate.handle(event).await,
            _ => self.mttr.handle(event).await,
        }
    }

    fn judge_answer(&self, answer: &Answer) -> Outcome {
        let answer = serde_json::to_value(answer).map_err(|error| error.to_string())?;
        let reason = answer["reason"].as_str().unwrap_or_default();
        if answer["outcome"] == "ignored" && self.reasons.contains(reason) {
            Ok(format!("ignored, {reason}"))
        } else {
            Err(format!("answered {answer}, while nobody let it count anything"))
        }
    }

    fn judge_error(&self, error: Error) -> Outcome {
        let is_invalid = matches!(error, Error::InvalidEvent { .. });
        let Diagnostic { error_type, error_message } = error.into();
        if !self.errors.contains(&error_type) {
            return Err(format!("{error_type} is not documented: {error_message}"));
        }
        if MARKS.iter().any(|mark| error_message.contains(mark)) {
            return Err(format!("the message shows what it must not: {error_message}"));
        }
        if error_message.len() > LONGEST_MESSAGE || error_message.contains(char::is_control) {
            return Err(format!("the message is not for people: {error_message:?}"));
        }
        if is_invalid && !names_a_field(&error_message) {
            return Err(format!("the message names no field: {error_message}"));
        }
        Ok(error_type)
    }
}

/// Whatever the event says, requests are about what it may tell of, and spell only names that
/// AWS could have issued.
fn judge_requests(asked: &[Asked], payload: &str) -> Result<(), String> {
    if asked.is_empty() {
        return Ok(());
    }
    let event = Members::of(payload);
    let text = |name: &str| event.text(name);
    let account = text("account");
    let is_welcome = match text("source").as_str() {
        "aws.codepipeline" => TOOLING.contains(&account.as_str()),
        "aws.ssm" => PLACE == [account.as_str(), text("region").as_str()],
        _ => false,
    };
    if !is_welcome {
        return Err(format!("asked for an event that is none of ours: {asked:?}"));
    }
    for Asked { host, operation, body } in asked {
        let (service, place) = host.split_once('.').unwrap_or_default();
        let region = if service == "dynamodb" { "eu-west-1".to_owned() } else { text("region") };
        let region = region.as_str();
        let suffix = if region.starts_with("cn-") { "com.cn" } else { "com" };
        let is_known = ["codepipeline", "ssm", "dynamodb"].contains(&service);
        if !is_known || !place.starts_with(region) || !is_amazons(place, region, suffix) {
            return Err(format!("asked {host} for an event of {region}"));
        }
        if service == "dynamodb" && Members::of(&event.raw("detail")).text("state") != "SUCCEEDED" {
            return Err(format!("wrote into the ledger: {operation} {body}"));
        }
        if let Some(text) = strings(body).find(|text| !is_plain(text)) {
            return Err(format!("{operation} carries {text:?}"));
        }
    }
    Ok(())
}

/// The members of an object. Its other values may be nested so deep that only their text can be read.
#[derive(Default)]
struct Members(HashMap<String, Box<RawValue>>);

impl Members {
    fn of(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    fn raw(&self, name: &str) -> String {
        self.0.get(name).map(|value| value.get().to_owned()).unwrap_or_default()
    }

    fn text(&self, name: &str) -> String {
        serde_json::from_str(&self.raw(name)).unwrap_or_default()
    }
}

/// Whether the rest of the host is Amazon's in that Region, in whichever partition.
fn is_amazons(place: &str, region: &str, suffix: &str) -> bool {
    let domains = ["amazonaws.", "api.aws", "c2s.ic.gov", "sc2s.sgov.gov", "csp.hci.ic.gov"];
    let more = ["cloud.adc-e.uk", "amazonaws.eu", "api.amazonwebservices.com.cn"];
    let domain = place.strip_prefix(region).and_then(|rest| rest.strip_prefix('.'));
    domain.is_some_and(|domain| {
        domain == format!("amazonaws.{suffix}")
            || domains.iter().chain(&more).any(|known| *known == domain)
    })
}

fn names_a_field(message: &str) -> bool {
    let field = message.strip_prefix("the event's ").and_then(|rest| rest.split(' ').next());
    field.is_some_and(|field| {
        field.split('.').all(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
        })
    })
}

fn strings(document: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match document {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(values) => Box::new(values.iter().flat_map(strings)),
        Value::Object(members) => Box::new(members.values().flat_map(strings)),
        _ => Box::new(std::iter::empty()),
    }
}

/// Names, ids, times, and the expressions that the ledger's calls are made of.
fn is_plain(text: &str) -> bool {
    let others = " .@_#:/=<>(),-".as_bytes();
    text.len() <= 512 && text.bytes().all(|b| b.is_ascii_alphanumeric() || others.contains(&b))
}
