//! The final measures of all runs, and whether their differences mean anything.

use maud::{Markup, html};

use super::ComparedRun;
use crate::charts::{Strip, strip};
use crate::data::{Direction, Interval, Measure};
use crate::page::{Section, ends, scroll, value_in, value_like};
use crate::words::{list, spoken};

/// A measure in each run that has it.
struct Row<'a> {
    name: &'a str,
    part: &'a str,
    direction: Direction,
    values: Vec<Option<&'a Measure>>,
}

impl Row<'_> {
    fn known(&self) -> impl Iterator<Item = (usize, &Measure, f64)> {
        let with_value = |(run, measure): (usize, &Option<&'_ Measure>)| {
            measure.and_then(|measure| Some((run, measure.value.filter(|value| value.is_finite())?)))
        };
        self.values.iter().enumerate().filter_map(move |entry| {
            let (run, value) = with_value(entry)?;
            Some((run, (*entry.1)?, value))
        })
    }

    /// The runs with the best value; none if there is only one run, or all are equal.
    fn best(&self) -> Vec<usize> {
        let values: Vec<(usize, f64)> = self.known().map(|(run, _, value)| (run, value)).collect();
        let better = |left: f64, right: f64| match self.direction {
            Direction::HigherIsBetter => left.max(right),
            Direction::LowerIsBetter => left.min(right),
        };
        let Some(best) = values.iter().map(|(_, value)| *value).reduce(better) else { return Vec::new() };
        let runs: Vec<usize> =
            values.iter().filter(|(_, value)| *value == best).map(|(run, _)| *run).collect();
        if runs.len() < values.len() { runs } else { Vec::new() }
    }

    /// The best run, and of the others those whose intervals overlap its own and those whose do not; `None` where intervals are missing.
    fn compared(&self) -> Option<(usize, Vec<usize>, Vec<usize>)> {
        let best = *self.best().first()?;
        let of_best = self.values[best]?.interval?;
        let others: Vec<(usize, Interval)> = self
            .known()
            .filter(|(run, ..)| *run != best)
            .map(|(run, measure, _)| Some((run, measure.interval?)))
            .collect::<Option<_>>()?;
        let (near, apart): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|(_, other)| other.lower <= of_best.upper && of_best.lower <= other.upper);
        let runs = |list: Vec<(usize, Interval)>| list.into_iter().map(|(run, _)| run).collect();
        Some((best, runs(near), runs(apart)))
    }

    fn same_samples(&self) -> bool {
        let mut samples = self.known().filter_map(|(_, measure, _)| measure.samples);
        let first = samples.next();
        samples.all(|other| Some(other) == first)
    }
}

fn rows(runs: &[ComparedRun]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row> = Vec::new();
    for (run, measure) in runs
        .iter()
        .enumerate()
        .flat_map(|(run, compared)| compared.report.measures.iter().map(move |measure| (run, measure)))
    {
        let place = rows.iter().position(|row| row.name == measure.name && row.part == measure.part);
        let place = place.unwrap_or_else(|| {
            let (name, part, direction) = (&measure.name, &measure.part, measure.direction);
            rows.push(Row { name, part, direction, values: vec![None; runs.len()] });
            rows.len() - 1
        });
        rows[place].values[run].get_or_insert(measure);
    }
    rows
}

/// Which run is best, for the opening.
pub fn verdict(runs: &[ComparedRun]) -> Option<String> {
    let wanted = runs[0].report.verdict.measure.as_deref();
    let rows = rows(runs);
    let row = rows.iter().find(|row| Some(row.name) == wanted).or(rows.first())?;
    let name = spoken(row.name);
    let best = row.best();
    let Some(first) = best.first() else {
        return (row.known().count() > 1).then(|| format!("Their {name} is the same."));
    };
    let measure = row.values[*first]?;
    let value = value_in(&measure.unit, measure.value?);
    let names_of = |list: &[usize]| list.iter().map(|run| runs[*run].name.as_str()).collect::<Vec<_>>();
    let mut text = format!("The best {name}, {value}, is that of {}", list(&names_of(&best)));
    match row.compared().filter(|_| row.same_samples()) {
        Some((_, near, apart)) if apart.is_empty() && !near.is_empty() => {
            text += "; but the differences lie within the intervals, so that they may be chance.";
        }
        Some((_, near, apart)) if near.is_empty() => {
            text += &format!("; its interval lies apart from that of {}.", list(&names_of(&apart)));
        }
        Some((_, near, apart)) => {
            text += &format!(
                "; its interval lies apart from that of {}, but overlaps that of {}, so that this difference may be chance.",
                list(&names_of(&apart)),
                list(&names_of(&near))
            );
        }
        None => text.push('.'),
    }
    Some(text)
}

