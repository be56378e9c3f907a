//! Every event in `events/` is one that we can read, and where the event alone decides,
//! it decides as `events/outcomes.json` states. (The local stage tests the whole of each answer.)

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use dora_core::codepipeline::{ExecutionEvent, Level};
use dora_core::env::Env;
use dora_core::envelope::Envelope;
use dora_core::incident::Place;
use dora_core::opscenter::OpsItemEvent;
use dora_core::production::Production;
use dora_core::source::Source;
use dora_core::{Decision, Reason};
use serde_json::Value;

fn events() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn json(path: &str) -> Value {
    let text = fs::read_to_string(events().join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Each sample's file of a folder with the outcome and reason that is stated for a function.
fn outcomes(folder: &str, function: &str) -> BTreeMap<String, (String, Option<String>)> {
    json("outcomes.json")
        .as_object()
        .unwrap()
        .iter()
        .filter(|(file, _)| file.starts_with(folder))
        .map(|(file, outcome)| {
            let answer = &outcome["answers"][function];
            let reason = answer["reason"].as_str().map(str::to_owned);
            (file.clone(), (answer["outcome"].as_str().unwrap().to_owned(), reason))
        })
        .collect()
}

#[test]
fn every_sample_has_a_stated_outcome_and_every_outcome_a_sample() {
    for (folder, function) in [("codepipeline", "deployment-frequency"), ("opscenter", "mttr")] {
        let mut files: Vec<String> = fs::read_dir(events().join(folder))
            .unwrap()
            .map(|file| format!("{folder}/{}", file.unwrap().file_name().to_string_lossy()))
            .collect();
        files.sort();
        assert_eq!(files, outcomes(folder, function).into_keys().collect::<Vec<_>>());
    }
}

#[test]
fn an_ops_item_that_is_no_new_issue_is_ignored_as_stated() {
    let places = [Place::parse("444455556666/eu-west-1").unwrap()];
    for (file, (_, stated_reason)) in outcomes("opscenter", "change-failure-rate") {
        let envelope = Envelope::parse(&json(&file).to_string()).unwrap();
        let is_no_issue = stated_reason.as_deref() == Some("not-an-incident");
        let ignored = Decision::Ignore(Reason::NotAnIncident);
        assert_eq!(
            OpsItemEvent::read(envelope, &places).unwrap() == ignored,
            is_no_issue,
            "{file}"
        );
    }
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
    for (file, (outcome, stated_reason)) in outcomes("codepipeline", "deployment-frequency") {
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
