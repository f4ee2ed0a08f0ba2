//! Ranks that are killed, stopped, cut off, late or wrong: all others say which one it was, soon.
//!
//! Each rank is a process: this very program, started again for the one test that is no test there.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "ranks say on standard output what they have found")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{free_address, options, place};
use fireclay_distribute::{Engine, Group, Options, Place, connect};

/// After how long of silence a rank is lost here.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a rank may take to say what it has found.
const DEADLINE: Duration = Duration::from_secs(20);
/// What the lines of a rank begin with, among those of the test harness.
const SAYS: &str = "the rank says: ";

fn impatient(engine: Engine) -> Options {
    Options { patience: PATIENCE, ..options(engine) }
}

/// What a process does that was started as a rank. In a test run it does nothing.
#[test]
fn rank_process() {
    let Ok(action) = std::env::var("TEST_ACTION") else { return };
    let place = Place::of_environment().unwrap().unwrap();
    let engine: Engine = std::env::var("TEST_ENGINE").unwrap().parse().unwrap();
    let mut options = impatient(engine);
    if action == "late" {
        options = Options {
            call_limit: Duration::from_secs(1),
            first_sum_limit: Duration::from_secs(1),
            patience: Duration::from_secs(10),
            ..options
        };
    }
    let mut group = connect(&place, &options).unwrap();
    let error = act(&mut *group, &action);
    drop(group);
    let threads = std::fs::read_dir("/proc/self/task").unwrap().filter(|task| {
        let name = std::fs::read_to_string(task.as_ref().unwrap().path().join("comm"));
        name.is_ok_and(|name| name.starts_with("fireclay-"))
    });
    println!("\n{SAYS}{error}; {} threads are left", threads.count());
}

/// Sums until something goes wrong, as the action says.
fn act(group: &mut dyn Group, action: &str) -> String {
    let is_second = group.rank() == 1;
    // Some sums are shared out among the ranks, some are not.
    let mut values = vec![1.0f32; if action == "sum much" { 3_000_000 } else { 300_000 }];
    for round in 0.. {
        let len = if round % 2 == 0 { values.len() } else { 10 };
        if round == 3 {
            println!("\n{SAYS}begun");
        }
        if let Err(error) = group.sum(&mut values[..len]) {
            return error.to_string();
        }
        if round < 5 || !is_second {
            continue;
        }
        match action {
            "leave" => {
                group.leave("the loss became NaN");
                return "left".into();
            }
            "panic" => {
                println!("\n{SAYS}panicked; 0 threads are left");
                panic!("this is part of a test");
            }
            "other" => return group.sum(&mut values[..7]).unwrap_err().to_string(),
            "late" => {
                thread::sleep(Duration::from_secs(4));
            }
            _ => {}
        }
    }
    unreachable!("the ranks sum for ever")
}

/// A process that is a rank.
struct Rank {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Rank {
    fn start(rank: usize, size: usize, address: &str, engine: Engine, action: &str) -> Self {
        let (host, port) = address.rsplit_once(':').unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "rank_process", "--nocapture", "--test-threads=1"])
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", size.to_string())
            .env("MASTER_ADDR", host)
            .env("MASTER_PORT", port)
            .env("FIRECLAY_SHARED_KEY", "a key for tests of groups")
            .env("TEST_ENGINE", engine.name())
            .env("TEST_ACTION", action)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Rank { process, lines }
    }

    fn all(size: usize, engine: Engine, action: &str) -> Vec<Self> {
        let address = free_address();
        (0..size).map(|rank| Self::start(rank, size, &address, engine, action)).collect()
    }

    /// The next line that it says.
    fn says(&mut self) -> String {
        self.lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| Some(line.strip_prefix(SAYS)?.to_owned()))
            .unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lets something happen to rank 1 of three when all sum, and checks what the others say.
fn check(engine: Engine, action: &str, happen: impl Fn(&Rank), expected: &str) -> Vec<Rank> {
    let mut ranks = Rank::all(3, engine, action);
    for rank in &mut ranks {
        assert_eq!(rank.says(), "begun");
    }
    let clock = Instant::now();
    happen(&ranks[1]);
    for rank in [0, 2] {
        let found = ranks[rank].says();
        assert!(found.contains(expected), "{engine:?}, {action}: rank {rank} says: {found}");
        assert!(found.ends_with("; 0 threads are left"), "{found}");
    }
    assert!(clock.elapsed() < DEADLINE, "{:?}", clock.elapsed());
    ranks
}

