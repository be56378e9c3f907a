//! What the four DORA functions share: from an event that AWS emits to a number that a user can
//! trust and trace.
//!
//! The way of an event, and the module that each step lives in:
//!
//! 1. [`codepipeline::event`]: the wire form becomes an [`ExecutionEvent`](codepipeline::ExecutionEvent).
//! 2. [`production`]: pure rules decide whether it is a production deployment; [`lookup`] asks
//!    CodePipeline ([`codepipeline::client`]) for what the event lacks.
//! 3. [`publication`] claims the deployment's metrics in the [`ledger`], so that they count it once
//!    however often its events come.
//! 4. The function's own `measure` turns the [`Deployment`](deployment::Deployment) into
//!    [`Measurement`](metric::Measurement)s; what was in production before comes from [`history`],
//!    and what was shipped from [`github`].
//! 5. [`publication`] sends them to [`cloudwatch`] and confirms the claim.
//! 6. [`answer`] is what the function returns, [`error`] what it fails with.
//!
//! Wire types end in the modules of step 1 and 2; no other module sees them. Decisions are pure
//! functions of their arguments. The clock is read in one place, [`publication`], and only to ask
//! what CloudWatch still accepts and when a claim ends; every time that is published comes from an
//! event.

pub mod answer;
pub mod attribution;
pub mod cloudwatch;
pub mod codepipeline;
pub mod commit;
pub mod decision;
pub mod deployment;
pub mod env;
pub mod envelope;
pub mod error;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod github;
pub mod histories;
pub mod history;
pub mod identity;
pub mod incident;
pub mod ledger;
pub mod log;
pub mod lookup;
pub mod metric;
pub mod opscenter;
pub mod production;
pub mod publication;
pub mod repository;
mod role;
pub mod rollback;
mod sdk_error;
pub mod shipped;
pub mod source;
pub mod startup;
mod trust;

pub use decision::{Decision, Reason};
pub use error::Error;
