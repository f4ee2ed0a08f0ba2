//! Channels between all ranks, with threads that read them and watch who is still there.
//!
//! Each channel has a thread that reads whatever comes and puts it where the next call finds it: so a rank can always send, however
//! much, and no two ranks wait for each other to read. Another thread says that this rank lives, and looks at which others do.
//! A rank that is gone is no error before a call needs something of it: whoever has finished may end while others still wait for
//! a third.

pub mod greeting;
mod pace;
mod parting;
pub mod rendezvous;
mod running;
mod watch;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use self::pace::Pace;
pub use self::parting::Cause;
use crate::call::Call;
use crate::channel::{Channel, Closer, Meter, Receiver, Sender};
use crate::{GroupError, Options};

/// What a message is, in its first byte.
const HEARTBEAT: u8 = 0;
const DATA: u8 = 1;
const LEAVE: u8 = 2;

/// Bytes of a message of data before those of the caller.
pub const DATA_HEADER: usize = 1;

/// The longest message of another rank: nobody's memory is that large, and sums of such lengths stay numbers.
const LIMIT: usize = 1 << 40;

/// How long the others may take to notice that this rank has left.
const LINGER: Duration = Duration::from_secs(1);

/// One rank's channels to all others.
pub struct Mesh {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    rank: usize,
    size: usize,
    /// One for each rank, but none for this one.
    peers: Vec<Option<Peer>>,
    state: Mutex<State>,
    changed: Condvar,
    /// Whether any rank is gone, for those who ask often.
    any_gone: AtomicBool,
    /// Whether this rank has told the others that it leaves.
    told: AtomicBool,
    /// Whether threads should end.
    ended: AtomicBool,
}

struct Peer {
    sender: Mutex<Sender>,
    meter: Meter,
    closer: Closer,
}

struct State {
    /// When this process was seen to run.
    running: running::Running,
    /// Messages of each rank that no call has taken.
    inbox: Vec<VecDeque<Vec<u8>>>,
    /// Ranks that are gone, and why.
    gone: Vec<Option<Cause>>,
    /// Threads that still read.
    readers: usize,
    /// Memory of messages that were taken, to be used again.
    spare: Vec<Vec<u8>>,
}

impl Mesh {
    /// Begins to read and to watch. There is a channel for each rank but this one.
    pub fn start(rank: usize, channels: Vec<Option<Channel>>, options: &Options) -> Result<Self, GroupError> {
        let (mut peers, mut receivers) = (Vec::new(), Vec::new());
        for (peer, channel) in channels.into_iter().enumerate() {
            let Some(channel) = channel else {
                peers.push(None);
                continue;
            };
            // A rank always reads, so one that takes nothing for so long is lost.
            channel.set_send_limit(Some(options.patience))?;
            let closer = channel.closer();
            let (sender, receiver) = channel.split();
            receivers.push((peer, receiver));
            peers.push(Some(Peer { meter: sender.meter(), sender: Mutex::new(sender), closer }));
        }
        let shared = Arc::new(Shared::new(rank, peers, receivers.len(), options));
        let mut mesh = Mesh { shared, threads: Vec::new() };
        for (peer, receiver) in receivers {
            let shared = mesh.shared.clone();
            mesh.spawn(format!("fireclay-rank-{peer}"), move || shared.read(peer, receiver))?;
        }
        let (shared, watch) = (mesh.shared.clone(), watch::Watch::new(options));
        mesh.spawn("fireclay-watch".into(), move || watch.run(&shared))?;
        Ok(mesh)
    }

    fn spawn(&mut self, name: String, run: impl FnOnce() + Send + 'static) -> Result<(), GroupError> {
        let thread = thread::Builder::new().name(name).spawn(run);
        self.threads.push(thread.map_err(|source| GroupError::Thread { source })?);
        Ok(())
    }

    pub fn rank(&self) -> usize {
        self.shared.rank
    }

    pub fn size(&self) -> usize {
        self.shared.size
    }