const ENGINES: [Engine; 2] = [Engine::Tcp, Engine::SharedMemory];

#[test]
fn a_rank_that_is_killed_is_lost() {
    for engine in ENGINES {
        check(engine, "sum", |rank| rank.signal("-KILL"), "rank 1 of 3 is lost: it");
    }
}

#[test]
fn a_rank_that_is_stopped_is_lost_and_hears_of_it() {
    // Where much is on its way to it, the others have no room to tell it why they go.
    for (engine, action) in
        ENGINES.iter().flat_map(|engine| ["sum", "sum much"].map(|action| (*engine, action)))
    {
        let expected = "rank 1 of 3 is lost: nothing was heard of it for ";
        let mut ranks = check(engine, action, |rank| rank.signal("-STOP"), expected);
        ranks[1].signal("-CONT");
        let found = ranks[1].says();
        assert!(found.starts_with(expected), "{engine:?}, {action}: {found}");
    }
}

#[test]
fn a_rank_that_leaves_says_why() {
    for engine in ENGINES {
        check(engine, "leave", |_| {}, "rank 1 of 3 ended: the loss became NaN");
        check(engine, "panic", |_| {}, "rank 1 of 3 ended: it panicked");
    }
}

#[test]
fn a_rank_that_makes_another_call_is_named_and_names_the_others() {
    for engine in ENGINES {
        let mut ranks = check(engine, "other", |_| {}, "rank 1 of 3 sums 7 numbers, and this one, rank ");
        let found = ranks[1].says();
        assert!(found.contains("of 3 sums 300000 numbers, and this one, rank 1, sums 7 numbers"), "{found}");
    }
}

#[test]
fn a_rank_that_lives_and_does_not_come_is_named() {
    for engine in ENGINES {
        let mut ranks = check(
            engine,
            "late",
            |_| {},
            "rank 1 of 3 is lost: it lives, but has not come to the sum of 300000 numbers for 1 s",
        );
        let found = ranks[1].says();
        assert!(found.contains("rank 1 of 3 is lost: it lives, but has not come to"), "{found}");
    }
}

#[test]
fn who_is_done_may_end_while_others_still_wait() {
    for engine in ENGINES {
        for _ in 0..10 {
            let ranks = common::on_ranks(3, &impatient(engine), |mut group| {
                let mut values = [1.0; 100];
                for _ in 0..20 {
                    group.sum(&mut values).unwrap();
                }
            });
            ranks.into_iter().for_each(|rank| rank.unwrap());
        }
    }
}

/// Passes on what two sides send each other, until it is cut: then it takes everything and passes nothing on.
fn cable(target: String) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let cut = Arc::new(AtomicBool::new(false));
    let is_cut = cut.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let Ok(other) = TcpStream::connect(&target) else { continue };
            for (mut from, mut to) in
                [(stream.try_clone().unwrap(), other.try_clone().unwrap()), (other, stream)]
            {
                let is_cut = is_cut.clone();
                thread::spawn(move || {
                    let mut bytes = vec![0; 1 << 16];
                    while let Ok(len @ 1..) = from.read(&mut bytes) {
                        if !is_cut.load(Ordering::SeqCst) && to.write_all(&bytes[..len]).is_err() {
                            return;
                        }
                    }
                    // What has ended is not told after the cut.
                    while is_cut.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(100));
                    }
                });
            }
        }
    });
    (address, cut)
}

#[test]
fn a_link_that_is_cut_is_noticed_on_both_ends() {
    let engine = Engine::Tcp;
    let address = free_address();
    let (cable, cut) = cable(address.clone());
    let rank = |rank: usize| {
        let address = if rank == 0 { &address } else { &cable };
        let mut group = connect(&place(rank, 2, address), &impatient(engine)).unwrap();
        for round in 0.. {
            if round == 5 && rank == 0 {
                cut.store(true, Ordering::SeqCst);
            }
            if let Err(error) = group.sum(&mut [1.0; 10]) {
                return error.to_string();
            }
            thread::sleep(Duration::from_millis(20));
        }
        unreachable!("the link is cut")
    };
    let clock = Instant::now();
    thread::scope(|scope| {
        let other = scope.spawn(|| rank(1));
        let found = [rank(0), other.join().unwrap()];
        for (rank, found) in found.iter().enumerate() {
            let expected = format!("rank {} of 2 is lost: nothing was heard of it for 2.", 1 - rank);
            assert!(found.starts_with(&expected), "{engine:?}: {found}");
        }
    });
    assert!(clock.elapsed() < DEADLINE);
}
