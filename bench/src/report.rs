//! The JSON line that a program ends with.

use fireclay::backend::peak_memory_bytes;
use serde_json::{Value, json};

use crate::{Flags, Measured, Task, Workload};

/// Prints what was measured, as one line on standard output.
#[allow(clippy::print_stdout, reason = "this line is the program's result")]
pub fn report(
    framework: &str,
    versions: &[(&str, String)],
    flags: &Flags,
    workload: &Workload,
    measured: &Measured,
) {
    let versions: serde_json::Map<String, Value> =
        versions.iter().map(|(name, version)| (name.to_string(), json!(version))).collect();
    let mut line = json!({
        "framework": framework,
        "variant": "default",
        "versions": versions,
        "workload": workload.name.word(),
        "task": flags.task.word(),
        "precision": flags.precision,
        "threads": flags.threads(),
        "seed": flags.seed,
        "batch_size": if matches!(flags.task, Task::Latency | Task::Predictor) { 1 } else { workload.batch_size },
        "loss": measured.loss,
        "accuracy": measured.accuracy,
        "samples": measured.samples,
        "seconds": measured.seconds,
        "peak_memory_bytes": peak_memory_bytes(),
    });
    let mut add = |name: &str, value: Value| line[name] = value;
    if let Some(samples_per_s) = measured.samples_per_s {
        add("samples_per_s", json!(samples_per_s));
    }
    if let Some(latency_us) = measured.latency_us {
        add("latency_us", json!(latency_us));
    }
    if !measured.epochs.is_empty() {
        add("epoch_seconds", measured.epochs.iter().map(|epoch| epoch.seconds).collect());
        add("epoch_losses", measured.epochs.iter().map(|epoch| epoch.loss).collect());
    }
    println!("{line}");
}

/// The version of a package that this was built with, or an empty text.
pub fn locked_version(package: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next().and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or_default().trim_matches('"').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_pinned_one() {
        assert_eq!(locked_version("burn"), "0.22.1");
        assert_eq!(locked_version("no-such-package"), "");
    }
}
