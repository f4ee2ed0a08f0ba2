//! Accuracy where samples are changed, on purpose or by chance.

use maud::{Markup, html};

use super::words::{between, few, no_samples, of_hundred, rate};
use crate::charts::{Axis, Curves, Plot, Series, Style, Whisker, figure, legend};
use crate::check::STRENGTHS;
use crate::data::{AttackCurve, AttackedPicture, Corruption, Picture, RobustnessAudit};
use crate::error::ReportError;
use crate::format::{counted, number, percent, precise_percent};
use crate::page::{Section, scroll};
use crate::picture::data_uri;
use crate::words::{list, shortened};

/// No more pairs are shown, and pictures have no more pixels on a side.
const PAIRS: usize = 12;
const SIDE: usize = 72;
/// The tables have no more rows.
const ROWS: usize = 200;

/// The sentence of the opening.
pub fn finding(audit: &RobustnessAudit) -> Markup {
    if audit.samples == 0 {
        return html! { "Nothing can be said: it was measured on no samples." };
    }
    let points =
        audit.attacks.iter().flat_map(|attack| attack.points.iter().map(move |point| (attack, point)));
    let worst = points.min_by(|one, other| one.1.1.total_cmp(&other.1.1));
    html! {
        "Of a hundred samples it gets " strong { (of_hundred(audit.accuracy)) } " right"
        @if let Some((attack, (strength, accuracy, _))) = worst {
            "; where an attack (" (shortened(&attack.name, 40)) ") changes each by up to "
            (of_unit(*strength, &attack.unit))
            ", "
            strong { (of_hundred(*accuracy)) }
        }
        @if let Some(error) = audit.mean_corruption_error {
            "; where they are corrupted, by noise or the like, "
            strong { (of_hundred(1.0 - error)) }
            " on average"
        }
        "."
    }
}

/// The section.
///
/// # Errors
/// [`ReportError::Png`] for pictures that cannot be written.
pub fn section(audit: &RobustnessAudit) -> Result<Section, ReportError> {
    let body = match audit.samples {
        0 => no_samples(),
        samples => html! {
            p {
                "Is it still right where samples are changed: by somebody who wants it to be wrong, or by chance? Of "
                (counted(samples, "sample"))
                " as they are it gets "
                (rate(audit.accuracy, audit.interval))
                " right. "
                "Accuracy under an attack is an upper bound, as another attack may do more; and of changes that were not tried this says nothing."
            }
            (few(samples))
            (attacks(audit))
            (corruptions(audit))
            (pictures(&audit.pictures)?)
        },
    };
    Ok(Section::new("robustness", "Robustness", body))
}

fn of_unit(strength: f64, unit: &str) -> String {
    format!("{} {}", number(strength), shortened(unit, 60)).trim_end().into()
}

fn attacks(audit: &RobustnessAudit) -> Markup {
    let attacks: Vec<&AttackCurve> =
        audit.attacks.iter().filter(|attack| !attack.points.is_empty()).collect();
    if attacks.is_empty() {
        return html! {};
    }
    let mut units: Vec<&str> = Vec::new();
    for attack in &attacks {
        if !units.contains(&attack.unit.as_str()) {
            units.push(&attack.unit);
        }
    }
    html! {
        h3 { "Under attack" }
        p {
            "An attack looks for the change of a sample, no larger than its strength, that does the model the most harm. Accuracy should stay \
             high for longer."
        }
        @for unit in units {
            @let attacks = attacks.iter().copied().filter(|attack| attack.unit == unit).collect::<Vec<_>>();
            div.figures.tabled { (figure_of(audit, unit, &attacks)) (table_of(unit, &attacks)) }
        }
    }
}

