//! Where channels arrive.

use std::collections::VecDeque;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Channel, HANDSHAKE_LIMIT, Protocol, SharedKey, handshake};
use crate::GroupError;

/// Handshakes at once. Each takes milliseconds with somebody who has the key, so the oldest of so many is a stranger's; the oldest that
/// has sent nothing goes first.
const MAX_HANDSHAKES: usize = 64;
/// Channels that wait to be taken.
const MAX_WAITING: usize = 1024;

/// Accepts connections, and makes channels of those whose other end has the key.
///
/// Handshakes run on threads of their own, so a stranger who connects and says nothing holds nobody up. Dropping it ends all
/// that are not done.
pub struct Listener {
    address: SocketAddr,
    arrivals: mpsc::Receiver<Result<Channel, GroupError>>,
    ended: Arc<AtomicBool>,
    handshakes: Arc<Handshakes>,
    thread: Option<JoinHandle<()>>,
}

/// Connections whose handshake is not done.
#[derive(Default)]
struct Handshakes(Mutex<VecDeque<Handshake>>);

struct Handshake {
    id: u64,
    stream: TcpStream,
    /// Whether a byte has come.
    has_begun: bool,
}

impl Listener {
    /// Listens at an address.
    ///
    /// # Errors
    /// [`GroupError::Listen`] if that is not possible, such as because another program does.
    pub fn bind(
        address: impl ToSocketAddrs + std::fmt::Debug,
        key: SharedKey,
        protocol: Protocol,
    ) -> Result<Self, GroupError> {
        let failed = |source| GroupError::Listen { address: format!("{address:?}"), source };
        let listener = TcpListener::bind(&address).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let (sender, arrivals) = mpsc::sync_channel(MAX_WAITING);
        let ended = Arc::new(AtomicBool::new(false));
        let handshakes = Arc::new(Handshakes::default());
        let run = {
            let (ended, handshakes) = (ended.clone(), handshakes.clone());
            move || listen(listener, &key, protocol, &sender, &ended, &handshakes)
        };
        let thread = thread::Builder::new().name("fireclay-accept".into()).spawn(run).map_err(failed)?;
        Ok(Listener { address: bound, arrivals, ended, handshakes, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next channel, for as long as it takes where there is no deadline.
    ///
    /// # Errors
    /// What went wrong in a handshake, see [`Channel::accept`]: strangers come as well, and the next call waits for the next one.
    /// [`GroupError::NobodyCame`] if the deadline passes.
    pub fn accept(&self, deadline: Option<Instant>) -> Result<Channel, GroupError> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let arrival = match left {
            None => self.arrivals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(left) => self.arrivals.recv_timeout(left),
        };
        arrival.map_err(|_| GroupError::NobodyCame { address: self.address.to_string() })?
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        self.handshakes.end_all();
        let mut own = self.address;
        if own.ip().is_unspecified() {
            own.set_ip(match own {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        // The thread waits for connections, so it gets one.
        let woken = TcpStream::connect_timeout(&own, Duration::from_secs(1)).is_ok();
        if let Some(thread) = self.thread.take()
            && woken
        {
            let _ = thread.join();
        }
    }
}

fn listen(
    listener: TcpListener,
    key: &SharedKey,
    protocol: Protocol,
    arrivals: &mpsc::SyncSender<Result<Channel, GroupError>>,
    ended: &Arc<AtomicBool>,
    handshakes: &Arc<Handshakes>,
) {
    for id in 0.. {
        let accepted = listener.accept();
        if ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok((stream, _)) = accepted else {
            // Too many open files, most likely: it passes, or it does not, but no faster by asking at once.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if !handshakes.begin(id, &stream) {
            continue;
        }
        let (key, arrivals, open) = (key.clone(), arrivals.clone(), handshakes.clone());
        let run = move || {
            let began = Instant::now();
            let waits = stream.set_read_timeout(Some(HANDSHAKE_LIMIT)).is_ok();
            if waits && stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0) {
                open.has_begun(id);
            }
            let left = HANDSHAKE_LIMIT.saturating_sub(began.elapsed()).max(Duration::from_millis(1));
            let channel = handshake::accept(stream, &key, protocol, left);
            open.done(id);
            // Where nobody takes channels any more, or too many wait, this one ends.
            let _ = arrivals.try_send(channel);
        };
        if thread::Builder::new().name("fireclay-handshake".into()).spawn(run).is_err() {
            handshakes.done(id);
        }
    }
}

impl Handshakes {
    fn begin(&self, id: u64, stream: &TcpStream) -> bool {
        let Ok(handle) = stream.try_clone() else { return false };
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_HANDSHAKES {
            let silent = open.iter().position(|handshake| !handshake.has_begun).unwrap_or(0);
            if let Some(oldest) = open.remove(silent) {
                let _ = oldest.stream.shutdown(Shutdown::Both);
            }
        }
        open.push_back(Handshake { id, stream: handle, has_begun: false });
        true
    }

    fn has_begun(&self, id: u64) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter_mut()
            .filter(|handshake| handshake.id == id)
            .for_each(|handshake| handshake.has_begun = true);
    }

    fn done(&self, id: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|open| open.id != id);
    }

    fn end_all(&self) {
        for open in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = open.stream.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_says_nothing_goes_first() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let handshakes = Handshakes::default();
        let _streams: Vec<_> = (0..MAX_HANDSHAKES as u64 + 1)
            .map(|id| {
                let stream = TcpStream::connect(address).unwrap();
                assert!(handshakes.begin(id, &stream));
                if id < 2 {
                    handshakes.has_begun(id);
                }
                stream
            })
            .collect();
        let open: Vec<u64> = handshakes.0.lock().unwrap().iter().map(|open| open.id).collect();
        assert_eq!((open.len(), &open[..3]), (MAX_HANDSHAKES, &[0, 1, 3][..]));
    }
}
