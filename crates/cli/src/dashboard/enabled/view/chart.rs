//! The chart that is chosen: losses, a measure, the learning rate, the norm of the gradients, or the speed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis as ChartAxis, Block, Chart as ChartWidget, Dataset, GraphType, Widget};

use super::super::curve::mean;
use super::super::state::TrainingState;
use super::View;
use super::axis::{Axis, linear, logarithmic, places};
use super::text::{fit, width};

/// Points side by side in a column of letters.
const POINTS_PER_COLUMN: usize = 2;

/// Rows between two labels.
const ROWS_PER_LABEL: usize = 4;

/// Columns that a marked point needs.
const COLUMNS_PER_DOT: usize = 4;

/// What a chart shows.
struct Chart {
    name: String,
    series: Vec<Series>,
    /// Whether its horizontal axis counts epochs, not steps.
    is_of_epochs: bool,
    is_percent: bool,
}

struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    is_validation: bool,
}

/// Draws the chart that is chosen, with the names of all.
pub fn draw(state: &TrainingState, view: &View, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 || area.width < 10 {
        return;
    }
    let names = names(state);
    let chosen = view.chart.rem_euclid(names.len() as i32) as usize;
    let chart = chart(state, &names, chosen);
    let room = usize::from(area.width).saturating_sub(2);
    let block = Block::bordered()
        .title(tabs(&names, chosen, view, room))
        .title_bottom(legend(&chart, view, room))
        .title_bottom(scale(&chart, view).right_aligned());
    let inner = block.inner(area);
    block.render(area, buffer);
    match plot(&chart, view, inner) {
        Some(plot) => plot.render(inner, buffer),
        None => nothing(&chart, inner, buffer),
    }
}

/// The names of the charts: `loss` first, then the measures.
fn names(state: &TrainingState) -> Vec<String> {
    let mut names = vec!["loss".to_owned()];
    for measured in &state.measured {
        let name = measured.name.strip_prefix("val_").unwrap_or(&measured.name);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.extend(["learning rate", "gradient norm", "samples/s"].map(str::to_owned));
    names
}

fn chart(state: &TrainingState, names: &[String], chosen: usize) -> Chart {
    let name = names[chosen].clone();
    let training = |points| Series { name: name.clone(), points, is_validation: false };
    let validation = |points| Series { name: format!("val_{name}"), points, is_validation: true };
    let has = |name: &str| state.measured.iter().any(|measured| measured.name == name);
    let steps = state.steps_per_epoch as f64;
    let of_steps = |curve: &super::super::curve::Curve| vec![training(curve.points())];
    let after_measures = names.len() - 3;
    let mut series = match chosen {
        0 => of_steps(&state.losses),
        _ if chosen == after_measures => of_steps(&state.learning_rates),
        _ if chosen == after_measures + 1 => of_steps(&state.gradient_norms),
        _ if chosen == after_measures + 2 => of_steps(&state.speeds),
        _ if has(&name) => vec![training(state.course(&name))],
        _ => Vec::new(),
    };
    if has(&format!("val_{name}")) {
        let mut points = state.course(&format!("val_{name}"));
        if chosen == 0 {
            points.iter_mut().for_each(|(epoch, _)| *epoch *= steps);
        }
        series.push(validation(points));
    }
    let is_of_epochs = (1..after_measures).contains(&chosen);
    let is_percent = is_of_epochs && name.ends_with("accuracy");
    if is_percent {
        series.iter_mut().flat_map(|series| &mut series.points).for_each(|(_, value)| *value *= 100.0);
    }
    Chart { name, series, is_of_epochs, is_percent }
}

/// The names of all charts with the chosen one marked, or that alone where there is no room.
fn tabs(names: &[String], chosen: usize, view: &View, room: usize) -> Line<'static> {
    let all: usize = names.iter().map(|name| width(name) + 3).sum::<usize>() + 1;
    if all > room {
        let place = format!("{}/{}", chosen + 1, names.len());
        let name = fit(&names[chosen], room.saturating_sub(width(&place) + 4));
        return Line::from(vec![
            Span::raw(" "),
            Span::styled(name, view.theme.strong),
            Span::raw(format!(" {place} ")),
        ]);
    }
    let mut spans = vec![Span::raw(" ")];
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            spans.push(Span::raw(" "));
        }
        spans.push(match index == chosen {
            true => Span::styled(format!("[{}]", fit(name, room)), view.theme.strong),
            false => Span::raw(format!(" {} ", fit(name, room))),
        });
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}

fn style(series: &Series, view: &View) -> Style {
    if series.is_validation { view.theme.validation } else { view.theme.training }
}

/// Which curve is which.
fn legend(chart: &Chart, view: &View, room: usize) -> Line<'static> {
    let mut spans = Vec::new();
    for series in &chart.series {
        let mark = if series.is_validation { "•" } else { "⠒⠒" };
        let name = fit(&series.name, (room / 2).saturating_sub(4));
        spans.push(Span::styled(format!(" {mark} {name} "), style(series, view)));
    }
    Line::from(spans)
}

