//! Says that this rank lives, and sees which others do.

use std::net::TcpStream;
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
        let mut said = Instant::now();
        let mut heard: Vec<Heard> = shared.peers.iter().map(|_| Heard { bytes: 0, at: said }).collect();
        self.say(shared);
        while !shared.ended.load(Ordering::Acquire) {
            thread::park_timeout(self.interval / 2);
            let now = Instant::now();
            // Where this process itself was stopped for a while, the others are not to blame for their silence.
            let stopped = shared.lock().running.runs(now) > self.interval * 2;
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
                    let cause = Cause::silent(rank, now.duration_since(heard.at));
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
            // Who holds it is sending, which says the same, and so does what waits to be taken. Where a link is slow or cut, waiting for
            // room would keep this thread from telling the others, and from seeing who is gone.
            if let Ok(mut sender) = peer.sender.try_lock()
                && has_room(sender.stream())
            {
                let _ = sender.send(&[HEARTBEAT]);
            }
        }
    }
}

/// Whether a few bytes can be sent without waiting.
fn has_room(stream: &TcpStream) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut asked = [PollFd::new(stream, PollFlags::OUT)];
        // A connection that has failed says so when it is written to.
        !matches!(poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(0))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = stream;
        true
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{ErrorKind, Write};
    use std::sync::mpsc;
    use std::sync::{Arc, Mutex};

    use super::super::Peer;
    use super::*;
    use crate::channel::{Channel, Listener, Protocol, SharedKey};

    const TEST: Protocol = Protocol { name: "test", version: 1 };

    /// Both ends of a channel.
    fn channel() -> (Channel, Channel) {
        let key = SharedKey::new("a key for the tests of this crate").unwrap();
        let listener = Listener::bind("127.0.0.1:0", key.clone(), TEST).unwrap();
        let address = listener.address();
        let connecting = thread::spawn(move || Channel::connect(address, &key, TEST).unwrap());
        let accepted = listener.accept(Some(Instant::now() + Duration::from_secs(20))).unwrap();
        (accepted, connecting.join().unwrap())
    }

    #[test]
    fn a_rank_that_takes_nothing_does_not_keep_the_others_from_hearing_of_this_one() {
        let ((full, _takes_nothing), (to_other, mut other)) = (channel(), channel());
        let peers = [full, to_other].map(|channel| {
            let closer = channel.closer();
            let (sender, _) = channel.split();
            Some(Peer { meter: sender.meter(), sender: Mutex::new(sender), closer })
        });
        let peers: Vec<_> = std::iter::once(None).chain(peers).collect();
        let sender = peers[1].as_ref().unwrap().sender.lock().unwrap();
        let mut stream = sender.stream();
        stream.set_nonblocking(true).unwrap();
        let filled = std::iter::repeat_with(|| stream.write(&[0; 4096])).find_map(Result::err).unwrap();
        assert_eq!(filled.kind(), ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
        drop(sender);
        let (shared, (done, waiting)) =
            (Arc::new(Shared::new(0, peers, 0, &Options::default())), mpsc::channel());
        thread::spawn(move || {
            Watch::new(&Options::default()).say(&shared);
            // The channels stay open until it was heard.
            done.send(shared).unwrap();
        });
        let limit = Duration::from_secs(20);
        let heard = other.receive(8, Some(Instant::now() + limit)).unwrap();
        assert_eq!(heard, [HEARTBEAT]);
        waiting.recv_timeout(limit).expect("it does not wait for room");
    }
}
