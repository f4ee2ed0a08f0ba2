//! What strangers send: no channel comes of it, and nobody waits for them.
#![no_main]

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::LazyLock;

use fireclay_distribute::channel::{Channel, Protocol, SharedKey};

const PROTOCOL: Protocol = Protocol { name: "fuzz", version: 1 };
static LISTENER: LazyLock<TcpListener> =
    LazyLock::new(|| TcpListener::bind("127.0.0.1:0").expect("there is a free port"));
static KEY: LazyLock<SharedKey> =
    LazyLock::new(|| SharedKey::new("a key that the fuzzer does not know").expect("it is long enough"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // More would not fit into the buffers between them, and is never read.
    let bytes = &bytes[..bytes.len().min(4096)];
    let address = LISTENER.local_addr().expect("it listens");
    for opens in [false, true] {
        let mut stranger = TcpStream::connect(address).expect("it listens");
        let (stream, _) = LISTENER.accept().expect("somebody has connected");
        stranger.write_all(bytes).expect("it fits into the buffer");
        stranger.shutdown(Shutdown::Write).expect("it is connected");
        let channel = match opens {
            true => Channel::open(stream, &KEY, PROTOCOL),
            false => Channel::accept(stream, &KEY, PROTOCOL),
        };
        assert!(channel.is_err());
    }
});
