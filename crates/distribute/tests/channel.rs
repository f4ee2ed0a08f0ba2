//! Channels between ends that share a secret, and what strangers get.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fireclay_distribute::GroupError;
use fireclay_distribute::channel::{Channel, Listener, Protocol, SharedKey};

const PROTOCOL: Protocol = Protocol { name: "test", version: 1 };

fn key() -> SharedKey {
    SharedKey::new("a key for tests of channels").unwrap()
}

/// Two ends of a channel.
fn pair() -> (Channel, Channel) {
    let listener = Listener::bind("127.0.0.1:0", key(), PROTOCOL).unwrap();
    let address = listener.address();
    let client = thread::spawn(move || Channel::connect(address, &key(), PROTOCOL).unwrap());
    (listener.accept(None).unwrap(), client.join().unwrap())
}

/// Two ends with somebody between them, who is given what each of them writes and says what arrives.
fn tampered(
    mut tamper: impl FnMut(usize, Vec<u8>) -> Vec<Vec<u8>> + Send + 'static,
) -> (Result<Channel, GroupError>, Result<Channel, GroupError>) {
    let listener = Listener::bind("127.0.0.1:0", key(), PROTOCOL).unwrap();
    let between = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, target) = (between.local_addr().unwrap(), listener.address());
    thread::spawn(move || {
        let mut client = between.accept().unwrap().0;
        let mut server = TcpStream::connect(target).unwrap();
        let (mut back_from, mut back_to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut back_from, &mut back_to);
        });
        // The preamble and the first message of the handshake pass.
        let mut first = vec![0; 8 + 5 + PROTOCOL.name.len() + 2 + 48];
        client.read_exact(&mut first).unwrap();
        server.write_all(&first).unwrap();
        for count in 0.. {
            let mut len = [0; 2];
            if client.read_exact(&mut len).is_err() {
                let _ = server.shutdown(Shutdown::Write);
                return;
            }
            let mut frame = vec![0; usize::from(u16::from_le_bytes(len))];
            client.read_exact(&mut frame).unwrap();
            let frame = [&len[..], &frame].concat();
            for out in tamper(count, frame) {
                let _ = server.write_all(&out);
            }
        }
    });
    let client = thread::spawn(move || Channel::connect(address, &key(), PROTOCOL));
    (listener.accept(None), client.join().unwrap())
}

#[test]
fn messages_of_all_lengths_arrive_in_order_in_both_directions() {
    let (server, client) = pair();
    let lengths = [0, 1, 65510, 65511, 65512, 65519, 65520, 131_030, 131_031, 1_000_003];
    let message = |len: usize, salt: usize| -> Vec<u8> { (0..len).map(|at| (at * 7 + salt) as u8).collect() };
    let ends = [server, client].map(|end| {
        thread::spawn(move || {
            let (mut sender, mut receiver) = end.split();
            let sending = thread::spawn(move || {
                for len in lengths {
                    sender.send(&message(len, len)).unwrap();
                }
                sender.sent_bytes()
            });
            for len in lengths {
                assert_eq!(receiver.receive(len, None).unwrap(), message(len, len));
            }
            (sending.join().unwrap(), receiver.received_bytes())
        })
    });
    let [one, other] = ends.map(|end| end.join().unwrap());
    assert_eq!(one.0, other.1);
    assert_eq!(one.1, other.0);
    let data: usize = lengths.iter().sum();
    assert!(one.1 > data as u64 && one.1 < data as u64 + 2000);
}

#[test]
fn a_message_beyond_the_limit_is_refused_before_memory_is_taken() {
    let (mut server, mut client) = pair();
    client.send(&[1; 100]).unwrap();
    let found = server.receive(99, None).unwrap_err();
    assert!(matches!(found, GroupError::TooLong { found: 100, limit: 99, .. }), "{found}");
    assert!(matches!(server.receive(1000, None), Err(GroupError::Closed { .. })));
}

#[test]
fn a_deadline_leaves_the_message_for_the_next_call() {
    let (mut server, mut client) = pair();
    let found = server.receive(99, Some(Instant::now() + Duration::from_millis(20))).unwrap_err();
    assert!(matches!(found, GroupError::Timeout { .. }), "{found}");
    client.send(b"late").unwrap();
    assert_eq!(server.receive(99, None).unwrap(), b"late");
    drop(client);
    assert!(matches!(server.receive(99, None), Err(GroupError::Closed { .. })));
}

#[test]
fn a_closer_ends_a_wait_from_another_thread() {
    let (mut server, client) = pair();
    let closer = server.closer();
    let waiting = thread::spawn(move || server.receive(10, None));
    thread::sleep(Duration::from_millis(20));
    closer.close();
    assert!(matches!(waiting.join().unwrap(), Err(GroupError::Closed { .. })));
    drop(client);
}

