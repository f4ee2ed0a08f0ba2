//! The ten digits in the ways people write them, as strokes with random proportions.

use super::pen::{Pen, Point, Stroke, arc, at, between};
use crate::random::Random;

/// The strokes of one digit, in about `0..1` both ways.
pub(super) fn strokes(digit: u32, r: &mut Random) -> Vec<Stroke> {
    let mut pen = Pen::default();
    match digit {
        0 => zero(&mut pen, r),
        1 => one(&mut pen, r),
        2 => two(&mut pen, r),
        3 => three(&mut pen, r),
        4 => four(&mut pen, r),
        5 => five(&mut pen, r),
        6 => six(&mut pen, r),
        7 => seven(&mut pen, r),
        8 => eight(&mut pen, r),
        _ => nine(&mut pen, r),
    }
    pen.finish()
}

/// Moves each point a little on its own: no hand draws twice the same.
fn shake(points: &mut [Point], r: &mut Random, amount: f32) {
    for point in points {
        point.x += amount * r.normal();
        point.y += amount * r.normal();
    }
}

fn shaken<const N: usize>(points: [(f32, f32); N], r: &mut Random, amount: f32) -> [Point; N] {
    let mut points = points.map(|(x, y)| at(x, y));
    shake(&mut points, r, amount);
    points
}

fn zero(pen: &mut Pen, r: &mut Random) {
    let radius_x = r.range(0.22, 0.48);
    let start = 270.0 + r.range(-60.0, 60.0);
    let sweep = if r.chance(0.75) { r.range(345.0, 400.0) } else { r.range(315.0, 350.0) };
    let direction = if r.chance(0.8) { -1.0 } else { 1.0 };
    let mut outline = arc(at(0.5, 0.5), radius_x, 0.5, start, start + direction * sweep);
    shake(&mut outline, r, 0.022);
    // A loop closed carelessly: the end passes inside or outside of the start.
    let (drift_x, drift_y) = (0.07 * r.normal(), 0.05 * r.normal());
    let last = outline.len().max(2) - 1;
    for (index, point) in outline.iter_mut().enumerate() {
        let late = (index as f32 / last as f32).powi(2);
        point.x += drift_x * late;
        point.y += drift_y * late;
    }
    pen.curve(&outline);
    if r.chance(0.02) {
        pen.lines(&shaken([(0.72, 0.12), (0.28, 0.88)], r, 0.04));
    }
}

fn one(pen: &mut Pen, r: &mut Random) {
    let bend = 0.03 * r.normal();
    let [top, middle, bottom] = shaken([(0.5, 0.0), (0.5 + bend, 0.5), (0.5, 1.0)], r, 0.012);
    pen.curve(&[top, middle, bottom]);
    let style = r.unit();
    if style > 0.86 {
        // The flag runs down from the top.
        let length = r.range(0.12, 0.32);
        pen.lines(&[top, at(top.x - length, top.y + length * r.range(0.4, 1.0))]);
    }
    if style > 0.945 {
        let (left, right) = (r.range(0.15, 0.32), r.range(0.15, 0.32));
        let foot = [(bottom.x - left, bottom.y), (bottom.x + right, bottom.y)];
        pen.lines(&shaken(foot, r, 0.02));
    }
}

fn two(pen: &mut Pen, r: &mut Random) {
    let width = r.range(0.6, 0.95);
    let head = r.range(0.2, 0.32);
    let start_y = head + r.range(-0.08, 0.12);
    let mut bow = vec![
        at(0.5 - 0.42 * width, start_y),
        at(0.5 - 0.2 * width, 0.04 + r.range(-0.02, 0.04)),
        at(0.5 + 0.1 * width, 0.0),
        at(0.5 + 0.36 * width, head * 0.6),
        at(0.5 + 0.34 * width, head * 1.35),
        at(0.5 + 0.1 * width, 0.5 + r.range(0.0, 0.12)),
        at(0.5 - 0.2 * width, 0.76 + r.range(-0.03, 0.06)),
    ];
    if r.chance(0.12) {
        // No hook: the bow starts at its top.
        bow.remove(0);
    }
    let corner_y = r.range(0.9, 1.0);
    let end = at(0.5 + r.range(0.3, 0.62) * width, 0.93 + r.range(-0.1, 0.09));
    let style = r.unit();
    if style < 0.45 {
        // A corner, then a straight or wavy foot.
        bow.push(at(0.5 - 0.46 * width, corner_y));
        shake(&mut bow, r, 0.02);
        let corner = bow[bow.len() - 1];
        pen.curve(&bow);
        let mut middle = between(corner, end, 0.5);
        middle.y += 0.05 * r.normal();
        pen.then_curve(&[middle, end]);
    } else {
        // A loop at the corner, open or all but closed.
        let size = r.range(0.05, 0.17);
        let loop_x = 0.5 - r.range(0.26, 0.42) * width;
        bow.extend([
            at(loop_x - size * 0.5, corner_y),
            at(loop_x - size * 1.3, corner_y - size * 0.4),
            at(loop_x - size * 0.8, corner_y - size * 1.35),
            at(loop_x + size * 0.8, corner_y - size * 0.75),
            at(0.5 + 0.15 * width, corner_y - r.range(-0.03, 0.06)),
            end,
        ]);
        shake(&mut bow, r, 0.018);
        pen.curve(&bow);
    }
}

