//! What stands under the title: the facts, and one sentence for each part.

use maud::{Markup, html};

use super::{calibration, fairness, privacy, robustness};
use crate::data::AuditReport;
use crate::words::shortened;

pub fn opening(report: &AuditReport) -> Markup {
    let parts = [
        ("privacy", "Privacy", report.privacy.as_ref().map(privacy::finding)),
        ("robustness", "Robustness", report.robustness.as_ref().map(robustness::finding)),
        ("fairness", "Fairness", report.fairness.as_ref().map(fairness::finding)),
        ("calibration", "Calibration", report.calibration.as_ref().map(calibration::finding)),
    ];
    let findings: Vec<_> =
        parts.into_iter().filter_map(|(id, name, finding)| Some((id, name, finding?))).collect();
    html! {
        @if !report.facts.is_empty() {
            dl.facts {
                @for (name, value) in &report.facts {
                    div {
                        dt { (shortened(name, 60)) }
                        dd { (shortened(value, 1000)) }
                    }
                }
            }
        }
        @if !findings.is_empty() {
            ul.findings {
                @for (id, name, finding) in &findings {
                    li {
                        a href={ "#" (id) } { (name) }
                        p { (finding) }
                    }
                }
            }
        }
    }
}
