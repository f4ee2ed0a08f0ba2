//! An audit in the terminal.

use fireclay::report::{AuditReport, CalibrationAudit, FairnessAudit, MembershipAudit, RobustnessAudit};

use crate::format::{aligned, count, percent, significant};
use crate::output::Output;

/// Prints what was measured, part by part.
pub(super) fn print(report: &AuditReport, output: &Output) {
    let facts: Vec<Vec<String>> =
        report.facts.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
    output.line(format!("\n{}\n{}", report.title, text_of(&facts)));
    if let Some(privacy) = &report.privacy {
        output.line(of_privacy(privacy));
    }
    if let Some(robustness) = &report.robustness {
        output.line(of_robustness(robustness));
    }
    if let Some(fairness) = &report.fairness {
        output.line(of_fairness(fairness));
    }
    if let Some(calibration) = &report.calibration {
        output.line(of_calibration(calibration));
    }
    let left_out: Vec<String> =
        report.left_out.iter().map(|(part, reason)| format!("not measured: {part}, as {reason}")).collect();
    if !left_out.is_empty() {
        output.line(format!("\n{}", left_out.join("\n")));
    }
}

/// A table whose first column reads from the left, without spaces at the ends of lines.
fn text_of(rows: &[Vec<String>]) -> String {
    let width = rows.iter().filter_map(|row| row.first()).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let rest: Vec<Vec<String>> = rows.iter().map(|row| row.iter().skip(1).cloned().collect()).collect();
    let is_text = rest.iter().all(|row| row.len() == 1);
    let cells = match is_text {
        true => rest.into_iter().flatten().collect::<Vec<String>>(),
        false => aligned(&rest).lines().map(str::to_owned).collect(),
    };
    let line = |(row, cells): (&Vec<String>, String)| {
        let first = row.first().map_or("", String::as_str);
        format!("{first:width$}  {}", cells.trim_end()).trim_end().to_owned()
    };
    rows.iter().zip(cells).map(line).collect::<Vec<_>>().join("\n")
}

fn interval(ends: Option<[f64; 2]>) -> String {
    ends.map_or(String::new(), |[low, high]| format!("{} .. {}", percent(low), percent(high)))
}

fn share(value: Option<f64>) -> String {
    value.map_or("-".into(), percent)
}

fn of_privacy(privacy: &MembershipAudit) -> String {
    let mut rows = vec![vec![String::new(), "area".into()]];
    let rates = privacy.attacks.first().map_or(&[][..], |attack| &attack.at);
    for rate in rates {
        rows[0].extend([format!("found at {}", percent(rate.false_positives)), "95 % interval".into()]);
    }
    for attack in &privacy.attacks {
        let mut row = vec![attack.name.clone(), format!("{:.4}", attack.area)];
        attack.at.iter().for_each(|rate| row.extend([share(rate.true_positives), interval(rate.interval)]));
        rows.push(row);
    }
    let mut lines = vec![
        format!(
            "\nprivacy: can it be told that a sample was trained on? The share of {} training samples that is found where as many of {} \
             others as the heading says are taken for training samples; guessing finds that many, and has an area of 0.5",
            count(privacy.members as u64),
            count(privacy.others as u64)
        ),
        text_of(&rows),
    ];
    if let Some((epsilon, delta)) = privacy.claim {
        lines.push(format!(
            "the training was private, with epsilon {} at delta {}",
            significant(epsilon),
            significant(delta)
        ));
    }
    if rates.iter().any(|rate| rate.true_positives.is_none()) {
        lines.push("-: the others are too few to tell such a rate".into());
    }
    lines.join("\n")
}

fn of_robustness(robustness: &RobustnessAudit) -> String {
    let mut lines = vec![format!(
        "\nrobustness: {} of {} samples right as they are",
        percent(robustness.accuracy),
        count(robustness.samples as u64)
    )];
    for attack in &robustness.attacks {
        let header =
            vec![format!("{}, {}", attack.name, attack.unit), "right".into(), "95 % interval".into()];
        let points = attack.points.iter().filter(|(strength, ..)| *strength > 0.0);
        let rows = points.map(|(strength, right, ends)| {
            vec![format!("  {}", significant(*strength)), percent(*right), interval(*ends)]
        });
        lines.push(text_of(&[header].into_iter().chain(rows).collect::<Vec<_>>()));
    }
    if !robustness.corruptions.is_empty() {
        let header = ["right at strength", "1", "2", "3", "4", "5"].map(String::from).to_vec();
        let rows = robustness.corruptions.iter().map(|corruption| {
            let cells = corruption.accuracy.iter().map(|right| percent(*right));
            [format!("  {}", corruption.name)].into_iter().chain(cells).collect()
        });
        lines.push(text_of(&[header].into_iter().chain(rows).collect::<Vec<_>>()));
    }
    if let Some(error) = robustness.mean_corruption_error {
        lines.push(format!("mean corruption error {}", percent(error)));
    }
    lines.join("\n")
}

fn of_fairness(fairness: &FairnessAudit) -> String {
    let positive = fairness.positive.as_deref().unwrap_or("the last class");
    let mut rows = vec![vec![fairness.column.clone(), "samples".into()]];
    if let Some(group) = fairness.groups.first() {
        for (name, ..) in &group.measures {
            rows[0].extend([name.clone(), "95 % interval".into()]);
        }
    }
    for group in &fairness.groups {
        let mut row = vec![group.name.clone(), count(group.samples as u64)];
        group.measures.iter().for_each(|(_, value, ends)| row.extend([share(*value), interval(*ends)]));
        rows.push(row);
    }
    let mut differences = vec![["", "value", "95 % interval"].map(String::from).to_vec()];
    for difference in &fairness.differences {
        differences.push(vec![
            difference.name.clone(),
            share(difference.value),
            interval(difference.interval),
        ]);
    }
    format!(
        "\nfairness: groups by {}, and how often '{positive}' is said\n{}\n{}",
        fairness.column,
        text_of(&rows),
        text_of(&differences)
    )
}

fn of_calibration(calibration: &CalibrationAudit) -> String {
    let mut header = vec![String::new(), "as it is".into()];
    let mut rows = [
        ("expected calibration error", calibration.before.expected_calibration_error),
        ("log loss", calibration.before.log_loss),
        ("Brier score", calibration.before.brier),
    ]
    .map(|(name, value)| vec![name.to_owned(), format!("{value:.4}")]);
    let mut note = String::new();
    if let (Some(after), Some(temperature)) = (&calibration.after, calibration.temperature) {
        header.push("after temperature scaling".into());
        let values = [after.expected_calibration_error, after.log_loss, after.brier];
        rows.iter_mut().zip(values).for_each(|(row, value)| row.push(format!("{value:.4}")));
        note = format!(
            "\ntemperature {temperature:.3}: the model is too {}; each half of the samples is measured by the temperature of the other; \
             --calibrated FILE writes a model with that of all",
            if temperature > 1.0 { "sure" } else { "unsure" }
        );
    }
    if calibration.temperature.is_none() {
        note = "\nno temperature fits these samples better than all others: too few answers are wrong".into();
    }
    let all: Vec<Vec<String>> = [header].into_iter().chain(rows).collect();
    format!("\ncalibration, of {} samples\n{}{note}", count(calibration.samples as u64), text_of(&all))
}
