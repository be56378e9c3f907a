//! Generated and mutated events for all four functions, and settings for all of them: whatever
//! comes, a function answers in documented words, soon, in little memory, and asks nobody for what
//! the event had no right to.
//!
//! The functions are those that are deployed, their clients included; only the network below is a
//! stand-in ([`network`]). `make test` runs some thousands of cases, `make fuzz` as many as it is
//! told. A case follows from the seed and its number alone, so each can be repeated.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod documented;
mod event;
mod functions;
mod network;
mod run;
mod settings;

use run::Run;

#[test]
fn events_end_in_documented_words() {
    Run::of("events", 10_000).all(event::any, || {
        let functions = functions::Functions::new();
        move |event: &event::Event| functions.check(event)
    });
}

#[test]
fn settings_start_a_function_or_are_named() {
    Run::of("settings", 1_000).all(settings::any, || settings::check);
}