fn three(pen: &mut Pen, r: &mut Random) {
    let waist = r.range(0.38, 0.52);
    let (upper, lower) = (r.range(0.24, 0.4), r.range(0.28, 0.46));
    let left = r.range(0.15, 0.35);
    let waist_x = r.range(0.32, 0.52);
    let end_y = r.range(0.76, 0.96);
    if r.chance(0.05) {
        // A flat top and a straight line to the waist.
        let top = shaken([(left, 0.02), (0.5 + upper, 0.02), (waist_x, waist)], r, 0.02);
        pen.lines(&top);
    } else {
        let mut bow = shaken(
            [
                (left, r.range(0.06, 0.24)),
                (left + 0.12, 0.03),
                (0.5, 0.0),
                (0.46 + upper * 0.85, waist * 0.22),
                (0.46 + upper * 0.9, waist * 0.6),
                (0.5 + upper * 0.2, waist * 0.93),
                (waist_x, waist),
            ],
            r,
            0.018,
        );
        if r.chance(0.15) {
            bow[1] = between(bow[0], bow[2], 0.5);
        }
        pen.curve(&bow);
        if r.chance(0.15) {
            // A small loop in the waist.
            let size = r.range(0.03, 0.08);
            let [a, b] = [(-size, size * 0.2), (-size * 0.3, size)];
            pen.then_curve(&[at(waist_x + a.0, waist + a.1), at(waist_x + b.0, waist + b.1)]);
        }
    }
    let lower_height = 1.0 - waist;
    let bowl = shaken(
        [
            (0.5 + lower * 0.45, waist + lower_height * 0.08),
            (0.48 + lower, waist + lower_height * 0.42),
            (0.48 + lower * 0.8, waist + lower_height * 0.8),
            (0.5 + lower * 0.1, 1.0),
            (left + r.range(0.0, 0.14), 0.97),
            (left - r.range(0.0, 0.16), end_y),
        ],
        r,
        0.018,
    );
    pen.then_curve(&bowl);
}

fn four(pen: &mut Pen, r: &mut Random) {
    let bar_y = r.range(0.42, 0.66);
    let stem_x = r.range(0.6, 0.82);
    let stem_top = r.range(-0.02, 0.3);
    let lean = r.range(-0.1, 0.06);
    let style = r.unit();
    if style < 0.2 {
        // Closed: one diagonal down, the bar, and a stem from the same top.
        let left = at(r.range(0.02, 0.2), bar_y);
        let top = at(stem_x - r.range(-0.04, 0.08), 0.0);
        let end = at(stem_x + r.range(0.08, 0.3), bar_y + 0.03 * r.normal());
        pen.lines(&[top, left, end]);
        let stem = [(stem_x, 0.02), (stem_x + lean, 1.0)];
        pen.lines(&shaken(stem, r, 0.02));
        return;
    }
    // Open: a left arm that turns into the bar, and a stem of its own.
    let arm_x = r.range(0.05, 0.32);
    let arm_top = at(arm_x + r.range(-0.05, 0.16), r.range(0.0, 0.14));
    if style < 0.65 {
        // A corner.
        let corner = at(arm_x - r.range(0.0, 0.1), bar_y);
        let mut middle = between(arm_top, corner, 0.5);
        middle.x -= r.range(-0.02, 0.06);
        let end = at(stem_x + r.range(-0.02, 0.26), bar_y + 0.05 * r.normal());
        pen.curve(&[arm_top, middle, corner]);
        pen.then_lines(&[end]);
    } else {
        // A bow.
        let dip = r.range(0.02, 0.08);
        let bow = [
            (arm_top.x, arm_top.y),
            (arm_x - 0.02, bar_y * 0.6),
            (arm_x + 0.06, bar_y + dip * 0.4),
            (arm_x + 0.22, bar_y + dip),
            (stem_x, bar_y - r.range(0.0, 0.14)),
        ];
        pen.curve(&shaken(bow, r, 0.015));
    }
    let bend = 0.02 * r.normal();
    let stem = [
        (stem_x + r.range(-0.02, 0.06), stem_top),
        (stem_x + lean * 0.5 + bend, 0.5),
        (stem_x + lean, 1.0),
    ];
    pen.curve(&shaken(stem, r, 0.012));
}

