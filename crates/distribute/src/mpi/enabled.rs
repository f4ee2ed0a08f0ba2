//! Ranks that MPI has started.
//!
//! Values are moved by MPI and added here, in the order of the ranks: `MPI_Allreduce` has an order of its own, which depends on the
//! implementation, the network and the length.

use std::io::Write;
use std::time::Instant;

use mpi::Count;
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};

use crate::call::Call;
use crate::number::{Number, part_of, sum_in_order};
use crate::tcp::Calls;
use crate::{Group, GroupError, Place, Traffic};

/// Sums of no more bytes than this are added by every rank: one round is shorter than two.
const WHOLE_BELOW: usize = 16 << 10;
/// Bytes of a rank that are moved at once; MPI counts all ranks' together in 32 bits.
const PIECE: usize = 1 << 20;

/// Starts MPI, for ranks that it has given a place.
pub fn start(place: &Place) -> Result<Box<dyn Group>, GroupError> {
    let group = MpiGroup::start()?;
    let (rank, size) = (group.rank(), group.size());
    if (rank, size) != (place.rank, place.size) {
        return Err(GroupError::Contradiction {
            first: format!("MPI says that this is rank {rank} of {size}"),
            second: format!("the environment that it is rank {} of {}", place.rank, place.size),
            expected: "start all processes with one mpirun",
        });
    }
    Ok(Box::new(group))
}

/// Ranks that MPI has started, by `mpirun` or what a cluster has in its place.
///
/// MPI sees to ranks that die, by ending all others. For the same reason [`leave`](Group::leave) writes its reason to standard error
/// and ends all processes, this one too; and a group must not be dropped before all ranks are done.
pub struct MpiGroup {
    rank: usize,
    size: usize,
    calls: Calls,
    moved_bytes: u64,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// MPI ends when this is dropped.
    universe: Universe,
}

impl MpiGroup {
    /// Starts MPI in this process, which is possible once.
    ///
    /// # Errors
    /// [`GroupError::MpiStarted`] if it was started before, [`GroupError::NoEngine`] if it can be called by its first thread alone.
    pub fn start() -> Result<Self, GroupError> {
        // Calls may come from another thread than this one, but not from two at once.
        let (universe, threads) =
            mpi::initialize_with_threading(mpi::Threading::Serialized).ok_or(GroupError::MpiStarted)?;
        if threads < mpi::Threading::Serialized {
            return Err(GroupError::NoEngine { engine: "mpi", next: "install an MPI that supports threads" });
        }
        let world = universe.world();
        Ok(MpiGroup {
            rank: world.rank() as usize,
            size: world.size() as usize,
            calls: Calls::default(),
            moved_bytes: 0,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            universe,
        })
    }

    fn world(&self) -> SimpleCommunicator {
        self.universe.world()
    }

    /// Makes a call that all ranks make, and notes what it took.
    fn call<T>(
        &mut self,
        call: Call,
        run: impl FnOnce(&mut Self) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        self.calls.check(self.rank(), self.size())?;
        let clock = Instant::now();
        let result = self.agree(call).and_then(|()| run(self));
        self.calls.add(clock, &result);
        result
    }

    /// MPI itself does not notice when ranks make calls that do not fit together.
    fn agree(&mut self, call: Call) -> Result<(), GroupError> {
        self.outgoing.clear();
        self.outgoing.extend(call.bytes());
        self.gather_outgoing();
        let calls = self.incoming.chunks_exact(Call::BYTES).map(|bytes| Some(Call::split(bytes)?.0));
        match calls.enumerate().find(|(_, found)| *found != Some(call)) {
            None => Ok(()),
            Some((rank, found)) => Err(GroupError::OtherCall {
                rank,
                size: self.size(),
                found: found.map_or_else(|| "makes an unknown call".into(), Call::in_words),
                own: self.rank(),
                expected: call.in_words(),
            }),
        }
    }

    /// Shows the outgoing bytes to all; they are as many on each rank.
    fn gather_outgoing(&mut self) {
        let len = self.outgoing.len();
        self.incoming.resize(len * self.size(), 0);
        if len > 0 {
            self.world().all_gather_into(&self.outgoing[..], &mut self.incoming[..]);
        }
        self.moved_bytes += (len * (self.size() - 1)) as u64;
    }

    fn sum_any<T: Number>(&mut self, values: &mut [T]) -> Result<(), GroupError> {
        self.call(T::call(values.len()), |group| {
            let (rank, size) = (group.rank(), group.size());
            if size_of_val(values) <= WHOLE_BELOW {
                group.outgoing.clear();
                group.outgoing.extend_from_slice(&T::bytes(values));
                group.gather_outgoing();
                let others: Vec<&[u8]> = match values.is_empty() {
                    true => vec![&[]; size],
                    false => group.incoming.chunks_exact(size_of_val(values)).collect(),
                };
                sum_in_order(values, rank, &others, &mut []);
                return Ok(());
            }
            for block in values.chunks_mut(PIECE / size_of::<T>()) {
                group.sum_block(block);
            }
            Ok(())
        })
    }