#[test]
fn another_key_and_another_version_get_nothing() {
    let listener = Listener::bind("127.0.0.1:0", key(), PROTOCOL).unwrap();
    let other = SharedKey::new("not the key of the others").unwrap();
    let found = Channel::connect(listener.address(), &other, PROTOCOL).err().unwrap();
    assert!(matches!(found, GroupError::NoAnswer { .. }), "{found}");
    let found = listener.accept(None).err().unwrap();
    assert!(matches!(found, GroupError::OtherKey { .. }), "{found}");

    let newer = Protocol { version: 2, ..PROTOCOL };
    let found = Channel::connect(listener.address(), &key(), newer).err().unwrap();
    assert!(matches!(found, GroupError::NoAnswer { .. }), "{found}");
    let found = listener.accept(None).err().unwrap().to_string();
    assert!(
        found.contains(
            "speaks test 2 over channels of version 1, and this process test 1 over channels of version 1"
        ),
        "{found}"
    );
}

#[test]
fn strangers_get_no_byte_and_hold_nobody_up() {
    let listener = Listener::bind("127.0.0.1:0", key(), PROTOCOL).unwrap();
    let address = listener.address();
    // More than there are handshakes at once, all of them silent.
    let silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut loud = TcpStream::connect(address).unwrap();
    loud.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // The connection may be reset, as bytes were left unread.
    let _ = loud.read_to_end(&mut answer);
    assert!(answer.is_empty());
    let client = thread::spawn(move || Channel::connect(address, &key(), PROTOCOL).unwrap());
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut channel = loop {
        match listener.accept(Some(deadline)) {
            Ok(channel) => break channel,
            Err(GroupError::NobodyCame { .. }) => panic!("the end with the key was held up"),
            Err(_) => continue,
        }
    };
    client.join().unwrap().send(b"here").unwrap();
    assert_eq!(channel.receive(10, None).unwrap(), b"here");
    drop(silent);
}

#[test]
fn changed_repeated_left_out_and_cut_frames_are_found() {
    // Frame 0 is the confirmation, frame 1 and 2 are two messages.
    type Tamper = Box<dyn FnMut(usize, Vec<u8>) -> Vec<Vec<u8>> + Send>;
    let tampers: [(&str, Tamper); 4] = [
        (
            "changed",
            Box::new(|count, mut frame| {
                if count == 1 {
                    frame[5] ^= 1;
                }
                vec![frame]
            }),
        ),
        (
            "repeated",
            Box::new(|count, frame| match count {
                1 => vec![frame.clone(), frame],
                _ => vec![frame],
            }),
        ),
        ("left out", Box::new(|count, frame| if count == 1 { vec![] } else { vec![frame] })),
        (
            "shorter",
            Box::new(|count, mut frame| {
                if count == 1 {
                    frame.truncate(frame.len() - 1);
                    frame[0] -= 1;
                }
                vec![frame]
            }),
        ),
    ];
    for (name, tamper) in tampers {
        let (server, client) = tampered(tamper);
        let (mut server, mut client) = (server.unwrap(), client.unwrap());
        client.send(b"first").unwrap();
        client.send(b"second").unwrap();
        drop(client);
        let found: Vec<_> = (0..3).map(|_| server.receive(10, None)).collect();
        let good = found.iter().take_while(|found| found.is_ok()).count();
        assert_eq!(good, usize::from(name == "repeated"), "{name}");
        assert!(matches!(found[good], Err(GroupError::Forged { .. })), "{name}: {:?}", found[good]);
    }
}

#[test]
fn a_recorded_handshake_gets_no_further() {
    // Somebody repeats what an end with the key has sent before.
    let recording = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = recording.local_addr().unwrap();
    let client = thread::spawn(move || Channel::connect(address, &key(), PROTOCOL).err().unwrap());
    let mut stream = recording.accept().unwrap().0;
    let mut first = vec![0; 8 + 5 + PROTOCOL.name.len() + 2 + 48];
    stream.read_exact(&mut first).unwrap();
    drop(stream);
    assert!(matches!(client.join().unwrap(), GroupError::NoAnswer { .. }));

    let listener = Listener::bind("127.0.0.1:0", key(), PROTOCOL).unwrap();
    let mut stream = TcpStream::connect(listener.address()).unwrap();
    stream.write_all(&first).unwrap();
    stream.read_exact(&mut [0; 50]).unwrap();
    // The confirmation would have 8 + 16 bytes.
    stream.write_all(&[&[24, 0][..], &[7; 24]].concat()).unwrap();
    let found = listener.accept(None).err().unwrap();
    assert!(matches!(found, GroupError::OtherKey { .. }), "{found}");
}
