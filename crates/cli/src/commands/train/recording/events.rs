//! What TensorBoard is told besides the course of the training: settings, and pictures at the end.

use fireclay::report::{Content, Generated, Picture, ReportError, RunReport, Task};
use fireclay::runs::RunFolder;
use fireclay::tensorboard::{EventWriter, HParamValue, ResumeAt, SessionStatus, Summary};
use fireclay::train::History;

/// The side of a cell of the confusion matrix, in pixels, and the greatest side of all of it.
const CELL: usize = 24;
const MOST_CELLS: usize = 50;

/// The settings as hyper-parameters, by which runs are compared.
pub fn hparams(report: &RunReport) -> Vec<(String, HParamValue)> {
    let settings = report.settings.iter().flat_map(|group| &group.settings);
    let value = |text: &str| match (text.parse::<f64>(), text) {
        (Ok(number), _) if number.is_finite() => HParamValue::from(number),
        (_, "true") => HParamValue::from(true),
        (_, "false") => HParamValue::from(false),
        (_, text) => HParamValue::from(text),
    };
    settings.map(|(name, text)| (name.clone(), value(text))).collect()
}

/// The run in words, as Markdown.
pub fn description(report: &RunReport) -> String {
    let mut text = format!("# {}\n\n", report.title);
    if let Some(command) = &report.command {
        text.push_str(&format!("`{command}`\n\n"));
    }
    text.push_str("| setting | value |\n|---|---|\n");
    for (name, value) in report.settings.iter().flat_map(|group| &group.settings) {
        text.push_str(&format!("| {name} | {} |\n", value.replace('|', "\\|")));
    }
    text
}

/// Adds mistakes, augmented pictures, the confusion matrix and the final measures, and ends the session.
///
/// # Errors
/// If the file cannot be written.
pub fn finish(folder: &RunFolder, report: &RunReport, history: &History) -> anyhow::Result<()> {
    let mut writer = EventWriter::resume(folder.path(), ResumeAt::End)?;
    let step = report.steps.last().map_or(history.epochs.len() as u64, |step| step.step);
    let mut summaries = Vec::new();
    let pictures = report.mistakes.iter().filter_map(|mistake| match &mistake.content {
        Content::Picture(picture) => Some(picture),
        _ => None,
    });
    let mistakes = pngs(pictures)?;
    if !mistakes.is_empty() {
        summaries.push(Summary::images("images/mistakes", &mistakes)?);
    }
    let augmented = pngs(report.augmented.iter().flat_map(|shown| &shown.after))?;
    if !augmented.is_empty() {
        summaries.push(Summary::images("images/augmented", &augmented)?);
    }
    if let Some(matrix) = report.task.as_ref().and_then(confusion) {
        summaries.push(Summary::images("images/confusion_matrix", &[matrix.to_png()?])?);
    }
    let texts: Vec<String> = (report.mistakes.iter())
        .filter_map(|mistake| match &mistake.content {
            Content::Text(text) => {
                Some(format!("- **{}**, predicted **{}**: {text}\n", mistake.truth, mistake.predicted))
            }
            _ => None,
        })
        .collect();
    if !texts.is_empty() {
        summaries.push(Summary::text("mistakes", texts.concat()));
    }
    if let Some(Task::Language(task)) = &report.task
        && !task.generated.is_empty()
    {
        let texts: Vec<String> = task.generated.iter().map(written).collect();
        summaries.push(Summary::text("generated", texts.concat()));
    }
    let measures = report
        .measures
        .iter()
        .filter_map(|measure| Some(Summary::scalar(format!("test/{}", measure.name), measure.value? as f32)));
    summaries.extend(measures);
    if !summaries.is_empty() {
        writer.write(step, summaries)?;
    }
    writer.end_session(step, SessionStatus::Success)?;
    writer.flush()?;
    Ok(())
}

fn pngs<'a>(pictures: impl Iterator<Item = &'a Picture>) -> Result<Vec<Vec<u8>>, ReportError> {
    pictures.map(Picture::to_png).collect()
}

/// A text that the network wrote, with what it was drawn, as Markdown.
fn written(text: &Generated) -> String {
    let temperature = text.temperature.map(|temperature| format!("temperature {temperature}"));
    let settings: Vec<String> = temperature.into_iter().chain(text.sampling.clone()).collect();
    let prompt = if text.prompt.is_empty() { String::new() } else { format!("**{}**", text.prompt) };
    format!("- {prompt}{} *({})*\n", text.text, settings.join(", "))
}

/// The confusion matrix as a picture: a row for each class, the darker the more of its samples.
fn confusion(task: &Task) -> Option<Picture> {
    let Task::Classification(task) = task else { return None };
    let classes = task.classes.len();
    if !(2..=MOST_CELLS).contains(&classes) {
        return None;
    }
    let mut counts = vec![0usize; classes * classes];
    for (truth, predicted) in task.truth.iter().zip(&task.predicted) {
        *counts.get_mut(truth * classes + predicted)? += 1;
    }
    let side = classes * CELL;
    let mut bytes = Vec::with_capacity(side * side);
    for y in 0..side {
        let row = &counts[y / CELL * classes..][..classes];
        let all = row.iter().sum::<usize>().max(1) as f64;
        bytes.extend((0..side).map(|x| (255.0 * (1.0 - row[x / CELL] as f64 / all)).round() as u8));
    }
    Some(Picture { width: side, height: side, bytes })
}
