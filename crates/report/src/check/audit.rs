//! Whether the numbers of an audit are possible: rates from 0 to 1, curves that ascend, groups that can be compared.

use super::check_picture;
use crate::data::{
    AuditReport, CalibrationAudit, CalibrationScores, FairnessAudit, MembershipAudit, RobustnessAudit,
};
use crate::error::ReportError;

/// Corruptions have so many strengths.
pub const STRENGTHS: usize = 5;

impl AuditReport {
    /// Checks that rates are from 0 to 1, other numbers finite, curves sorted, and that groups have the same measures.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), ReportError> {
        self.privacy.as_ref().map_or(Ok(()), privacy)?;
        self.robustness.as_ref().map_or(Ok(()), robustness)?;
        self.fairness.as_ref().map_or(Ok(()), fairness)?;
        self.calibration.as_ref().map_or(Ok(()), calibration)
    }
}

fn privacy(audit: &MembershipAudit) -> Result<(), ReportError> {
    for attack in &audit.attacks {
        let name = &attack.name;
        for (at, axis) in ["false", "true"].into_iter().enumerate() {
            let what = format!("the {axis} positive rate of the curve of {name:?}");
            attack.curve.iter().try_for_each(|point| rate(&what, point[at]))?;
            ascending(&what, attack.curve.iter().map(|point| point[at]), |before, found| before <= found)?;
        }
        rate(&format!("the area under the curve of {name:?}"), attack.area)?;
        for at in &attack.at {
            rate(&format!("a false positive rate of {name:?}"), at.false_positives)?;
            let what = format!("the true positive rate of {name:?} at {}", at.false_positives);
            optional_rate(&what, at.true_positives, at.interval)?;
        }
    }
    if let Some((epsilon, delta)) = audit.claim {
        number("the claimed epsilon", epsilon, "at least 0", |value| value >= 0.0)?;
        rate("the claimed delta", delta)?;
    }
    Ok(())
}

fn robustness(audit: &RobustnessAudit) -> Result<(), ReportError> {
    optional_rate("the accuracy of the samples as they are", Some(audit.accuracy), audit.interval)?;
    for attack in &audit.attacks {
        let what = format!("the strength of {:?}", attack.name);
        for (strength, accuracy, interval) in &attack.points {
            number(&what, *strength, "at least 0", |value| value >= 0.0)?;
            let what = format!("the accuracy under {:?} at {strength}", attack.name);
            optional_rate(&what, Some(*accuracy), *interval)?;
        }
        ascending(&what, attack.points.iter().map(|point| point.0), |before, found| before < found)?;
    }
    for corruption in &audit.corruptions {
        let (name, found) = (&corruption.name, corruption.accuracy.len());
        if found != STRENGTHS {
            return Err(ReportError::Strengths { name: name.clone(), expected: STRENGTHS, found });
        }
        let what = format!("the accuracy under {name:?}");
        corruption.accuracy.iter().try_for_each(|accuracy| rate(&what, *accuracy))?;
    }
    optional_rate("the mean corruption error", audit.mean_corruption_error, None)?;
    for (index, picture) in audit.pictures.iter().enumerate() {
        check_picture(&picture.before, format!("attacked picture {}, before", index + 1))?;
        check_picture(&picture.after, format!("attacked picture {}, after", index + 1))?;
    }
    Ok(())
}

fn fairness(audit: &FairnessAudit) -> Result<(), ReportError> {
    let names =
        |at: usize| audit.groups[at].measures.iter().map(|measure| measure.0.clone()).collect::<Vec<_>>();
    for (at, group) in audit.groups.iter().enumerate() {
        if names(at) != names(0) {
            let group = group.name.clone();
            return Err(ReportError::GroupMeasures { group, expected: names(0), found: names(at) });
        }
        for (name, value, interval) in &group.measures {
            optional_rate(&format!("{name:?} of group {:?}", group.name), *value, *interval)?;
        }
    }
    for difference in &audit.differences {
        let what = format!("{:?}", difference.name);
        for value in difference.value.iter().chain(difference.interval.iter().flatten()) {
            number(&what, *value, "not NaN", |_| true)?;
        }
        difference.interval.map_or(Ok(()), |interval| ends(&what, interval))?;
    }
    Ok(())
}

fn calibration(audit: &CalibrationAudit) -> Result<(), ReportError> {
    for bin in &audit.bins {
        rate("the lower end of a bin", bin.low)?;
        rate("the upper end of a bin", bin.high)?;
        ascending("the ends of a bin", [bin.low, bin.high], |before, found| before < found)?;
        if bin.samples > 0 {
            let what = format!("the bin from {} to {}", bin.low, bin.high);
            rate(&format!("the confidence of {what}"), bin.confidence)?;
            optional_rate(&format!("the accuracy of {what}"), Some(bin.accuracy), bin.interval)?;
        }
    }
    ascending("the bins", audit.bins.iter().map(|bin| bin.low), |before, found| before < found)?;
    for CalibrationScores { expected_calibration_error, log_loss, brier } in
        [Some(audit.before), audit.after].into_iter().flatten()
    {
        rate("the expected calibration error", expected_calibration_error)?;
        number("the log loss", log_loss, "at least 0", |value| value >= 0.0)?;
        number("the Brier score", brier, "from 0 to 2", |value| (0.0..=2.0).contains(&value))?;
    }
    audit
        .temperature
        .map_or(Ok(()), |temperature| number("the temperature", temperature, "above 0", |value| value > 0.0))
}

fn rate(what: &str, found: f64) -> Result<(), ReportError> {
    if (0.0..=1.0).contains(&found) { Ok(()) } else { Err(ReportError::Rate { what: what.into(), found }) }
}

fn optional_rate(what: &str, value: Option<f64>, interval: Option<[f64; 2]>) -> Result<(), ReportError> {
    value.map_or(Ok(()), |value| rate(what, value))?;
    let Some(interval) = interval else { return Ok(()) };
    interval.iter().try_for_each(|end| rate(&format!("an end of the interval of {what}"), *end))?;
    ends(what, interval)
}

fn ends(what: &str, [lower, upper]: [f64; 2]) -> Result<(), ReportError> {
    match lower <= upper {
        true => Ok(()),
        false => Err(ReportError::IntervalEnds { what: what.into(), lower, upper }),
    }
}

fn number(
    what: &str,
    found: f64,
    expected: &'static str,
    possible: fn(f64) -> bool,
) -> Result<(), ReportError> {
    match found.is_finite() && possible(found) {
        true => Ok(()),
        false => Err(ReportError::Number { what: what.into(), expected, found }),
    }
}

fn ascending(
    what: &str,
    values: impl IntoIterator<Item = f64>,
    in_order: fn(f64, f64) -> bool,
) -> Result<(), ReportError> {
    let mut last: Option<f64> = None;
    for found in values {
        if let Some(before) = last.filter(|before| !in_order(*before, found)) {
            return Err(ReportError::NotAscending { what: what.into(), before, found });
        }
        last = Some(found);
    }
    Ok(())
}
