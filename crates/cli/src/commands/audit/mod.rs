//! `audit`: what a model gives away of its training samples, how easily it is fooled, what it does to groups, and whether its
//! probabilities are right.
//!
//! Each part has a file and fills its part of an [`AuditReport`]; `lines` prints that, `--json` and `--report` write the same.

mod calibration;
mod fairness;
mod lines;
mod privacy;
mod robustness;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use fireclay::audit::{Answers, Temperature};
use fireclay::data::{Dataset, write_atomically};
use fireclay::prelude::{Device, Trainer};
use fireclay::report::AuditReport;
use fireclay::store::{ModelCard, ModelFile};

use crate::augment::Augment;
use crate::command::Command;
use crate::commands::evaluate::{load_test, source_for};
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::{count, shown};
use crate::interrupt::InterruptOnCtrlC;
use crate::limit::Limit;
use crate::objective::Objective;
use crate::output::Output;
use crate::output_file::{check_output, same_file};
use crate::program::{Program, SourceOf};
use crate::recipe::{adversarial_training, privacy_spent};
use crate::records::AuditRecord;

/// Measures what a saved classifier gives away, how easily it is fooled, what it does to groups, and whether its probabilities are right.
#[derive(Args, Debug)]
pub struct Audit<P: Program> {
    /// Model file to audit
    #[arg(value_name = "MODEL", default_value = P::MODEL_FILE)]
    pub from: PathBuf,
    /// Which parts, separated by commas [default: all that there are for the model]
    #[arg(long, value_name = "PARTS", value_enum, value_delimiter = ',', help_heading = "Audit")]
    pub only: Vec<AuditPart>,
    /// Privacy: models that are trained as this one was, each on other samples, to compare it with (LiRA); an even number, or 0 for the threshold of
    /// the loss alone. Each takes as long as the training of the model
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Audit")]
    pub shadows: usize,
    /// Privacy: random augmentation of training images, as `train` had it, which a model file does not keep [default: none]
    #[arg(long, value_name = "STEPS", help_heading = "Audit")]
    pub augment: Option<Augment>,
    /// Robustness: test samples that are attacked and damaged, spread evenly over them
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Audit",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: u32,
    /// Robustness: how much a value of a pixel, from 0 to 1, may change under attack (FGSM, PGD), separated by commas
    /// [default: 0.05,0.1,0.2,0.3 in one channel, 1/255,2/255,4/255,8/255 in three]
    #[arg(long, value_name = "STRENGTHS", value_delimiter = ',', value_parser = robustness::strength, help_heading = "Audit")]
    pub strengths: Vec<f64>,
    /// Robustness: steps of PGD
    #[arg(long, value_name = "N", default_value_t = 40, help_heading = "Audit")]
    pub steps: usize,
    /// Fairness: column of the table whose values are the groups; many different numbers make four groups
    #[arg(long, value_name = "COLUMN", help_heading = "Audit")]
    pub group: Option<String>,
    /// Fairness: class whose rates are compared [default: the last one]
    #[arg(long, value_name = "CLASS", requires = "group", help_heading = "Audit")]
    pub positive: Option<String>,
    /// Calibration: write the model with its logits divided by the temperature that fits these samples, so that its probabilities are right
    #[arg(long, value_name = "FILE", help_heading = "Audit")]
    pub calibrated: Option<PathBuf>,
    /// Write everything as a page
    #[arg(long, value_name = "FILE.html", help_heading = "Audit")]
    pub report: Option<PathBuf>,
    /// Seed of the shadow models and of random changes
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Audit")]
    pub seed: u64,
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// A part of an audit.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditPart {
    /// Who can tell whether a sample was trained on
    Privacy,
    /// How many answers stay right where samples are changed
    Robustness,
    /// What the model does to groups
    Fairness,
    /// Whether probabilities are what they say
    Calibration,
}

impl AuditPart {
    fn name(self) -> &'static str {
        match self {
            AuditPart::Privacy => "privacy",
            AuditPart::Robustness => "robustness",
            AuditPart::Fairness => "fairness",
            AuditPart::Calibration => "calibration",
        }
    }
}

/// What all parts look at.
struct Subject<'a, P: Program> {
    flags: &'a Audit<P>,
    source: SourceOf<P>,
    card: ModelCard,
    trainer: Trainer<fireclay::prelude::Model>,
    test: Dataset,
    /// What the model says of the test samples.
    answers: Answers,
    device: Device,
    interrupt: InterruptOnCtrlC,
    output: &'a Arc<Output>,
}

/// A part that was measured, or why it was not.
enum Outcome<T> {
    Measured(T),
    LeftOut(String),
    Interrupted,
}

impl<P: Program> Command for Audit<P> {
    const NAME: &'static str = "audit";
    const ABOUT: &'static str =
        "Measure what a model gives away, how easily it is fooled, and whether it is fair and calibrated";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let interrupt = InterruptOnCtrlC::install()?;
        let device = self.device.open()?;
        self.check()?;
        let _precision = self.device.in_precision(&device, output);
        // Both at the start: what is said, and written, is of one and the same file, whatever becomes of it in the hours of an audit.
        let file = ModelFile::load(&self.from)?;
        if self.calibrated.is_some() {
            Temperature::check(&file).map_err(UsageError::of)?;
        }
        let trainer = Trainer::load(&self.from, &device)?;
        let card = file.card.clone();
        let source = source_for::<P>(&self.source, &self.from, &card)?;
        let test = load_test::<P>(&source, self.limit, &card, output)?;
        if Objective::of(&test) != Objective::Classification {
            let path = self.from.clone();
            return Err(UsageError::of(CommandError::NoClassifier { path, command: "audit" }));
        }
        let answers = Answers::of(&trainer.predictions(&test)?)?.with_threshold(card.threshold);
        let subject =
            Subject { flags: &self, source, card, trainer, test, answers, device, interrupt, output };
        let Some(report) = subject.report()? else {
            output.line("interrupted; nothing was written");
            return Ok(Exit::Interrupted);
        };
        lines::print(&report, output);
        output.record(&AuditRecord::new(&self.from, file.card.weights_sha256.clone(), report.clone()));
        if let Some(path) = &self.report {
            let html = report.to_html()?;
            write_atomically(path, |file| std::io::Write::write_all(file, html.as_bytes()))?;
            output.line(format!("wrote {}", shown(path)));
        }
        if let Some(path) = &self.calibrated {
            subject.save_calibrated(file, &report, path)?;
        }
        Ok(Exit::Done)
    }
}

