//! A pen that leaves polylines: lines, arcs and smooth curves through points.
//!
//! Coordinates are those of a page: x to the right, y down; a glyph fills about `0..1` both ways.

use crate::synthetic::waves::{cosine, sine};

/// A point or a displacement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

pub(super) fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

/// What one touch of the pen leaves: points close enough together that straight lines between them look round.
pub(super) type Stroke = Vec<Point>;

/// Pieces per curve between two given points.
const PIECES: usize = 8;

/// Draws strokes one after the other.
#[derive(Default)]
pub(super) struct Pen {
    strokes: Vec<Stroke>,
}

impl Pen {
    /// A stroke of straight lines.
    pub(super) fn lines(&mut self, points: &[Point]) {
        let mut stroke = Vec::new();
        extend_lines(&mut stroke, points);
        self.strokes.push(stroke);
    }

    /// A smooth stroke through all points.
    pub(super) fn curve(&mut self, points: &[Point]) {
        self.strokes.push(Vec::new());
        self.then_curve(points);
    }

    /// Goes on from the last point with straight lines.
    pub(super) fn then_lines(&mut self, points: &[Point]) {
        if let Some(stroke) = self.strokes.last_mut() {
            let mut all: Vec<Point> = stroke.last().copied().into_iter().collect();
            all.extend_from_slice(points);
            extend_lines(stroke, &all);
        }
    }

    /// Goes on from the last point with a smooth curve; where it begins there may be a corner.
    pub(super) fn then_curve(&mut self, points: &[Point]) {
        if let Some(stroke) = self.strokes.last_mut() {
            let mut all: Vec<Point> = stroke.last().copied().into_iter().collect();
            all.extend_from_slice(points);
            extend_curve(stroke, &all);
        }
    }

    pub(super) fn finish(self) -> Vec<Stroke> {
        self.strokes
    }
}

fn extend_lines(stroke: &mut Stroke, points: &[Point]) {
    stroke.extend(points.first());
    for pair in points.windows(2) {
        for piece in 1..=PIECES {
            stroke.push(between(pair[0], pair[1], piece as f32 / PIECES as f32));
        }
    }
}

/// Catmull and Rom's spline: through every point, smooth in all but the ends.
fn extend_curve(stroke: &mut Stroke, points: &[Point]) {
    stroke.extend(points.first());
    for index in 1..points.len() {
        let (from, to) = (points[index - 1], points[index]);
        let before = points[index.saturating_sub(2)];
        let after = points[(index + 1).min(points.len() - 1)];
        for piece in 1..=PIECES {
            let t = piece as f32 / PIECES as f32;
            let blend = |p0: f32, p1: f32, p2: f32, p3: f32| {
                0.5 * (2.0 * p1
                    + (p2 - p0) * t
                    + (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3) * t * t
                    + (3.0 * p1 - p0 - 3.0 * p2 + p3) * t * t * t)
            };
            stroke.push(at(blend(before.x, from.x, to.x, after.x), blend(before.y, from.y, to.y, after.y)));
        }
    }
}

pub(super) fn between(from: Point, to: Point, t: f32) -> Point {
    at(from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t)
}

/// Points on an ellipse, by angle in degrees: 0 is right, 90 is down, 270 is up.
pub(super) fn arc(centre: Point, radius_x: f32, radius_y: f32, from: f32, to: f32) -> Vec<Point> {
    let steps = ((to - from).abs() / 30.0).ceil().max(2.0);
    (0..=steps as usize)
        .map(|step| {
            let angle = (from + (to - from) * step as f32 / steps).to_radians();
            at(centre.x + radius_x * cosine(angle), centre.y + radius_y * sine(angle))
        })
        .collect()
}
