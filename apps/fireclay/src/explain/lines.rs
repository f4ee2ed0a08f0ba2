//! Explanations on a terminal: pictures of coloured blocks, words with colours behind them, and bars for columns.

use fireclay::report::{Attributed, AttributedColumn, Explanation, Picture, attribution_colour};
use fireclay_cli::{Coloured, Output, beginning};

/// Words that a line names, and columns that are listed.
const WORDS: usize = 6;
const COLUMNS: usize = 12;
/// Cells of the longest bar.
const BAR: usize = 24;
/// Pictures that are drawn are not wider: two beside each other go on a terminal of 80 columns.
const WIDEST: usize = 39;
/// Letters of a line of words.
const LINE: usize = 78;

/// Prints an explanation.
pub fn print(explanation: &Explanation, label: &str, output: &Output) -> anyhow::Result<()> {
    let why = match explanation.explained.is_empty() {
        true => String::new(),
        false => format!("   why {}", explanation.explained),
    };
    output.line(format!("{}  {}{why}", beginning(&explanation.name), explanation.answer));
    match &explanation.attributed {
        Attributed::Picture { picture, .. } => {
            if let Some(painted) = explanation.painted()?
                && picture.width <= WIDEST
                && output.shows_colours()
            {
                blocks(picture, &painted, output);
            }
        }
        Attributed::Words(words) => of_words(words, label, output),
        Attributed::Columns(columns) => of_columns(columns, output),
    }
    if !explanation.sum.is_empty() {
        output.line(format!("  {}", explanation.sum));
    }
    Ok(())
}

/// Two pictures beside each other, two rows of pixels in a line.
fn blocks(one: &Picture, other: &Picture, output: &Output) {
    let pixel = |picture: &Picture, row: usize, column: usize| {
        let at = row * picture.width + column;
        match picture.bytes.len() == picture.width * picture.height {
            true => [picture.bytes[at]; 3],
            false => [0, 1, 2].map(|channel| picture.bytes[3 * at + channel]),
        }
    };
    for row in (0..one.height).step_by(2) {
        let mut parts = vec![Coloured { text: "  ", ..Coloured::default() }];
        for picture in [one, other] {
            for column in 0..picture.width {
                let below = (row + 1 < picture.height).then(|| pixel(picture, row + 1, column));
                parts.push(Coloured { text: "▀", ink: Some(pixel(picture, row, column)), ground: below });
            }
            parts.push(Coloured { text: "  ", ..Coloured::default() });
        }
        output.coloured_line(parts);
    }
}

fn of_words(words: &[(String, f32)], label: &str, output: &Output) {
    let most = words.iter().fold(0f32, |most, (_, value)| most.max(value.abs()));
    if output.shows_colours() && most > 0.0 {
        let mut line = Vec::new();
        let mut length = 0;
        for (word, value) in words {
            let letters = word.chars().count() + 1;
            if length + letters > LINE && length > 0 {
                coloured(&line, output);
                (line, length) = (Vec::new(), 0);
            }
            line.push((word.as_str(), value / most));
            length += letters;
        }
        coloured(&line, output);
    }
    for (what, sign) in [(label, 1.0), ("against", -1.0)] {
        let mut named: Vec<&(String, f32)> = words.iter().filter(|(_, value)| value * sign > 0.0).collect();
        named.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()));
        if !named.is_empty() {
            let named: Vec<String> = named
                .iter()
                .take(WORDS)
                .map(|(word, value)| format!("{word} {}", signed(*value, most)))
                .collect();
            output.line(format!("  {what:<8} {}", named.join(", ")));
        }
    }
}

fn coloured(words: &[(&str, f32)], output: &Output) {
    let mut parts = vec![Coloured { text: "  ", ..Coloured::default() }];
    for (word, share) in words {
        // Less than that is not seen.
        let ground = (share.abs() >= 0.03).then(|| attribution_colour([238, 236, 232], *share));
        parts.push(Coloured { text: word, ink: ground.map(|_| [16, 14, 12]), ground });
        parts.push(Coloured { text: " ", ..Coloured::default() });
    }
    output.coloured_line(parts);
}

fn of_columns(columns: &[AttributedColumn], output: &Output) {
    let most = columns.iter().fold(0f32, |most, column| most.max(column.value.abs()));
    let mut ordered: Vec<&AttributedColumn> = columns.iter().collect();
    ordered.sort_by(|one, other| other.value.abs().total_cmp(&one.value.abs()));
    let shown = &ordered[..ordered.len().min(COLUMNS)];
    let name = |column: &AttributedColumn| beginning(&column.column).chars().take(24).collect::<String>();
    let cell = |column: &AttributedColumn| match column.cell.is_empty() {
        true => "(empty)".to_owned(),
        false => beginning(&column.cell).chars().take(20).collect(),
    };
    let width = |of: &dyn Fn(&AttributedColumn) -> String| {
        shown.iter().map(|column| of(column).chars().count()).max().unwrap_or(0)
    };
    let (names, cells) = (width(&name), width(&cell));
    for column in shown {
        let share = if most > 0.0 { column.value / most } else { 0.0 };
        let bar = "█".repeat((share.abs() * BAR as f32).round() as usize);
        let ink = output.shows_colours().then(|| attribution_colour([128; 3], share.signum()));
        let text = format!(
            "  {:<names$}  {:<cells$}  {:>10}  ",
            name(column),
            cell(column),
            signed(column.value, most)
        );
        output.coloured_line([
            Coloured { text: &text, ..Coloured::default() },
            Coloured { text: &bar, ink, ground: None },
        ]);
    }
    if ordered.len() > COLUMNS {
        let rest: f32 = ordered[COLUMNS..].iter().map(|column| column.value).sum();
        output.line(format!("  {} more columns, {} together", ordered.len() - COLUMNS, signed(rest, most)));
    }
}

/// With its sign, and as many decimals as the greatest needs for three digits.
pub fn signed(value: f32, most: f32) -> String {
    let digits = if most > 0.0 { most.abs().log10().floor() as i32 } else { 0 };
    let decimals = (2 - digits).clamp(0, 9) as usize;
    format!("{value:+.decimals$}")
}
