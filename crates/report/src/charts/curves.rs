//! Lines over a common axis: training curves, ROC curves and their like.

use maud::{Markup, html};

use super::Plot;
use super::legend::SERIES;
use super::plot::{LETTER, unit};
use crate::statistics::Points;
use crate::words::shortened;

/// Letters of a name at the end of a line; more would leave no room for the line.
const LETTERS: usize = 16;

/// A line.
pub struct Series {
    pub name: String,
    pub points: Points,
    pub style: Style,
}

/// How a line looks.
#[derive(Clone, Copy, PartialEq)]
pub enum Style {
    /// One of the numbered styles.
    Line(usize),
    /// Behind the others: what is noisy, or a reference.
    Faint,
    /// Dashes, for what guessing would give.
    Reference,
}

/// Lines in a plot.
pub struct Curves {
    pub plot: Plot,
    pub series: Vec<Series>,
    /// A place on the x axis with words for it.
    pub mark: Option<(f64, String)>,
    /// Whether the series are named where they end.
    pub named: bool,
    /// How values at points are written; curves of very many points have none.
    pub points: Option<fn(f64) -> String>,
    /// A point that is marked, on whatever line.
    pub ring: Option<(f64, f64)>,
    /// Intervals of values at points.
    pub whiskers: Vec<Whisker>,
}

/// The interval of a value.
pub struct Whisker {
    /// The numbered style of its line.
    pub style: usize,
    pub x: f64,
    pub lower: f64,
    pub upper: f64,
}

impl Curves {
    /// Lines without names, points, marks and intervals.
    pub fn new(plot: Plot, series: Vec<Series>) -> Self {
        Self { plot, series, mark: None, named: false, points: None, ring: None, whiskers: Vec::new() }
    }

    pub fn draw(mut self) -> Markup {
        if self.named {
            let longest =
                self.lines().map(|(_, series)| series.name.chars().count()).max().unwrap_or(0).min(LETTERS);
            self.plot.right = longest as f64 * LETTER * 0.58 + 12.0;
        }
        let plot = &self.plot;
        let marks = html! {
            @if let Some((x, words)) = &self.mark {
                @if plot.x.holds(*x) { (mark(plot, *x, words)) }
            }
            @for whisker in &self.whiskers { (self.whisker(whisker)) }
            @for series in &self.series {
                path class={ "line " (class(series.style)) } d=(plot.path(series.points.iter().copied())) {}
                @if let Some(value) = self.points { (self.points(series, value)) }
            }
            @if let Some((x, y)) = self.ring {
                @if plot.x.holds(x) && plot.y.holds(y) {
                    circle.ring cx=(unit(plot.at_x(x))) cy=(unit(plot.at_y(y))) r="6" {}
                }
            }
            @if self.named { (self.names()) }
        };
        plot.draw(marks)
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.series.iter().filter_map(|series| match series.style {
            Style::Line(style) => Some((style, series)),
            Style::Faint | Style::Reference => None,
        })
    }

    /// A point for each value if they are few, which says its value; of more they cannot be seen, so that dashes stay dashes; of
    /// very many only those are drawn that stand alone between gaps.
    fn points(&self, series: &Series, value: fn(f64) -> String) -> Markup {
        let shown = |at: usize| series.points.get(at).is_some_and(|(_, y)| self.plot.y.holds(*y));
        let Style::Line(style) = series.style else { return html! {} };
        let few = series.points.len() <= 150;
        let seen = series.points.len() <= 25;
        let alone = |at: usize| !shown(at + 1) && (at == 0 || !shown(at - 1));
        html! {
            @for (at, (x, y)) in {
                series
                    .points
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| shown(*at) && (few || alone(*at)))
            } {
                circle
                    class={
                        "point s"
                        (style % SERIES)
                        @if !seen && !alone(at) { " unseen" }
                    }
                    cx=(unit(self.plot.at_x(*x)))
                    cy=(unit(self.plot.at_y(*y)))
                    r=(if seen || alone(at) { "2.6" } else { "4" })
                {
                    title { (series.name) ", " (crate::format::number(*x)) ": " (value(*y)) }
                }
            }
        }
    }

    fn whisker(&self, whisker: &Whisker) -> Markup {
        let plot = &self.plot;
        html! {
            @if plot.x.holds(whisker.x) && plot.y.holds(whisker.lower) && plot.y.holds(whisker.upper) {
                line
                    class={ "whisker s" (whisker.style % SERIES) }
                    x1=(unit(plot.at_x(whisker.x)))
                    x2=(unit(plot.at_x(whisker.x)))
                    y1=(unit(plot.at_y(whisker.lower)))
                    y2=(unit(plot.at_y(whisker.upper))) {}
            }
        }
    }

    /// Names at the ends of the lines, moved apart where they would lie on each other.
    fn names(&self) -> Markup {
        let (top, bottom) = self.plot.down();
        let last = |series: &Series| series.points.iter().rev().find(|(_, y)| self.plot.y.holds(*y)).copied();
        let mut ends: Vec<(f64, usize, &str)> = self
            .lines()
            .filter_map(|(style, series)| {
                Some((self.plot.at_y(last(series)?.1), style, series.name.as_str()))
            })
            .collect();
        ends.sort_by(|left, right| left.0.total_cmp(&right.0));
        let apart = LETTER + 3.0;
        for at in 1..ends.len() {
            ends[at].0 = ends[at].0.max(ends[at - 1].0 + apart);
        }
        let mut limit = bottom;
        for end in ends.iter_mut().rev() {
            end.0 = end.0.min(limit).max(top);
            limit = end.0 - apart;
        }
        let x = self.plot.across().1 + 7.0;
        html! {
            @for (y, style, name) in ends {
                text class={ "name s" (style % SERIES) } x=(unit(x)) y=(unit(y + 4.0)) { (shortened(name, LETTERS)) }
            }
        }
    }
}

fn class(style: Style) -> String {
    match style {
        Style::Line(style) => format!("s{}", style % SERIES),
        Style::Faint => "faint".into(),
        Style::Reference => "reference".into(),
    }
}

fn mark(plot: &Plot, x: f64, words: &str) -> Markup {
    let ((left, right), (top, bottom)) = (plot.across(), plot.down());
    let at = plot.at_x(x);
    let on_the_right = at < (left + right) / 2.0;
    html! {
        line.mark x1=(unit(at)) x2=(unit(at)) y1=(unit(top)) y2=(unit(bottom)) {}
        text
            class={
                "note"
                @if !on_the_right { " end" }
            }
            x=(unit(if on_the_right { at + 5.0 } else { at - 5.0 }))
            y=(unit(top + 9.0))
        { (words) }
    }
}
