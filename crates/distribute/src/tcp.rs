//! Ranks on any hosts, over encrypted connections between all of them.
//!
//! Sums keep the order of the ranks: every rank gets the values of all and adds them itself, or, where there are many, each rank adds
//! one part of them and tells the others what came out. A ring would add each part in another order.

use std::time::{Duration, Instant};

use crate::call::Call;
use crate::mesh::{DATA_HEADER, Mesh, Pace, rendezvous};
use crate::number::{Number, part_of, sum_in_order};
use crate::{Group, GroupError, Options, Place, Traffic};

/// Ranks on any hosts, over encrypted connections between all of them.
pub struct TcpGroup {
    mesh: Mesh,
    pace: Pace,
    calls: Calls,
    one_host: bool,
    /// What came from each rank.
    incoming: Vec<Vec<u8>>,
}

/// What calls have cost so far, and how the first one failed.
#[derive(Default)]
pub(crate) struct Calls {
    count: u64,
    time: Duration,
    failed: Option<String>,
}

/// Bytes of a message before the values.
const HEADER: usize = DATA_HEADER + Call::BYTES;

/// Sums for which a rank would receive more bytes than this are shared out among the ranks where there are more than two: four ranks
/// gain by it from about 16 thousand numbers on. Two ranks send the same either way, and one round is shorter than two.
const SHARE_ABOVE: usize = 192 << 10;

impl TcpGroup {
    /// Finds the other ranks, and connects to all of them.
    ///
    /// # Errors
    /// [`GroupError::NoKey`] without a shared key; [`GroupError::Absent`] if ranks have not come after
    /// [`start_limit`](Options::start_limit); [`GroupError::OtherSize`], [`GroupError::SameRank`], [`GroupError::OtherVersion`] or
    /// [`GroupError::OtherEngine`] on rank 0, and [`GroupError::Refused`] on the others, for ranks that do not fit together.
    pub fn start(place: &Place, options: &Options) -> Result<Self, GroupError> {
        let found = rendezvous::find(place, options)?;
        let mesh = Mesh::start(place.rank, found.channels, options)?;
        let incoming = (0..mesh.size()).map(|_| Vec::new()).collect();
        Ok(TcpGroup {
            mesh,
            pace: Pace::new(options),
            calls: Calls::default(),
            one_host: found.one_host,
            incoming,
        })
    }

    /// Whether all ranks are on one host.
    pub fn is_on_one_host(&self) -> bool {
        self.one_host
    }

    /// The channels, for another engine that needs them to see who is there.
    pub(crate) fn into_parts(self) -> (Mesh, Pace) {
        (self.mesh, self.pace)
    }

    /// Makes a call, and notes what it took.
    fn call<T>(
        &mut self,
        call: Call,
        run: impl FnOnce(&mut Self, Duration) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        self.calls.check(self.mesh.rank(), self.mesh.size())?;
        let clock = Instant::now();
        let limit = self.pace.begin();
        let result = run(self, limit);
        self.pace.end(matches!(call, Call::Sum(_)));
        self.calls.add(clock, &result);
        result
    }

    /// Sends bytes to all, and waits for those of all.
    fn exchange(&mut self, call: Call, bytes: &[u8], limit: Duration) -> Result<(), GroupError> {
        for peer in self.mesh.others() {
            self.mesh.send(peer, [&call.bytes(), bytes]);
        }
        self.receive(call, limit)
    }

    fn receive(&mut self, call: Call, limit: Duration) -> Result<(), GroupError> {
        let (mesh, incoming) = (&self.mesh, &mut self.incoming);
        mesh.receive_from_others(call, limit, |peer, message| {
            check_call(mesh, peer, Call::split(&message[DATA_HEADER..]).map(|(found, _)| found), call)?;
            mesh.recycle(std::mem::replace(&mut incoming[peer], message));
            Ok(())
        })
    }