/// Accuracies by strength, a column for each of the attacks of a unit.
fn table_of(unit: &str, attacks: &[&AttackCurve]) -> Markup {
    let mut strengths: Vec<f64> =
        attacks.iter().flat_map(|attack| attack.points.iter().map(|point| point.0)).collect();
    strengths.sort_by(f64::total_cmp);
    strengths.dedup();
    let at =
        |attack: &AttackCurve, strength: f64| attack.points.iter().find(|point| point.0 == strength).copied();
    let table = html! {
        table.stacks {
            thead {
                tr {
                    th scope="col" { "Strength" }
                    @for attack in attacks {
                        th.number scope="col" { (shortened(&attack.name, 40)) }
                    }
                }
            }
            tbody {
                @for strength in strengths.iter().take(ROWS) {
                    tr {
                        th scope="row" data-name="Strength" { (number(*strength)) }
                        @for attack in attacks {
                            td.number data-name=(shortened(&attack.name, 40)) {
                                @if let Some((_, accuracy, interval)) = at(attack, *strength) {
                                    (precise_percent(accuracy))
                                    @if let Some(interval) = interval {
                                        " "
                                        small { (between(interval, accuracy)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        div {
            (scroll("Accuracy under attack", table))
            p.caption {
                "Accuracy by strength"
                @if !unit.is_empty() { ", " (shortened(unit, 60)) }
                "; in small print 95\u{a0}% intervals."
                @if strengths.len() > ROWS { " The first " (ROWS) " of " (strengths.len()) " strengths." }
            }
        }
    }
}

/// The figure of the attacks of a unit.
fn figure_of(audit: &RobustnessAudit, unit: &str, attacks: &[&AttackCurve]) -> Markup {
    let all = attacks.iter().flat_map(|attack| attack.points.iter().map(|point| point.0));
    let x = Axis::linear(all.chain([0.0]), 5);
    let unit = shortened(unit, 40);
    let label = if unit.is_empty() { "strength".into() } else { format!("strength, {unit}") };
    let ends = attacks.iter().filter_map(|attack| {
        let (strength, accuracy, _) = attack.points.last()?;
        Some(format!("{} at {} with {}", percent(*accuracy), number(*strength), shortened(&attack.name, 40)))
    });
    let description = format!("Accuracy over the strength of attacks: {}", list(&ends.collect::<Vec<_>>()));
    let plot = Plot::new(description, x, Axis::between(0.0, 1.0, 5).in_percent()).labels(label, "accuracy");
    let unchanged = Series {
        name: "unchanged samples".into(),
        points: vec![(plot.x.low, audit.accuracy), (plot.x.high, audit.accuracy)],
        style: Style::Reference,
    };
    let lines = attacks.iter().enumerate().map(|(style, attack)| Series {
        name: shortened(&attack.name, 40),
        points: attack.points.iter().map(|point| (point.0, point.1)).collect(),
        style: Style::Line(style),
    });
    let whiskers = attacks.iter().enumerate().flat_map(|(style, attack)| {
        let of = move |(x, _, interval): &(f64, f64, Option<[f64; 2]>)| {
            interval.map(|[lower, upper]| Whisker { style, x: *x, lower, upper })
        };
        attack.points.iter().filter_map(of)
    });
    let series = std::iter::once(unchanged).chain(lines).collect();
    let curves =
        Curves { points: Some(percent), whiskers: whiskers.collect(), ..Curves::new(plot, series) }.draw();
    let names: Vec<_> = attacks
        .iter()
        .enumerate()
        .map(|(style, attack)| (style, shortened(&attack.name, 40), String::new()))
        .collect();
    let caption = "Dashes: samples as they are. Whiskers are 95\u{a0}% intervals.";
    figure("Accuracy against strength", curves, legend(&names), caption)
}

fn corruptions(audit: &RobustnessAudit) -> Markup {
    if audit.corruptions.is_empty() {
        return html! {};
    }
    let table = html! {
        table.compact.shaded {
            thead {
                tr {
                    td {}
                    th.over colspan=(STRENGTHS) scope="colgroup" { "strength" }
                    td {}
                }
                tr {
                    th scope="col" { "Corruption" }
                    @for strength in 1..=STRENGTHS {
                        th.number scope="col" { (strength) }
                    }
                    th.number scope="col" { "Mean" }
                }
            }
            tbody {
                @for corruption in audit.corruptions.iter().take(ROWS) {
                    tr {
                        th scope="row" title=(shortened(&corruption.name, 60)) { (shortened(&corruption.name, 24)) }
                        @for accuracy in &corruption.accuracy { (cell(*accuracy)) }
                        td.number {
                            strong { (of_hundred(mean(corruption))) }
                        }
                    }
                }
            }
        }
    };
    html! {
        h3 { "Where samples are corrupted" }
        p {
            "Noise, blur and the like, which nobody chose to do harm. Cells are accuracies in per cent, in a deeper blue where they are higher."
            @if let Some(error) = audit.mean_corruption_error {
                " Over all of them, "
                (precise_percent(error))
                " of the answers are wrong (mean corruption error); of samples as they are, "
                (precise_percent(1.0 - audit.accuracy))
                "."
            }
        }
        (scroll("Accuracy where samples are corrupted", table))
        @if audit.corruptions.len() > ROWS {
            p.caption { "The first " (ROWS) " of " (audit.corruptions.len()) " corruptions." }
        }
    }
}

/// A cell whose colour is deeper where accuracy is higher; the square lets high ones be told apart.
fn cell(accuracy: f64) -> Markup {
    html! {
        td.number style={ "--v:" (format!("{:.0}%", 3.0 + 45.0 * accuracy * accuracy)) } { (of_hundred(accuracy)) }
    }
}

fn mean(corruption: &Corruption) -> f64 {
    corruption.accuracy.iter().sum::<f64>() / corruption.accuracy.len() as f64
}

fn pictures(pictures: &[AttackedPicture]) -> Result<Markup, ReportError> {
    if pictures.is_empty() {
        return Ok(html! {});
    }
    let cards = pictures.iter().take(PAIRS).enumerate().map(|(at, picture)| card(picture, at + 1));
    let cards: Vec<Markup> = cards.collect::<Result<_, _>>()?;
    Ok(html! {
        h3 { "Pictures before and after" }
        p {
            "On the left each picture as it is, on the right what an attack made of it, and what the model said of both."
            @if pictures.len() > PAIRS { " " (PAIRS) " of " (counted(pictures.len(), "pair")) " are shown." }
        }
        div.cards.explained {
            @for card in &cards { (card) }
        }
    })
}

fn card(picture: &AttackedPicture, number: usize) -> Result<Markup, ReportError> {
    let truth = shortened(&picture.truth, 80);
    let image = |shown: &Picture, words: &str| -> Result<Markup, ReportError> {
        let smooth = shown.width.max(shown.height) > SIDE;
        let uri = data_uri(shown, SIDE, &format!("attacked picture {number}, {words}"))?;
        Ok(html! {
            img.smooth[smooth] src=(uri) alt={ "A sample of " (truth) ", " (words) };
        })
    };
    let said = |words: &str, answer: &str| {
        html! {
            div.said[answer != picture.truth] {
                dt { (words) }
                dd {
                    b { (shortened(answer, 80)) }
                }
            }
        }
    };
    Ok(html! {
        figure.card {
            div.pictures { (image(&picture.before, "before")?) (image(&picture.after, "after")?) }
            figcaption {
                dl {
                    div {
                        dt { "truth" }
                        dd {
                            b { (truth) }
                        }
                    }
                    (said("before", &picture.said_before))
                    (said("after", &picture.said_after))
                }
                @if !picture.attack.is_empty() {
                    p.file { (shortened(&picture.attack, 80)) }
                }
            }
        }
    })
}
