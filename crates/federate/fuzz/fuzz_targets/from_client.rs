//! What a server reads: each kind of message of a client. What can be read is read again from what it is written as.
#![no_main]

use fireclay_federate::wire::ClientMessage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = ClientMessage::decode(bytes) else { return };
    let written = message.encode().expect("what was read can be written");
    let again = ClientMessage::decode(&written).expect("what was written can be read");
    assert_eq!(again.encode().expect("what was read can be written"), written);
});
