//! Hostile events: the samples with members dropped, doubled, renamed, nested, of another type, too
//! large, out of range or forged, any JSON, and any text.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// What no message and no request may show. A space makes sure that no name of AWS is like them.
pub(crate) const MARKS: [&str; 3] = ["Ana <ana@", "ghp_secret0", "Sécret "];

/// An event for one of the functions.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) function: u8,
    pub(crate) payload: String,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.payload.len();
        let shown: String = self.payload.chars().take(4000).collect();
        write!(f, "function {}, {length} bytes: {shown}", self.function % 4)
    }
}

/// One change to a sample. An `Index` chooses among all values of the event.
#[derive(Debug, Clone)]
enum Mutation {
    Drop(Index),
    Replace(Index, Value),
    Rename(Index, String),
    Wrap(Index, u8),
    Swell(Index, &'static str, usize),
    /// The member is there twice, which no parsed JSON can say.
    Double(&'static str, Value),
    /// So deep as no parsed JSON can be.
    Nest(&'static str, bool, usize),
    /// Any word where one is read.
    Forge(&'static str, &'static str),
    /// What is well-formed there, and a lie.
    Lie(&'static str, String),
    /// The text itself, at a place.
    Cut(Index),
    Insert(Index, String),
}

/// Members that are read, and where they are.
const READ: [&str; 18] = [
    "/source",
    "/detail-type",
    "/account",
    "/region",
    "/time",
    "/resources",
    "/detail",
    "/detail/pipeline",
    "/detail/execution-id",
    "/detail/state",
    "/detail/stage",
    "/detail/execution-trigger",
    "/detail/execution-trigger/full-repository-name",
    "/detail/execution-trigger/branch-name",
    "/detail/execution-trigger/commit-id",
    "/detail/execution-trigger/commit-message",
    "/detail/ops-item-id",
    "/detail/created-time",
];

/// What stands in them in real events, and what a forger or a fault might put there.
const WORDS: &[&str] = &[
    "",
    " ",
    "aws.codepipeline",
    "aws.ssm",
    "custom",
    "AWS.codepipeline",
    "CodePipeline Pipeline Execution State Change",
    "CodePipeline Stage Execution State Change",
    "CodePipeline Action Execution State Change",
    "OpsItem Create",
    "OpsItem Update",
    "111122223333",
    "777788889999",
    "444455556666",
    "999999999999",
    "\u{661}11122223333",
    "eu-west-1",
    "ap-southeast-1",
    "cn-north-1",
    "us-iso-east-1",
    "eu-west-1.evil.example",
    "eu-west-1/../..",
    "xx-made-up-9",
    "SUCCEEDED",
    "FAILED",
    "succeeded",
    "DeployPROD",
    "main",
    "web",
    "../web",
    "web#1",
    "web\r\nX-Evil: 1",
    "acme/web",
    "acme/payments",
    "acme/web/../../user",
    "acme/..",
    "acme/%2e%2e",
    "acme%2fweb",
    "acme/web/issues",
    "acme/web?per_page=1",
    "acme/web#",
    "acme/web\") { id } }",
    "acme/web\u{0}",
    "acme/we\u{202e}b",
    "3f2a9c0d1e4b5a6978877665544332211000ffee",
    "3F2A9C0D1E4B5A6978877665544332211000FFEE",
    "main...evil",
    "6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77",
    "6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77#",
    "{00000000-0000-0000-0000-000000000000}",
    "oi-0123456789ab",
    "oi-0123456789ab oi-fa9876543210",
    "oi-012345678",
    "arn:aws:ssm:eu-west-1:999999999999:opsitem/oi-0123456789ab",
    "Open",
    "/aws/issue",
    "2026-11-20T09:26:37Z",
    "2026-11-20T09:26:37.123456789+23:59",
    "2026-02-30T00:00:00Z",
    "2026-11-20T24:60:61Z",
    "2014-12-31T23:59:59Z",
    "2101-01-01T00:00:00Z",
    "-262143-01-01T00:00:00Z",
    "+262142-12-31T23:59:59Z",
    "99999999999999999999-01-01T00:00:00Z",
    "Ana <ana@example.com>",
    "Ana <ana@example.com>, expected Sécret words",
    "nothing, expected Ana <ana@example.com> at line 3",
    "missing field `Ana <ana@example.com>`",
    "ghp_secret0123456789 at line 1 column 2",
    "Bearer ghp_secret0123456789",
    "$(reboot)",
    "' OR 1=1 --",
];

/// What is well-formed in a member.
const LIES: &[(&str, &str)] = &[
    ("/source", "aws.codepipeline"),
    ("/source", "aws.ssm"),
    ("/source", "custom"),
    ("/detail-type", "CodePipeline Pipeline Execution State Change"),
    ("/detail-type", "CodePipeline Stage Execution State Change"),
    ("/detail-type", "OpsItem Create"),
    ("/account", "777788889999"),
    ("/account", "444455556666"),
    ("/account", "999999999999"),
    ("/region", "us-gov-west-1"),
    ("/time", "2015-01-01T00:00:00Z"),
    ("/time", "2100-12-31T23:59:59.999Z"),
    ("/detail/state", "SUCCEEDED"),
    ("/detail/stage", "DeployPROD"),
    ("/detail/pipeline", "another"),
    ("/detail/execution-id", "00000000-0000-0000-0000-000000000000"),
    ("/detail/execution-trigger/full-repository-name", "acme/payments"),
    ("/detail/execution-trigger/full-repository-name", "acme/web/issues"),
    ("/detail/execution-trigger/branch-name", "main"),
    ("/detail/execution-trigger/commit-id", "0000000000000000000000000000000000000000"),
    ("/detail/ops-item-id", "oi-000000000000"),
    ("/detail/ops-item-type", "/aws/issue"),
    ("/detail/status", "Open"),
    ("/detail/created-time", "2100-01-01T00:00:00Z"),
];

/// What strings are swollen with.
const GRAINS: &[&str] =
    &["a", "é", "oi-", "oi-0123456789ab ", "../", "Ana <ana@example.com>", "\\"];

/// Any hostile event for any function.
pub(crate) fn any() -> impl Strategy<Value = Event> {
    let samples = samples();
    let mutated = (select(samples), prop::collection::vec(mutation(), 1..4))
        .prop_map(|(sample, mutations)| mutated(sample, mutations));
    let payload = prop_oneof![
        20 => mutated,
        1 => document().prop_map(|document| document.to_string()),
        1 => any_text(),
    ];
    (0_u8..4, payload).prop_map(|(function, payload)| Event { function, payload })
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let word = || select(WORDS);
    let index = proptest::prelude::any::<Index>;
    prop_oneof![
        2 => index().prop_map(Mutation::Drop),
        2 => (index(), document()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        2 => (index(), word()).prop_map(|(at, word)| Mutation::Replace(at, json!(word))),
        1 => (index(), any_text()).prop_map(|(at, name)| Mutation::Rename(at, name)),
        1 => (index(), 1_u8..200).prop_map(|(at, depth)| Mutation::Wrap(at, depth)),
        1 => (index(), select(GRAINS), 1_usize..4096)
            .prop_map(|(at, grain, times)| Mutation::Swell(at, grain, times)),
        1 => (select(&READ), word()).prop_map(|(at, word)| Mutation::Double(at, json!(word))),
        1 => (select(&READ), proptest::prelude::any::<bool>(), 100_usize..2000)
            .prop_map(|(at, lists, depth)| Mutation::Nest(at, lists, depth)),
        4 => (select(&READ), word()).prop_map(|(at, word)| Mutation::Forge(at, word)),
        8 => select(LIES).prop_map(|(at, word)| Mutation::Lie(at, word.to_owned())),
        1 => (0_u32..1_000_000).prop_map(|i| Mutation::Lie("/region", format!("eu-west-{i}"))),
        1 => index().prop_map(Mutation::Cut),
        1 => (index(), any_text()).prop_map(|(at, text)| Mutation::Insert(at, text)),
    ]
}

/// Any JSON, of the shapes and words that events are made of.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        proptest::prelude::any::<bool>().prop_map(Value::from),
        proptest::prelude::any::<f64>().prop_map(Value::from),
        proptest::prelude::any::<i64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(f64::MAX)),
        any_text().prop_map(Value::from),
        select(WORDS).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let name = prop_oneof![any_text(), select(WORDS).prop_map(str::to_owned)];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// Any characters, control characters and what stands outside the first plane among them.
fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(proptest::prelude::any::<char>(), 0..12)
        .prop_map(|characters| characters.into_iter().collect())
}

fn samples() -> Vec<Value> {
    let events = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let mut paths: Vec<PathBuf> = ["codepipeline", "opscenter"]
        .iter()
        .flat_map(|folder| fs::read_dir(events.join(folder)).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

fn mutated(mut event: Value, mutations: Vec<Mutation>) -> String {
    /// Stands where the text is edited once it is one.
    const HERE: &str = "here it is edited";
    let mut edits: Vec<Box<dyn FnOnce(String) -> String>> = Vec::new();
    for (number, mutation) in mutations.into_iter().enumerate() {
        let here = format!("{HERE} {number}");
        match mutation {
            Mutation::Drop(at) => drop_at(&mut event, at),
            Mutation::Replace(at, value) => *choose(&mut event, at) = value,
            Mutation::Rename(at, name) => rename(&mut event, at, name),
            Mutation::Wrap(at, depth) => {
                let place = choose(&mut event, at);
                for level in 0..depth {
                    let inner = place.take();
                    *place = if level % 2 == 0 {
                        Value::Array(vec![inner])
                    } else {
                        Value::from_iter([("x", inner)])
                    };
                }
            }
            Mutation::Swell(at, grain, times) => {
                *choose(&mut event, at) = json!(grain.repeat(times));
            }
            Mutation::Forge(at, word) => {
                if let Some(place) = event.pointer_mut(at) {
                    *place = json!(word);
                }
            }
            Mutation::Lie(at, word) => {
                if let Some(place) = event.pointer_mut(at) {
                    *place = json!(word);
                }
            }
            Mutation::Double(at, value) => {
                let (parent, name) = at.rsplit_once('/').unwrap_or_default();
                if let Some(Value::Object(members)) = event.pointer_mut(parent) {
                    members.insert(here.clone(), Value::Null);
                    let twice = format!("{}:{value}", json!(name));
                    edits.push(Box::new(move |text| {
                        text.replace(&format!("{}:null", json!(here)), &twice)
                    }));
                }
            }
            Mutation::Nest(at, lists, depth) => {
                if let Some(place) = event.pointer_mut(at) {
                    *place = json!(here);
                    // The deepest is as large as a payload may be.
                    let depth = if depth == 1999 { 128 * 1024 } else { depth };
                    let (open, close) = if lists { ("[", "]") } else { ("{\"x\":", "}") };
                    edits.push(Box::new(move |text| {
                        let nested = format!("{}0{}", open.repeat(depth), close.repeat(depth));
                        text.replace(&json!(here).to_string(), &nested)
                    }));
                }
            }
            Mutation::Cut(at) => edits.push(Box::new(move |mut text| {
                text.truncate(boundary(&text, at));
                text
            })),
            Mutation::Insert(at, more) => edits.push(Box::new(move |mut text| {
                text.insert_str(boundary(&text, at), &more);
                text
            })),
        }
    }
    edits.into_iter().fold(event.to_string(), |text, edit| edit(text))
}

/// One of all values of the event.
fn choose(event: &mut Value, at: Index) -> &mut Value {
    let pointer = pointer(event, at);
    event.pointer_mut(&pointer).unwrap()
}

/// Where it is: seldom the whole event, as nothing else of it would be read then.
fn pointer(event: &Value, at: Index) -> String {
    let pointers = pointers(event);
    let whole = pointers.len() == 1 || at.index(100) == 0;
    if whole { String::new() } else { at.get(&pointers[1..]).clone() }
}

fn drop_at(event: &mut Value, at: Index) {
    let pointer = pointer(event, at);
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    match event.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.remove(&unescaped(name))),
        Value::Array(values) => drop(values.pop()),
        other => *other = Value::Null,
    }
}

fn rename(event: &mut Value, at: Index, new: String) {
    let pointer = pointer(event, at);
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(members)) = event.pointer_mut(parent)
        && let Some(value) = members.remove(&unescaped(name))
    {
        members.insert(new, value);
    }
}

/// The JSON pointer of every value.
fn pointers(document: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let below = |name: &str, value: &Value| {
        let name = name.replace('~', "~0").replace('/', "~1");
        pointers(value).into_iter().map(move |rest| format!("/{name}{rest}"))
    };
    match document {
        Value::Object(members) => members_of(members, &mut found, below),
        Value::Array(values) => {
            found.extend(values.iter().enumerate().flat_map(|(i, it)| below(&i.to_string(), it)));
        }
        _ => {}
    }
    found
}

fn members_of<I: Iterator<Item = String>>(
    members: &Map<String, Value>,
    found: &mut Vec<String>,
    below: impl Fn(&str, &Value) -> I,
) {
    found.extend(members.iter().flat_map(|(name, value)| below(name, value)));
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

fn boundary(text: &str, at: Index) -> usize {
    let ends: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    *at.get(&ends)
}