pub fn section(runs: &[ComparedRun]) -> Option<Section> {
    let rows = rows(runs);
    if rows.is_empty() {
        return None;
    }
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Measure" }
                    th scope="col" { "Part" }
                    @for run in runs {
                        th.number scope="col" { (run.name) }
                    }
                    th scope="col" { "What that means" }
                }
            }
            tbody {
                @for row in &rows { (line(row, runs)) }
            }
        }
    };
    let body = html! {
        p {
            "The best value of each row is marked with a star. The bar below a value is its 95\u{a0}% interval, on one scale in a row: where bars lie \
             beside each other, the difference is hardly chance."
        }
        (scroll("Measures of all runs", table))
        @let simpler = simpler(&rows);
        @if !simpler.is_empty() {
            h3 { "What simpler answers reach" }
            p { "On the same samples as each run: what does not beat these has learnt little." }
            (scroll("Simpler answers", simpler_table(&simpler, runs)))
        }
    };
    Some(Section::new("measures", "Which is better", body))
}

/// A measure of a simpler answer: its name, and its value beside each run that was compared with it.
struct Simpler<'a> {
    row: &'a Row<'a>,
    name: &'a str,
    values: Vec<Option<f64>>,
}

fn simpler<'a>(rows: &'a [Row<'a>]) -> Vec<Simpler<'a>> {
    let mut found = Vec::new();
    for row in rows {
        let mut names: Vec<&str> = Vec::new();
        for baseline in row.values.iter().flatten().flat_map(|measure| &measure.baselines) {
            let known = baseline.value.is_some_and(f64::is_finite);
            if known && !names.contains(&baseline.name.as_str()) {
                names.push(&baseline.name);
            }
        }
        found.extend(names.into_iter().map(|name| {
            let of = |measure: &Option<&Measure>| {
                let baseline = (*measure)?.baselines.iter().find(|baseline| baseline.name == name)?;
                baseline.value.filter(|value| value.is_finite())
            };
            Simpler { row, name, values: row.values.iter().map(of).collect() }
        }));
    }
    found
}

fn simpler_table(simpler: &[Simpler], runs: &[ComparedRun]) -> Markup {
    let value = |line: &Simpler, run: usize| {
        let other = line.values[run]?;
        let measure = line.row.values[run]?;
        Some(value_like(
            &measure.unit,
            other,
            measure.value.filter(|value| value.is_finite()).unwrap_or(other),
        ))
    };
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Measure" }
                    th scope="col" { "Of" }
                    @for run in runs {
                        th.number scope="col" { (run.name) }
                    }
                }
            }
            tbody {
                @for line in simpler {
                    tr {
                        th scope="row" { (spoken(line.row.name)) }
                        td { (line.name) }
                        @for run in 0..runs.len() {
                            td.number { (value(line, run).unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}

fn line(row: &Row, runs: &[ComparedRun]) -> Markup {
    let best = row.best();
    let span = |measure: &Measure, value: f64| {
        let interval = measure.interval.map(|interval| (interval.lower, interval.upper));
        interval.unwrap_or((value, value))
    };
    let span_of_row: Vec<f64> = row
        .known()
        .flat_map(|(_, measure, value)| {
            let (low, high) = span(measure, value);
            [low, high, value]
        })
        .collect();
    html! {
        tr {
            th scope="row" { (spoken(row.name)) }
            td { (row.part) }
            @for (run, measure) in row.values.iter().enumerate() { (cell(*measure, best.contains(&run), &span_of_row)) }
            td.words { (meaning(row, runs)) }
        }
    }
}

fn cell(measure: Option<&Measure>, best: bool, span: &[f64]) -> Markup {
    let Some(measure) = measure else {
        return html! {
            td.number {
                em { "not measured" }
            }
        };
    };
    let Some(value) = measure.value.filter(|value| value.is_finite()) else {
        return html! {
            td {
                em {
                    "not defined"
                    @if let Some(reason) = &measure.undefined { ": " (reason) }
                }
            }
        };
    };
    let interval = measure.interval.map(|interval| (interval.lower, interval.upper));
    let words = match measure.interval {
        Some(interval) => ends(measure, interval),
        None => String::new(),
    };
    let line = Strip {
        description: if words.is_empty() {
            format!("{} on the scale of its row", measure.name)
        } else {
            format!("95 % interval {words}")
        },
        value: Some(value),
        interval,
        span: span.to_vec(),
        others: Vec::new(),
    };
    html! {
        td.number.best[best] {
            strong { (value_in(&measure.unit, value)) }
            @if best {
                " "
                span.star role="img" aria-label="best" { "★" }
            }
            @if !words.is_empty() {
                br;
                small { (words) }
            }
            (strip(&line))
        }
    }
}

fn meaning(row: &Row, runs: &[ComparedRun]) -> String {
    if row.known().count() < 2 {
        return String::new();
    }
    if !row.same_samples() {
        return "measured on different numbers of samples, so that values cannot be compared safely".into();
    }
    if row.best().is_empty() {
        return "no difference".into();
    }
    let names_of =
        |runs_of: &[usize]| list(&runs_of.iter().map(|run| runs[*run].name.as_str()).collect::<Vec<_>>());
    match row.compared() {
        None => "no intervals are known".into(),
        Some((_, _, apart)) if apart.is_empty() => "differences lie within the intervals".into(),
        Some((_, near, apart)) if near.is_empty() => format!("better than {}", names_of(&apart)),
        Some((_, near, apart)) => {
            format!("better than {}; within the intervals of {}", names_of(&apart), names_of(&near))
        }
    }
}
