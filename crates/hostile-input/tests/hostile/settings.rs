//! Hostile settings, for all functions: a wrong one is named, with what is allowed, and no secret
//! is shown.

use aws_config::SdkConfig;
use change_failure_rate::ChangeFailureRate;
use deployment_frequency::DeploymentFrequency;
use dora_core::env::{ConfigError, Env};
use lambda_runtime::Diagnostic;
use lead_time::LeadTime;
use mttr::Mttr;
use proptest::prelude::*;
use proptest::sample::select;

use crate::documented;
use crate::network::Network;
use crate::run::Outcome;

/// Every setting, with a good value.
const GOOD: [(&str, &str); 19] = [
    ("LEDGER_TABLE", "dora-ledger"),
    ("TOOLING_ACCOUNT_IDS", "111122223333"),
    ("DEFAULT_MAIN_BRANCH", "main"),
    ("APP_PROD_STAGE_NAME", "DeployPROD"),
    ("APP_REPOSITORY_NAMES", "acme/payments"),
    ("TEAM_BY_REPOSITORY", "{\"acme/web\":\"Storefront\"}"),
    ("METRIC_NAMESPACE", "DORA"),
    ("LEDGER_RETENTION_DAYS", "400"),
    ("TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE", "ToolingCrossAccountLambdaRole"),
    ("CROSS_ACCOUNT_EXTERNAL_ID", "acme-dora-metrics"),
    ("INCIDENT_ACCOUNTS", "444455556666/eu-west-1"),
    ("INCIDENT_SEVERITIES", "1,2"),
    ("INCIDENT_SOURCES", "pager"),
    ("ATTRIBUTION", "all"),
    ("ATTRIBUTION_WINDOW_HOURS", "24"),
    ("OPSCENTER_ROLE", "DoraOpsCenterReadRole"),
    ("GITHUB_TOKEN_SECRET_ID", "dora-github-token"),
    ("GITHUB_API_URL", "https://api.github.com"),
    ("AN_UNKNOWN_ONE", "anything"),
];

/// What may be any text: it is compared with what AWS says, and sent nowhere.
const FREE: [&str; 2] = ["INCIDENT_SOURCES", "AN_UNKNOWN_ONE"];

/// Where somebody may put a secret by mistake.
const OF_GITHUB: [&str; 2] = ["GITHUB_TOKEN_SECRET_ID", "GITHUB_API_URL"];

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

const WRONG: &[&str] = &[
    "",
    " ",
    ",",
    "0",
    "-1",
    "1e9",
    "NaN",
    "99999999999999999999999999",
    "null",
    "[]",
    "{}",
    "[1,2]",
    "[\"acme/web\"",
    "{\"acme/web\":1}",
    "{\"acme/../web\":\"A\"}",
    "111122223333,",
    "111122223333;444455556666",
    "\u{661}11122223333",
    "444455556666/eu-west-1/",
    "444455556666/../eu-west-1",
    "AWS/DORA",
    ":DORA",
    "a b",
    "main\nX-Evil: 1",
    "refs/../main",
    "*",
    "**********a**********b**********",
    "acme/*;rm -rf",
    "arn:aws:iam::444455556666:role/Reader",
    "role/../Admin",
    "http://api.github.com",
    "https://someone:ghp_0123456789abcdefghijABCDEFGHIJ012345@api.github.com",
    "https://:ghp_0123456789abcdefghijABCDEFGHIJ012345@api.github.com",
    "https://api.github.com/?x=1",
    "https://api.github.com#x",
    "file:///etc/passwd",
    "http://localhost.evil.example",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345 and more",
    "dora-ledger#1",
    "dora ledger",
    "\u{202e}dora",
];

/// The settings of one start of one function.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    function: u8,
    changed: Vec<(usize, String)>,
}

/// Any function, with up to three settings changed.
pub(crate) fn any() -> impl Strategy<Value = Settings> {
    let text = prop::collection::vec(proptest::prelude::any::<char>(), 0..40)
        .prop_map(|characters| characters.into_iter().filter(|c| *c != '\0').collect());
    let long = (select(&["a", "é", "*", "1,", "acme/web,", "["]), 100_usize..4000)
        .prop_map(|(grain, times)| grain.repeat(times));
    let wrong = || select(WRONG).prop_map(str::to_owned);
    let joined = (wrong(), wrong()).prop_map(|(one, other)| format!("{one}{other}"));
    let value = prop_oneof![6 => wrong(), 2 => joined, 2 => text, 1 => long];
    let changed = prop::collection::vec((0..GOOD.len(), value), 1..4);
    (0_u8..4, changed).prop_map(|(function, changed)| Settings { function, changed })
}

/// Starts the function, and looks at what it says.
pub(crate) fn check(settings: &Settings) -> Outcome {
    let mut variables: [(&str, &str); GOOD.len()] = GOOD;
    for (at, value) in &settings.changed {
        variables[*at].1 = value;
    }
    let sdk = Network::default().config();
    let Err(error) = start(settings.function, &Env::from(variables), &sdk) else {
        return match variables.iter().find(|(name, value)| {
            is_read(name, settings.function) && value.trim().contains(char::is_control)
        }) {
            None => Ok("started".to_owned()),
            Some((name, value)) => Err(format!("{name}={value:?} was taken")),
        };
    };
    let Diagnostic { error_type, error_message } = error.into();
    let named = error_message.strip_prefix("the environment variable ").unwrap_or_default();
    let name = named.split(' ').next().unwrap_or_default();
    let is_changed = settings.changed.iter().any(|(at, _)| GOOD[*at].0 == name);
    if !is_changed || !error_message.contains("; it must be ") {
        return Err(format!("the message does not say what is wrong: {error_message}"));
    }
    if !documented::errors().contains(&error_type) {
        return Err(format!("{error_type} is not documented"));
    }
    if OF_GITHUB.contains(&name) && error_message.contains(TOKEN) {
        return Err(format!("the message shows a secret: {error_message}"));
    }
    Ok(format!("{error_type}, {name}"))
}

fn is_read(name: &str, function: u8) -> bool {
    let is_of_incidents = name.starts_with("INCIDENT") || name.starts_with("ATTRIBUTION");
    match function {
        _ if FREE.contains(&name) => false,
        0 => !is_of_incidents && name != "OPSCENTER_ROLE" && !OF_GITHUB.contains(&name),
        1 => !is_of_incidents && name != "OPSCENTER_ROLE",
        2 => !OF_GITHUB.contains(&name),
        _ => true,
    }
}

fn start(function: u8, env: &Env, sdk: &SdkConfig) -> Result<(), ConfigError> {
    match function {
        0 => DeploymentFrequency::from_env(env, sdk).map(drop),
        1 => LeadTime::from_env(env, sdk).map(drop),
        2 => ChangeFailureRate::from_env(env, sdk).map(drop),
        _ => Mttr::from_env(env, sdk).map(drop),
    }
}
