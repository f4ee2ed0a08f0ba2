//! Whether the lists of a report fit each other, before anything is computed from them.

mod audit;

use crate::data::{Classification, Content, MultiLabel, Picture, Regression, RunReport, Scores, Task};
use crate::error::ReportError;

pub use audit::STRENGTHS;

impl RunReport {
    /// Checks that lists are as long as each other, classes exist, and pictures have as many bytes as pixels.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), ReportError> {
        match &self.task {
            Some(Task::Classification(task)) => classification(task)?,
            Some(Task::MultiLabel(task)) => multi_label(task)?,
            Some(Task::Regression(task)) => regression(task)?,
            Some(Task::Language(_)) | None => {}
        }
        for (number, example) in self.mistakes.iter().enumerate() {
            if let Content::Picture(shown) = &example.content {
                check_picture(shown, format!("mistake {}", number + 1))?;
            }
        }
        for (number, augmented) in self.augmented.iter().enumerate() {
            for shown in augmented.after.iter().chain([&augmented.before]) {
                check_picture(shown, format!("augmented sample {}", number + 1))?;
            }
        }
        Ok(())
    }
}

pub fn length(what: impl Into<String>, expected: usize, found: usize) -> Result<(), ReportError> {
    if found == expected { Ok(()) } else { Err(ReportError::Length { what: what.into(), expected, found }) }
}

fn scores(scores: &Scores, expected: usize) -> Result<(), ReportError> {
    let (Scores::Probabilities(values) | Scores::Logits(values)) = scores;
    length("scores", expected, values.len())
}

fn classification(task: &Classification) -> Result<(), ReportError> {
    let (samples, classes) = (task.truth.len(), task.classes.len());
    length("predicted classes", samples, task.predicted.len())?;
    for (what, list) in [("truth", &task.truth), ("predicted", &task.predicted)] {
        if let Some((sample, found)) = list.iter().enumerate().find(|(_, class)| **class >= classes) {
            return Err(ReportError::Class { what, sample, found: *found, classes });
        }
    }
    match &task.scores {
        // Of two classes the second alone will do.
        Some(Scores::Probabilities(values) | Scores::Logits(values))
            if classes == 2 && values.len() == samples =>
        {
            Ok(())
        }
        Some(values) => scores(values, samples * classes),
        None => Ok(()),
    }
}

fn multi_label(task: &MultiLabel) -> Result<(), ReportError> {
    let labels = task.labels.len();
    let samples = task.truth.len().checked_div(labels).unwrap_or(0);
    length("true labels", samples * labels, task.truth.len())?;
    length("predicted labels", task.truth.len(), task.predicted.len())?;
    task.scores.as_ref().map_or(Ok(()), |values| scores(values, task.truth.len()))
}

fn regression(task: &Regression) -> Result<(), ReportError> {
    for target in &task.targets {
        let (name, samples) = (&target.name, target.truth.len());
        length(format!("predictions of {name:?}"), samples, target.predicted.len())?;
        if let Some(intervals) = &target.intervals {
            length(format!("lower ends of intervals of {name:?}"), samples, intervals.lower.len())?;
            length(format!("upper ends of intervals of {name:?}"), samples, intervals.upper.len())?;
        }
    }
    Ok(())
}

/// Refuses a picture that has not as many bytes as pixels.
pub fn check_picture(picture: &Picture, what: String) -> Result<(), ReportError> {
    let (width, height, found) = (picture.width, picture.height, picture.bytes.len());
    let pixels = width.checked_mul(height).filter(|pixels| *pixels > 0);
    let fits = pixels.is_some_and(|pixels| found == pixels || pixels.checked_mul(3) == Some(found));
    if fits { Ok(()) } else { Err(ReportError::Picture { what, width, height, found }) }
}
