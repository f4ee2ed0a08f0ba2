//! How ranks find each other.
//!
//! Rank 0 listens at the address that all know. Each other rank connects to it, says who it is and where it listens itself, and waits.
//! When all have come, rank 0 tells everybody where the others are, and each connects to those between rank 0 and itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use super::greeting::{Answer, Hello, Link, MAX_ANSWER, MAX_HELLO, Roster, VERSION};
use crate::channel::{Channel, HANDSHAKE_LIMIT, Listener, Protocol, SharedKey};
use crate::host::{self, Host};
use crate::{GroupError, Options, Place};

/// Its version is that of channels between ranks of any version; what they say has its own.
const PROTOCOL: Protocol = Protocol { name: "fireclay-group", version: 1 };
/// How long ranks may take to connect when they know where they are.
const LINK_LIMIT: Duration = Duration::from_secs(30);
/// How long an answer may take on its way.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// Channels to all other ranks.
pub struct Found {
    pub channels: Vec<Option<Channel>>,
    /// Whether all ranks are on one host.
    pub one_host: bool,
}

/// Finds the other ranks.
pub fn find(place: &Place, options: &Options) -> Result<Found, GroupError> {
    let key = place.key.as_ref().ok_or(GroupError::NoKey)?;
    if place.size == 0 || place.rank >= place.size || u32::try_from(place.size).is_err() {
        return Err(GroupError::Contradiction {
            first: format!("the rank is {}", place.rank),
            second: format!("the number of ranks is {}", place.size),
            expected: "a rank is below the number of ranks",
        });
    }
    let (host, port) = place.host_and_port()?;
    let own = Own { place, options, key, host, port, machine: Host::own()? };
    match place.rank {
        0 => own.gather(),
        _ => own.join(),
    }
}

/// What a rank knows at the start.
struct Own<'a> {
    place: &'a Place,
    options: &'a Options,
    key: &'a SharedKey,
    /// Of rank 0.
    host: String,
    port: u16,
    machine: Host,
}

