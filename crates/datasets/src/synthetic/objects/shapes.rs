//! Closed outlines, and the ways to make them: polygons, ellipses, smooth curves and thick lines.
//!
//! Coordinates are those of a page: x to the right, y down; an object fills about `-1..1` both ways.

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

impl Point {
    /// The point that lies `right` and `down` of this one.
    pub(super) fn plus(self, right: f32, down: f32) -> Point {
        at(self.x + right, self.y + down)
    }
}

/// A closed outline that runs clockwise on the page, so that outlines that overlap are one area.
#[derive(Clone, Debug)]
pub(super) struct Outline(Vec<Point>);

impl Outline {
    /// Straight lines between the points, which may run either way round.
    pub(super) fn polygon(mut points: Vec<Point>) -> Self {
        let area: f32 = edges(&points).map(|(from, to)| from.x * to.y - to.x * from.y).sum();
        if area < 0.0 {
            points.reverse();
        }
        Self(points)
    }

    pub(super) fn rectangle(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self::polygon(vec![at(left, top), at(right, top), at(right, bottom), at(left, bottom)])
    }

    /// A smooth curve through all points.
    pub(super) fn smooth(points: &[Point]) -> Self {
        let n = points.len();
        let mut curve = Vec::with_capacity(n * 4);
        for index in 0..n {
            let neighbours = [
                points[(index + n - 1) % n],
                points[index],
                points[(index + 1) % n],
                points[(index + 2) % n],
            ];
            curve.extend((0..4).map(|piece| spline(neighbours, piece as f32 / 4.0)));
        }
        Self::polygon(curve)
    }

    /// An ellipse whose first axis is turned by `turn` radians, clockwise on the page.
    pub(super) fn ellipse(centre: Point, radius_x: f32, radius_y: f32, turn: f32) -> Self {
        let (s, c) = (sine(turn), cosine(turn));
        let corners = 18;
        Self::polygon(
            (0..corners)
                .map(|corner| {
                    let angle = std::f32::consts::TAU * corner as f32 / corners as f32;
                    let (x, y) = (radius_x * cosine(angle), radius_y * sine(angle));
                    centre.plus(x * c - y * s, x * s + y * c)
                })
                .collect(),
        )
    }

    pub(super) fn points(&self) -> &[Point] {
        &self.0
    }

    /// This outline with each point elsewhere.
    pub(super) fn map(&self, place: impl Fn(Point) -> Point) -> Self {
        Self::polygon(self.0.iter().map(|point| place(*point)).collect())
    }

    /// A line of this width along the whole outline, half of it outside.
    pub(super) fn border(&self, width: f32) -> Vec<Outline> {
        let mut closed = self.0.clone();
        closed.extend(self.0.first());
        line(&closed, width)
    }
}

/// The outlines of a line of this width with round ends and corners.
pub(super) fn line(points: &[Point], width: f32) -> Vec<Outline> {
    let half = width * 0.5;
    let mut outlines = Vec::with_capacity(points.len() * 2);
    for pair in points.windows(2) {
        let (along_x, along_y) = (pair[1].x - pair[0].x, pair[1].y - pair[0].y);
        let length = (along_x * along_x + along_y * along_y).sqrt().max(1e-6);
        let (x, y) = (-along_y / length * half, along_x / length * half);
        outlines.push(Outline::polygon(vec![
            pair[0].plus(x, y),
            pair[1].plus(x, y),
            pair[1].plus(-x, -y),
            pair[0].plus(-x, -y),
        ]));
    }
    // An octagon is round enough for corners a pixel or two wide.
    outlines.extend(points.iter().map(|point| {
        let short = half * 0.414;
        let corners = [(half, short), (short, half), (-short, half), (-half, short)];
        let corners = corners.into_iter().chain(corners.map(|(x, y)| (-x, -y)));
        Outline::polygon(corners.map(|(x, y)| point.plus(x, y)).collect())
    }));
    outlines
}

/// Points of a smooth curve through all of `points`, open at its ends.
pub(super) fn curve(points: &[Point]) -> Vec<Point> {
    let mut curve: Vec<Point> = Vec::with_capacity(points.len() * 4);
    for index in 1..points.len() {
        let before = points[index.saturating_sub(2)];
        let after = points[(index + 1).min(points.len() - 1)];
        let neighbours = [before, points[index - 1], points[index], after];
        curve.extend((0..4).map(|piece| spline(neighbours, piece as f32 / 4.0)));
    }
    curve.extend(points.last());
    curve
}

/// Catmull and Rom's spline between the middle two points.
fn spline([before, from, to, after]: [Point; 4], t: f32) -> Point {
    let blend = |p0: f32, p1: f32, p2: f32, p3: f32| {
        0.5 * (2.0 * p1
            + (p2 - p0) * t
            + (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3) * t * t
            + (3.0 * p1 - p0 - 3.0 * p2 + p3) * t * t * t)
    };
    at(blend(before.x, from.x, to.x, after.x), blend(before.y, from.y, to.y, after.y))
}

/// The edges of a closed outline.
pub(super) fn edges(points: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    points.iter().copied().zip(points.iter().copied().cycle().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(outline: &Outline) -> f32 {
        edges(outline.points()).map(|(from, to)| from.x * to.y - to.x * from.y).sum::<f32>() * 0.5
    }

    #[test]
    fn outlines_run_one_way_round() {
        let square = vec![at(0.0, 0.0), at(0.0, 2.0), at(2.0, 2.0), at(2.0, 0.0)];
        assert_eq!(area(&Outline::polygon(square.clone())), 4.0);
        assert_eq!(area(&Outline::polygon(square.into_iter().rev().collect())), 4.0);
        let mirrored = Outline::rectangle(0.0, 0.0, 1.0, 1.0).map(|point| at(-point.x, point.y));
        assert_eq!(area(&mirrored), 1.0);
    }

    #[test]
    fn areas_are_near_the_formulas() {
        let turned = Outline::ellipse(at(3.0, 1.0), 2.0, 0.5, 0.7);
        assert!((area(&turned) - std::f32::consts::PI).abs() < 0.08, "{}", area(&turned));
        let bar = line(&[at(0.0, 0.0), at(3.0, 4.0)], 0.2);
        assert!((area(&bar[0]) - 1.0).abs() < 1e-5);
    }
}
