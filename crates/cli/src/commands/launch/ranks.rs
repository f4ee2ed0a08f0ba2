//! The processes of a training, from their start to their end.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Starting;
use super::host::{Host, Process};
use crate::exit::Exit;
use crate::interrupt::InterruptOnCtrlC;
use crate::output::Output;
use crate::ranks::{ENGINE, RESUME_FROM, THREADS, variables};

/// How long ranks may go on after the last one that ended, when one of them has failed: they know of it within 15 seconds.
const GRACE: Duration = Duration::from_secs(20);

/// Between two looks at the processes.
const PAUSE: Duration = Duration::from_millis(50);

/// How all ranks ended.
pub enum End {
    /// As all of them decided, or as one of them did that said why: the same would come of it again.
    Ended(Exit),
    /// By a rank that died or was cut off.
    Failed {
        /// Which rank, and how.
        failure: String,
        /// What `--resume` takes.
        resume_from: Option<String>,
        /// Hosts that are not reached, or were not any more.
        gone: BTreeSet<String>,
    },
}

/// Processes that train together.
pub struct Ranks {
    ranks: Vec<Rank>,
    resume_from: Arc<Mutex<Option<String>>>,
    relays: Vec<JoinHandle<()>>,
}

struct Rank {
    host: Option<String>,
    child: Child,
    /// How it ended, and when.
    end: Option<(ExitStatus, Instant)>,
    /// Whether it was killed here, as it did not end by itself.
    killed: bool,
}

impl Ranks {
    /// Starts one process for each rank.
    pub fn start(
        hosts: &[Host],
        starting: &Starting,
        arguments: &[OsString],
        output: &Arc<Output>,
    ) -> anyhow::Result<Self> {
        let size: usize = hosts.iter().map(|host| host.ranks).sum();
        let key = random_key()?;
        let address = hosts.first().and_then(|host| host.name.clone());
        let port = match starting.port {
            Some(port) => port,
            None => TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
        };
        // A name that a shell knows may have a user before it.
        let address = address.map_or("127.0.0.1".to_owned(), |name| match name.split_once('@') {
            Some((_, host)) => host.to_owned(),
            None => name,
        });
        let mut ranks = Ranks { ranks: Vec::new(), resume_from: Arc::default(), relays: Vec::new() };
        for host in hosts {
            for local in 0..host.ranks {
                let rank = ranks.ranks.len();
                let mut own = vec![
                    ("RANK", rank.to_string().into()),
                    ("WORLD_SIZE", size.to_string().into()),
                    ("LOCAL_RANK", local.to_string().into()),
                    ("LOCAL_WORLD_SIZE", host.ranks.to_string().into()),
                    ("MASTER_ADDR", address.clone().into()),
                    ("MASTER_PORT", port.to_string().into()),
                    ("FIRECLAY_SHARED_KEY", key.clone().into()),
                    (ENGINE, starting.engine.name().into()),
                ];
                own.extend(starting.threads.map(|threads| (THREADS, threads.to_string().into())));
                own.extend(variables(&starting.words));
                let process = Process { arguments, variables: own, is_first: rank == 0 };
                match host.start(process, &starting.remote_shell) {
                    Ok(mut child) => {
                        ranks
                            .relays
                            .extend(child.stderr.take().map(|stderr| ranks.relay(rank, stderr, output)));
                        ranks.ranks.push(Rank { host: host.name.clone(), child, end: None, killed: false });
                    }
                    Err(error) => {
                        ranks.kill();
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(ranks)
    }

    /// Passes on what a rank says, with its number.
    fn relay(&self, rank: usize, stderr: ChildStderr, output: &Arc<Output>) -> JoinHandle<()> {
        let (resume_from, output) = (self.resume_from.clone(), output.clone());
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stderr);
            let mut line = Vec::new();
            while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches('\n');
                match text.strip_prefix(RESUME_FROM) {
                    Some(from) => {
                        *resume_from.lock().unwrap_or_else(PoisonError::into_inner) = Some(from.to_owned());
                    }
                    None => output.warn(format!("[rank {rank}] {text}")),
                }
                line.clear();
            }
        })
    }

