//! Whether samples of the training can be told from others by the model's answers.

use maud::{Markup, html};

use super::words::{between, few, no_samples, of_hundred};
use crate::charts::{Axis, Curves, Plot, Series, Style, figure, legend};
use crate::data::{MembershipAttack, MembershipAudit, RateAt};
use crate::format::{area, count, counted, number, percent, precise_percent};
use crate::page::{Section, scroll};
use crate::statistics::Points;
use crate::words::{list, shortened};

/// The ROC curves begin at this false positive rate, or where one sample alone lies.
const LOWEST: f64 = 1e-3;
/// Steps of a curve over its axis.
const STEPS: u32 = 240;
/// With more attacks the figure shows the first ones.
const DRAWN: usize = 10;

/// The sentence of the opening.
pub fn finding(audit: &MembershipAudit) -> Markup {
    let Some(strongest) = strongest(audit) else {
        return html! { "Nothing can be said: no attack was made." };
    };
    let name = shortened(&strongest.name, 40);
    let rates = strongest.at.iter().filter_map(|at| Some((at.false_positives, at.true_positives?)));
    match rates.min_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((false_positives, true_positives)) => html! {
            "Of a hundred samples that it was trained on, an attack (" (name) ") recognises "
            strong { (of_hundred(true_positives)) }
            (where_taken(false_positives))
            "; guessing would recognise "
            (of_hundred(false_positives))
            "."
        },
        None => html! {
            "Of a hundred pairs of a sample that it was trained on and another one, an attack (" (name) ") tells "
            strong { (of_hundred(strongest.area)) }
            " the right way round; guessing would tell 50."
        },
    }
}

pub fn section(audit: &MembershipAudit) -> Section {
    let body = match strongest(audit) {
        None => no_samples(),
        Some(strongest) => html! {
            p {
                "Can somebody who sees the model’s answers tell which samples it was trained on? The attacks were tried on "
                (counted(audit.members, "sample"))
                " of the training and "
                (count(audit.others as u64))
                " others. "
                "This does not show that the training samples are safe: a model from which these attacks learn nothing may still give them away to \
                 a stronger one."
            }
            p {
                @if audit.shadows > 0 {
                    (count(audit.shadows as u64))
                    @if audit.shadows == 1 { " more model was" } @else { " more models were" }
                    " trained for comparison, some with a sample and some without it (shadow models)."
                } @else {
                    "No other models were trained for comparison, so that only simple attacks were tried. These miss much of what stronger ones find."
                }
            }
            (few(audit.members.min(audit.others)))
            (claim(audit, strongest))
            div.figures { (curves(audit)) }
            (rates(audit))
        },
    };
    Section::new("privacy", "Privacy", body)
}

/// The attack of the largest area; `None` if nothing was measured.
fn strongest(audit: &MembershipAudit) -> Option<&MembershipAttack> {
    if audit.members == 0 || audit.others == 0 {
        return None;
    }
    // The first of several that are alike.
    audit.attacks.iter().rev().max_by(|one, other| one.area.total_cmp(&other.area))
}

/// How many others are taken for samples of the training, as a clause.
fn where_taken(false_positives: f64) -> String {
    let every = (1.0 / false_positives).round();
    match false_positives {
        0.0 => " without taking any other for one".into(),
        rate if (2.0..1e9).contains(&every) && (rate * every - 1.0).abs() < 1e-6 => {
            format!(" where one in {} others is taken for one too", count(every as u64))
        }
        rate => format!(" where {} of the others are taken for one too", percent(rate)),
    }
}

/// What differential privacy allows at most (Kairouz et al. 2015, <https://arxiv.org/abs/1311.0776>).
fn allowed((epsilon, delta): (f64, f64), false_positives: f64) -> f64 {
    let few = epsilon.exp() * false_positives + delta;
    let many = 1.0 - (-epsilon).exp() * (1.0 - delta - false_positives);
    few.min(many).clamp(0.0, 1.0)
}

