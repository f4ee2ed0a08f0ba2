//! `launch`: a training on several processes, its ranks, on this host or on several.
//!
//! `ranks` starts processes and waits for their end; `host` is how a process is started on a host. What becomes of a training whose
//! rank died is decided here: it ends with the command that resumes, or begins again from its last checkpoint.

mod host;
mod ranks;

use std::ffi::OsString;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use fireclay::distribute::{Engine, Place};

use crate::command::Command;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::{called, quoted, shown};
use crate::interrupt::InterruptOnCtrlC;
use crate::output::Output;
use crate::program::Program;
use host::Host;
use ranks::{End, Ranks};

/// Never asks, which nobody would see, and finds out within 15 seconds that a host is gone.
const SSH: &str = "ssh -T -o BatchMode=yes -o ServerAliveInterval=5";

/// Starts a training on several processes.
#[derive(Args, Debug)]
pub struct Launch<P: Program> {
    /// Processes that train together, each on a part of every batch; with --hosts, on all of them together [default: one for each
    /// host]
    #[arg(long, value_name = "N", required_unless_present = "hosts")]
    ranks: Option<NonZeroUsize>,
    /// Hosts to train on, separated by commas, instead of this one; the first has rank 0. The program and the data must be at the same
    /// paths there
    #[arg(long, value_name = "HOST,...", value_delimiter = ',')]
    hosts: Vec<String>,
    /// Command that runs a shell on a host, whose name is added; the shell is told on standard input what to run
    #[arg(long, value_name = "COMMAND", default_value = SSH, requires = "hosts")]
    remote_shell: String,
    /// Port on which rank 0 waits for the others [default: any that is free on this host, 29417 on another]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// What carries numbers between ranks: auto takes shared memory on one host and encrypted TCP between hosts
    #[arg(long, value_name = "ENGINE", default_value = "auto", value_parser = engine)]
    engine: Engine,
    /// CPU threads of each rank, unless train's --threads says so [default: the cores, shared among the ranks of a host]
    #[arg(long, value_name = "N")]
    threads_of_rank: Option<NonZeroUsize>,
    /// Begin again from the last checkpoint, up to so many times, where a rank dies or is cut off
    #[arg(long, value_name = "N", default_value_t = 0)]
    restarts: usize,
    /// With --restarts, go on without hosts that are gone while there are so many ranks [default: all of them]
    #[arg(long, value_name = "N", requires_all = ["hosts", "restarts"])]
    min_ranks: Option<NonZeroUsize>,
    /// The command of each rank: train and its flags
    #[arg(last = true, required = true, value_name = "train")]
    command: Vec<OsString>,
    #[arg(skip)]
    program: PhantomData<P>,
}

fn engine(name: &str) -> Result<Engine, String> {
    match name.parse() {
        Ok(Engine::Mpi) => Err("ranks that talk over MPI are started by mpirun, without launch".into()),
        Ok(engine) => Ok(engine),
        Err(error) => Err(error.to_string()),
    }
}

impl<P: Program> Command for Launch<P> {
    const NAME: &'static str = "launch";
    const ABOUT: &'static str = "Train on several processes, on this host or on several";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        self.check().map_err(UsageError::of)?;
        let interrupt = InterruptOnCtrlC::install()?;
        let mut hosts = self.hosts();
        let mut command = self.command(output);
        let mut from: Option<String> = None;
        let mut restarts = 0;
        loop {
            let words = self.words(&hosts);
            let ranks = Ranks::start(&hosts, &self.starting(&words), &command, output)?;
            let end = ranks.wait(&interrupt);
            let (failure, resume_from, gone) = match end {
                End::Ended(exit) => return Ok(exit),
                End::Failed { failure, resume_from, gone } => (failure, resume_from, gone),
            };
            from = resume_from.or(from);
            let Some(from) = from.as_ref().filter(|_| restarts < self.restarts) else {
                let resume = |from: &String| {
                    let from = quoted(&shown(Path::new(from)));
                    format!("{} {words} -- train --resume {from}", called(P::NAME))
                };
                return Err(CommandError::RankLost { failure, resume: from.as_ref().map(resume) }.into());
            };
            restarts += 1;
            let is_left = |host: &&Host| host.name.as_ref().is_none_or(|name| !gone.contains(name));
            let left: Vec<Host> = hosts.iter().filter(is_left).cloned().collect();
            if self.min_ranks.is_some_and(|fewest| total(&left) >= fewest.get()) {
                hosts = left;
            }
            output.warn(format!(
                "{failure}; going on from {} with {} (restart {restarts} of {})",
                shown(Path::new(from)),
                ranks_in_words(total(&hosts)),
                self.restarts
            ));
            command = resumed(&self.command(output), from);
        }
    }
}

fn total(hosts: &[Host]) -> usize {
    hosts.iter().map(|host| host.ranks).sum()
}

fn ranks_in_words(ranks: usize) -> String {
    if ranks == 1 { "1 rank".into() } else { format!("{ranks} ranks") }
}

/// What all ranks of a start have in common.
struct Starting {
    /// The words before `train` in a command that does it again.
    words: String,
    remote_shell: String,
    port: Option<u16>,
    engine: Engine,
    threads: Option<NonZeroUsize>,
}

