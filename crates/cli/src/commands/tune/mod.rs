//! `tune`: searches for the settings of a training that give the lowest loss on validation samples.
//!
//! A command of its own for the search; what may be set is in `space`, what one trial does in `trial`.

mod space;
mod trial;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use clap::Args;
use fireclay::prelude::ModelSpec;
use fireclay::tune::{
    Header, Journal, Outcome, Search, SearchOptions, Settings, Trial, TrialResult, importance,
};
use serde::Serialize;

use self::space::Tunable;
use self::trial::Bench;
use crate::command::Command;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::{count, seconds, shown};
use crate::interrupt::InterruptOnCtrlC;
use crate::output::Output;
use crate::output_file::check_output;
use crate::program::{DataSourceArgs, DataSpec, ModelName, Preprocessing, Program};
use crate::retyped::retyped;
use crate::setup::{Prepared, SetupArgs};

/// Trials that begin in a bracket, and of how many one goes on to the next rung.
const BRACKET: usize = 9;
const KEEP: usize = 3;

/// How a file begins that a search has written.
const FOUND: &str = "# Found by tune:";

/// How many of the best trials are measured again, and the share of the time that the trials themselves have.
const CONFIRMED: usize = 3;
const SHARE_OF_TRIALS: f64 = 0.6;

/// Minutes that a search takes unless flags say otherwise.
const MINUTES: f64 = 5.0;

/// Searches for good settings.
#[derive(Args, Debug)]
// Of one training it says something else.
#[command(mut_arg("minutes", |flag| flag.help_heading("Search").help(
    "Minutes that the search may take, about: after the first bracket of trials it is decided how many there are [default: 5]"
)))]
pub struct Tune<P: Program> {
    /// Model, data, and what is not searched for.
    #[command(flatten)]
    pub setup: SetupArgs<P>,
    /// Brackets of trials to run, however long they take [default: as many as fit into --minutes]
    #[arg(long, value_name = "N", conflicts_with = "minutes", help_heading = "Search",
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub brackets: Option<u32>,
    /// What is searched and within which bounds, in TOML: a table for each setting, such as `learning_rate` with low, high
    /// and log, or with low, high and integer [default: the model's; printed by --print-space]
    #[arg(long, value_name = "FILE", help_heading = "Search")]
    pub space: Option<PathBuf>,
    /// Print the space as TOML, to copy and change, and do nothing else
    #[arg(long, help_heading = "Search")]
    pub print_space: bool,
    /// Trials that run at the same time; each has the same result as by itself
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Search",
        value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallel: u16,
    /// Journal of the trials, written as the search goes on; the same command goes on from it
    #[arg(long, value_name = "FILE", default_value = "tune.jsonl", help_heading = "Search")]
    pub journal: PathBuf,
    /// File to write for the best network, where it is not one that has a name [default: that of the journal, with .toml]
    #[arg(long, value_name = "FILE", help_heading = "Search")]
    pub write_spec: Option<PathBuf>,
}

/// A trial that has ended, for programs.
#[derive(Serialize)]
#[serde(tag = "type", rename = "trial")]
struct TrialRecord<'a> {
    number: usize,
    bracket: usize,
    epochs: usize,
    settings: &'a Settings,
    score: Option<f64>,
    seconds: f64,
}

/// The end of a search, for programs.
#[derive(Serialize)]
#[serde(tag = "type", rename = "tuned")]
struct Tuned<'a> {
    measure: &'a str,
    settings: &'a Settings,
    epochs: usize,
    score: Option<f64>,
    usual: Option<f64>,
    importance: Vec<(String, f64)>,
    trials: usize,
    command: &'a str,
}

