//! The page that compares several runs.

mod curves;
mod measures;
mod settings;
mod timings;

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::data::RunReport;
use crate::error::ReportError;
use crate::page::{Section, page};
use crate::words::list;

/// Two runs or more, side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comparison {
    /// The page's title.
    pub title: String,
    /// The program and its version.
    pub program: String,
    /// The runs, in the order of the columns.
    pub runs: Vec<ComparedRun>,
}

/// A run with the name that it has in a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparedRun {
    /// A short name.
    pub name: String,
    /// The run.
    pub report: RunReport,
}

impl ComparedRun {
    /// A run with a short name.
    pub fn new(name: impl Into<String>, report: RunReport) -> Self {
        Self { name: name.into(), report }
    }
}

impl Comparison {
    /// The page as one HTML file.
    ///
    /// # Errors
    /// [`ReportError::TooFewRuns`] with fewer than two runs, and what is wrong with one of them, see [`RunReport::check`].
    pub fn to_html(&self) -> Result<String, ReportError> {
        if self.runs.len() < 2 {
            return Err(ReportError::TooFewRuns { found: self.runs.len() });
        }
        for run in &self.runs {
            run.report.check()?;
        }
        let runs = &self.runs;
        let sections =
            [measures::section(runs), settings::section(runs), curves::section(runs), timings::section(runs)];
        let sections: Vec<Section> = sections.into_iter().flatten().collect();
        Ok(page(&self.title, "Comparison of runs", &self.program, opening(runs), &sections))
    }
}

fn opening(runs: &[ComparedRun]) -> Markup {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let differing = settings::differing(runs);
    let differ: Vec<&str> = differing.iter().map(|setting| setting.name.as_str()).collect();
    let mut sentences = vec![format!("This page compares {} runs: {}.", runs.len(), list(&names))];
    match differ.as_slice() {
        [] => sentences.push("No setting that is known differs between them.".into()),
        few if few.len() <= 4 => sentences.push(format!("They differ in {}.", list(few))),
        many => sentences.push(format!("They differ in {} settings.", many.len())),
    }
    sentences.extend(measures::verdict(runs));
    html! {
        p.lead { (sentences.join(" ")) }
    }
}
