//! Ranks on one host, which share memory.
//!
//! Values go through two buffers in turn, block by block. In a step, each rank writes what the others need into its own part of
//! a buffer and says so; when all have, each reads. So while some still read one buffer, others write the other, and who has done
//! a step knows that nobody reads what was written two steps before:
//!
//! - Few values are written as a whole, and every rank adds all of them.
//! - Of many, each rank adds one part of each block, writes its sum where its own values of that part would lie, and reads the other
//!   sums a step later. Parts lie at the same places in all blocks of a call, so that values of the next block may be written while
//!   sums of the last but one are read.
//!
//! Connections between the ranks ([`Mesh`](crate::mesh::Mesh)) remain, and tell who is gone.

#![expect(unsafe_code, reason = "steps share out the memory, which the compiler cannot know")]

mod segment;
mod wait;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use self::segment::{FOLDER, Name, Segment, Token};
use self::wait::Steps;
use crate::call::Call;
use crate::host;
use crate::mesh::{Mesh, Pace};
use crate::number::{Number, part_of, sum_in_order};
use crate::tcp::{Calls, check_call};
use crate::{Group, GroupError, Options, Place, TcpGroup, Traffic};

/// Sums for which a rank would read no more bytes of others than this are added by every rank: one step is shorter than two. With two
/// ranks it makes no difference where both have a core; the more wait for a core, the more a step costs.
const WHOLE_BELOW: usize = 128 << 10;

/// Ranks on one host, which share memory.
pub struct SharedMemoryGroup {
    mesh: Mesh,
    segment: Segment,
    pace: Pace,
    calls: Calls,
    steps: Steps,
    /// Calls that were begun.
    begun: usize,
    /// Blocks that were written; the next goes into the buffer of this number, modulo two.
    blocks: usize,
    written_bytes: u64,
    read_bytes: u64,
}

/// What became of ranks that tried to share memory.
pub(crate) enum Shared {
    /// They do.
    Together(SharedMemoryGroup),
    /// A rank cannot.
    Apart { group: TcpGroup, rank: usize, reason: String },
}

impl SharedMemoryGroup {
    /// Finds the other ranks, and shares memory with them.
    ///
    /// # Errors
    /// [`GroupError::NoSharedMemory`] if they are not all on one host, or it has no memory to share; and those of
    /// [`TcpGroup::start`].
    pub fn start(place: &Place, options: &Options) -> Result<Self, GroupError> {
        match Self::of_tcp(TcpGroup::start(place, options)?)? {
            Shared::Together(group) => Ok(group),
            Shared::Apart { mut group, rank, reason } => {
                // All come to the same, so nobody ends before the others know.
                group.barrier()?;
                Err(GroupError::NoSharedMemory { rank, size: group.size(), reason })
            }
        }
    }

    /// Makes memory that all ranks share, unless one of them cannot.
    pub(crate) fn of_tcp(mut group: TcpGroup) -> Result<Shared, GroupError> {
        let size = group.size();
        if !group.is_on_one_host() {
            return Ok(Shared::Apart { group, rank: 0, reason: "not all ranks are on one host".into() });
        }
        // Where it is: its token, and the path. Nothing, if there is none.
        let mut made = Err("rank 0 has none".to_string());
        let mut announced = Vec::new();
        if group.rank() == 0 {
            made = create(size).map(|(segment, name, token)| {
                announced.extend(token);
                announced.extend(name.path().as_os_str().as_encoded_bytes());
                (segment, Some(name))
            });
        }
        group.broadcast(0, &mut announced)?;
        if group.rank() != 0
            && let Some((token, path)) = announced.split_first_chunk::<16>()
        {
            let path = String::from_utf8_lossy(path);
            let opened = Segment::open(Path::new(&*path), size, *token);
            made = opened.map(|segment| (segment, None)).map_err(|error| format!("{path}: {error}"));
        }
        // An empty answer is a good one.
        let answers = group.gather(made.as_ref().err().map_or("", String::as_str).as_bytes())?;
        let bad = answers.iter().position(|answer| !answer.is_empty());
        match (made, bad) {
            // All have mapped the file, so its name may go.
            (Ok((segment, name)), None) => {
                drop(name);
                Ok(Shared::Together(Self::new(group, segment)))
            }
            (_, bad) => {
                let rank = bad.unwrap_or_default();
                let reason = String::from_utf8_lossy(&answers[rank]).into_owned();
                Ok(Shared::Apart { group, rank, reason })
            }
        }
    }

    fn new(group: TcpGroup, segment: Segment) -> Self {
        let size = group.size();
        let (mesh, pace) = group.into_parts();
        SharedMemoryGroup {
            mesh,
            segment,
            pace,
            calls: Calls::default(),
            steps: Steps::new(size),
            begun: 0,
            blocks: 0,
            written_bytes: 0,
            read_bytes: 0,
        }
    }

