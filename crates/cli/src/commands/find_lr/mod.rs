//! `find-lr`: the learning rate range test (Smith 2015) of the training that the same flags of `train` would be.
//!
//! A command of its own for the sweep; what is printed is in `show`, the page in `page`.

mod page;
mod progress;
mod show;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use fireclay::data::write_atomically;
use fireclay::nn::Model;
use fireclay::prelude::{Dataset, Device, ModelSpec, Optimizer, Trainer};
use fireclay::train::{
    Callback, LearningRateCurve, LearningRateFinder, NoSuggestion, SuggestionRule, SweepEnd,
};

use self::progress::SweepProgress;
use crate::command::Command;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::count;
use crate::interrupt::InterruptOnCtrlC;
use crate::model_args::bucketed;
use crate::objective::Objective;
use crate::output::Output;
use crate::output_file::check_output;
use crate::program::{DataSourceArgs, DataSpec, ModelName, Preprocessing, Program};
use crate::recipe::Recipe;
use crate::retyped::retyped;
use crate::setup::{Prepared, SetupArgs};

/// Finds a learning rate.
#[derive(Args, Debug)]
pub struct FindLr<P: Program> {
    /// Model, data and recipe.
    #[command(flatten)]
    pub setup: SetupArgs<P>,
    /// Learning rate of the first step, more than 0
    #[arg(
        long,
        value_name = "RATE",
        default_value_t = 1e-7,
        allow_negative_numbers = true,
        help_heading = "Sweep"
    )]
    pub min_learning_rate: f64,
    /// Learning rate of the last step, more than that of the first
    #[arg(
        long,
        value_name = "RATE",
        default_value_t = 10.0,
        allow_negative_numbers = true,
        help_heading = "Sweep"
    )]
    pub max_learning_rate: f64,
    /// Training steps, 10 or more, from each of which to the next the learning rate grows by the same factor
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        allow_negative_numbers = true,
        value_parser = sweep_steps,
        help_heading = "Sweep"
    )]
    pub sweep_steps: usize,
    /// Page to write with the plot, in HTML [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Sweep")]
    pub plot: Option<PathBuf>,
}

fn sweep_steps(text: &str) -> Result<usize, String> {
    let steps = text.parse().ok().filter(|steps| *steps >= LearningRateFinder::FEWEST_STEPS);
    steps.ok_or_else(|| format!("it is a number of steps, {} or more", LearningRateFinder::FEWEST_STEPS))
}

/// A sweep that was made, with everything that is said of it.
struct Swept {
    /// The model's name.
    model: String,
    parameters: usize,
    train: Dataset,
    recipe: Recipe,
    preprocessing: Vec<String>,
    finder: LearningRateFinder,
    curve: LearningRateCurve,
    /// The rates that the rules choose, if the loss falls.
    chosen: Result<Chosen, NoSuggestion>,
    /// The command that trains with the suggestion.
    command: Option<String>,
}

/// Rates with two digits: neighbours on a curve differ by more than a third digit says.
#[derive(Clone, Copy)]
struct Chosen {
    /// A tenth of the rate at the lowest smoothed loss.
    suggestion: f64,
    /// Where the smoothed loss falls most steeply.
    steepest: f64,
}

