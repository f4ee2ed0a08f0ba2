//! A curve over a logarithmic axis, drawn in a terminal with Braille characters: two by four dots in each.

/// Characters across and down.
const WIDTH: usize = 60;
const HEIGHT: usize = 12;

/// The bits of a Braille character by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
const BLANK: u32 = 0x2800;

/// Of what diverges no more is drawn than this, in heights of the stretch that it falls.
const ROOM: f64 = 1.5;

/// Draws values over rising positive places, with a mark and a word below the axis. Empty if there are fewer than two points.
pub fn terminal_plot(points: &[(f64, f64)], mark: Option<(f64, &str)>) -> String {
    let points: Vec<(f64, f64)> = points
        .iter()
        .filter(|(x, y)| *x > 0.0 && x.is_finite() && y.is_finite())
        .map(|(x, y)| (x.log10(), *y))
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let (left, right) = (first.0, last.0);
    let lowest = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let before = points.iter().take_while(|point| point.1 > lowest).map(|point| point.1);
    let highest = before.fold(first.1, f64::max);
    let top =
        points.iter().map(|point| point.1).fold(lowest, f64::max).min(lowest + ROOM * (highest - lowest));
    if right <= left {
        return String::new();
    }
    let top = if top > lowest { top } else { lowest + lowest.abs().max(1.0) };

    let mut cells = vec![[BLANK; WIDTH]; HEIGHT];
    let across = |x: f64| (x - left) / (right - left) * (2 * WIDTH - 1) as f64;
    let down = |y: f64| (top - y) / (top - lowest) * (4 * HEIGHT - 1) as f64;
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) =
            ((across(pair[0].0), down(pair[0].1)), (across(pair[1].0), down(pair[1].1)));
        // A segment that leaves the plot may be of any length; its dots in the plot are at most that far apart.
        let dots = (x1 - x0).abs().max((y1 - y0).abs()).ceil().clamp(1.0, 2000.0);
        for dot in 0..=dots as usize {
            let part = dot as f64 / dots;
            let (x, y) = (x0 + part * (x1 - x0), (y0 + part * (y1 - y0)).round());
            if y >= 0.0 && y < (4 * HEIGHT) as f64 {
                let (x, y) = (x.round() as usize, y as usize);
                cells[y / 4][(x / 2).min(WIDTH - 1)] |= DOTS[y % 4][x % 2];
            }
        }
    }

    let label = |row: usize| match row {
        0 => short(top),
        row if row == HEIGHT - 1 => short(lowest),
        row if row == HEIGHT / 2 => short(top - (top - lowest) * (row as f64 + 0.5) / HEIGHT as f64),
        _ => String::new(),
    };
    let margin = (0..HEIGHT).map(|row| label(row).len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (row, cells) in cells.iter().enumerate() {
        // In many fonts the character without dots is not blank.
        let character = |cell: &u32| char::from_u32(*cell).filter(|_| *cell != BLANK).unwrap_or(' ');
        let drawn: String = cells.iter().map(character).collect();
        let edge = if label(row).is_empty() { '│' } else { '┤' };
        lines.push(format!("{:>margin$} {edge}{}", label(row), drawn.trim_end()));
    }
    let cell = |x: f64| ((across(x) / 2.0).floor().max(0.0) as usize).min(WIDTH - 1);
    let (mut axis, mut names) = (vec!['─'; WIDTH], vec![' '; WIDTH + 4]);
    let mut free = 0;
    for power in left.ceil() as i32..=right.floor() as i32 {
        let (at, name) = (cell(f64::from(power)), format!("1e{power}"));
        axis[at] = '┬';
        let start = at.saturating_sub(name.len() / 2);
        if start >= free && start + name.len() <= names.len() {
            free = start + name.len() + 1;
            name.chars().enumerate().for_each(|(place, letter)| names[start + place] = letter);
        }
    }
    let indent = " ".repeat(margin + 2);
    lines.push(format!("{} └{}", " ".repeat(margin), axis.iter().collect::<String>()));
    lines.push(format!("{indent}{}", names.iter().collect::<String>().trim_end()));
    if let Some((x, word)) = mark.filter(|(x, _)| *x > 0.0 && (left..=right).contains(&x.log10())) {
        let at = cell(x.log10());
        let word_left = at + word.len() + 2 > WIDTH && at > word.len();
        lines.push(match word_left {
            true => format!("{indent}{}{word} ▲", " ".repeat(at - word.len() - 1)),
            false => format!("{indent}{}▲ {word}", " ".repeat(at)),
        });
    }
    lines.join("\n")
}

/// A loss in a few characters.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e4).contains(&size) => format!("{value:.1e}"),
        size if size < 0.1 => format!("{value:.4}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_its_ends_its_powers_and_its_mark() {
        let points: Vec<(f64, f64)> = (0..=60)
            .map(|at| (10f64.powf(-5.0 + 0.1 * f64::from(at)), 2.0 - f64::from(at.min(40)) / 40.0))
            .collect();
        let plot = terminal_plot(&points, Some((1e-3, "suggested")));
        let lines: Vec<&str> = plot.lines().collect();
        assert_eq!(lines.len(), HEIGHT + 3, "{plot}");
        assert!(lines[0].starts_with("2.00 ┤⠑") && lines[HEIGHT - 1].starts_with("1.00 ┤"), "{plot}");
        assert!(lines[HEIGHT + 1].contains("1e-5") && lines[HEIGHT + 1].contains("1e1"), "{plot}");
        assert!(lines[HEIGHT + 2].trim() == "▲ suggested", "{plot}");
        let column = |line: &str, found: char| line.chars().position(|letter| letter == found).unwrap();
        let ticks: Vec<usize> = lines[HEIGHT]
            .chars()
            .enumerate()
            .filter(|(_, letter)| *letter == '┬')
            .map(|(at, _)| at)
            .collect();
        assert_eq!(column(lines[HEIGHT + 2], '▲'), ticks[2], "{plot}");
        assert!(plot.lines().all(|line| line.chars().count() <= 80), "{plot}");
        let right = terminal_plot(&points, Some((9.0, "suggested")));
        assert!(right.ends_with("suggested ▲"), "{right}");
    }

    #[test]
    fn what_diverges_is_cut_and_what_cannot_be_drawn_is_left_out() {
        assert_eq!(terminal_plot(&[], None), "");
        assert_eq!(terminal_plot(&[(1e-3, 1.0)], None), "");
        let wild = [(1e-3, 2.0), (1e-2, 1.0), (1e-1, f64::NAN), (1.0, 1e300)];
        let plot = terminal_plot(&wild, None);
        assert!(plot.starts_with("2.50 ┤"), "{plot}");
        let flat = terminal_plot(&[(1e-3, 1.0), (1.0, 1.0)], Some((5.0, "x")));
        assert!(flat.contains("1.00 ┤⣀") && !flat.contains('▲'), "{flat}");
    }
}