impl Own<'_> {
    /// Rank 0 waits for all others.
    fn gather(&self) -> Result<Found, GroupError> {
        let listener = self.listen(self.port)?;
        let deadline = Instant::now() + self.options.start_limit;
        let mut came: Vec<Option<(Channel, Hello)>> = (0..self.place.size).map(|_| None).collect();
        let mut turned_away = None;
        while came.iter().skip(1).any(Option::is_none) {
            let mut channel = match listener.accept(Some(deadline)) {
                Ok(channel) => channel,
                Err(GroupError::NobodyCame { .. }) => {
                    return Err(refuse(came, None, self.absent(&[], turned_away)));
                }
                // A stranger, or a rank with another key.
                Err(error) => {
                    turned_away = Some(error.to_string());
                    continue;
                }
            };
            let hello = channel.receive(MAX_HELLO, Some(Instant::now() + HANDSHAKE_LIMIT));
            let hello = match hello.map(|hello| Hello::read(&hello)) {
                Ok(Some(hello)) => hello,
                Ok(None) => {
                    turned_away = Some(format!("{} sent a greeting that makes no sense", channel.peer()));
                    continue;
                }
                Err(error) => {
                    turned_away = Some(error.to_string());
                    continue;
                }
            };
            if let Err(error) = self.check(&hello, &channel, &came) {
                return Err(refuse(came, Some(channel), error));
            }
            let rank = hello.rank as usize;
            came[rank] = Some((channel, hello));
        }
        drop(listener);
        let one_host = came.iter().flatten().all(|(_, hello)| hello.host == self.machine);
        let mut ranks = vec![(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)];
        ranks.extend(
            came.iter().flatten().map(|(channel, hello)| (channel.peer().ip().to_canonical(), hello.port)),
        );
        let welcome = Answer::Welcome(Roster { group: host::random()?, one_host, ranks }).bytes();
        let mut channels = vec![None];
        for (rank, (mut channel, _)) in came.into_iter().flatten().enumerate() {
            let sent = channel.send(&welcome);
            sent.map_err(|_| self.ended_early(rank + 1))?;
            channels.push(Some(channel));
        }
        Ok(Found { channels, one_host })
    }

    /// Whether a rank belongs to this group.
    fn check(
        &self,
        hello: &Hello,
        channel: &Channel,
        came: &[Option<(Channel, Hello)>],
    ) -> Result<(), GroupError> {
        let peer = channel.peer().to_string();
        if hello.version != VERSION || hello.release != RELEASE {
            return Err(GroupError::OtherVersion { peer, found: hello.release.clone(), expected: RELEASE });
        }
        let (rank, size) = (hello.rank as usize, hello.size as usize);
        let from = format!("{} ({peer})", hello.host.name);
        if size != self.place.size || rank == 0 || rank >= size {
            return Err(GroupError::OtherSize { from, rank, found: size, expected: self.place.size });
        }
        if hello.engine != self.options.engine {
            let (found, expected) = (hello.engine.name(), self.options.engine.name());
            return Err(GroupError::OtherEngine { from, rank, found, expected });
        }
        // One that was started again takes the place of the one that ended.
        if let Some((first, first_hello)) = &came[rank]
            && !first.has_ended()
        {
            let first = format!("{} ({})", first_hello.host.name, first.peer());
            return Err(GroupError::SameRank { rank, first, second: from });
        }
        Ok(())
    }

    /// Another rank goes to rank 0, and then to those between.
    fn join(&self) -> Result<Found, GroupError> {
        let Place { rank, size, .. } = *self.place;
        let mut first = self.reach_rank_0()?;
        let listener = if rank + 1 < size { Some(self.listen(0)?) } else { None };
        let hello = Hello {
            version: VERSION,
            release: RELEASE.into(),
            rank: rank as u32,
            size: size as u32,
            engine: self.options.engine,
            host: self.machine.clone(),
            port: listener.as_ref().map_or(0, |listener| listener.address().port()),
        };
        first.send(&hello.bytes())?;
        let deadline = Instant::now() + self.options.start_limit + ON_THE_WAY;
        let answer = first.receive(MAX_ANSWER, Some(deadline)).map_err(|error| match error {
            GroupError::Closed { .. } | GroupError::Connection { .. } => self.ended_early(0),
            other => other,
        })?;
        let roster = match Answer::read(&answer) {
            Some(Answer::Welcome(roster)) if roster.ranks.len() == size => roster,
            Some(Answer::Refused(reason)) => {
                return Err(GroupError::Refused { address: self.place.address.clone(), reason });
            }
            _ => return Err(GroupError::Forged { peer: first.peer().to_string() }),
        };
        let rank_0 = first.peer().ip();
        let mut channels: Vec<Option<Channel>> = (0..size).map(|_| None).collect();
        channels[0] = Some(first);
        let deadline = Instant::now() + LINK_LIMIT;
        for (below, place) in channels.iter_mut().enumerate().take(rank).skip(1) {
            let (mut address, port) = roster.ranks[below];
            // As rank 0 sees a rank on its own host.
            if address.is_loopback() && !rank_0.is_loopback() {
                address = rank_0;
            }
            let mut channel = self.reach(&[SocketAddr::new(address, port)], deadline)?;
            channel.send(&Link { group: roster.group, rank: rank as u32 }.bytes())?;
            *place = Some(channel);
        }
        while let Some(listener) = &listener
            && channels.iter().skip(rank + 1).any(Option::is_none)
        {
            let mut channel = match listener.accept(Some(deadline)) {
                Ok(channel) => channel,
                Err(GroupError::NobodyCame { .. }) => {
                    let missing = (rank + 1..size).find(|above| channels[*above].is_none());
                    return Err(self.ended_early(missing.unwrap_or(rank)));
                }
                Err(_) => continue,
            };
            let link = channel.receive(MAX_HELLO, Some(deadline)).ok().and_then(|link| Link::read(&link));
            let Some(Link { group, rank: above }) = link else { continue };
            let above = above as usize;
            if group == roster.group && above > rank && above < size && channels[above].is_none() {
                channels[above] = Some(channel);
            }
        }
        Ok(Found { channels, one_host: roster.one_host })
    }

    /// Connects to rank 0, which may not be there yet.
    fn reach_rank_0(&self) -> Result<Channel, GroupError> {
        let deadline = Instant::now() + self.options.start_limit;
        loop {
            // The name of a host may become known later than the host.
            let error = match (&*self.host, self.port).to_socket_addrs() {
                Ok(addresses) => match self.reach(&addresses.collect::<Vec<_>>(), deadline) {
                    Err(GroupError::Connect { source, .. }) => source,
                    other => return other,
                },
                Err(source) => source,
            };
            if Instant::now() >= deadline {
                return Err(self.absent(&[0], Some(format!("{}: {error}", self.place.address))));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Connects to one of these addresses, where somebody may not listen yet.
    fn reach(&self, addresses: &[SocketAddr], deadline: Instant) -> Result<Channel, GroupError> {
        let mut pause = Duration::from_millis(10);
        loop {
            let mut last = GroupError::NobodyCame { address: self.place.address.clone() };
            for address in addresses {
                match Channel::connect(*address, self.key, PROTOCOL) {
                    Err(error @ GroupError::Connect { .. }) => last = error,
                    other => return other,
                }
            }
            if Instant::now() + pause >= deadline {
                return Err(last);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Listens on this host alone where rank 0 is said to be on it, else for all.
    fn listen(&self, port: u16) -> Result<Listener, GroupError> {
        let local = match self.host.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Some(address),
            _ if self.host == "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
            _ => None,
        };
        let bind =
            |address: IpAddr| Listener::bind(SocketAddr::new(address, port), self.key.clone(), PROTOCOL);
        match local {
            Some(address) => bind(address),
            // Both kinds of addresses, unless this host has one kind alone.
            None => bind(Ipv6Addr::UNSPECIFIED.into()).or_else(|_| bind(Ipv4Addr::UNSPECIFIED.into())),
        }
    }

    fn ended_early(&self, rank: usize) -> GroupError {
        let reason = "it ended before all ranks had found each other".into();
        GroupError::Lost { rank, size: self.place.size, reason }
    }

    fn absent(&self, missing: &[usize], hint: Option<String>) -> GroupError {
        GroupError::Absent {
            size: self.place.size,
            missing: missing.to_vec(),
            waited: self.options.start_limit,
            hint: hint.map(|hint| format!(" (last: {hint})")).unwrap_or_default(),
        }
    }
}

/// What this program is.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// Tells all who have come, and the last one, why they will not be a group.
fn refuse(came: Vec<Option<(Channel, Hello)>>, last: Option<Channel>, mut error: GroupError) -> GroupError {
    if let GroupError::Absent { missing, .. } = &mut error {
        *missing = (1..came.len()).filter(|rank| came[*rank].is_none()).collect();
    }
    let answer = Answer::Refused(error.to_string()).bytes();
    for mut channel in came.into_iter().flatten().map(|(channel, _)| channel).chain(last) {
        let _ = channel.set_send_limit(Some(ON_THE_WAY));
        let _ = channel.send(&answer);
    }
    error
}