fn claim(audit: &MembershipAudit, strongest: &MembershipAttack) -> Markup {
    let Some(claim) = audit.claim else {
        return html! {
            p { "The file claims no differential privacy." }
        };
    };
    let known = strongest.at.iter().filter(|at| at.true_positives.is_some());
    let bound = known.map(|at| at.false_positives).min_by(f64::total_cmp);
    let beyond =
        |at: &&RateAt| at.interval.is_some_and(|[lower, _]| lower > allowed(claim, at.false_positives));
    let broken = audit.attacks.iter().find_map(|attack| Some((attack, attack.at.iter().find(beyond)?)));
    html! {
        p {
            "The file says that the training spent ε = " (number(claim.0)) " and δ = " (number(claim.1))
            " of differential privacy. "
            @if let Some(rate) = bound {
                "If that is so, no attack whatever recognises more than "
                (precise_percent(allowed(claim, rate)))
                " of the training samples"
                (where_taken(rate))
                "."
            }
        }
        @if let Some((attack, at)) = broken {
            p.notice {
                (shortened(&attack.name, 40))
                " recognises more than the claim allows where "
                (percent(at.false_positives))
                " of the others are taken for samples of the training: the claim and this measurement need a look."
            }
        }
    }
}

fn curves(audit: &MembershipAudit) -> Markup {
    let drawn = || audit.attacks.iter().filter(|attack| !attack.curve.is_empty()).take(DRAWN).enumerate();
    if drawn().next().is_none() {
        return html! {};
    }
    let low = LOWEST.max(1.0 / audit.others as f64).min(0.1);
    let axis = || Axis::log_between(low, 1.0);
    let areas: Vec<String> = drawn()
        .map(|(_, attack)| format!("{}, area {}", shortened(&attack.name, 40), area(attack.area)))
        .collect();
    let plot = Plot::new(format!("ROC curves with logarithmic axes: {}", list(&areas)), axis(), axis())
        .labels("false positive rate", "true positive rate")
        .square();
    let guessing =
        Series { name: "guessing".into(), points: vec![(low, low), (1.0, 1.0)], style: Style::Reference };
    let lines = drawn().map(|(style, attack)| Series {
        name: shortened(&attack.name, 40),
        points: over_logarithm(&attack.curve, low),
        style: Style::Line(style),
    });
    let series = std::iter::once(guessing).chain(lines).collect();
    let names: Vec<_> =
        drawn().map(|(style, attack)| (style, shortened(&attack.name, 40), area(attack.area))).collect();
    let caption = format!(
        "How many samples of the training are recognised, over how many others are taken for one. Both axes are logarithmic, as an attack that is \
         nearly never wrong matters most; they begin at {}, and what lies below is not drawn. Guessing lies on the dashes. Numbers are areas under the \
         curves on axes that are not logarithmic: 0.5 is guessing, 1 is perfect.",
        number(low)
    );
    figure("ROC, both axes logarithmic", Curves::new(plot, series).draw(), legend(&names), caption)
}

/// A curve at steps that are even on a logarithmic axis; between its points it is straight on a linear one.
fn over_logarithm(curve: &[[f64; 2]], low: f64) -> Points {
    let steps = (0..=STEPS).map(|step| low.powf(1.0 - f64::from(step) / f64::from(STEPS)));
    let height = |x: f64| {
        let after = curve.partition_point(|point| point[0] <= x);
        let [before_x, before_y] = *curve.get(after.checked_sub(1)?)?;
        let Some([after_x, after_y]) = curve.get(after) else {
            return ((before_x - x).abs() < 1e-9).then_some(before_y);
        };
        Some(before_y + (after_y - before_y) * (x - before_x) / (after_x - before_x))
    };
    steps.filter_map(|x| Some((x, height(x)?))).collect()
}