    /// Waits until all have ended, and ends those that do not end by themselves when another has failed.
    pub fn wait(mut self, interrupt: &InterruptOnCtrlC) -> End {
        let _run = interrupt.run();
        let mut asked = false;
        loop {
            let now = Instant::now();
            for rank in &mut self.ranks {
                if rank.end.is_none()
                    && let Ok(Some(status)) = rank.child.try_wait()
                {
                    rank.end = Some((status, now));
                }
            }
            if self.ranks.iter().all(|rank| rank.end.is_some()) {
                break;
            }
            if interrupt.is_pressed() && !std::mem::replace(&mut asked, true) {
                self.ranks.iter_mut().for_each(Rank::ask_to_end);
            }
            let ends = || self.ranks.iter().filter_map(|rank| rank.end);
            let has_failed = ends().any(|(status, _)| !status.success());
            if has_failed && ends().map(|(_, when)| when).max().is_some_and(|last| now - last > GRACE) {
                self.kill();
            }
            std::thread::sleep(PAUSE);
        }
        for relay in std::mem::take(&mut self.relays) {
            let _ = relay.join();
        }
        self.end(interrupt.is_pressed())
    }

    fn end(&self, is_interrupted: bool) -> End {
        let ends: Vec<(usize, ExitStatus, Instant)> = (self.ranks.iter().enumerate())
            .filter_map(|(rank, of)| of.end.map(|(status, when)| (rank, status, when)))
            .collect();
        if ends.iter().all(|(_, status, _)| status.success()) {
            return End::Ended(Exit::Done);
        }
        let any = |exit: Exit| ends.iter().any(|(_, status, _)| status.code() == Some(exit as i32));
        if is_interrupted || any(Exit::Interrupted) {
            return End::Ended(Exit::Interrupted);
        }
        // One that ended by an error of its own has said so, and would end by it again.
        for exit in [Exit::Usage, Exit::Failed] {
            if any(exit) {
                return End::Ended(exit);
            }
        }
        // One that was killed or cut off before those that ended because of it, and these before those that were killed here.
        let order = |(rank, status, when): &&(usize, ExitStatus, Instant)| {
            (self.ranks[*rank].killed, status.code() == Some(Exit::RankLost as i32), *when)
        };
        let first = ends.iter().filter(|(_, status, _)| !status.success()).min_by_key(order);
        let stuck = self.ranks.iter().position(|rank| rank.killed);
        let failure = match (first, stuck) {
            (Some((_, status, _)), Some(stuck)) if status.code() == Some(Exit::RankLost as i32) => {
                format!("{} did not answer any more and was ended", self.name(stuck))
            }
            (Some((rank, status, _)), _) => format!("{} {}", self.name(*rank), in_words(*status)),
            (None, _) => String::new(),
        };
        // A remote shell that cannot reach its host, or lost it, says so by this code; others wait for its rank meanwhile.
        let of = |is_gone: fn(&Rank) -> bool| -> BTreeSet<String> {
            self.ranks.iter().filter(|rank| is_gone(rank)).filter_map(|rank| rank.host.clone()).collect()
        };
        let unreached = of(|rank| rank.end.is_some_and(|(status, _)| status.code() == Some(255)));
        let gone = if unreached.is_empty() { of(|rank| rank.killed) } else { unreached };
        let resume_from = self.resume_from.lock().unwrap_or_else(PoisonError::into_inner).clone();
        End::Failed { failure, resume_from, gone }
    }

    /// A rank as messages call it.
    fn name(&self, rank: usize) -> String {
        let place = self.ranks[rank].host.as_ref().map_or(String::new(), |host| format!(" on {host}"));
        format!("rank {rank} of {}{place}", self.ranks.len())
    }

    fn kill(&mut self) {
        for rank in &mut self.ranks {
            if rank.end.is_none() && !std::mem::replace(&mut rank.killed, true) {
                let _ = rank.child.kill();
            }
        }
    }
}

impl Rank {
    /// Ends it after its step. A signal would end a remote shell, and not what it runs.
    fn ask_to_end(&mut self) {
        #[cfg(unix)]
        if self.host.is_none() {
            let process = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
            return;
        }
        // It ends when nobody holds its standard input any more.
        self.child.stdin = None;
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A secret that these ranks alone know.
fn random_key() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers for a key: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// How a process ended.
fn in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was killed by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "was killed".into(),
    }
}
