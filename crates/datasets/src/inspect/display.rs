//! A [`DataReport`] as a page of tables.

use std::fmt;

use super::readable::{count, counted, cut, number, shape, share, visible, wrap};
use super::table::Table;
use super::{
    ByteStats, ClassCount, DataReport, DuplicateCount, Duplicates, FeatureReport, NumberStats, SplitReport,
    TargetReport,
};

/// Columns of a terminal.
const WIDTH: usize = 80;

/// Longer lists of classes or features are cut.
const MOST_ROWS: usize = 20;

/// Longer names are cut.
const MOST_NAME: usize = 32;

impl fmt::Display for DataReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (train, test) = (&self.train, &self.test);
        let name = cut(&visible(&train.name), WIDTH / 2);
        writeln!(f, "{name}: {}{}", what(&train.features), classes(&train.targets))?;
        for (part, split) in [("train", train), ("test", test)] {
            let text = format!("{}; {}", counted(split.samples, "sample", "samples"), visible(&split.source));
            let lines = wrap(text.trim_end_matches("; "), WIDTH - 8);
            for (index, line) in lines.iter().enumerate() {
                writeln!(f, "  {:<5} {line}", if index == 0 { part } else { "" })?;
            }
        }
        writeln!(f)?;
        write_targets(f, train, test)?;
        write_features(f, train, test)?;
        write_duplicates(f, &self.duplicates, test.samples)
    }
}

/// `images of 1 x 28 x 28 bytes`
fn what(features: &FeatureReport) -> String {
    match features {
        FeatureReport::Bytes { shape: dims, .. } if dims.len() == 3 => {
            format!("images of {} bytes", shape(dims))
        }
        FeatureReport::Bytes { shape: dims, .. } => format!("samples of {} bytes", shape(dims)),
        FeatureReport::Numbers { shape: dims, .. } if dims.as_slice() == [1] => "samples of 1 number".into(),
        FeatureReport::Numbers { shape: dims, .. } => format!("samples of {} numbers", shape(dims)),
        FeatureReport::Tokens { sequence_len, .. } => {
            format!("sequences of {}", counted(*sequence_len, "token", "tokens"))
        }
        FeatureReport::Texts { .. } => "texts".into(),
    }
}

/// `, 10 classes`
fn classes(targets: &TargetReport) -> String {
    match targets {
        TargetReport::Classes { classes, .. } => format!(", {}", counted(classes.len(), "class", "classes")),
        TargetReport::Values { .. } => String::new(),
    }
}

fn write_targets(f: &mut fmt::Formatter<'_>, train: &SplitReport, test: &SplitReport) -> fmt::Result {
    match (&train.targets, &test.targets) {
        (TargetReport::Classes { .. }, TargetReport::Classes { .. }) => write_classes(f, train, test),
        (left, right) => {
            let values = |targets: &TargetReport| match targets {
                TargetReport::Values { values } => values.clone(),
                TargetReport::Classes { .. } => Vec::new(),
            };
            write_numbers(f, "target", &values(left), &values(right))
        }
    }
}

fn write_classes(f: &mut fmt::Formatter<'_>, train: &SplitReport, test: &SplitReport) -> fmt::Result {
    let mut table = Table::new(&["class", "train", "share", "test", "share"]);
    let rows = joined(class_counts(train), class_counts(test));
    for (name, train, test) in rows.iter().take(MOST_ROWS) {
        let mut cells = vec![cut(&visible(name), MOST_NAME)];
        for class in [train, test] {
            cells.push(class.map_or("-".into(), |class| count(class.count)));
            cells.push(class.map_or("-".into(), |class| share(class.share)));
        }
        table.push(cells);
    }
    write!(f, "{table}")?;
    write_more(f, rows.len())?;
    for (part, split) in [("train", train), ("test", test)] {
        if let Some(line) = balance(&split.targets) {
            writeln!(f, "{part}: {line}")?;
        }
    }
    writeln!(f)
}

fn class_counts(split: &SplitReport) -> &[ClassCount] {
    match &split.targets {
        TargetReport::Classes { classes, .. } => classes,
        TargetReport::Values { .. } => &[],
    }
}

