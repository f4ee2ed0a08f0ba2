//! What an audit found, as `fireclay audit --json` printed it, for a card.

use std::io::Read;
use std::path::Path;

use fireclay::report::{AuditReport, CalibrationAudit, FairnessAudit, MembershipAudit, RobustnessAudit};
use fireclay::store::ModelCard;
use fireclay_cli::{UsageError, count, percent};
use serde::Deserialize;

use super::markdown::{Markdown, escaped};
use crate::error::AppError;

/// Far more than an audit has.
const MOST_BYTES: u64 = 16 << 20;

/// Rows of a table.
const MOST: usize = 200;

/// The record of an audit.
#[derive(Deserialize)]
struct Record {
    r#type: String,
    weights_sha256: Option<String>,
    #[serde(flatten)]
    report: AuditReport,
}

/// Reads the record of an audit of this very model.
pub fn read(path: &Path, model: &Path, card: &ModelCard) -> anyhow::Result<AuditReport> {
    let wrong = |problem: String| UsageError::of(AppError::NoAudit { path: path.to_path_buf(), problem });
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(wrong(format!("it has more than {MOST_BYTES} bytes")));
    }
    // Lines of other types may be there, and ends of lines as other systems have them.
    let records = text.lines().filter_map(|line| serde_json::from_str::<Record>(line).ok());
    let Some(record) = records.into_iter().find(|record| record.r#type == "audit") else {
        return Err(wrong("it has no line of the type \"audit\"".into()));
    };
    if record.weights_sha256.is_none() || record.weights_sha256 != card.weights_sha256 {
        return Err(wrong(format!("it is of another model than {}", model.display())));
    }
    record.report.check().map_err(|error| wrong(error.to_string()))?;
    Ok(record.report)
}

/// The section of a card.
pub fn write(page: &mut Markdown, audit: Option<&AuditReport>) {
    page.heading(2, "Audit");
    let Some(audit) = audit else {
        page.paragraph(
            "None was given; `fireclay audit MODEL --json > audit.json` makes one, and `fireclay card MODEL --audit audit.json` takes it.",
        );
        return;
    };
    let rows: Vec<[String; 2]> =
        audit.facts.iter().take(MOST).map(|(name, value)| [escaped(name), escaped(value)]).collect();
    page.table(["", ""], &rows);
    if let Some(privacy) = &audit.privacy {
        of_privacy(page, privacy);
    }
    if let Some(robustness) = &audit.robustness {
        of_robustness(page, robustness);
    }
    if let Some(fairness) = &audit.fairness {
        of_fairness(page, fairness);
    }
    if let Some(calibration) = &audit.calibration {
        of_calibration(page, calibration);
    }
    let left_out: Vec<String> = (audit.left_out.iter().take(MOST))
        .map(|(part, reason)| format!("not measured: {}, as {}", escaped(part), escaped(reason)))
        .collect();
    page.list(&left_out);
}

fn share(value: Option<f64>, interval: Option<[f64; 2]>) -> String {
    match (value, interval) {
        (Some(value), Some([low, high])) => {
            format!("{} ({} to {})", percent(value), percent(low), percent(high))
        }
        (Some(value), None) => percent(value),
        (None, _) => "–".into(),
    }
}

fn of_privacy(page: &mut Markdown, privacy: &MembershipAudit) {
    page.heading(3, "Who can tell what it was trained on");
    page.paragraph(&format!(
        "Of {} samples of the training and {} others; by guessing, as many are found as others are taken for trained on, and the area is \
         0.5. In brackets 95 % intervals. A stronger attack may find more.",
        count(privacy.members as u64),
        count(privacy.others as u64)
    ));
    let rows: Vec<[String; 4]> = (privacy.attacks.iter().take(MOST))
        .flat_map(|attack| {
            attack.at.iter().take(MOST).map(|rate| {
                [
                    escaped(&attack.name),
                    format!("{:.4}", attack.area),
                    percent(rate.false_positives),
                    share(rate.true_positives, rate.interval),
                ]
            })
        })
        .collect();
    page.table(["Attack", "Area", "Others taken for trained on", "Found"], &rows);
}

fn of_robustness(page: &mut Markdown, robustness: &RobustnessAudit) {
    page.heading(3, "Where samples are changed");
    page.paragraph(&format!(
        "Right answers of {} samples; as they are {}. Another attack may leave less.",
        count(robustness.samples as u64),
        share(Some(robustness.accuracy), robustness.interval)
    ));
    let rows: Vec<[String; 3]> = (robustness.attacks.iter().take(MOST))
        .flat_map(|attack| {
            attack.points.iter().filter(|(strength, ..)| *strength > 0.0).take(MOST).map(
                |(strength, right, ends)| {
                    [
                        escaped(&attack.name),
                        format!("{strength:.4} {}", escaped(&attack.unit)),
                        share(Some(*right), *ends),
                    ]
                },
            )
        })
        .collect();
    page.table(["Attack", "Strength", "Right"], &rows);
    let rows: Vec<[String; 6]> = (robustness.corruptions.iter().take(MOST))
        .map(|corruption| {
            let right = |at: usize| corruption.accuracy.get(at).map_or("–".into(), |right| percent(*right));
            [escaped(&corruption.name), right(0), right(1), right(2), right(3), right(4)]
        })
        .collect();
    page.table(["Right at strength", "1", "2", "3", "4", "5"], &rows);
}

fn of_fairness(page: &mut Markdown, fairness: &FairnessAudit) {
    page.heading(3, "Groups");
    let positive = fairness.positive.as_deref().unwrap_or("the last class");
    page.paragraph(&format!(
        "By the column {}; what is predicted, and is a positive, is {}.",
        escaped(&fairness.column),
        escaped(positive)
    ));
    let rows: Vec<[String; 4]> = (fairness.groups.iter().take(MOST))
        .flat_map(|group| {
            group.measures.iter().take(MOST).map(|(name, value, ends)| {
                [escaped(&group.name), count(group.samples as u64), escaped(name), share(*value, *ends)]
            })
        })
        .collect();
    page.table(["Group", "Samples", "Measure", "Share"], &rows);
    let rows: Vec<[String; 3]> = (fairness.differences.iter().take(MOST))
        .map(|found| [escaped(&found.name), share(found.value, found.interval), escaped(&found.meaning)])
        .collect();
    page.table(["Difference", "Value", "What it is"], &rows);
}

fn of_calibration(page: &mut Markdown, calibration: &CalibrationAudit) {
    page.heading(3, "Probabilities");
    let after = calibration.after.as_ref();
    let before = &calibration.before;
    let row = |name: &str, before: f64, after: Option<f64>| {
        [name.to_owned(), format!("{before:.4}"), after.map_or("–".into(), |after| format!("{after:.4}"))]
    };
    page.table(
        ["Measure", "As it is", "After temperature scaling"],
        &[
            row(
                "expected calibration error",
                before.expected_calibration_error,
                after.map(|after| after.expected_calibration_error),
            ),
            row("log loss", before.log_loss, after.map(|after| after.log_loss)),
            row("Brier score", before.brier, after.map(|after| after.brier)),
        ],
    );
}
