//! The ten digits in the ways people write them, as strokes with random proportions.

use fireclay_data::Random;

use super::pen::{Pen, Point, Stroke, arc, at, between};

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
    let radius_x = r.range(0.26, 0.6);
    let start = 270.0 + r.range(-60.0, 60.0);
    let sweep = if r.chance(0.75) { r.range(340.0, 405.0) } else { r.range(295.0, 350.0) };
    let direction = if r.chance(0.8) { -1.0 } else { 1.0 };
    let mut outline = arc(at(0.5, 0.5), radius_x, 0.5, start, start + direction * sweep);
    shake(&mut outline, r, 0.022);
    // A loop closed carelessly: the end passes inside or outside of the start.
    let (drift_x, drift_y) = (0.1 * r.normal(), 0.08 * r.normal());
    let last = outline.len().max(2) - 1;
    for (index, point) in outline.iter_mut().enumerate() {
        let late = index as f32 / last as f32;
        let late = late * late;
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
    let width = r.range(0.5, 1.0);
    let head = r.range(0.16, 0.34);
    let start_y = head + r.range(-0.1, 0.14);
    let lean = r.range(-0.1, 0.12);
    let mut bow = vec![
        at(0.5 - 0.42 * width, start_y),
        at(0.5 - 0.24 * width, 0.06 + r.range(-0.03, 0.05)),
        at(0.5 + 0.1 * width + lean * 0.5, 0.0),
        at(0.5 + 0.36 * width + lean * 0.5, head * r.range(0.5, 0.8)),
        at(0.5 + 0.34 * width, head * r.range(1.2, 1.6)),
        at(0.5 + 0.08 * width, 0.5 + r.range(0.0, 0.14)),
        at(0.5 - 0.2 * width, 0.75 + r.range(-0.04, 0.07)),
    ];
    if r.chance(0.25) {
        // No hook: the bow starts at its top.
        bow.remove(0);
    } else if r.chance(0.15) {
        // A hook that curls inwards.
        bow.insert(0, at(0.5 - 0.26 * width, start_y + r.range(0.02, 0.1)));
    }
    let corner_y = r.range(0.86, 1.0);
    let end = at(0.5 + r.range(0.3, 0.75) * width, 0.94 + r.range(-0.14, 0.16));
    let style = r.unit();
    if style < 0.4 {
        // A corner, then a straight or wavy foot.
        bow.push(at(0.5 - 0.46 * width, corner_y));
        shake(&mut bow, r, 0.022);
        let corner = bow[bow.len() - 1];
        pen.curve(&bow);
        let mut middle = between(corner, end, r.range(0.35, 0.6));
        middle.y += 0.06 * r.normal();
        pen.then_curve(&[middle, end]);
    } else {
        // A loop at the corner, open or all but closed.
        let size = 0.04 + 0.16 * r.unit() * r.unit();
        let loop_x = 0.5 - r.range(0.16, 0.42) * width;
        bow.extend([
            at(loop_x - size * 0.5, corner_y),
            at(loop_x - size * 1.4, corner_y - size * 0.4),
            at(loop_x - size * 0.9, corner_y - size * r.range(1.0, 1.4)),
            at(loop_x + size * 0.8, corner_y - size * 0.75),
            at(0.5 + 0.15 * width, corner_y - r.range(-0.05, 0.06)),
            end,
        ]);
        shake(&mut bow, r, 0.02);
        pen.curve(&bow);
    }
}