fn five(pen: &mut Pen, r: &mut Random) {
    let left = r.range(0.18, 0.36);
    let shoulder = r.range(0.34, 0.5);
    let bar_end = at(r.range(0.66, 1.0), r.range(-0.06, 0.08));
    let top = at(left + r.range(0.0, 0.1), r.range(0.0, 0.07));
    let bottom_left = at(left - r.range(0.0, 0.2), r.range(0.84, 0.99));
    let right = r.range(0.66, 0.9);
    let bowl = [
        (left + 0.24, shoulder - r.range(0.0, 0.07)),
        (right - 0.06, shoulder + 0.14),
        (right, shoulder + 0.3),
        (right - 0.14, 0.93),
        (0.46, 1.0),
        (bottom_left.x, bottom_left.y),
    ];
    let bowl = shaken(bowl, r, 0.02);
    let shoulder_point = at(left - r.range(-0.02, 0.08), shoulder + r.range(-0.03, 0.06));
    let style = r.unit();
    if style < 0.55 {
        // One stroke, bar first.
        let mut bar = between(bar_end, top, 0.5);
        bar.y += 0.03 * r.normal();
        pen.curve(&[bar_end, bar, top]);
        pen.then_lines(&[shoulder_point]);
        pen.then_curve(&bowl);
    } else if style < 0.85 {
        // Two strokes, the bar last and perhaps apart from the stem.
        pen.lines(&[top, shoulder_point]);
        pen.then_curve(&bowl);
        let gap = at(top.x + r.range(-0.06, 0.1), top.y + r.range(-0.06, 0.03));
        pen.lines(&[gap, bar_end]);
    } else {
        // Written like an S: no corners.
        let soft = [
            (bar_end.x, bar_end.y),
            (between(bar_end, top, 0.6).x, top.y),
            (left, shoulder * 0.5),
            (left + 0.1, shoulder),
            (right - 0.08, shoulder + 0.16),
            (right, shoulder + 0.32),
            (right - 0.2, 0.95),
            (bottom_left.x, bottom_left.y),
        ];
        pen.curve(&shaken(soft, r, 0.016));
    }
}

fn six(pen: &mut Pen, r: &mut Random) {
    let loop_top = r.range(0.42, 0.66);
    let left = r.range(0.1, 0.26);
    let right = r.range(0.68, 0.9);
    let start = at(r.range(0.45, 0.95), r.range(-0.02, 0.06));
    let back = r.range(0.0, 0.12);
    let middle_x = left + (right - left) * 0.5;
    let loop_height = 1.0 - loop_top;
    let stroke = [
        (start.x, start.y),
        (left + (start.x - left) * r.range(0.35, 0.55), r.range(0.16, 0.26)),
        (left + 0.03, 0.48),
        (left, 0.72),
        (left + (right - left) * 0.22, 0.94),
        (middle_x, 1.0),
        (right - 0.06, 1.0 - loop_height * 0.2),
        (right, loop_top + loop_height * 0.45),
        (right - 0.12, loop_top + 0.04),
        (middle_x, loop_top),
        (left + 0.1, loop_top + loop_height * 0.3 + back * 0.5),
        (left + 0.04 + back, loop_top + loop_height * 0.55 + back),
    ];
    let mut stroke = shaken(stroke, r, 0.016).to_vec();
    let cut = r.unit();
    if cut < 0.3 {
        stroke.pop();
    }
    pen.curve(&stroke);
}

