//! Every event in `events/codepipeline` is one that we can read, and where the event alone decides,
//! it decides as `events/outcomes.json` states. (The local stage tests the whole of each answer.)

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use dora_core::Decision;
use dora_core::codepipeline::{ExecutionEvent, Level};
use dora_core::env::Env;
use dora_core::production::Production;
use dora_core::source::Source;
use serde_json::Value;

fn events() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn json(path: &str) -> Value {
    let text = fs::read_to_string(events().join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Each sample's file with its stated outcome and reason.
fn outcomes() -> BTreeMap<String, (String, Option<String>)> {
    json("outcomes.json")
        .as_object()
        .unwrap()
        .iter()
        .map(|(file, outcome)| {
            let answer = &outcome["answers"]["deployment-frequency"];
            let reason = answer["reason"].as_str().map(str::to_owned);
            (file.clone(), (answer["outcome"].as_str().unwrap().to_owned(), reason))
        })
        .collect()
}

#[test]
fn every_sample_has_a_stated_outcome_and_every_outcome_a_sample() {
    let mut files: Vec<String> = fs::read_dir(events().join("codepipeline"))
        .unwrap()
        .map(|file| format!("codepipeline/{}", file.unwrap().file_name().to_string_lossy()))
        .collect();
    files.sort();
    assert_eq!(files, outcomes().into_keys().collect::<Vec<_>>());
}

#[test]
fn what_a_sample_decides_alone_is_what_is_stated() {
    let env = Env::from([
        ("TOOLING_ACCOUNT_IDS", "111122223333"),
        ("APP_REPOSITORY_NAMES", "acme/payments"),
    ]);
    let tooling_accounts = env.tooling_accounts().unwrap();
    let production = Production::from_env(&env).unwrap();
    let mut decided = 0;
    for (file, (outcome, stated_reason)) in outcomes() {
        let payload = json(&file).to_string();
        let reason = match ExecutionEvent::parse(&payload, &tooling_accounts).unwrap() {
            Decision::Ignore(reason) => Some(reason),
            Decision::Record(event) => {
                let source = match &event.level {
                    Level::Pipeline { trigger } => trigger.clone(),
                    Level::Stage { .. } => Source::default(),
                };
                production.reason_to_ignore(&event, &source)
            }
        };
        if let Some(reason) = reason {
            assert_eq!(outcome, "ignored", "{file}");
            assert_eq!(Some(reason.slug()), stated_reason.as_deref(), "{file}");
            decided += 1;
        }
    }
    assert!(decided > 30, "only {decided} samples were decided by the event alone");
}
