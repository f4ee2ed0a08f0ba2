//! Server and clients as processes: encrypted channels over TCP, of which both ends have the same key.
//!
//! Both sides send a sign of life when they have nothing else to say, so that a machine that is gone is noticed.

mod client;
mod connection;
mod server;

use std::time::Duration;

pub use client::{ClientEvent, ClientOptions, ClientSummary, run_client};
use fireclay_distribute::channel::Protocol;
pub use server::Server;

use crate::wire::PROTOCOL_VERSION;

/// What the channels carry.
const PROTOCOL: Protocol = Protocol { name: "fireclay-federate", version: PROTOCOL_VERSION as u16 };

/// How often a sign of life is sent.
const ALIVE: Duration = Duration::from_secs(15);

/// How long nothing at all may come from the other side.
const SILENCE: Duration = Duration::from_secs(60);

/// How long a client may take to say who it is.
const GREETING: Duration = Duration::from_secs(10);

/// The most bytes of that.
const GREETING_BYTES: usize = 1 << 10;