impl<P: Program> Command for FindLr<P> {
    const NAME: &'static str = "find-lr";
    const ABOUT: &'static str =
        "Find a learning rate: train a few steps with a growing one, and plot the losses";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let finder = LearningRateFinder {
            min_learning_rate: self.min_learning_rate,
            max_learning_rate: self.max_learning_rate,
            steps: self.sweep_steps,
            ..LearningRateFinder::default()
        };
        finder.check().map_err(UsageError::of)?;
        self.plot.as_deref().map_or(Ok(()), check_plot)?;
        let setup = &self.setup;
        let has_validation = P::has_validation(&setup.source.source());
        let usual = Recipe { has_validation, ..setup.model.usual_recipe() };
        setup.training.refuse_private(
            "nothing with find-lr, which sees the samples without being counted; --learning-rate of train is yours to choose",
        )?;
        setup.training.apply(usual).map_err(UsageError::of)?;
        let own = setup.model.own_spec()?;
        let interrupt = InterruptOnCtrlC::install()?;
        let device = setup.device.open()?;
        // The test part is dropped unseen.
        let Prepared { train, preprocessing, chosen, recipe, .. } = setup.prepare(own.as_ref(), output)?;
        super::train::check_classes(&train)?;
        let (model, spec) = match own {
            Some(spec) => ("your own".to_owned(), spec),
            None => (chosen.name(), chosen.spec(&DataSpec::of(&train))),
        };
        let train = bucketed(train, &spec)?;
        let parameters = spec.summary()?.parameters();
        show::announce::<P>(&model, parameters, &train, &recipe, &finder, setup, output);
        let trainer = self.trainer(&spec, &train, &recipe, &device)?;
        let callbacks: Vec<Box<dyn Callback>> =
            vec![Box::new(SweepProgress::new(output.clone(), finder.steps)), Box::new(interrupt.clone())];
        let options = recipe.options(setup.training.seed);
        let curve = trainer.find_learning_rate_with(&train, &options, &finder, callbacks)?;
        match curve.ended {
            SweepEnd::Interrupted => {
                let [done, steps] = [curve.points.len(), finder.steps].map(|steps| count(steps as u64));
                output.line(format!("interrupted after {done} of {steps} steps"));
                return Ok(Exit::Interrupted);
            }
            SweepEnd::NotFinite | SweepEnd::Diverged => interrupt.runs_ended(),
            _ => {}
        }
        let chosen = curve.suggestion().and_then(|suggestion| {
            let steepest = curve.suggest(SuggestionRule::SteepestDescent)?;
            let [suggestion, steepest] = [suggestion, steepest].map(|of| two_digits(of.learning_rate));
            Ok(Chosen { suggestion, steepest })
        });
        let command = chosen.as_ref().ok().map(|chosen| train_command::<P>(chosen.suggestion));
        let preprocessing = preprocessing.describe();
        let swept = Swept { model, parameters, train, recipe, preprocessing, finder, curve, chosen, command };
        show::show(&swept, output);
        if let Some(path) = &self.plot {
            let html = page::report::<P>(&swept, setup).to_html()?;
            write_atomically(path, |out| out.write_all(html.as_bytes()))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        show::conclude(&swept, setup, self.plot.as_deref(), output);
        Ok(Exit::Done)
    }
}

impl<P: Program> FindLr<P> {
    /// The network as `train` would begin with it.
    fn trainer(
        &self,
        spec: &ModelSpec,
        train: &Dataset,
        recipe: &Recipe,
        device: &Device,
    ) -> anyhow::Result<Trainer<Model>> {
        device.seed(self.setup.training.seed);
        let network = spec.build(device).map_err(UsageError::of)?;
        let counts = train.class_counts();
        Ok(Objective::of(train)
            .trainer(network, recipe.label_smoothing, recipe.balanced.then_some(counts.as_slice()))
            .optimizer(recipe.optimizer.clone())
            .groups(recipe.groups.clone()))
    }
}

/// Refuses a place where no page can be written.
fn check_plot(path: &Path) -> anyhow::Result<()> {
    let is_page = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("html") || end.eq_ignore_ascii_case("htm"));
    if !is_page {
        let problem = "the plot is a page in HTML, whose name ends in .html".to_owned();
        let path = path.to_path_buf();
        return Err(UsageError::of(CommandError::Out { path, problem, flag: "--plot" }));
    }
    check_output(path, "--plot")
}

/// The command that trains with a learning rate, and else as the flags say.
fn train_command<P: Program>(rate: f64) -> String {
    let of_sweep = ["--min-learning-rate", "--max-learning-rate", "--sweep-steps", "--plot"];
    let with = ["--learning-rate".to_owned(), rate.to_string()];
    retyped::<P>(FindLr::<P>::NAME, "train", &of_sweep, &with)
}

/// A rate as people write it.
fn written(rate: f64) -> String {
    match (1e-3..1e4).contains(&rate) {
        true => rate.to_string(),
        false => format!("{rate:e}"),
    }
}

/// A rate with two digits, so that it can be typed.
fn two_digits(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

impl Swept {
    /// Why there are no further steps, as the end of a sentence.
    fn ended(&self) -> String {
        match self.curve.ended {
            SweepEnd::Diverged => {
                let factor = self.finder.divergence_factor;
                format!("the smoothed loss was more than {factor} times its lowest value")
            }
            SweepEnd::NotFinite => "the loss was no longer finite".into(),
            _ => format!("all {} steps were done", count(self.finder.steps as u64)),
        }
    }

    /// What one should be warned by.
    fn note(&self) -> Option<String> {
        let largest = written(self.finder.max_learning_rate);
        (self.chosen.is_ok() && self.curve.still_falls()).then(|| {
            format!("the loss was still falling at the largest learning rate, {largest}; go further with --max-learning-rate")
        })
    }

    /// The rate that the recipe has.
    fn usual(&self) -> f64 {
        self.recipe.optimizer.learning_rate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_can_be_typed() {
        let typed = [0.0031622, 9.96e-5, 2.4999, 1e-7].map(|rate| two_digits(rate).to_string());
        assert_eq!(typed, ["0.0032", "0.0001", "2.5", "0.0000001"]);
    }
}