impl<P: Program> Launch<P> {
    /// The command of each rank, with what `launch` itself was told of the output.
    fn command(&self, output: &Output) -> Vec<OsString> {
        let mut command = self.command.clone();
        for (flag, is_on) in [("--json", output.is_json()), ("--quiet", output.is_quiet())] {
            if is_on && !command.iter().any(|word| word == flag) {
                command.push(flag.into());
            }
        }
        command
    }

    fn check(&self) -> Result<(), CommandError> {
        let wrong = |problem: String| Err(CommandError::Launch { problem });
        match self.command.first() {
            Some(first) if first == "train" => {}
            first => {
                let found = first.map_or("nothing".into(), |first| first.to_string_lossy().into_owned());
                return wrong(format!("it starts train, and found {found} behind --"));
            }
        }
        for flag in ["--check", "--dashboard", "--print-config"] {
            if self.command.iter().any(|word| word == flag) {
                return wrong(format!("{flag} is for one process; leave out launch, or the flag"));
            }
        }
        if let Some(host) = self.hosts.iter().find(|host| host.is_empty() || host.starts_with('-')) {
            return wrong(format!("'{host}' is no name of a host"));
        }
        let ranks = self.ranks.map_or(self.hosts.len(), NonZeroUsize::get);
        if ranks < self.hosts.len() {
            let (ranks, hosts) = (ranks_in_words(ranks), self.hosts.len());
            return wrong(format!("--ranks asks for {ranks} on {hosts} hosts; give each host one or more"));
        }
        if let Some(fewest) = self.min_ranks.filter(|fewest| fewest.get() > ranks) {
            return wrong(format!("--min-ranks is {fewest}, and there are {ranks}"));
        }
        Ok(())
    }

    /// The hosts with their ranks: as many on each, or one more on the first ones.
    fn hosts(&self) -> Vec<Host> {
        let ranks = self.ranks.map_or(self.hosts.len(), NonZeroUsize::get);
        if self.hosts.is_empty() {
            return vec![Host { name: None, ranks }];
        }
        let count = self.hosts.len();
        let host = |(at, name): (usize, &String)| Host {
            name: Some(name.clone()),
            ranks: ranks / count + usize::from(at < ranks % count),
        };
        self.hosts.iter().enumerate().map(host).collect()
    }

    /// The words of a command that starts as many ranks on the same hosts.
    fn words(&self, hosts: &[Host]) -> String {
        let mut words = format!("launch --ranks {}", total(hosts));
        let names: Vec<&str> = hosts.iter().filter_map(|host| host.name.as_deref()).collect();
        if !names.is_empty() {
            words += &format!(" --hosts {}", quoted(&names.join(",")));
            if self.remote_shell != SSH {
                words += &format!(" --remote-shell {}", quoted(&self.remote_shell));
            }
        }
        if let Some(port) = self.port {
            words += &format!(" --port {port}");
        }
        if let Some(threads) = self.threads_of_rank {
            words += &format!(" --threads-of-rank {threads}");
        }
        if self.engine != Engine::default() {
            words += &format!(" --engine {}", self.engine.name());
        }
        words
    }

    fn starting(&self, words: &str) -> Starting {
        Starting {
            words: words.to_owned(),
            remote_shell: self.remote_shell.clone(),
            port: self.port.or((!self.hosts.is_empty()).then_some(Place::PORT)),
            engine: self.engine,
            threads: self.threads_of_rank,
        }
    }
}

/// The command that goes on from a checkpoint: as it was typed where that resumes too, else with what was said of the output, the device and the
/// model file.
fn resumed(command: &[OsString], from: &str) -> Vec<OsString> {
    if let Some(at) = command.iter().position(|word| word == "--resume") {
        let mut resumed = command.to_vec();
        resumed.truncate(at + 1);
        resumed.push(from.into());
        resumed.extend(command.iter().skip(at + 2).cloned());
        return resumed;
    }
    let mut resumed: Vec<OsString> = vec!["train".into(), "--resume".into(), from.into()];
    let mut words = command.iter().skip(1);
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        match &*text {
            "--json" | "--quiet" | "-q" => resumed.push(word.clone()),
            "--device" | "--threads" | "--out" => {
                resumed.push(word.clone());
                resumed.extend(words.next().cloned());
            }
            _ if ["--device=", "--threads=", "--out="].iter().any(|flag| text.starts_with(flag)) => {
                resumed.push(word.clone());
            }
            _ => {}
        }
    }
    resumed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_goes_on_with_its_output_and_its_device() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let command =
            words("train --model cnn --out a.fireclay --json --seed 3 --device=flex --threads 2 -q");
        let expected = "train --resume runs/cnn-1 --out a.fireclay --json --device=flex --threads 2 -q";
        assert_eq!(resumed(&command, "runs/cnn-1"), words(expected));
        let again = words("train --resume runs/a --data-dir moved -q");
        assert_eq!(resumed(&again, "runs/b"), words("train --resume runs/b --data-dir moved -q"));
    }
}
