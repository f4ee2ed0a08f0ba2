//! What a client reads: each kind of message of a server. What can be read is read again from what it is written as.
#![no_main]

use fireclay_federate::wire::ServerMessage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = ServerMessage::decode(bytes) else { return };
    let written = message.encode().expect("what was read can be written");
    let again = ServerMessage::decode(&written).expect("what was written can be read");
    assert_eq!(again.encode().expect("what was read can be written"), written);
});