fn rates(audit: &MembershipAudit) -> Markup {
    let mut columns: Vec<f64> =
        audit.attacks.iter().flat_map(|attack| attack.at.iter().map(|at| at.false_positives)).collect();
    columns.sort_by(f64::total_cmp);
    columns.dedup();
    let table = html! {
        table.stacks {
            thead {
                tr {
                    th scope="col" { "Attack" }
                    th.number scope="col" { "Area" }
                    @for rate in &columns {
                        th.number scope="col" { (heading(*rate)) }
                    }
                }
            }
            tbody {
                @for attack in &audit.attacks {
                    tr {
                        th scope="row" { (shortened(&attack.name, 60)) }
                        td.number data-name="Area" { (area(attack.area)) }
                        @for rate in &columns {
                            td.number data-name=(heading(*rate)) {
                                ({ recognised(attack.at.iter().find(|at| at.false_positives == *rate)) })
                            }
                        }
                    }
                }
                tr {
                    th scope="row" { "guessing" }
                    td.number data-name="Area" { (area(0.5)) }
                    @for rate in &columns {
                        td.number data-name=(heading(*rate)) { (precise_percent(*rate)) }
                    }
                }
                @if let Some(claim) = audit.claim.filter(|_| !columns.is_empty()) {
                    tr {
                        th scope="row" { "allowed by the claim" }
                        td {}
                        @for rate in &columns {
                            td.number data-name=(heading(*rate)) { "at most " (precise_percent(allowed(claim, *rate))) }
                        }
                    }
                }
            }
        }
    };
    html! {
        (scroll("Samples of the training that are recognised", table))
        @if !columns.is_empty() {
            p.caption {
                "The share of the training samples that is recognised (true positive rate), where so many of the others are taken for one (false \
                 positive rate); with 95\u{a0}% intervals."
            }
        }
    }
}

fn heading(false_positives: f64) -> String {
    format!("At {} false positives", percent(false_positives).replace(".0\u{a0}%", "\u{a0}%"))
}

fn recognised(at: Option<&RateAt>) -> Markup {
    match at {
        Some(RateAt { true_positives: Some(rate), interval, .. }) => html! {
            strong { (precise_percent(*rate)) }
            @if let Some(interval) = interval {
                " "
                small { (between(*interval, *rate)) }
            }
        },
        Some(RateAt { true_positives: None, .. }) => html! {
            em { "too few samples" }
        },
        None => html! {
            em { "not measured" }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_its_points_a_curve_is_straight_on_a_linear_axis() {
        let points = over_logarithm(&[[0.0, 0.0], [0.5, 0.8], [0.5, 0.9], [1.0, 1.0]], 1e-3);
        let near = |x: f64| {
            let distance = |point: &&(f64, f64)| (point.0 - x).abs();
            points.iter().min_by(|one, other| distance(one).total_cmp(&distance(other))).unwrap()
        };
        assert!((near(0.01).1 / near(0.01).0 - 1.6).abs() < 1e-9);
        assert!((near(0.75).1 - (0.9 + (near(0.75).0 - 0.5) * 0.2)).abs() < 1e-9);
        assert_eq!(points.len(), STEPS as usize + 1);
        assert!(over_logarithm(&[[0.0, 0.3]], 1e-3).is_empty() && over_logarithm(&[], 1e-3).is_empty());
    }

    #[test]
    fn differential_privacy_bounds_what_is_recognised() {
        assert_eq!(allowed((0.0, 0.0), 0.01), 0.01);
        assert!((allowed((1.0, 1e-5), 0.001) - (std::f64::consts::E * 0.001 + 1e-5)).abs() < 1e-12);
        assert!((allowed((1.0, 0.0), 0.9) - (1.0 - (-1.0f64).exp() * 0.1)).abs() < 1e-12);
        assert_eq!(allowed((800.0, 0.0), 0.001), 1.0);
    }
}
