//! GitHub, github.com and Enterprise Server alike: which commits did a deployment ship, and when
//! did their authors commit them?

mod client;
mod compare;
mod pull_requests;
mod resolve;
mod shipped;

pub use client::GitHub;
pub use resolve::{Found, Known, Question, Span};
