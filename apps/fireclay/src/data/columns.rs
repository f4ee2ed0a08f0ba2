//! A table's columns, a line each.

use fireclay::data::{ColumnKind, Frame, Number, Profile, TablePreprocessing, TabularError};
use fireclay_cli::{Output, aligned, beginning, count, percent};
use serde::Serialize;

use crate::source::TableParts;

/// Values of a category that are shown.
const SHOWN: usize = 3;

/// What `--json` prints of a column.
#[derive(Serialize)]
#[serde(tag = "type", rename = "column")]
struct Column<'a> {
    name: &'a str,
    kind: &'static str,
    reason: &'a str,
    is_target: bool,
    rows: usize,
    missing: usize,
    distinct: usize,
    values: &'a str,
}

/// Says what each column of the training rows holds.
pub fn show_columns(parts: &TableParts, output: &Output) -> Result<(), TabularError> {
    let inferred = TablePreprocessing::inferred(&parts.train, &parts.target.column, &parts.options)?;
    let head = ["column", "is", "missing", "different"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut ends = vec!["values".to_owned()];
    for (index, (name, found)) in inferred.iter().enumerate() {
        let profile = Profile::of(&parts.train, index);
        let is_target = parts.target.is_target(name);
        let values = values(&parts.train, index, &profile, found.kind);
        let more = if profile.has_more_values { "more than " } else { "" };
        let kind = match (is_target, found.kind.is_feature()) {
            (true, _) => "target".to_owned(),
            (false, true) => found.kind.name().to_owned(),
            (false, false) => format!("{}, left out", found.kind.name()),
        };
        rows.push(vec![
            name.clone(),
            kind,
            count(profile.missing as u64),
            format!("{more}{}", count(profile.values.len() as u64)),
        ]);
        ends.push(match is_target || found.kind.is_feature() {
            true => values.clone(),
            false => found.reason.clone(),
        });
        output.record(&Column {
            name,
            kind: found.kind.name(),
            reason: &found.reason,
            is_target,
            rows: profile.rows,
            missing: profile.missing,
            distinct: profile.values.len(),
            values: &values,
        });
    }
    let (train, test) = (parts.train.len() as u64, parts.test.len() as u64);
    output.line(format!("\n{} training and {} test rows; of the training rows:", count(train), count(test)));
    let lines = aligned(&rows);
    let lines: Vec<String> = lines.lines().zip(&ends).map(|(line, end)| format!("{line}  {end}")).collect();
    output.line(lines.join("\n"));
    Ok(())
}

/// The least, the median and the greatest number, or the most frequent values with their shares.
fn values(frame: &Frame, column: usize, profile: &Profile, kind: ColumnKind) -> String {
    if kind == ColumnKind::Number {
        let mut numbers: Vec<f32> = frame
            .column(column)
            .filter_map(|cell| match profile.format.parse(cell) {
                Number::Finite(number) => Some(number),
                _ => None,
            })
            .collect();
        numbers.sort_by(f32::total_cmp);
        if let (Some(least), Some(greatest)) = (numbers.first(), numbers.last()) {
            return format!("{least} .. {} .. {greatest}", numbers[numbers.len() / 2]);
        }
    }
    let share = |times: usize| percent(times as f64 / profile.rows.max(1) as f64);
    let shown = profile.values.iter().take(SHOWN);
    let shown: Vec<String> =
        shown.map(|(value, times)| format!("{} {}", beginning(value), share(*times))).collect();
    let more = if profile.values.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
