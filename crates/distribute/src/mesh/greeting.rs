//! What ranks tell each other before they are a group.

use std::net::IpAddr;

use crate::host::Host;
use crate::options::Engine;

/// The version of what ranks tell each other, here and later.
pub const VERSION: u16 = 1;

/// The longest text in a greeting.
const MAX_TEXT: usize = 1024;
/// The longest [`Hello`].
pub const MAX_HELLO: usize = 4096;
/// The longest [`Answer`], for many thousand ranks.
pub const MAX_ANSWER: usize = 16 << 20;

/// What a rank says to rank 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The version of what it speaks. What follows is known for the same version alone.
    pub version: u16,
    /// The version of its program.
    pub release: String,
    pub rank: u32,
    pub size: u32,
    pub engine: Engine,
    pub host: Host,
    /// Where it listens for ranks above it; 0 if there are none.
    pub port: u16,
}

/// What rank 0 answers when all have come, or why they will not be a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Refused(String),
    Welcome(Roster),
}

/// Who is who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// What distinguishes this group from all others.
    pub group: [u8; 16],
    /// Whether all ranks are on one host.
    pub one_host: bool,
    /// Where each rank listens, but for rank 0.
    pub ranks: Vec<(IpAddr, u16)>,
}

/// What a rank says to one below it, other than rank 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub group: [u8; 16],
    pub rank: u32,
}

impl Hello {
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.version.to_le_bytes());
        put_text(&mut out, &self.release);
        out.extend(self.rank.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.push(self.engine.code());
        put_text(&mut out, &self.host.name);
        out.extend(self.host.id);
        out.extend(self.port.to_le_bytes());
        out
    }

    /// Reads a greeting. Of another version, only the versions are read; the rest is empty.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let version = rest.u16()?;
        let release = rest.text()?;
        if version != VERSION {
            let host = Host { name: String::new(), id: [0; 32] };
            return Some(Hello { version, release, rank: 0, size: 0, engine: Engine::Auto, host, port: 0 });
        }
        let (rank, size) = (rest.u32()?, rest.u32()?);
        let engine = Engine::of_code(rest.u8()?)?;
        let host = Host { name: rest.text()?, id: rest.array()? };
        let hello = Hello { version, release, rank, size, engine, host, port: rest.u16()? };
        rest.0.is_empty().then_some(hello)
    }
}

impl Answer {
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Answer::Refused(why) => {
                out.push(0);
                put_text(&mut out, why);
            }
            Answer::Welcome(roster) => {
                out.push(1);
                out.extend(roster.group);
                out.push(u8::from(roster.one_host));
                out.extend((roster.ranks.len() as u32).to_le_bytes());
                for (address, port) in &roster.ranks {
                    put_text(&mut out, &address.to_string());
                    out.extend(port.to_le_bytes());
                }
            }
        }
        out
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let answer = match rest.u8()? {
            0 => Answer::Refused(rest.text()?),
            1 => {
                let (group, one_host, count) = (rest.array()?, rest.u8()? != 0, rest.u32()?);
                let ranks = (0..count).map(|_| Some((rest.text()?.parse().ok()?, rest.u16()?)));
                // It ends at the first that is not there, however many were announced.
                let ranks = ranks.collect::<Option<Vec<_>>>()?;
                Answer::Welcome(Roster { group, one_host, ranks })
            }
            _ => return None,
        };
        rest.0.is_empty().then_some(answer)
    }
}

impl Link {
    pub fn bytes(&self) -> Vec<u8> {
        [&self.group[..], &self.rank.to_le_bytes()].concat()
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let link = Link { group: rest.array()?, rank: rest.u32()? };
        rest.0.is_empty().then_some(link)
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    out.extend((end as u16).to_le_bytes());
    out.extend(&text.as_bytes()[..end]);
}

/// Bytes that are not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        let (found, rest) = self.0.split_first_chunk::<COUNT>()?;
        self.0 = rest;
        Some(*found)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::from(self.u16()?);
        if len > MAX_TEXT || len > self.0.len() {
            return None;
        }
        let (text, rest) = self.0.split_at(len);
        self.0 = rest;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            version: VERSION,
            release: "0.1.0".into(),
            rank: 3,
            size: 4,
            engine: Engine::Tcp,
            host: Host { name: "node7".into(), id: [5; 32] },
            port: 4000,
        }
    }

    fn welcome() -> Answer {
        let ranks = vec![("127.0.0.1".parse().unwrap(), 0), ("fd00::1".parse().unwrap(), 4000)];
        Answer::Welcome(Roster { group: [7; 16], one_host: true, ranks })
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Hello::read(&hello().bytes()), Some(hello()));
        assert_eq!(Answer::read(&welcome().bytes()), Some(welcome()));
        let link = Link { group: [9; 16], rank: 2 };
        assert_eq!(Link::read(&link.bytes()), Some(link));
    }

    #[test]
    fn what_is_cut_short_too_long_or_a_lie_is_refused() {
        for bytes in [hello().bytes(), welcome().bytes(), Link { group: [9; 16], rank: 2 }.bytes()] {
            for len in 0..bytes.len() {
                let cut = &bytes[..len];
                assert!(Hello::read(cut).is_none() || len < 3);
                assert!(Answer::read(cut).is_none() && Link::read(cut).is_none_or(|_| len == 20));
            }
            let longer = [&bytes[..], &[0]].concat();
            assert!(Hello::read(&longer).is_none_or(|hello| hello.version != VERSION));
            assert!(Answer::read(&longer).is_none() && Link::read(&longer).is_none());
        }
        // So many ranks would take 100 GB.
        let mut many = welcome().bytes();
        many[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Answer::read(&many), None);
        let mut newer = hello().bytes();
        newer[0] = 2;
        newer.truncate(9);
        let newer = Hello::read(&newer).unwrap();
        assert_eq!((newer.version, &*newer.release), (2, "0.1.0"));
    }
}
