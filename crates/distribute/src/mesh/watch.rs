//! Says that this rank lives, and sees which others do.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::parting::Cause;
use super::{HEARTBEAT, Shared, send_last};
use crate::Options;

/// The thread that watches.
pub struct Watch {
    /// How often it says so.
    interval: Duration,
    /// After how long of silence a rank is lost.
    patience: Duration,
}

/// What was last heard of a rank.
struct Heard {
    bytes: u64,
    at: Instant,
}

impl Watch {
    pub fn new(options: &Options) -> Self {
        Watch { interval: options.heartbeat(), patience: options.patience }
    }

    /// Watches until the rank ends.
    pub fn run(&self, shared: &Shared) {
        let mut last = Instant::now();
        let mut heard: Vec<Heard> = shared.peers.iter().map(|_| Heard { bytes: 0, at: last }).collect();
        let mut said = last;
        self.say(shared);
        while !shared.ended.load(Ordering::Acquire) {
            thread::park_timeout(self.interval / 2);
            let now = Instant::now();
            // Where this process itself was stopped for a while, the others are not to blame for their silence.
            let stopped = now.duration_since(last) > self.interval * 2;
            last = now;
            if now.duration_since(said) >= self.interval {
                said = now;
                self.say(shared);
            }
            for (rank, heard) in heard.iter_mut().enumerate() {
                let Some(peer) = &shared.peers[rank] else { continue };
                let bytes = peer.meter.received_bytes();
                if stopped || bytes != heard.bytes {
                    *heard = Heard { bytes, at: now };
                } else if now.duration_since(heard.at) > self.patience && shared.lock().gone[rank].is_none() {
                    let silent = now.duration_since(heard.at).as_secs_f64();
                    let cause = Cause::lost(rank, format!("nothing was heard of it for {silent:.1} s"));
                    // If it was only stopped, it should not think that this rank has ended.
                    if let Ok(mut sender) = peer.sender.try_lock() {
                        send_last(&mut sender, &cause);
                    }
                    shared.set_gone(rank, cause);
                    peer.closer.close();
                }
            }
        }
    }

    fn say(&self, shared: &Shared) {
        if shared.told.load(Ordering::Acquire) {
            return;
        }
        for peer in shared.peers.iter().flatten() {
            // Who holds it is sending, which says the same.
            if let Ok(mut sender) = peer.sender.try_lock() {
                let _ = sender.send(&[HEARTBEAT]);
            }
        }
    }
}
