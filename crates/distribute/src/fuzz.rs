//! What fuzzers call that is not public: readers of what comes from the network.

use crate::call::Call;
use crate::channel::fuzz;
use crate::mesh::Cause;
use crate::mesh::greeting::{Answer, Hello, Link};

pub use crate::channel::fuzz::{frames, preamble};

/// Reads what ranks tell each other. What is read is written as it was, but for what was too long.
pub fn messages(bytes: &[u8]) {
    if let Some(hello) = Hello::read(bytes)
        && hello.version == crate::mesh::greeting::VERSION
    {
        assert_eq!(Hello::read(&hello.bytes()), Some(hello));
    }
    if let Some(answer) = Answer::read(bytes) {
        assert_eq!(Answer::read(&answer.bytes()), Some(answer));
    }
    if let Some(link) = Link::read(bytes) {
        assert_eq!(link.bytes(), bytes);
    }
    if let Some((call, rest)) = Call::split(bytes) {
        assert_eq!(Call::split(&call.bytes()), Some((call, &[][..])));
        assert_eq!(rest.len(), bytes.len() - Call::BYTES);
        let _ = (call.in_words(), call.as_noun());
    }
    let cause = Cause::of_bytes(1, 3, bytes);
    assert!(cause.rank < 3);
    let _ = cause.into_error(3).to_string();
    let _ = fuzz::preamble(bytes);
}