fn seven(pen: &mut Pen, r: &mut Random) {
    let left = r.range(0.02, 0.2);
    let corner = at(r.range(0.72, 0.95), r.range(-0.02, 0.08));
    let start = at(left, r.range(0.0, 0.14));
    let foot = at(r.range(0.2, 0.6), 1.0);
    if r.chance(0.25) {
        // A serif at the left end of the bar.
        let serif = at(left + r.range(-0.04, 0.03), start.y + r.range(0.1, 0.22));
        pen.lines(&[serif, start]);
    }
    let mut bar = between(start, corner, 0.5);
    bar.y += 0.04 * r.normal();
    pen.curve(&[start, bar, corner]);
    let bow = r.range(-0.04, 0.12);
    let mut middle = between(corner, foot, 0.5);
    middle.x -= bow;
    let mut early = between(corner, foot, 0.2);
    early.x -= bow * 0.4;
    if r.chance(0.35) {
        // The corner is round: the bar and the stem are one bow.
        early.x += r.range(0.0, 0.05);
    }
    pen.then_curve(&[early, middle, foot]);
    if r.chance(0.12) {
        let y = r.range(0.42, 0.58);
        let x = between(corner, foot, y).x - bow * 0.5;
        let (reach_left, reach_right) = (r.range(0.14, 0.28), r.range(0.14, 0.28));
        let cross = [(x - reach_left, y + 0.02), (x + reach_right, y - 0.02)];
        pen.lines(&shaken(cross, r, 0.025));
    }
}

fn eight(pen: &mut Pen, r: &mut Random) {
    let waist = r.range(0.42, 0.55);
    let (upper, lower) = (r.range(0.2, 0.36), r.range(0.22, 0.4));
    let centre = 0.5 + 0.03 * r.normal();
    if r.chance(0.12) {
        // Two loops, one on the other.
        let (top, bottom) = (at(centre, waist * 0.5), at(centre, (1.0 + waist) * 0.5));
        let from = 90.0 + r.range(-20.0, 20.0);
        let mut ring = arc(top, upper, waist * 0.5, from, from + r.range(340.0, 375.0));
        shake(&mut ring, r, 0.016);
        pen.curve(&ring);
        let from = 270.0 + r.range(-20.0, 20.0);
        let mut ring = arc(bottom, lower, (1.0 - waist) * 0.5, from, from + r.range(340.0, 375.0));
        shake(&mut ring, r, 0.016);
        pen.curve(&ring);
        return;
    }
    // One stroke that crosses itself: down as an S, up on the other side.
    let low = 1.0 - waist;
    let open = if r.chance(0.3) { r.range(0.04, 0.2) } else { r.range(-0.06, 0.05) };
    let stroke = [
        (centre + upper * 0.85 + open * 0.4, waist * 0.2 + open * 0.3),
        (centre + upper * 0.1, 0.0),
        (centre - upper * 0.8, waist * 0.22),
        (centre - upper * 0.75, waist * 0.62),
        (centre, waist),
        (centre + lower * 0.8, waist + low * 0.35),
        (centre + lower * 0.85, waist + low * 0.75),
        (centre, 1.0),
        (centre - lower * 0.85, waist + low * 0.75),
        (centre - lower * 0.75, waist + low * 0.38),
        (centre, waist + r.range(-0.03, 0.05)),
        (centre + upper * 0.75, waist * 0.62),
        (centre + upper * 0.95, waist * 0.25 + open * 0.5),
    ];
    pen.curve(&shaken(stroke, r, 0.016));
}

fn nine(pen: &mut Pen, r: &mut Random) {
    let bottom = r.range(0.36, 0.56);
    let left = r.range(0.08, 0.28);
    let right = r.range(0.66, 0.86);
    let middle_x = (left + right) * 0.5;
    let start_x = right - r.range(0.0, 0.18);
    let mut stroke = shaken(
        [
            (start_x, bottom * r.range(0.08, 0.3)),
            (middle_x + 0.04, r.range(-0.01, 0.04)),
            (left + 0.06, bottom * 0.3),
            (left, bottom * 0.68),
            (left + (right - left) * 0.3, bottom),
            (middle_x + (right - left) * 0.22, bottom * 0.86),
            (right, bottom * 0.35),
        ],
        r,
        0.016,
    )
    .to_vec();
    let style = r.unit();
    if style < 0.55 {
        // A straight tail that leans.
        let foot = at(right - r.range(-0.04, 0.26), 1.0);
        pen.curve(&stroke);
        let mut middle = between(at(right, bottom * 0.35), foot, 0.5);
        middle.x += r.range(-0.03, 0.04);
        pen.then_curve(&[middle, foot]);
    } else {
        // A tail that curves to the left.
        let foot = at(left + r.range(-0.02, 0.3), r.range(0.9, 1.0));
        stroke.extend(shaken(
            [
                (right + r.range(-0.02, 0.03), bottom + 0.12),
                (right - r.range(0.02, 0.12), 0.82),
                (between(at(right, 1.0), foot, 0.5).x, r.range(0.94, 1.0)),
                (foot.x, foot.y),
            ],
            r,
            0.016,
        ));
        pen.curve(&stroke);
    }
}
