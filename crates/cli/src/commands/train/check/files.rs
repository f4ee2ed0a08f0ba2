//! The files that a training writes: whether they can be written, and whether there is room for them.

use std::path::{Path, PathBuf};

use fireclay::runs::RunFolder;
use fireclay::train::TrainingCheck;

use super::super::flags::Train;
use super::super::job::Job;
use super::lines::Lines;
use crate::format::{bytes, shown};
use crate::program::Program;
use crate::records::CheckedFiles;

/// Says where the training writes, how much, and whether that can be done. The model file's place was looked at before the data.
pub fn say<P: Program>(
    job: &Job<P>,
    flags: &Train<P>,
    check: Option<&TrainingCheck>,
    lines: &mut Lines,
) -> CheckedFiles {
    let logging = &flags.logging;
    let has_run = flags.out.is_none() || logging.run.is_some();
    let description = serde_json::to_vec(&job.state.spec).map_or(0, |text| text.len() as u64);
    let model = check.map(|check| check.model_bytes + description);
    let kept = if job.recipe.best.keep { check.map_or(0, |check| check.weights_bytes) } else { 0 };
    let checkpoint = check.and_then(|check| check.first_steps.checkpoint_bytes).map(|bytes| bytes + kept);
    let checkpoints = match (has_run, logging.keep_checkpoints.unwrap_or(0)) {
        // Some epochs', the best one where there is one, and the last one.
        (true, some @ 1..) => some.min(job.recipe.epochs) as u64 + u64::from(job.monitor().is_some()) + 1,
        _ => 1,
    };
    // A file is written beside the one that it replaces.
    let needed =
        checkpoint.map(|size| (checkpoints + 1).saturating_mul(size).saturating_add(2 * model.unwrap_or(0)));

    let out = job.state.out.clone();
    let (of_run, problem) = match has_run {
        false => (None, None),
        true => {
            let problem = RunFolder::check(&logging.runs_dir, logging.run.as_deref()).err();
            (Some(logging.runs_dir.clone()), problem.map(|error| format!("{:#}", anyhow::Error::new(error))))
        }
    };
    let place = of_run.clone().unwrap_or_else(|| out.clone());
    let free = free_bytes(&place);
    let size =
        |bytes_of: Option<u64>| bytes_of.map_or(String::new(), |size| format!(" (about {})", bytes(size)));
    let mut text = match &of_run {
        Some(runs) => format!(
            "{}{} and a folder in {} with checkpoints{} can be written",
            shown(&out),
            size(model),
            shown(runs),
            size(checkpoint)
        ),
        None => format!(
            "{}{} and a checkpoint beside it{} can be written",
            shown(&out),
            size(model),
            size(checkpoint)
        ),
    };
    if let Some(free) = free {
        text.push_str(&format!("; {} are free", bytes(free)));
    }
    let mut problems: Vec<String> = problem.into_iter().collect();
    if let (Some(needed), Some(free)) = (needed, free)
        && needed > free
    {
        problems.push(format!(
            "the training writes about {}, and {} are free where {} is; make room, or choose another --out or --runs-dir",
            bytes(needed),
            bytes(free),
            shown(&place)
        ));
    }
    let fine = problems.is_empty().then_some(text);
    lines.found("files", fine, problems, Vec::new());
    CheckedFiles {
        out: shown(&out),
        runs: of_run.as_deref().map(shown),
        model_bytes: model,
        checkpoint_bytes: checkpoint,
        needed_bytes: needed,
        free_bytes: free,
    }
}

/// How many bytes are free where a file or folder is, or is going to be; `None` if the system does not say.
fn free_bytes(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    path.ancestors().find(|folder| folder.exists()).and_then(|folder| fs4::available_space(folder).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_measured_where_a_file_is_going_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let free = free_bytes(&folder.path().join("not/there/yet")).unwrap();
        assert!(free > 0 && free_bytes(Path::new("not-there-yet")).is_some());
    }
}