    /// The other ranks, those after this one first, so that not all send to the same one at once.
    pub fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let (rank, size) = (self.shared.rank, self.shared.size);
        (1..size).map(move |step| (rank + step) % size)
    }

    /// Sends data to a rank. If it is gone, what is needed of it will be missed, and the reason known: it may have sent what this call
    /// needs, or another may say what was wrong.
    pub fn send(&self, to: usize, parts: [&[u8]; 2]) {
        let Some(peer) = &self.shared.peers[to] else { return };
        let sent = lock(&peer.sender).send_parts(&[&[DATA], parts[0], parts[1]]);
        if let Err(error @ GroupError::Timeout { .. }) = sent {
            self.shared.set_gone(to, self.shared.cause_of(to, &error));
            peer.closer.close();
        }
    }

    /// Waits for one message of data from each other rank, and gives them to `take` in the order in which they come.
    ///
    /// A rank that is gone, or has not come to the call after `limit`, is an error.
    pub fn receive_from_others(
        &self,
        call: Call,
        limit: Duration,
        mut take: impl FnMut(usize, Vec<u8>) -> Result<(), GroupError>,
    ) -> Result<(), GroupError> {
        let mut patience = AbsenceClock::new(limit);
        let mut missing: Vec<usize> = self.others().collect();
        let mut state = self.shared.lock();
        loop {
            let mut came = Vec::new();
            missing.retain(|peer| match state.inbox[*peer].pop_front() {
                Some(message) => {
                    came.push((*peer, message));
                    false
                }
                None => true,
            });
            if !came.is_empty() {
                drop(state);
                for (peer, message) in came {
                    take(peer, message)?;
                }
                state = self.shared.lock();
                continue;
            }
            if missing.is_empty() {
                return Ok(());
            }
            if let Some(cause) = missing.iter().find_map(|peer| state.gone[*peer].clone()) {
                drop(state);
                return Err(self.fail(cause));
            }
            if let Some(waited) = patience.passed() {
                drop(state);
                return Err(self.fail(Cause::absent(missing[0], call, waited)));
            }
            state = self.shared.wait(state, Duration::from_millis(250));
        }
    }

    /// Gives memory of a message back.
    pub fn recycle(&self, memory: Vec<u8>) {
        let mut state = self.shared.lock();
        if state.spare.len() < self.shared.size {
            state.spare.push(memory);
        }
    }

    /// Whether any rank is gone. It costs nothing to ask.
    pub fn any_gone(&self) -> bool {
        self.shared.any_gone.load(Ordering::Acquire)
    }

    /// Why a rank is gone, if it is.
    pub fn gone(&self, rank: usize) -> Option<Cause> {
        self.shared.lock().gone[rank].clone()
    }

    /// Tells the others why this rank gives up, once, and makes an error of it.
    pub fn fail(&self, cause: Cause) -> GroupError {
        self.shared.tell(&cause);
        cause.into_error(self.shared.size)
    }

    /// Tells the others that this rank leaves.
    pub fn leave(&self, why: &str) {
        self.shared.tell(&Cause { rank: self.shared.rank, lost: false, why: why.into() });
    }

    /// Bytes sent and received so far, as they are on the wire.
    pub fn wire_bytes(&self) -> (u64, u64) {
        let meters = || self.shared.peers.iter().flatten().map(|peer| &peer.meter);
        (meters().map(Meter::sent_bytes).sum(), meters().map(Meter::received_bytes).sum())
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.leave(if thread::panicking() { "it panicked" } else { "it ended" });
        let shared = &self.shared;
        // A connection that is closed while something is unread may take what was sent with it, so the others go first.
        let deadline = Instant::now() + LINGER;
        let mut state = shared.lock();
        while state.readers > 0 && Instant::now() < deadline {
            state = shared.wait(state, Duration::from_millis(50));
        }
        drop(state);
        shared.ended.store(true, Ordering::Release);
        for peer in shared.peers.iter().flatten() {
            peer.closer.close();
        }
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Where nobody is gone, and so many threads read.
    fn new(rank: usize, peers: Vec<Option<Peer>>, readers: usize, options: &Options) -> Self {
        let size = peers.len();
        let state = State {
            running: running::Running::new(options),
            inbox: (0..size).map(|_| VecDeque::new()).collect(),
            gone: (0..size).map(|_| None).collect(),
            readers,
            spare: Vec::new(),
        };
        Shared {
            rank,
            size,
            peers,
            state: Mutex::new(state),
            changed: Condvar::new(),
            any_gone: AtomicBool::new(false),
            told: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Reads what a rank sends until it is gone.
    fn read(&self, peer: usize, mut receiver: Receiver) {
        let mut memory = Vec::new();
        let cause = loop {
            let message = match receiver.receive_in(memory, LIMIT, None) {
                Ok(message) => message,
                Err(error) => break self.cause_of(peer, &error),
            };
            match message.split_first() {
                Some((&HEARTBEAT, _)) => memory = message,
                Some((&DATA, _)) => {
                    let mut state = self.lock();
                    state.inbox[peer].push_back(message);
                    memory = state.spare.pop().unwrap_or_default();
                    drop(state);
                    self.changed.notify_all();
                }
                Some((&LEAVE, parting)) => break Cause::of_bytes(peer, self.size, parting),
                _ => break Cause::lost(peer, "it sent something that makes no sense"),
            }
        };
        self.set_gone(peer, cause);
        if let Some(peer) = &self.peers[peer] {
            peer.closer.close();
        }
        self.lock().readers -= 1;
        self.changed.notify_all();
    }

    /// Why the channel to a rank has failed: the others end it where this process was stopped, and may have had no room to say so.
    fn cause_of(&self, peer: usize, error: &GroupError) -> Cause {
        match self.lock().running.missed(Instant::now()) {
            Some(stopped) => Cause::stopped(self.rank, stopped),
            None => Cause::of_error(peer, error),
        }
    }

    fn set_gone(&self, peer: usize, cause: Cause) {
        let mut state = self.lock();
        state.gone[peer].get_or_insert(cause);
        drop(state);
        self.any_gone.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// Tells the others why this rank leaves, once.
    fn tell(&self, cause: &Cause) {
        if self.told.swap(true, Ordering::AcqRel) {
            return;
        }
        for (rank, peer) in self.peers.iter().enumerate() {
            let Some(peer) = peer else { continue };
            if self.lock().gone[rank].is_some() {
                continue;
            }
            // Another thread may be saying that this rank lives, to one that takes nothing.
            let deadline = Instant::now() + LINGER / 4;
            while Instant::now() < deadline {
                let Ok(mut sender) = peer.sender.try_lock() else {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                };
                send_last(&mut sender, cause);
                peer.closer.finish();
                break;
            }
        }
    }
}

/// Sends why nothing will follow.
fn send_last(sender: &mut Sender, cause: &Cause) {
    // It is not waited for much longer.
    let _ = sender.stream().set_write_timeout(Some(LINGER / 4));
    let _ = sender.send_parts(&[&[LEAVE], &cause.bytes()]);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long others have been waited for, without the time in which this process itself was stopped.
pub struct AbsenceClock {
    limit: Duration,
    waited: Duration,
    last: Instant,
}

impl AbsenceClock {
    /// The longest time between two looks that a running process needs.
    const STEP: Duration = Duration::from_secs(2);

    pub fn new(limit: Duration) -> Self {
        AbsenceClock { limit, waited: Duration::ZERO, last: Instant::now() }
    }

    /// How long was waited, if that is too long.
    pub fn passed(&mut self) -> Option<Duration> {
        let now = Instant::now();
        self.waited += now.duration_since(self.last).min(Self::STEP);
        self.last = now;
        (self.waited > self.limit).then_some(self.waited)
    }
}
