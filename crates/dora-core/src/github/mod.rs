//! GitHub, github.com and Enterprise Server alike: which commits did a deployment ship, and when
//! did their authors commit them?

pub mod client;
mod compare;
mod pull_requests;
pub mod resolve;
mod shipped;

pub use client::GitHub;
