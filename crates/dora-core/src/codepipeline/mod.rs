//! AWS CodePipeline: the events that it emits, and the API that is asked for what they lack.

pub mod client;
pub mod event;

pub use client::CodePipeline;
pub use event::{ExecutionEvent, Level};
