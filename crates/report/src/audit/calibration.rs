//! Whether the model is right as often as it says.

use maud::{Markup, html};

use super::words::{few, no_samples, of_hundred};
use crate::charts::{figure, reliability};
use crate::data::{CalibrationAudit, CalibrationScores};
use crate::format::{counted, number, number_like, precise_percent};
use crate::page::{Section, bins, scroll};

/// The sentence of the opening.
pub fn finding(audit: &CalibrationAudit) -> Markup {
    if audit.samples == 0 {
        return html! { "Nothing can be said: it was measured on no samples." };
    }
    let expected = |scores: &CalibrationScores| of_hundred(scores.expected_calibration_error);
    html! {
        "Of a hundred answers, as many are right as it says, give or take "
        strong { (expected(&audit.before)) }
        " on average"
        @if let Some(after) = &audit.after {
            "; "
            strong { (expected(after)) }
            (with(audit.temperature))
        }
        "."
    }
}

/// What was done between the first scores and the second.
fn with(temperature: Option<f64>) -> String {
    match temperature {
        Some(temperature) => format!(" with a temperature of {}", number(temperature)),
        None => " after temperature scaling".into(),
    }
}

pub fn section(audit: &CalibrationAudit) -> Section {
    let body = match audit.samples {
        0 => no_samples(),
        samples => html! {
            p {
                "Where it is 80\u{a0}% sure, is it right 80 times of a hundred? This was measured on "
                (counted(samples, "answer"))
                " and holds for samples like these only: on samples of another kind the same model may be far too sure. Nor does it say how often \
                 the model is right."
            }
            (few(samples))
            @if audit.bins.iter().any(|bin| bin.samples > 0) {
                div.figures.tabled {
                    ({
                        figure(
                            "Calibration",
                            reliability(&audit.bins, samples, audit.before.expected_calibration_error),
                            html! {},
                            "On the dashes the model is right as often as it says; below them it is too sure of itself, above them not sure enough. \
                             Whiskers are 95\u{a0}% intervals; a hollow point stands for fewer than 10 answers.",
                        )
                    })
                    (bins(&audit.bins))
                }
            }
            (scores(audit))
        },
    };
    Section::new("calibration", "Calibration", body)
}

fn scores(audit: &CalibrationAudit) -> Markup {
    type Score = (&'static str, fn(&CalibrationScores) -> f64, fn(f64, f64) -> String);
    let in_percent: fn(f64, f64) -> String = |value, _| precise_percent(value);
    let rows: [Score; 3] = [
        ("Expected calibration error", |scores| scores.expected_calibration_error, in_percent),
        ("Log loss", |scores| scores.log_loss, number_like),
        ("Brier score", |scores| scores.brier, number_like),
    ];
    let after = audit.temperature.map_or_else(
        || "After temperature scaling".to_owned(),
        |temperature| format!("With a temperature of {}", number(temperature)),
    );
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Score" }
                    th.number scope="col" { "As it is" }
                    @if audit.after.is_some() {
                        th.number scope="col" { (after) }
                    }
                }
            }
            tbody {
                @for (name, score, written) in &rows {
                    tr {
                        th scope="row" { (name) }
                        td.number { (written(score(&audit.before), score(&audit.before))) }
                        @if let Some(after) = &audit.after {
                            td.number { (written(score(after), score(&audit.before))) }
                        }
                    }
                }
            }
        }
    };
    html! {
        h3 { "Scores" }
        (scroll("Scores of the probabilities", table))
        p.caption {
            "0 is perfect in each. Expected calibration error: how far confidence and the share of right answers are apart on average. Log loss: how \
             surprised the probabilities are by the truth. Brier score: the squared error of the probabilities, from 0 to 2."
            @if let Some(temperature) = audit.temperature {
                " A temperature of "
                (number(temperature))
                " divides the logits before they become probabilities, which makes the model "
                @if temperature < 1.0 { "more" } @else { "less" }
                " sure of itself and changes no answer."
            }
        }
    }
}
