//! `--check`: tries what a training needs, in a minute or two, and says what it found. Nothing is saved.

mod command;
mod data;
mod device;
mod files;
mod lines;

use std::sync::Arc;
use std::time::Duration;

use fireclay::backend::peak_memory_bytes;
use fireclay::prelude::DeviceName;
use fireclay::runs::RunFolder;

use self::command::without_check;
use self::lines::Lines;
use super::begin::begin;
use super::flags::Train;
use super::job::Job;
use super::run::{check_flags, with_digests};
use crate::exit::{Exit, UsageError};
use crate::format::bytes;
use crate::output::Output;
use crate::program::Program;
use crate::records::{CheckedDevice, TrainingCheckRecord};

/// What all devices together may take. Reading the data comes on top, and steps that take longer than their part of it.
const LIMIT: Duration = Duration::from_secs(80);

/// Checks a training.
pub fn run<P: Program>(flags: &Train<P>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let own = check_flags(flags)?;
    let names = flags.setup.device.each()?;
    if let Some(name) = &flags.logging.run {
        RunFolder::check(&flags.logging.runs_dir, Some(name)).map_err(UsageError::of)?;
    }
    output.note("checking; nothing is trained for good, and nothing is saved");
    let mut lines = Lines::new(output);
    let mut record = TrainingCheckRecord::default();
    match begin::<P>(own, flags, output) {
        Ok(job) => try_out(job, flags, &names, &mut lines, &mut record)?,
        Err(error) if error.is::<UsageError>() => return Err(error),
        Err(error) => lines.problem("data", format!("{error:#}")),
    }
    let usable = record.devices.iter().find(|device| device.total_seconds.is_some());
    let device = usable.map_or_else(|| names[0].to_string(), |device| device.device.clone());
    let typed = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    record.command = without_check(P::NAME, typed, &device);
    record.ready = lines.problems.is_empty();
    (record.problems, record.warnings) = (lines.problems, lines.warnings);
    output.record(&record);
    output.line(match (record.problems.len(), record.warnings.len()) {
        (0, 0) => format!("\nready to train: {}", record.command),
        (0, 1) => format!("\nready to train, with the warning above: {}", record.command),
        (0, some) => format!("\nready to train, with the {some} warnings above: {}", record.command),
        (1, _) => format!("\nnot ready to train: {}", record.problems[0]),
        (some, _) => format!("\nnot ready to train: {some} problems, marked with ✗ above"),
    });
    Ok(if record.ready { Exit::Done } else { Exit::Failed })
}

/// Tries out a training whose data was read.
fn try_out<P: Program>(
    job: Job<P>,
    flags: &Train<P>,
    names: &[DeviceName],
    lines: &mut Lines,
    record: &mut TrainingCheckRecord,
) -> anyhow::Result<()> {
    record.model = Some(job.state.model.clone());
    record.data = Some(data::say(&job, lines));
    let job = with_digests(job);
    let limit = LIMIT / names.len().max(1) as u32;
    let minutes = flags.setup.training.minutes;
    for name in names {
        record.devices.push(device::say(&job, *name, minutes, limit, lines)?);
    }
    record.peak_memory_bytes = peak_memory_bytes();
    if let Some(peak) = record.peak_memory_bytes {
        lines.fine("memory", format!("{} at most so far, with the data and some steps", bytes(peak)));
    }
    let check = record.devices.iter().find_map(|CheckedDevice { check, .. }| check.as_ref());
    record.files = Some(files::say(&job, flags, check, lines));
    Ok(())
}
