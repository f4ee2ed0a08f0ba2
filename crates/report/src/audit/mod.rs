//! The page of an audit, a file for each of its parts.

mod calibration;
mod fairness;
mod opening;
mod privacy;
mod robustness;
mod words;

use maud::html;

use crate::data::AuditReport;
use crate::error::ReportError;
use crate::page::{Section, page};
use crate::words::{capitalised, shortened};

impl AuditReport {
    /// The page as one HTML file.
    ///
    /// # Errors
    /// If the data contradicts itself, see [`AuditReport::check`].
    pub fn to_html(&self) -> Result<String, ReportError> {
        self.check()?;
        let robustness = self.robustness.as_ref().map(robustness::section).transpose()?;
        let sections = [
            self.privacy.as_ref().map(privacy::section),
            robustness,
            self.fairness.as_ref().map(fairness::section),
            self.calibration.as_ref().map(calibration::section),
            left_out(self),
        ];
        let sections: Vec<Section> = sections.into_iter().flatten().collect();
        Ok(page(&self.title, "Model audit", &self.version, opening::opening(self), &sections))
    }
}

fn left_out(report: &AuditReport) -> Option<Section> {
    if report.left_out.is_empty() {
        return None;
    }
    let body = html! {
        p { "Of these parts this page says nothing, neither good nor bad." }
        dl.facts {
            @for (name, reason) in &report.left_out {
                div {
                    dt { (shortened(&capitalised(name), 60)) }
                    dd { (shortened(reason, 1000)) }
                }
            }
        }
    };
    Some(Section::new("not-measured", "Not measured", body))
}