type ClassRow<'a> = (&'a str, Option<&'a ClassCount>, Option<&'a ClassCount>);

/// Classes of both splits side by side: by their place where the splits name the same classes, by name otherwise.
fn joined<'a>(train: &'a [ClassCount], test: &'a [ClassCount]) -> Vec<ClassRow<'a>> {
    let same = train.len() == test.len() && train.iter().zip(test).all(|(a, b)| a.name == b.name);
    if same {
        return train.iter().zip(test).map(|(a, b)| (a.name.as_str(), Some(a), Some(b))).collect();
    }
    let find = |classes: &'a [ClassCount], name: &str| classes.iter().find(|class| class.name == name);
    let in_train = train.iter().map(|class| (class.name.as_str(), Some(class), find(test, &class.name)));
    let in_test = test.iter().filter(|class| find(train, &class.name).is_none());
    in_train.chain(in_test.map(|class| (class.name.as_str(), None, Some(class)))).collect()
}

/// `every class has 5,000 samples`
fn balance(targets: &TargetReport) -> Option<String> {
    let TargetReport::Classes { classes, most_frequent: Some(most), least_frequent: Some(least) } = targets
    else {
        return None;
    };
    if most.count == least.count {
        return Some(format!("every class has {}", counted(most.count, "sample", "samples")));
    }
    let empty = classes.iter().filter(|class| class.count == 0).count();
    let name = |class: &ClassCount| format!("{} ({})", cut(&visible(&class.name), 20), count(class.count));
    let least = match empty {
        0 => format!("least frequent {}", name(least)),
        1 => format!("{} has no samples", cut(&visible(&least.name), 20)),
        _ => format!("{} classes have no samples", count(empty)),
    };
    Some(format!("most frequent {}, {least}", name(most)))
}

fn write_features(f: &mut fmt::Formatter<'_>, train: &SplitReport, test: &SplitReport) -> fmt::Result {
    match (&train.features, &test.features) {
        (FeatureReport::Bytes { channels: left, .. }, FeatureReport::Bytes { channels: right, .. }) => {
            write_channels(f, left, right)
        }
        (
            FeatureReport::Numbers { shape, features: left },
            FeatureReport::Numbers { features: right, .. },
        ) => write_numbers(f, if shape.len() == 1 { "feature" } else { "channel" }, left, right),
        (
            FeatureReport::Tokens { vocabulary_size, distinct_tokens: left, .. },
            FeatureReport::Tokens { distinct_tokens: right, .. },
        ) => {
            let (size, left, right) = (count(*vocabulary_size), count(*left), count(*right));
            writeln!(f, "vocabulary of {size} tokens; {left} of them in train, {right} in test\n")
        }
        (FeatureReport::Texts { .. }, FeatureReport::Texts { .. }) => write_texts(f, train, test),
        _ => writeln!(f, "the splits do not hold the same kind of samples\n"),
    }
}

fn write_channels(f: &mut fmt::Formatter<'_>, train: &[ByteStats], test: &[ByteStats]) -> fmt::Result {
    let mut table = Table::new(&["channel", "train mean", "std", "test mean", "std"]);
    let channels = train.len().max(test.len());
    if channels == 0 {
        return Ok(());
    }
    for channel in 0..channels.min(MOST_ROWS) {
        let name = match (channels, channel) {
            (1, _) => "grey".into(),
            (3, 0) => "red".into(),
            (3, 1) => "green".into(),
            (3, 2) => "blue".into(),
            _ => channel.to_string(),
        };
        let mut cells = vec![name];
        for stats in [train.get(channel), test.get(channel)] {
            cells.push(stats.map_or("-".into(), |stats| format!("{:.4}", stats.mean)));
            cells.push(stats.map_or("-".into(), |stats| format!("{:.4}", stats.std)));
        }
        table.push(cells);
    }
    write!(f, "{table}")?;
    write_more(f, channels)?;
    writeln!(f, "a byte counts as byte / 255\n")
}

