//! What the four DORA functions share: from an event that AWS emits to a number that a user can
//! trust and trace.
//!
//! The way of an event, and the module that each step lives in:
//!
//! 1. [`codepipeline::event`]: the wire form becomes an [`ExecutionEvent`](codepipeline::ExecutionEvent).
//! 2. [`production`]: pure rules decide whether it is a production deployment; [`lookup`] asks
//!    CodePipeline ([`codepipeline::client`]) for what the event lacks.
//! 3. The function's own `measure` turns the [`Deployment`](deployment::Deployment) into a
//!    [`Measurement`](metric::Measurement).
//! 4. [`publication`] claims it in the [`ledger`], publishes it to [`cloudwatch`] and confirms it,
//!    so that a metric counts each deployment once however often its events come.
//! 5. [`answer`] is what the function returns, [`error`] what it fails with.
//!
//! Wire types end in the modules of step 1 and 2; no other module sees them. Decisions are pure
//! functions of their arguments. The clock is read in one place, [`publication`], and only to ask
//! what CloudWatch still accepts and when a claim ends; every time that is published comes from an
//! event.

pub mod answer;
pub mod cloudwatch;
pub mod codepipeline;
pub mod commit;
pub mod decision;
pub mod deployment;
pub mod env;
pub mod error;
#[cfg(test)]
mod fixtures;
pub mod github;
pub mod history;
pub mod identity;
pub mod ledger;
pub mod log;
pub mod lookup;
pub mod metric;
pub mod production;
pub mod publication;
pub mod repository;
mod sdk_error;
pub mod source;
pub mod startup;

pub use decision::{Decision, Reason};
pub use error::Error;