impl<P: Program> Command for Tune<P> {
    const NAME: &'static str = "tune";
    const ABOUT: &'static str =
        "Search for the settings of a training that give the lowest loss on held-out training samples";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        // A journal that is there is gone on with.
        if !self.journal.is_file() {
            check_output(&self.journal, "--journal")?;
        }
        self.check_spec()?;
        let setup = &self.setup;
        let unused = [
            ("--validation-split", setup.training.validation_split.is_some()),
            ("--keep-best", setup.training.keep_best.is_some()),
            ("--patience", setup.training.patience.is_some()),
            ("--validation", setup.source.names_validation()),
        ];
        if let Some((flag, _)) = unused.into_iter().find(|(_, given)| *given) {
            return Err(UsageError::of(CommandError::NotInSearch { flag }));
        }
        setup.training.refuse_private(
            "nothing in a search, as many trainings on the same samples spend more than one",
        )?;
        let interrupt = InterruptOnCtrlC::install()?;
        let device = setup.device.open()?;
        let own = setup.model.own_spec()?;
        // The test part is dropped unseen.
        let Prepared { train, data: source, preprocessing, chosen: model, recipe, .. } =
            setup.prepare(own.as_ref(), output)?;
        super::train::check_classes(&train)?;
        let settings = P::settings(&source, &preprocessing, &train);
        let settings: BTreeMap<&str, String> =
            settings.into_iter().map(|(name, value)| (name, value.to_string())).collect();
        let data = DataSpec::of(&train);
        let tunable = Tunable::of(model, own.as_ref(), &data, &recipe, &setup.training);
        let space = tunable.space(self.space.as_deref(), &recipe)?;
        if self.print_space {
            output.line(tunable.to_toml(&space).trim_end());
            return Ok(Exit::Done);
        }
        let usual = tunable.usual(&space);
        let bench = Bench::new(train, model, own, data, recipe, setup.training.seed, device, interrupt)?;
        let options = SearchOptions {
            seed: setup.training.seed,
            rungs: rungs(bench.recipe.epochs),
            keep: KEEP,
            bracket: BRACKET,
            random_brackets: 1,
            first: vec![usual],
        };
        let context = serde_json::json!({
            "program": P::NAME,
            "model": if setup.model.spec.is_some() { "your own".to_owned() } else { model.name() },
            "network": bench.network(&Settings::default()),
            "settings": settings,
            "optimizer": bench.recipe.optimizer,
            "recipe": format!("{:?}", bench.recipe),
            "preprocessing": preprocessing.describe(),
            "device": setup.device.device().to_string(),
            "data": bench.data_facts(),
        });
        let header = Header { space, options, context };
        let opened = Journal::open_or_create(&self.journal, header);
        let (journal, search) = opened.with_context(|| {
            format!(
                "the search cannot go on from {}; name another --journal, or remove it",
                shown(&self.journal)
            )
        })?;
        self.search(bench, journal, search, output)
    }
}

impl<P: Program> Tune<P> {
    /// Where the best network is written.
    fn spec_path(&self) -> PathBuf {
        self.write_spec.clone().unwrap_or_else(|| self.journal.with_extension("toml"))
    }

    /// Refuses to write over anything but what a search has written.
    fn check_spec(&self) -> anyhow::Result<()> {
        let path = self.spec_path();
        let is_ours = || std::fs::read_to_string(&path).is_ok_and(|text| text.starts_with(FOUND));
        if path.exists() && !is_ours() {
            let problem = "it is there already, and no search wrote it".to_owned();
            return Err(UsageError::of(CommandError::Out { path, problem, flag: "--write-spec" }));
        }
        check_output(&path, "--write-spec")
    }

    fn minutes(&self) -> f64 {
        self.setup.training.minutes.unwrap_or(MINUTES)
    }