    /// Each rank adds one part.
    fn sum_block<T: Number>(&mut self, block: &mut [T]) {
        let (rank, size, count) = (self.rank(), self.size(), block.len());
        let bytes = |rank| part_of(rank, size, count).len() * size_of::<T>();
        let start = |rank| part_of(rank, size, count).start * size_of::<T>();
        let (counts, places): (Vec<Count>, Vec<Count>) =
            (0..size).map(|rank| (bytes(rank) as Count, start(rank) as Count)).unzip();
        let own = bytes(rank);
        self.outgoing.clear();
        self.outgoing.extend_from_slice(&T::bytes(block));
        self.incoming.resize(own * size, 0);
        {
            let given = Partition::new(&self.outgoing[..], &counts[..], &places[..]);
            let even: Vec<Count> = (0..size).map(|rank| (rank * own) as Count).collect();
            let mut taken = PartitionMut::new(&mut self.incoming[..], vec![own as Count; size], even);
            self.universe.world().all_to_all_varcount_into(&given, &mut taken);
        }
        let part = &mut block[part_of(rank, size, count)];
        let others: Vec<&[u8]> = (0..size).map(|rank| &self.incoming[rank * own..(rank + 1) * own]).collect();
        sum_in_order(part, rank, &others, &mut []);
        self.outgoing.clear();
        self.outgoing.extend_from_slice(&T::bytes(part));
        self.incoming.resize(size_of_val(block), 0);
        let mut taken = PartitionMut::new(&mut self.incoming[..], &counts[..], &places[..]);
        self.universe.world().all_gather_varcount_into(&self.outgoing[..], &mut taken);
        T::take(block, &self.incoming);
        self.moved_bytes += (size_of_val(block) - own + own * (size - 1)) as u64;
    }

    /// Says why, and ends all processes.
    fn end_all(&self, why: &str) -> ! {
        // There is nobody else whom MPI would tell.
        let _ = writeln!(std::io::stderr(), "rank {} of {} ended: {why}", self.rank(), self.size());
        self.world().abort(1)
    }
}

impl Group for MpiGroup {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn sum(&mut self, values: &mut [f32]) -> Result<(), GroupError> {
        self.sum_any(values)
    }

    fn sum_f64(&mut self, values: &mut [f64]) -> Result<(), GroupError> {
        self.sum_any(values)
    }

    fn gather(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GroupError> {
        self.call(Call::Gather, |group| {
            group.outgoing.clear();
            group.outgoing.extend((bytes.len() as u64).to_le_bytes());
            group.gather_outgoing();
            let lengths: Vec<usize> = (group.incoming.as_chunks::<8>().0.iter())
                .map(|length| u64::from_le_bytes(*length) as usize)
                .collect();
            let mut all = vec![Vec::new(); lengths.len()];
            let longest = lengths.iter().copied().max().unwrap_or(0);
            let piece = PIECE / lengths.len();
            for start in (0..longest).step_by(piece) {
                let of = |length: &usize| length.saturating_sub(start).min(piece);
                let counts: Vec<Count> = lengths.iter().map(|length| of(length) as Count).collect();
                let place = |sum: &mut Count, count: &Count| Some(std::mem::replace(sum, *sum + count));
                let places: Vec<Count> = counts.iter().scan(0, place).collect();
                group.incoming.resize(lengths.iter().map(of).sum(), 0);
                let own = &bytes[start.min(bytes.len())..bytes.len().min(start + piece)];
                {
                    let mut taken = PartitionMut::new(&mut group.incoming[..], &counts[..], &places[..]);
                    group.universe.world().all_gather_varcount_into(own, &mut taken);
                }
                group.moved_bytes += (own.len() * (lengths.len() - 1)) as u64;
                let mut rest = &group.incoming[..];
                for (all, length) in all.iter_mut().zip(&lengths) {
                    let (piece, later) = rest.split_at(of(length));
                    all.extend_from_slice(piece);
                    rest = later;
                }
            }
            Ok(all)
        })
    }

    fn broadcast(&mut self, from: usize, bytes: &mut Vec<u8>) -> Result<(), GroupError> {
        assert!(from < self.size(), "there is no rank {from}");
        self.call(Call::Broadcast(from as u64), |group| {
            let world = group.world();
            let root = world.process_at_rank(from as i32);
            let mut length = [bytes.len() as u64];
            root.broadcast_into(&mut length[..]);
            bytes.resize(length[0] as usize, 0);
            for piece in bytes.chunks_mut(PIECE) {
                root.broadcast_into(piece);
            }
            group.moved_bytes += if from == group.rank() { bytes.len() as u64 } else { 0 };
            Ok(())
        })
    }

    fn barrier(&mut self) -> Result<(), GroupError> {
        // To agree on the call is to wait for all.
        self.call(Call::Barrier, |_| Ok(()))
    }

    fn leave(&mut self, why: &str) {
        self.end_all(why);
    }

    fn traffic(&self) -> Traffic {
        // What others give is what this one takes, but for what one rank alone has.
        self.calls.traffic((self.moved_bytes, self.moved_bytes))
    }
}

impl Drop for MpiGroup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end_all("it panicked");
        }
    }
}
