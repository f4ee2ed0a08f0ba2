//! The page about a learning rate range test.

mod figures;
mod values;

use maud::{Markup, html};

use crate::data::LearningRateReport;
use crate::error::ReportError;
use crate::format::{count, number};
use crate::page::{Section, page, settings};
use crate::words::{capitalised, shortened};

impl LearningRateReport {
    /// The page as one HTML file.
    ///
    /// # Errors
    /// [`ReportError::LearningRate`] if a learning rate is not more than 0.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let suggested = self.suggestion.iter().chain(self.others.iter().map(|other| &other.1));
        for found in self.steps.iter().map(|step| &step.learning_rate).chain(suggested) {
            if !(*found > 0.0 && found.is_finite()) {
                return Err(ReportError::LearningRate { found: *found });
            }
        }
        let sections = [figures::section(self), training(self), values::section(self)];
        let sections: Vec<Section> = sections.into_iter().flatten().collect();
        Ok(page(&self.title, "Learning rate range test", &self.program, opening(self), &sections))
    }
}

fn opening(report: &LearningRateReport) -> Markup {
    let mut sentences = vec![report.summary.clone()];
    match report.suggestion {
        Some(rate) if report.reason.is_empty() => {
            sentences.push(format!("The suggested learning rate is {}.", number(rate)));
        }
        Some(rate) => {
            sentences.push(format!("The suggested learning rate is {}, {}.", number(rate), report.reason));
        }
        None if report.reason.is_empty() => {}
        None => sentences.push(format!("There is no suggestion: {}", report.reason)),
    }
    let lead: Vec<String> = sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect();
    let mut tiles: Vec<(String, String)> = Vec::new();
    tiles.extend(report.suggestion.map(|rate| ("Suggested".to_owned(), number(rate))));
    tiles.extend(report.others.iter().map(|(name, rate)| (capitalised(name), number(*rate))));
    if !report.steps.is_empty() {
        tiles.push(("Steps".into(), count(report.steps.len() as u64)));
    }
    html! {
        @if !lead.is_empty() {
            p.lead { (lead.join(" ")) }
        }
        @for note in &report.notes {
            p.notice { (note) }
        }
        @if !tiles.is_empty() {
            dl.tiles {
                @for (name, value) in tiles {
                    div {
                        dt { (name) }
                        dd {
                            strong { (value) }
                        }
                    }
                }
            }
        }
    }
}

fn training(report: &LearningRateReport) -> Option<Section> {
    if report.command.is_none() && report.settings.is_empty() && report.environment.is_none() {
        return None;
    }
    let body = html! {
        @if let Some(command) = &report.command {
            p { "This command trains with the suggested learning rate:" }
            pre.command tabindex="0" {
                code { (shortened(command, 4000)) }
            }
        }
        (settings(&report.settings, report.environment.as_ref()))
    };
    let title = if report.command.is_some() { "How to train with it" } else { "How it was made" };
    Some(Section::new("training", title, body))
}
