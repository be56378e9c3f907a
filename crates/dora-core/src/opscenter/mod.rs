//! OpsCenter, the part of AWS Systems Manager that records incidents as OpsItems: the wire form of its
//! events, and the client for what an event lacks.

pub mod client;
pub mod event;

pub use client::OpsCenter;
pub use event::OpsItemEvent;