    /// Makes a call, and notes what it took.
    fn call<T>(
        &mut self,
        call: Call,
        run: impl FnOnce(&mut Self, &mut Running) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        self.calls.check(self.mesh.rank(), self.mesh.size())?;
        let clock = Instant::now();
        let limit = self.pace.begin();
        let own = &self.segment.control(self.mesh.rank()).calls[self.begun % 2];
        let (name, length) = call.code();
        own.name.store(u32::from(name), Ordering::Relaxed);
        own.length.store(length, Ordering::Relaxed);
        let result = run(self, &mut Running { call, limit, checked: false });
        self.begun += 1;
        self.pace.end(matches!(call, Call::Sum(_)));
        self.calls.add(clock, &result);
        result
    }

    /// This rank has done a step. Waits until all have.
    fn step(&mut self, running: &mut Running) -> Result<(), GroupError> {
        self.steps.publish(self.segment.control(self.mesh.rank()));
        self.steps.wait(&self.mesh, &self.segment, running.call, running.limit)?;
        if !std::mem::replace(&mut running.checked, true) {
            for peer in self.mesh.others() {
                let (name, length) = self.call_of(peer);
                let found = u8::try_from(name).ok().and_then(|name| Call::of_code(name, length));
                check_call(&self.mesh, peer, found, running.call)?;
            }
        }
        Ok(())
    }

    fn call_of(&self, rank: usize) -> (u32, u64) {
        let call = &self.segment.control(rank).calls[self.begun % 2];
        (call.name.load(Ordering::Relaxed), call.length.load(Ordering::Relaxed))
    }

    /// The buffer for the next block.
    fn next_buffer(&mut self) -> usize {
        self.blocks += 1;
        self.blocks % 2
    }

    fn sum_any<T: Number>(&mut self, values: &mut [T]) -> Result<(), GroupError> {
        let call = T::call(values.len());
        let bytes = size_of_val(values);
        let whole = bytes * (self.mesh.size() - 1) <= WHOLE_BELOW && bytes <= self.segment.slot();
        self.call(call, |group, running| match whole {
            true => group.sum_whole(values, running),
            false => group.sum_shared_out(values, running),
        })
    }

    /// Every rank adds all values of all.
    fn sum_whole<T: Number>(&mut self, values: &mut [T], running: &mut Running) -> Result<(), GroupError> {
        let (rank, size, buffer, bytes) =
            (self.mesh.rank(), self.mesh.size(), self.next_buffer(), size_of_val(values));
        // SAFETY: nobody reads this buffer since the last step but one.
        T::write(values, unsafe { self.segment.write(rank, buffer, 0..bytes) });
        self.step(running)?;
        // SAFETY: all have written this block, and nobody writes the next but one before this rank has done the next step.
        let of = |other| unsafe { self.segment.read(other, buffer, 0..bytes) };
        let others: Vec<&[u8]> = (0..size).map(of).collect();
        sum_in_order(values, rank, &others, &mut []);
        self.count(bytes, bytes * (size - 1));
        Ok(())
    }

    /// Each rank adds one part of each block.
    fn sum_shared_out<T: Number>(
        &mut self,
        values: &mut [T],
        running: &mut Running,
    ) -> Result<(), GroupError> {
        let mut sums: Option<(usize, &mut [T])> = None;
        let mut blocks = values.chunks_mut(self.segment.slot() / size_of::<T>());
        let mut given = blocks.next().map(|block| self.write_block(block));
        while let Some((buffer, block)) = given.take() {
            self.step(running)?;
            if let Some((buffer, block)) = sums.take() {
                self.read_sums(buffer, block);
            }
            self.sum_part(buffer, block);
            given = blocks.next().map(|block| self.write_block(block));
            sums = Some((buffer, block));
        }
        if let Some((buffer, block)) = sums {
            self.step(running)?;
            self.read_sums(buffer, block);
        }
        Ok(())
    }

