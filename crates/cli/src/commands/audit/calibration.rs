//! Whether probabilities are what they say.

use fireclay::audit::{Answers, Calibration, CalibrationScores, Temperature};
use fireclay::report::{self, CalibrationAudit};

use super::{Outcome, Subject};
use crate::program::Program;

impl<P: Program> Subject<'_, P> {
    pub(super) fn calibration(&self) -> Outcome<CalibrationAudit> {
        match audit(&self.answers) {
            Some(found) => Outcome::Measured(found),
            None => Outcome::LeftOut("there are no samples".into()),
        }
    }
}

/// A temperature is measured on samples that it was not fitted to: of two halves each is measured by the temperature of the other. What is kept
/// is the one that fits all.
fn audit(answers: &Answers) -> Option<CalibrationAudit> {
    let Calibration { bins, scores } = Calibration::of(answers, 1.0)?;
    let temperature = Temperature::fit(answers).map(|Temperature(temperature)| temperature);
    let after = [0, 1].map(|half| {
        let (of, other) = (answers.every_second(half), answers.every_second(1 - half));
        let Temperature(temperature) = Temperature::fit(&other)?;
        Some((of.len(), Calibration::of(&of, temperature)?.scores))
    });
    let after = match after {
        [Some((one, first)), Some((other, second))] => {
            let mean = |of: fn(&CalibrationScores) -> f64| {
                (one as f64 * of(&first) + other as f64 * of(&second)) / (one + other) as f64
            };
            Some(report::CalibrationScores {
                expected_calibration_error: mean(|scores| scores.expected_calibration_error),
                log_loss: mean(|scores| scores.log_loss),
                brier: mean(|scores| scores.brier),
            })
        }
        _ => None,
    };
    let bin = |bin: &fireclay::audit::CalibrationBin| report::CalibrationBin {
        low: bin.range[0],
        high: bin.range[1],
        samples: bin.samples,
        confidence: bin.confidence,
        accuracy: bin.accuracy,
        interval: bin.interval,
    };
    Some(CalibrationAudit {
        samples: answers.len(),
        bins: bins.iter().map(bin).collect(),
        before: report::CalibrationScores {
            expected_calibration_error: scores.expected_calibration_error,
            log_loss: scores.log_loss,
            brier: scores.brier,
        },
        after: after.filter(|_| temperature.is_some()),
        temperature,
    })
}