    fn sum_any<T: Number>(&mut self, values: &mut [T]) -> Result<(), GroupError> {
        let call = T::call(values.len());
        self.call(call, |group, limit| {
            let (rank, size) = (group.mesh.rank(), group.mesh.size());
            if size == 2 || size_of_val(values) * (size - 1) <= SHARE_ABOVE {
                group.exchange(call, &T::bytes(values), limit)?;
                sum_in_order(values, rank, &group.came(values)?, &mut []);
                return Ok(());
            }
            let count = values.len();
            let part = |rank| part_of(rank, size, count);
            for peer in group.mesh.others() {
                group.mesh.send(peer, [&call.bytes(), &T::bytes(&values[part(peer)])]);
            }
            group.receive(call, limit)?;
            let own = &mut values[part(rank)];
            sum_in_order(own, rank, &group.came(own)?, &mut []);
            group.exchange(call, &T::bytes(own), limit)?;
            for peer in group.mesh.others() {
                let place = part(peer);
                T::take(&mut values[place.clone()], group.of(peer, size_of::<T>() * place.len())?);
            }
            Ok(())
        })
    }

    /// What came from all ranks for these values.
    fn came<T>(&self, values: &[T]) -> Result<Vec<&[u8]>, GroupError> {
        let own = self.mesh.rank();
        let of = |rank| if rank == own { Ok(&[][..]) } else { self.of(rank, size_of_val(values)) };
        (0..self.mesh.size()).map(of).collect()
    }

    /// What came from a rank, which must have so many bytes.
    fn of(&self, rank: usize, expected: usize) -> Result<&[u8], GroupError> {
        let found = &self.incoming[rank][HEADER..];
        if found.len() == expected {
            return Ok(found);
        }
        let why = format!("it sent {} bytes where {expected} belong", found.len());
        Err(self.mesh.fail(crate::mesh::Cause::lost(rank, why)))
    }
}

/// Refuses a rank that makes another call than this one.
pub(crate) fn check_call(
    mesh: &Mesh,
    peer: usize,
    found: Option<Call>,
    expected: Call,
) -> Result<(), GroupError> {
    if found == Some(expected) {
        return Ok(());
    }
    Err(GroupError::OtherCall {
        rank: peer,
        size: mesh.size(),
        found: found.map_or_else(|| "makes a call that this version does not know".into(), Call::in_words),
        own: mesh.rank(),
        expected: expected.in_words(),
    })
}

impl Calls {
    /// Refuses calls after one that failed.
    pub fn check(&self, rank: usize, size: usize) -> Result<(), GroupError> {
        match &self.failed {
            None => Ok(()),
            Some(why) => Err(GroupError::Ended { rank, size, why: format!("an earlier call failed: {why}") }),
        }
    }

    pub fn add<T>(&mut self, clock: Instant, result: &Result<T, GroupError>) {
        self.count += 1;
        self.time += clock.elapsed();
        self.failed = result.as_ref().err().map(ToString::to_string);
    }

    pub fn traffic(&self, (sent_bytes, received_bytes): (u64, u64)) -> Traffic {
        Traffic { calls: self.count, sent_bytes, received_bytes, time: self.time }
    }
}

impl Group for TcpGroup {
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
        self.call(Call::Gather, |group, limit| {
            group.exchange(Call::Gather, bytes, limit)?;
            let own = group.mesh.rank();
            let of = |rank: usize| {
                if rank == own { bytes.to_vec() } else { group.incoming[rank][HEADER..].to_vec() }
            };
            Ok((0..group.mesh.size()).map(of).collect())
        })
    }

    fn broadcast(&mut self, from: usize, bytes: &mut Vec<u8>) -> Result<(), GroupError> {
        assert!(from < self.size(), "there is no rank {from}");
        let call = Call::Broadcast(from as u64);
        self.call(call, |group, limit| {
            let own: &[u8] = if from == group.mesh.rank() { bytes } else { &[] };
            group.exchange(call, own, limit)?;
            if from != group.mesh.rank() {
                bytes.clear();
                bytes.extend_from_slice(&group.incoming[from][HEADER..]);
            }
            Ok(())
        })
    }

    fn barrier(&mut self) -> Result<(), GroupError> {
        self.call(Call::Barrier, |group, limit| group.exchange(Call::Barrier, &[], limit))
    }

    fn leave(&mut self, why: &str) {
        self.mesh.leave(why);
    }

    fn traffic(&self) -> Traffic {
        self.calls.traffic(self.mesh.wire_bytes())
    }
}