fn write_numbers(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    train: &[NumberStats],
    test: &[NumberStats],
) -> fmt::Result {
    let mut table = Table::new(&[what, "train min", "max", "mean", "std", "test mean", "std"]);
    let rows = train.len().max(test.len());
    if rows == 0 {
        return Ok(());
    }
    for row in 0..rows.min(MOST_ROWS) {
        let cell = |stats: &[NumberStats], get: fn(&NumberStats) -> f64| {
            stats.get(row).map_or("-".into(), |stats| number(get(stats)))
        };
        table.push(vec![
            row.to_string(),
            cell(train, |stats| f64::from(stats.min)),
            cell(train, |stats| f64::from(stats.max)),
            cell(train, |stats| stats.mean),
            cell(train, |stats| stats.std),
            cell(test, |stats| stats.mean),
            cell(test, |stats| stats.std),
        ]);
    }
    write!(f, "{table}")?;
    write_more(f, rows)?;
    writeln!(f)
}

fn write_texts(f: &mut fmt::Formatter<'_>, train: &SplitReport, test: &SplitReport) -> fmt::Result {
    let mut table = Table::new(&["length in", "split", "min", "median", "mean", "95 %", "max"]).with_left(1);
    for unit in ["characters", "words"] {
        for (part, split) in [("train", train), ("test", test)] {
            let FeatureReport::Texts { characters, words, .. } = &split.features else { continue };
            let Some(stats) = (if unit == "words" { words } else { characters }) else { continue };
            let rounded = |value: f64| count(value.round() as usize);
            table.push(vec![
                unit.into(),
                part.into(),
                count(stats.min),
                rounded(stats.median),
                rounded(stats.mean),
                count(stats.p95),
                count(stats.max),
            ]);
        }
    }
    write!(f, "{table}")?;
    for (part, split) in [("train", train), ("test", test)] {
        let FeatureReport::Texts { empty, distinct_words, .. } = &split.features else { continue };
        let words = counted(*distinct_words, "different word", "different words");
        writeln!(f, "{part}: {words}, {}", counted(*empty, "empty text", "empty texts"))?;
    }
    writeln!(f)
}

/// `... and 80 more`
fn write_more(f: &mut fmt::Formatter<'_>, rows: usize) -> fmt::Result {
    match rows.saturating_sub(MOST_ROWS) {
        0 => Ok(()),
        more => writeln!(f, "... and {} more", count(more)),
    }
}

/// The last line has no line break.
fn write_duplicates(f: &mut fmt::Formatter<'_>, found: &Duplicates, test_samples: usize) -> fmt::Result {
    let counts = [
        ("train = train", &found.within_train),
        ("test = test", &found.within_test),
        ("train = test", &found.between),
    ];
    if counts.iter().all(|(_, count)| count.samples == 0) {
        return write!(f, "no sample occurs twice, within a split or in both");
    }
    let mut table =
        Table::new(&["duplicates", "samples", "other target", "for example (indices)"]).with_left(3);
    for (place, duplicates) in counts {
        let cells = [place.into(), count(duplicates.samples), count(duplicates.contradicting)];
        table.push(cells.into_iter().chain([examples(duplicates, WIDTH - 40)]).collect());
    }
    write!(f, "{table}")?;
    match found.between.samples {
        0 => write!(f, "no test sample is a training sample too"),
        between => {
            let part = share(between as f64 / test_samples.max(1) as f64);
            let are = if between == 1 {
                "test sample is a training sample"
            } else {
                "test samples are training samples"
            };
            write!(f, "{} {are} too, {part} of the test split", count(between))
        }
    }
}

/// `3 = 17, 3 = 40, ...`
fn examples(duplicates: &DuplicateCount, width: usize) -> String {
    let mut text = String::new();
    for (index, pair) in duplicates.examples.iter().enumerate() {
        let next = format!("{} = {}", pair.first, pair.second);
        let more = if index + 1 < duplicates.samples { ", ..." } else { "" };
        let comma = if index == 0 { "" } else { ", " };
        if text.len() + comma.len() + next.len() + more.len() > width {
            break;
        }
        text = format!("{text}{comma}{next}");
    }
    let shown = text.matches('=').count();
    if shown < duplicates.samples && shown > 0 { format!("{text}, ...") } else { text }
}
