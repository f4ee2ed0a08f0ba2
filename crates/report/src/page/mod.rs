//! The page about one run, a file for each of its sections.

mod calibration;
mod cells;
mod classes;
mod confidence;
mod confusion;
mod curves;
mod data;
mod examples;
mod frame;
mod importance;
mod labels;
mod language;
mod measures;
mod model;
mod numbers;
mod opening;
mod reproduce;
mod scored;
mod timings;
mod training;

use crate::data::{RunReport, Task};
use crate::error::ReportError;

pub use calibration::bins;
pub use frame::{Section, page, scroll};
pub use measures::{ends, unit_of, value_in, value_like};
pub use reproduce::settings;
pub use training::{NAMED, families, named_curves};

impl RunReport {
    /// The page as one HTML file.
    ///
    /// # Errors
    /// If the data contradicts itself, see [`RunReport::check`].
    pub fn to_html(&self) -> Result<String, ReportError> {
        self.check()?;
        let mut sections = vec![measures::section(self)];
        match &self.task {
            Some(Task::Classification(task)) => {
                let scored = scored::Scored::new(task);
                sections.push(classes::section(task, scored.as_ref()));
                sections.push(scored.map(|scored| confidence::section(task, &scored)));
            }
            Some(Task::MultiLabel(task)) => sections.push(labels::section(task)),
            Some(Task::Regression(task)) => sections.extend(
                task.targets.iter().zip(1..).map(|(target, number)| numbers::section(target, number)),
            ),
            Some(Task::Language(task)) => sections.push(language::section(task, &self.epochs)),
            None => {}
        }
        sections.push(importance::section(self));
        sections.push(examples::mistakes(self)?);
        sections.push(training::section(self));
        sections.push(data::section(self));
        sections.push(examples::augmented(self)?);
        sections.push(model::section(self));
        sections.push(timings::section(self));
        sections.push(reproduce::section(self));
        let sections: Vec<Section> = sections.into_iter().flatten().collect();
        Ok(page(&self.title, "Training report", &self.program, opening::opening(self), &sections))
    }
}