    fn search(
        &self,
        bench: Bench<P::Model>,
        mut journal: Journal,
        mut search: Search,
        output: &Arc<Output>,
    ) -> anyhow::Result<Exit> {
        let known = search.results().len();
        let measure = bench.measure();
        output.progress_line(format!(
            "{}: {} samples, {} of them held out for validation{}; each trial is measured by {measure}",
            bench.name(),
            count(bench.samples() as u64),
            count(bench.held_out() as u64),
            if bench.folds() > 1 { format!(", {} times anew", bench.folds()) } else { String::new() },
        ));
        if known > 0 {
            output.note(format!("going on with the {known} trials of {}", shown(&self.journal)));
        }
        loop {
            let done = search.brackets_done();
            let planned = journal.plan().map(|plan| plan.brackets);
            let wanted = match (self.brackets, done) {
                // What was decided is kept, so that a search ends as it would have.
                (None, _) if planned.is_some() => planned.unwrap_or(1),
                (Some(brackets), _) => brackets as usize,
                (None, 0) => 1,
                (None, _) => {
                    let seconds = SHARE_OF_TRIALS * self.minutes() * 60.0 * f64::from(self.parallel);
                    journal.plan_brackets(&search, seconds)?
                }
            };
            if done >= wanted {
                break;
            }
            if done == 1 && self.brackets.is_none() {
                output.note(format!("{wanted} brackets fit into {} minutes", self.minutes()));
            }
            let ended = self.run_trials(&bench, search.ready(), &mut journal, &mut search, output)?;
            if !ended {
                return Ok(interrupted::<P>(output));
            }
        }
        self.conclude(&bench, &search, output)
    }

    /// Runs trials, some at the same time, and keeps each in the journal when it has ended. False if it was interrupted.
    fn run_trials(
        &self,
        bench: &Bench<P::Model>,
        trials: Vec<Trial>,
        journal: &mut Journal,
        search: &mut Search,
        output: &Arc<Output>,
    ) -> anyhow::Result<bool> {
        let waiting = Mutex::new(trials.into_iter());
        let books = Mutex::new((journal, search));
        let work = || -> anyhow::Result<bool> {
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(trial) = next else { return Ok(true) };
                let Some(outcome) = bench.run(&trial.settings, trial.resource)? else { return Ok(false) };
                let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
                let (journal, search) = &mut *books;
                say_trial(&trial, outcome, bench.measure(), output);
                journal.report(search, trial.number, trial.rung, outcome)?;
            }
        };
        let ended: Vec<anyhow::Result<bool>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.parallel).map(|_| scope.spawn(work)).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect()
        });
        let ended: Vec<bool> = ended.into_iter().collect::<Result<_, _>>()?;
        Ok(ended.into_iter().all(|ended| ended))
    }

    /// Says what is best, what it is worth, and how to train it.
    fn conclude(&self, bench: &Bench<P::Model>, search: &Search, output: &Output) -> anyhow::Result<Exit> {
        // Of any rung: more epochs are not always better, so their number is found too.
        let score = |result: &TrialResult| result.outcome.score.unwrap_or(f64::INFINITY);
        let mut results = search.results();
        let trials = results.iter().map(|result| result.trial.number + 1).max().unwrap_or(0);
        results.retain(|result| result.outcome.score.is_some());
        results.sort_by(|a, b| score(a).total_cmp(&score(b)));
        let mut best: Option<(TrialResult, Outcome)> = None;
        output.note("measuring the usual recipe and the best trials on other splits");
        let Some(usual) = bench.confirm(&Settings::default(), bench.recipe.epochs)? else {
            return Ok(interrupted::<P>(output));
        };
        for result in results.into_iter().take(CONFIRMED) {
            let trial = &result.trial;
            let Some(outcome) = bench.confirm(&trial.settings, trial.resource)? else {
                return Ok(interrupted::<P>(output));
            };
            let known = best.as_ref().and_then(|(_, best)| best.score).unwrap_or(f64::INFINITY);
            if outcome.score.is_some_and(|score| score < known) {
                best = Some((result, outcome));
            }
        }
        let Some((best, confirmed)) = best else {
            return Err(CommandError::NoTrial { journal: self.journal.clone() }.into());
        };
        let settings = &best.trial.settings;
        let named = |score: Option<f64>| score.map_or("failed".to_owned(), |score| format!("{score:.4}"));
        let measure = bench.measure();
        output.line(format!("\nbest of {trials} trials: {} epochs, {settings}", best.trial.resource));
        output.line(format!(
            "{measure} on other splits of the training samples, the mean of {}: {}, with the usual recipe {}",
            bench.confirming_folds(),
            named(confirmed.score),
            named(usual.score)
        ));
        let importance = importance(search);
        if !importance.is_empty() {
            output
                .line("\nsetting         share of the differences between trials that it explains by itself");
            for (name, share) in &importance {
                let bar = "█".repeat((share * 30.0).round() as usize);
                output.line(format!("{name:<15} {:>4.0} %  {bar}", 100.0 * share));
            }
        }
        let mut flags = Tunable::flags(settings);
        if best.trial.resource != bench.recipe.epochs {
            flags.extend(["--epochs".to_owned(), best.trial.resource.to_string()]);
        }
        if bench.changes_network(settings) {
            let spec: ModelSpec = bench.network(settings);
            let toml = format!("{FOUND} {settings}\n{}", spec.to_toml()?);
            let path = self.spec_path();
            fireclay::data::write_atomically(&path, |file| file.write_all(toml.as_bytes())).map_err(
                |error| CommandError::Out {
                    path: path.clone(),
                    problem: error.to_string(),
                    flag: "--write-spec",
                },
            )?;
            flags.splice(0..0, ["--spec".to_owned(), shown(&path)]);
        }
        let is_better = match (confirmed.score, usual.score) {
            (Some(best), Some(usual)) => best < usual,
            (best, _) => best.is_some(),
        };
        if !is_better {
            output.line("\nthe usual recipe is as good: train without these settings, or search for longer");
            flags.clear();
        }
        let command = command_line::<P>("train", &flags);
        output.line(format!("\ntrain it: {command}"));
        let (score, usual) = (confirmed.score, usual.score);
        let epochs = best.trial.resource;
        let command = &command;
        output.record(&Tuned { measure, settings, epochs, score, usual, importance, trials, command });
        Ok(Exit::Done)
    }
}