fn three(pen: &mut Pen, r: &mut Random) {
    let waist = r.range(0.34, 0.54);
    let (upper, lower) = (r.range(0.18, 0.42), r.range(0.22, 0.48));
    let left = r.range(0.06, 0.35);
    let waist_x = r.range(0.26, 0.54);
    let end_y = r.range(0.72, 0.98);
    let style = r.unit();
    if style < 0.22 {
        // A flat top, a corner or nearly one, and a line to the waist.
        let corner = at(0.46 + upper, r.range(-0.03, 0.08));
        let mut bar = between(at(left, 0.04), corner, 0.5);
        bar.y += 0.03 * r.normal();
        let bar = [(left, r.range(0.0, 0.14)), (bar.x, bar.y), (corner.x, corner.y)];
        pen.curve(&shaken(bar, r, 0.015));
        let mut middle = between(corner, at(waist_x, waist), 0.5);
        middle.x += r.range(-0.02, 0.06);
        pen.then_curve(&[middle, at(waist_x, waist)]);
    } else {
        let mut bow = shaken(
            [
                (left, r.range(0.04, 0.26)),
                (left + 0.12, 0.03),
                (0.5, 0.0),
                (0.46 + upper * 0.85, waist * 0.22),
                (0.46 + upper * 0.9, waist * r.range(0.5, 0.7)),
                (0.48 + upper * 0.3, waist * 0.92),
                (waist_x, waist),
            ],
            r,
            0.02,
        );
        if r.chance(0.2) {
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
    // The lower bow may lie to either side of the upper one.
    let shift = r.range(-0.1, 0.1);
    let bowl = [
        (0.5 + lower * 0.45 + shift, waist + lower_height * r.range(0.02, 0.14)),
        (0.48 + lower + shift, waist + lower_height * 0.42),
        (0.48 + lower * 0.8 + shift, waist + lower_height * 0.8),
        (0.5 + lower * 0.1 + shift, 1.0),
        (left + r.range(0.0, 0.14), 0.97),
        (left - r.range(-0.02, 0.2), end_y),
    ];
    let mut bowl = shaken(bowl, r, 0.02).to_vec();
    if r.chance(0.2) {
        bowl.pop();
    }
    pen.then_curve(&bowl);
}

fn four(pen: &mut Pen, r: &mut Random) {
    let bar_y = r.range(0.4, 0.7);
    let stem_x = r.range(0.58, 0.82);
    let stem_top = r.range(-0.04, 0.34);
    let lean = r.range(-0.14, 0.08);
    let style = r.unit();
    if style < 0.12 {
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
    let arm_x = r.range(0.02, 0.3);
    let arm_top = at(arm_x + r.range(-0.04, 0.2), r.range(-0.02, 0.2));
    if style < 0.85 {
        // A corner.
        let corner = at(arm_x - r.range(0.0, 0.1), bar_y);
        let mut middle = between(arm_top, corner, 0.5);
        middle.x -= r.range(-0.02, 0.06);
        let end = at(stem_x + r.range(-0.02, 0.4), bar_y + r.range(-0.12, 0.06));
        pen.curve(&[arm_top, middle, corner]);
        pen.then_lines(&[end]);
    } else {
        // A bow.
        let dip = r.range(0.02, 0.08);
        let bow = [
            (arm_top.x, arm_top.y),
            (arm_x - 0.02, bar_y * 0.6),
            (arm_x + 0.05, bar_y + dip * 0.4),
            (arm_x + 0.2, bar_y + dip),
            (stem_x + r.range(-0.02, 0.2), bar_y - r.range(0.0, 0.16)),
        ];
        pen.curve(&shaken(bow, r, 0.015));
    }
    let bend = 0.025 * r.normal();
    let stem =
        [(stem_x + r.range(-0.02, 0.14), stem_top), (stem_x + lean * 0.5 + bend, 0.55), (stem_x + lean, 1.0)];
    pen.curve(&shaken(stem, r, 0.012));
}

fn five(pen: &mut Pen, r: &mut Random) {
    let left = r.range(0.14, 0.42);
    let shoulder = r.range(0.28, 0.54);
    let bar_end = at(r.range(0.62, 1.15), r.range(-0.14, 0.08));
    let top = at(left + r.range(-0.02, 0.16), r.range(0.0, 0.08));
    let bottom_left = at(left - r.range(-0.04, 0.26), r.range(0.78, 1.0));
    let right = r.range(0.6, 0.94);
    let bowl_height = 1.0 - shoulder;
    let bowl = [
        (left + (right - left) * 0.45, shoulder - r.range(-0.02, 0.09)),
        (right - 0.06, shoulder + bowl_height * 0.24),
        (right, shoulder + bowl_height * 0.52),
        (right - 0.14, 1.0 - bowl_height * 0.13),
        ((left + right) * 0.5 - 0.06, 1.0),
        (bottom_left.x, bottom_left.y),
    ];
    let bowl = shaken(bowl, r, 0.022);
    let shoulder_point = at(left - r.range(-0.04, 0.1), shoulder + r.range(-0.04, 0.08));
    let style = r.unit();
    if style < 0.5 {
        // One stroke, bar first.
        let mut bar = between(bar_end, top, 0.5);
        bar.y += 0.03 * r.normal();
        pen.curve(&[bar_end, bar, top]);
        pen.then_lines(&[shoulder_point]);
        pen.then_curve(&bowl);
    } else if style < 0.82 {
        // Two strokes, the bar last and perhaps apart from the stem.
        pen.lines(&[top, shoulder_point]);
        pen.then_curve(&bowl);
        let gap = at(top.x + r.range(-0.08, 0.14), top.y + r.range(-0.08, 0.03));
        let mut bar = between(gap, bar_end, 0.5);
        bar.y += 0.03 * r.normal();
        pen.curve(&[gap, bar, bar_end]);
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
        pen.curve(&shaken(soft, r, 0.02));
    }
}

fn six(pen: &mut Pen, r: &mut Random) {
    let height = r.range(0.14, 0.27);
    let width = r.range(0.2, 0.42);
    let left = r.range(0.06, 0.24);
    let middle = at(left + width, 1.0 - height);
    let start = at(left + r.range(0.1, 0.68), r.range(-0.02, 0.06));
    // How far the back bulges to the left of a straight line.
    let bulge = r.range(0.25, 0.62);
    let mut stroke = vec![
        start,
        at(left + (start.x - left) * bulge, r.range(0.18, 0.3)),
        at(left + (start.x - left) * bulge * 0.25 + 0.01, 0.48),
    ];
    let end = if r.chance(0.3) { r.range(-110.0, -60.0) } else { r.range(-215.0, -125.0) };
    stroke.extend(arc(middle, width, height, r.range(165.0, 185.0), end));
    shake(&mut stroke, r, 0.018);
    pen.curve(&stroke);
}

fn seven(pen: &mut Pen, r: &mut Random) {
    let left = r.range(0.0, 0.26);
    let corner = at(r.range(0.66, 0.98), r.range(-0.04, 0.1));
    let start = at(left, r.range(-0.02, 0.2));
    let foot = at(r.range(0.1, 0.78), 1.0);
    if r.chance(0.3) {
        // A serif at the left end of the bar.
        let serif = at(left + r.range(-0.06, 0.08), start.y + r.range(0.06, 0.36));
        pen.lines(&[serif, start]);
    }
    let mut bar = between(start, corner, 0.5);
    bar.y += 0.05 * r.normal();
    let bow = r.range(-0.06, 0.14);
    let mut middle = between(corner, foot, 0.5);
    middle.x -= bow;
    let mut early = between(corner, foot, 0.2);
    early.x -= bow * 0.4;
    if r.chance(0.35) {
        // The corner is round: the bar and the stem are one bow.
        early.x += r.range(0.0, 0.06);
        let mut late_bar = between(start, corner, 0.85);
        late_bar.y -= 0.02;
        let mut turn = between(corner, early, 0.3);
        turn.x -= 0.01;
        pen.curve(&[start, bar, late_bar, turn, early, middle, foot]);
    } else {
        pen.curve(&[start, bar, corner]);
        pen.then_curve(&[early, middle, foot]);
    }
    if r.chance(0.2) {
        let y = r.range(0.36, 0.64);
        let x = between(corner, foot, y).x - bow * 0.5;
        let (reach_left, reach_right) = (r.range(0.12, 0.3), r.range(0.12, 0.34));
        let cross = [(x - reach_left, y + 0.02), (x + reach_right, y - 0.02)];
        pen.lines(&shaken(cross, r, 0.03));
    }
}

fn eight(pen: &mut Pen, r: &mut Random) {
    let waist = r.range(0.38, 0.62);
    let (upper, lower) = (r.range(0.17, 0.38), r.range(0.17, 0.38));
    // The lower loop lies somewhat to the left of the upper one.
    let shift = r.range(-0.06, 0.14);
    let (above, below) = (0.5 + shift * 0.5, 0.5 - shift * 0.5);
    if r.chance(0.1) {
        // Two loops, one on the other.
        let (top, bottom) = (at(above, waist * 0.5), at(below, (1.0 + waist) * 0.5));
        let from = 90.0 + r.range(-20.0, 20.0);
        let mut ring = arc(top, upper, waist * 0.5, from, from + r.range(340.0, 375.0));
        shake(&mut ring, r, 0.02);
        pen.curve(&ring);
        let from = 270.0 + r.range(-20.0, 20.0);
        let mut ring = arc(bottom, lower, (1.0 - waist) * 0.5, from, from + r.range(340.0, 375.0));
        shake(&mut ring, r, 0.02);
        pen.curve(&ring);
        return;
    }
    // One stroke that crosses itself: down as an S, up on the other side.
    let low = 1.0 - waist;
    let open = if r.chance(0.4) { r.range(0.04, 0.28) } else { r.range(-0.06, 0.05) };
    let tail = if r.chance(0.3) { r.range(0.0, 0.3) } else { 0.0 };
    let pinch = 0.5 + 0.04 * r.normal();
    // A straight diagonal through the crossing, or a soft one.
    let diagonal = r.range(0.5, 1.0);
    let stroke = [
        (above + upper * 0.9 + open * 0.4 - tail * 0.3, waist * 0.2 + open * 0.3),
        (above + upper * r.range(-0.1, 0.4), 0.0),
        (above - upper * 0.8, waist * 0.2),
        (above - upper * 0.8 * diagonal, waist * 0.58),
        (pinch, waist),
        (below + lower * 0.85 * diagonal, waist + low * 0.36),
        (below + lower * 0.85, waist + low * 0.74),
        (below, 1.0),
        (below - lower * 0.85, waist + low * 0.78),
        (below - lower * 0.7, waist + low * 0.45),
        (pinch + r.range(-0.06, 0.06), waist + r.range(-0.04, 0.06)),
        (above + upper * 0.75, waist * 0.6),
        (above + upper * 1.0 + tail, waist * (0.25 - tail) + open * 0.5),
    ];
    pen.curve(&shaken(stroke, r, 0.02));
}

fn nine(pen: &mut Pen, r: &mut Random) {
    let height = r.range(0.15, 0.29);
    let width = r.range(0.17, 0.37);
    let right = r.range(0.66, 0.86);
    let middle = at(right - width, height);
    let from = r.range(-95.0, -5.0);
    let to = r.range(-400.0, -330.0);
    let mut stroke = arc(middle, width, height, from, to);
    shake(&mut stroke, r, 0.018);
    let style = r.unit();
    if style < 0.72 {
        // A tail that is straight or nearly so, and leans.
        let foot = at(right - r.range(-0.12, 0.22), 1.0);
        let joint = stroke[stroke.len() - 1];
        let mut half = between(joint, foot, 0.5);
        half.x += r.range(-0.03, 0.06);
        pen.curve(&stroke);
        if r.chance(0.4) {
            // A stem of its own, which may reach above the loop.
            let head = at(right + r.range(-0.03, 0.05), r.range(-0.06, 0.16));
            pen.curve(&[head, half, foot]);
        } else {
            pen.then_curve(&[half, foot]);
        }
    } else {
        // A tail that curves to the left.
        let foot = at(right - 2.0 * width + r.range(-0.06, 0.3), r.range(0.84, 1.0));
        stroke.extend(shaken(
            [
                (right + r.range(-0.02, 0.03), 2.0 * height + 0.12),
                (right - r.range(0.02, 0.12), 0.82),
                (between(at(right, 1.0), foot, 0.5).x, r.range(0.94, 1.0)),
                (foot.x, foot.y),
            ],
            r,
            0.018,
        ));
        pen.curve(&stroke);
    }
}