    /// Writes what other ranks add.
    fn write_block<'a, T: Number>(&mut self, block: &'a mut [T]) -> (usize, &'a mut [T]) {
        let (own, buffer, slot) = (self.mesh.rank(), self.next_buffer(), self.slot_part());
        let mut written = 0;
        for other in self.mesh.others() {
            let part = &block[part_of(other, self.mesh.size(), block.len())];
            let place = other * slot..other * slot + size_of_val(part);
            written += place.len();
            // SAFETY: of the last block but one, others may still read the sum that lies in this rank's own part, but no other part.
            T::write(part, unsafe { self.segment.write(own, buffer, place) });
        }
        self.count(written, 0);
        (buffer, block)
    }

    /// Adds this rank's part of a block, and writes the sum.
    fn sum_part<T: Number>(&mut self, buffer: usize, block: &mut [T]) {
        let (own, size, slot) = (self.mesh.rank(), self.mesh.size(), self.slot_part());
        let part = part_of(own, size, block.len());
        let part = &mut block[part];
        let place = own * slot..own * slot + size_of_val(part);
        // SAFETY: all have written this block, and write into its buffer again when this rank has done another step.
        let of = |other| unsafe { self.segment.read(other, buffer, place.clone()) };
        let others: Vec<&[u8]> =
            (0..size).map(|other| if other == own { &[][..] } else { of(other) }).collect();
        let bytes = size_of_val(part);
        // SAFETY: others read this part when this rank has done its next step, and those that read it two blocks before are done. It
        // is none of the parts of others that are read meanwhile.
        let shown = unsafe { self.segment.write(own, buffer, place.clone()) };
        sum_in_order(part, own, &others, shown);
        self.count(bytes, bytes * (size - 1));
    }

    /// Reads what other ranks have added.
    fn read_sums<T: Number>(&mut self, buffer: usize, block: &mut [T]) {
        let (size, slot, count) = (self.mesh.size(), self.slot_part(), block.len());
        let mut read = 0;
        for other in self.mesh.others() {
            let part = &mut block[part_of(other, size, count)];
            let place = other * slot..other * slot + size_of_val(part);
            read += place.len();
            // SAFETY: its rank has done the step after it wrote this, and writes here again after this rank's next.
            T::take(part, unsafe { self.segment.read(other, buffer, place) });
        }
        self.count(0, read);
    }

    /// Bytes of one part of a block.
    fn slot_part(&self) -> usize {
        self.segment.slot() / self.mesh.size()
    }

    /// Shows bytes to all ranks, and gives those of each to `take` piece by piece.
    fn show(
        &mut self,
        bytes: &[u8],
        running: &mut Running,
        mut take: impl FnMut(usize, &[u8]),
    ) -> Result<(), GroupError> {
        let (own, slot) = (self.mesh.rank(), self.segment.slot());
        let (mut start, mut lengths) = (0, None);
        loop {
            let buffer = self.next_buffer();
            let piece = &bytes[start.min(bytes.len())..bytes.len().min(start + slot - SHOWN)];
            // SAFETY: nobody reads this buffer since the last step but one.
            let place = unsafe { self.segment.write(own, buffer, 0..SHOWN + piece.len()) };
            place[..SHOWN].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
            place[SHOWN..].copy_from_slice(piece);
            self.step(running)?;
            let mut read = 0;
            let longest = *lengths.get_or_insert_with(|| {
                // SAFETY: all have written this block, and nobody writes the next but one before this rank has done the next step.
                let of = |rank| unsafe { self.segment.read(rank, buffer, 0..SHOWN) };
                let length = |rank| of(rank).first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
                (0..self.mesh.size()).map(|rank| length(rank) as usize).max().unwrap_or(0)
            });
            for rank in 0..self.mesh.size() {
                // SAFETY: as above.
                let place = unsafe { self.segment.read(rank, buffer, 0..slot) };
                let length = place.first_chunk().map_or(0, |length| u64::from_le_bytes(*length)) as usize;
                let piece = length.saturating_sub(start).min(slot - SHOWN);
                take(rank, &place[SHOWN..SHOWN + piece]);
                read += if rank == own { 0 } else { SHOWN + piece };
            }
            self.count(SHOWN + piece.len(), read);
            start += slot - SHOWN;
            if start >= longest {
                return Ok(());
            }
        }
    }

    fn count(&mut self, written: usize, read: usize) {
        self.written_bytes += written as u64;
        self.read_bytes += read as u64;
    }
}

/// Bytes that say how many there are in all.
const SHOWN: usize = 8;

/// A call that runs.
struct Running {
    call: Call,
    limit: Duration,
    /// Whether the others were seen to make the same.
    checked: bool,
}

fn create(size: usize) -> Result<(Segment, Name, Token), String> {
    let token = host::random().map_err(|error| error.to_string())?;
    let made = Segment::create(Path::new(FOLDER), size, token);
    made.map(|(segment, name)| (segment, name, token)).map_err(|error| format!("{FOLDER}: {error}"))
}

impl Group for SharedMemoryGroup {
    fn rank(&self) -> usize {
        self.mesh.rank()
    }

    fn size(&self) -> usize {
        self.mesh.size()
    }

    fn sum(&mut self, values: &mut [f32]) -> Result<(), GroupError> {
        self.sum_any(values)
    }

    fn sum_f64(&mut self, values: &mut [f64]) -> Result<(), GroupError> {
        self.sum_any(values)
    }

    fn gather(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GroupError> {
        self.call(Call::Gather, |group, running| {
            let mut all = vec![Vec::new(); group.mesh.size()];
            group.show(bytes, running, |rank, piece| all[rank].extend_from_slice(piece))?;
            Ok(all)
        })
    }

    fn broadcast(&mut self, from: usize, bytes: &mut Vec<u8>) -> Result<(), GroupError> {
        assert!(from < self.size(), "there is no rank {from}");
        self.call(Call::Broadcast(from as u64), |group, running| {
            let own = if from == group.mesh.rank() { std::mem::take(bytes) } else { Vec::new() };
            bytes.clear();
            let take = |rank, piece: &[u8]| {
                if rank == from {
                    bytes.extend_from_slice(piece);
                }
            };
            group.show(&own, running, take)
        })
    }

    fn barrier(&mut self) -> Result<(), GroupError> {
        self.call(Call::Barrier, |group, running| group.step(running))
    }

    fn leave(&mut self, why: &str) {
        self.mesh.leave(why);
    }

    fn traffic(&self) -> Traffic {
        let (sent, received) = self.mesh.wire_bytes();
        self.calls.traffic((sent + self.written_bytes, received + self.read_bytes))
    }
}