impl<P: Program> Audit<P> {
    /// What the flags alone decide.
    fn check(&self) -> anyhow::Result<()> {
        for (path, flag) in [(&self.report, "--report"), (&self.calibrated, "--calibrated")] {
            if let Some(path) = path {
                check_output(path, flag)?;
                if same_file(&self.from, path) {
                    return Err(UsageError::of(CommandError::SameFile { path: path.clone(), flag }));
                }
            }
        }
        if let (Some(one), Some(other)) = (&self.report, &self.calibrated)
            && (one == other || same_file(one, other))
        {
            return Err(UsageError::of(CommandError::SameOutputs { path: one.clone() }));
        }
        if self.shadows > 0 {
            fireclay::audit::ShadowPlan::new(2, self.shadows, 0).map_err(UsageError::of)?;
        }
        let attack = fireclay::train::Attack { steps: self.steps, ..fireclay::train::Attack::pgd(0.0) };
        attack.check().map_err(UsageError::of)?;
        let without = |part| !self.only.is_empty() && !self.only.contains(&part);
        if self.calibrated.is_some() && without(AuditPart::Calibration) {
            let (flag, part) = ("--calibrated", AuditPart::Calibration.name());
            return Err(UsageError::of(CommandError::PartLeftOut { flag, part }));
        }
        if self.group.is_some() && without(AuditPart::Fairness) {
            let (flag, part) = ("--group", AuditPart::Fairness.name());
            return Err(UsageError::of(CommandError::PartLeftOut { flag, part }));
        }
        if self.only.contains(&AuditPart::Fairness) && self.group.is_none() {
            return Err(UsageError::of(CommandError::NoGroup));
        }
        Ok(())
    }
}

impl<P: Program> Subject<'_, P> {
    /// All parts; nothing if it was interrupted.
    fn report(&self) -> anyhow::Result<Option<AuditReport>> {
        let mut report = AuditReport {
            title: shown(&self.flags.from),
            facts: self.facts(),
            version: format!("{} {}", P::NAME, env!("CARGO_PKG_VERSION")),
            ..AuditReport::default()
        };
        let wants = |part| self.flags.only.is_empty() || self.flags.only.contains(&part);
        // What takes long comes last.
        for part in [AuditPart::Calibration, AuditPart::Fairness, AuditPart::Robustness, AuditPart::Privacy] {
            let outcome = match part {
                _ if !wants(part) => Outcome::LeftOut("it was not asked for".into()),
                AuditPart::Calibration => self.calibration().map(|found| report.calibration = Some(found)),
                AuditPart::Fairness => self.fairness()?.map(|found| report.fairness = Some(found)),
                AuditPart::Robustness => self.robustness()?.map(|found| report.robustness = Some(found)),
                AuditPart::Privacy => self.privacy()?.map(|found| report.privacy = Some(found)),
            };
            match outcome {
                Outcome::Measured(()) => {}
                Outcome::LeftOut(reason) => report.left_out.push((part.name().into(), reason)),
                Outcome::Interrupted => return Ok(None),
            }
        }
        report.left_out.reverse();
        Ok(Some(report))
    }

    /// What the model is, in a few rows.
    fn facts(&self) -> Vec<(String, String)> {
        let test = self.test.provenance();
        let samples = P::samples(&self.test);
        let mut facts = vec![(
            "measured on".to_owned(),
            format!("{}, {} split, {} {samples}", test.name, test.split, count(self.test.len() as u64)),
        )];
        if let Some(dataset) = &self.card.dataset {
            let trained = format!("{}, {} samples", dataset.name, count(dataset.samples as u64));
            facts.push(("trained on".into(), trained));
        }
        let training = self.card.training.as_ref();
        if let Some(privacy) = training.and_then(|training| training.privacy.as_ref()) {
            facts.push(("training".into(), privacy_spent(privacy)));
        }
        if let Some(adversarial) = training.and_then(adversarial_training) {
            facts.push(("training".into(), adversarial));
        }
        facts
    }

    /// Writes the model with the temperature in it.
    fn save_calibrated(
        &self,
        file: ModelFile,
        report: &AuditReport,
        path: &std::path::Path,
    ) -> anyhow::Result<()> {
        let temperature = report.calibration.as_ref().and_then(|calibration| calibration.temperature);
        let Some(temperature) = temperature else {
            return Err(CommandError::NoTemperature { path: self.flags.from.clone() }.into());
        };
        let calibrated = Temperature(temperature).apply(file)?;
        calibrated.save(path)?;
        self.output.line(format!("saved {}, whose probabilities are calibrated", shown(path)));
        Ok(())
    }
}

impl<T> Outcome<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Outcome::Measured(found) => Outcome::Measured(change(found)),
            Outcome::LeftOut(reason) => Outcome::LeftOut(reason),
            Outcome::Interrupted => Outcome::Interrupted,
        }
    }
}