/// What the axes are.
fn scale(chart: &Chart, view: &View) -> Line<'static> {
    let mut words = String::from(if chart.is_of_epochs { " epochs" } else { " steps" });
    if view.zoom > 0 {
        words.push_str(&format!(", last 1/{}", 1u64 << view.zoom.min(View::MOST_ZOOM)));
    }
    if view.logarithmic {
        words.push_str(", logarithmic");
    }
    Line::raw(words + " ")
}

/// The curves in an area, if there are any values.
fn plot(chart: &Chart, view: &View, area: Rect) -> Option<ChartPlot> {
    let all = chart.series.iter().flat_map(|series| &series.points);
    let last = all.clone().map(|(x, _)| *x).fold(f64::NEG_INFINITY, f64::max);
    if !last.is_finite() || last <= 0.0 {
        return None;
    }
    let first = last - last / (1u64 << view.zoom.min(View::MOST_ZOOM)) as f64;
    let columns = POINTS_PER_COLUMN * usize::from(area.width);
    let seen: Vec<Vec<(f64, f64)>> =
        chart.series.iter().map(|series| thinned(&series.points, [first, last], columns)).collect();
    let values = || seen.iter().flatten().map(|(_, value)| *value);
    // Below the curves are the axis and its labels.
    let rows = usize::from(area.height).saturating_sub(2);
    let labels = (rows / ROWS_PER_LABEL + 2).min(rows).clamp(2, 6);
    let unit = if chart.is_percent { " %" } else { "" };
    let is_logarithmic = view.logarithmic && values().any(|value| value > 0.0);
    let vertical = match is_logarithmic {
        true => logarithmic(values(), labels, unit),
        false => linear(values(), labels, unit),
    };
    let scaled = |points: Vec<(f64, f64)>| match is_logarithmic {
        true => points.into_iter().filter(|(_, y)| *y > 0.0).map(|(x, y)| (x, y.log10())).collect(),
        false => points,
    };
    let curve = |(series, points): (&Series, Vec<(f64, f64)>)| Curve {
        // Closer together they would hide the curve; without colours they tell it from the other.
        dots: series.is_validation
            && (points.len() * COLUMNS_PER_DOT <= usize::from(area.width) || view.theme.is_plain()),
        points: scaled(points),
        style: style(series, view),
    };
    let curves = chart.series.iter().zip(seen).map(curve).collect();
    Some(ChartPlot { horizontal: places([first, last]), vertical, curves })
}

/// What is seen of a curve, with the mean of points that share a place.
fn thinned(points: &[(f64, f64)], [first, last]: [f64; 2], places: usize) -> Vec<(f64, f64)> {
    let place = |x: f64| ((x - first) / (last - first).max(f64::MIN_POSITIVE) * places as f64) as usize;
    let seen: Vec<(f64, f64)> = points.iter().copied().filter(|(x, _)| *x >= first && *x <= last).collect();
    let alike = seen.chunk_by(|a, b| place(a.0) == place(b.0));
    alike.filter_map(|points| mean(points.iter().copied())).collect()
}

/// Curves and axes, ready to be drawn.
struct ChartPlot {
    horizontal: Axis,
    vertical: Axis,
    curves: Vec<Curve>,
}

struct Curve {
    points: Vec<(f64, f64)>,
    style: Style,
    /// Whether each point is marked.
    dots: bool,
}

impl Curve {
    fn drawn(&self, marker: Marker, kind: GraphType) -> Dataset<'_> {
        Dataset::default().marker(marker).graph_type(kind).style(self.style).data(&self.points)
    }
}

impl ChartPlot {
    fn render(&self, area: Rect, buffer: &mut Buffer) {
        let lines = self.curves.iter().map(|curve| curve.drawn(Marker::Braille, GraphType::Line));
        let marked = self.curves.iter().filter(|curve| curve.dots);
        let dots = marked.map(|curve| curve.drawn(Marker::Dot, GraphType::Scatter));
        let axis = |axis: &Axis| ChartAxis::default().bounds(axis.ends).labels(axis.labels.clone());
        ChartWidget::new(lines.chain(dots).collect())
            .x_axis(axis(&self.horizontal))
            .y_axis(axis(&self.vertical))
            .legend_position(None)
            .render(area, buffer);
    }
}

fn nothing(chart: &Chart, area: Rect, buffer: &mut Buffer) {
    let words = match chart.is_of_epochs {
        true => "no epoch is done yet",
        false => "no value yet",
    };
    let words = format!("{}: {words}", chart.name);
    let middle = Rect { y: area.y + area.height / 2, height: area.height.min(1), ..area };
    Line::raw(fit(&words, usize::from(area.width))).centered().render(middle, buffer);
}