/// Says how an interrupted search goes on.
fn interrupted<P: Program>(output: &Output) -> Exit {
    let command = command_line::<P>("tune", &[]);
    output.line(format!("interrupted; the same command goes on: {command}"));
    Exit::Interrupted
}

/// A line for a trial that has ended.
fn say_trial(trial: &Trial, outcome: Outcome, measure: &str, output: &Output) {
    let score = outcome.score.map_or("failed".to_owned(), |score| format!("{measure} {score:.4}"));
    let epochs = if trial.resource == 1 { "epoch" } else { "epochs" };
    output.progress_line(format!(
        "trial {:>3}, {} {epochs}: {score}  {}  {}",
        trial.number,
        trial.resource,
        seconds(outcome.seconds),
        trial.settings
    ));
    output.record(&TrialRecord {
        number: trial.number,
        bracket: trial.bracket,
        epochs: trial.resource,
        settings: &trial.settings,
        score: outcome.score,
        seconds: outcome.seconds,
    });
}

/// Epochs of the rungs: a ninth, a third and all of them.
fn rungs(epochs: usize) -> Vec<usize> {
    let mut rungs = vec![epochs.div_ceil(9), epochs.div_ceil(3), epochs];
    rungs.dedup();
    rungs
}

/// The command that was typed, as another one: without the flags of the search, and with others.
fn command_line<P: Program>(name: &str, flags: &[String]) -> String {
    const OF_SEARCH: [&str; 6] =
        ["--minutes", "--brackets", "--space", "--parallel", "--journal", "--write-spec"];
    let without = if name == "tune" { &[][..] } else { &OF_SEARCH };
    retyped::<P>("tune", name, without, flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_a_ninth_a_third_and_all() {
        assert_eq!(rungs(36), [4, 12, 36]);
        assert_eq!(rungs(5), [1, 2, 5]);
        assert_eq!(rungs(1), [1]);
    }
}
