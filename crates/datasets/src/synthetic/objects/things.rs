//! The ten things, each in several kinds and with random proportions.

use std::f32::consts::TAU;

use fireclay_data::Random;

use super::drawing::{Drawing, Palette};
use super::shapes::{Outline, at, line};
use crate::synthetic::waves::{cosine, sine};

/// The names of the classes; a label is an index into them.
pub(super) const NAMES: [&str; 10] =
    ["house", "tree", "fish", "boat", "car", "cup", "flower", "star", "key", "mushroom"];

/// Colours that a thing often has: its main and its second one, red, green and blue.
pub(super) const USUAL: [[[f32; 3]; 2]; 10] = [
    [[0.85, 0.75, 0.6], [0.7, 0.25, 0.18]],
    [[0.16, 0.5, 0.2], [0.42, 0.28, 0.15]],
    [[0.95, 0.5, 0.15], [0.95, 0.8, 0.3]],
    [[0.55, 0.25, 0.15], [0.95, 0.95, 0.9]],
    [[0.8, 0.12, 0.12], [0.2, 0.3, 0.5]],
    [[0.92, 0.92, 0.95], [0.3, 0.45, 0.8]],
    [[0.9, 0.35, 0.6], [0.98, 0.85, 0.2]],
    [[0.98, 0.85, 0.2], [0.95, 0.6, 0.1]],
    [[0.8, 0.65, 0.25], [0.6, 0.5, 0.3]],
    [[0.82, 0.15, 0.12], [0.93, 0.88, 0.75]],
];

/// How far a thing may be turned, in radians either way.
pub(super) const TURN: [f32; 10] = [0.3, 0.3, 0.6, 0.35, 0.3, 0.35, 0.4, 0.6, 0.8, 0.4];

/// The layers of the thing with this label, in about `-1..1` both ways.
pub(super) fn draw(label: u32, p: &Palette, r: &mut Random) -> Drawing {
    let mut d = Drawing::default();
    match label {
        0 => house(&mut d, p, r),
        1 => tree(&mut d, p, r),
        2 => fish(&mut d, p, r),
        3 => boat(&mut d, p, r),
        4 => car(&mut d, p, r),
        5 => cup(&mut d, p, r),
        6 => flower(&mut d, p, r),
        7 => star(&mut d, p, r),
        8 => key(&mut d, p, r),
        _ => mushroom(&mut d, p, r),
    }
    d
}

fn house(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let half = r.range(0.5, 0.82);
    let (eave, bottom) = (r.range(-0.2, 0.1), r.range(0.75, 0.9));
    let (top, overhang) = (r.range(-0.95, -0.65), r.range(0.06, 0.2));
    if r.chance(0.5) {
        let left = if r.chance(0.5) { half * 0.35 } else { -half * 0.7 };
        d.rectangle([left, top + 0.05, left + 0.22, eave], p.accent);
    }
    d.rectangle([-half, eave, half, bottom], p.main);
    let (left, right) = (at(-half - overhang, eave), at(half + overhang, eave));
    if r.chance(0.65) {
        let ridge = at(0.25 * half * r.normal(), top);
        d.polygon(vec![left, ridge, right], p.second);
    } else {
        let inset = half * r.range(0.3, 0.6);
        d.polygon(vec![left, at(-inset, top + 0.1), at(inset, top + 0.1), right], p.second);
    }
    let door = half * r.range(-0.6, 0.6);
    let door_top = bottom - (bottom - eave) * r.range(0.5, 0.75);
    d.rectangle([door - 0.13, door_top, door + 0.13, bottom], p.dark);
    let size = r.range(0.1, 0.15);
    for side in [-0.55, 0.0, 0.55] {
        let x = side * half;
        if (x - door).abs() > 0.15 + size && r.chance(0.85) {
            let y = eave + (bottom - eave) * 0.4;
            d.rectangle([x - size, y - size, x + size, y + size], p.light);
        }
    }
}

fn tree(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let trunk = r.range(0.08, 0.15);
    let bend = 0.06 * r.normal();
    let foot = [at(-trunk * 1.3, 0.95), at(-trunk + bend, 0.0), at(trunk + bend, 0.0), at(trunk * 1.3, 0.95)];
    d.polygon(foot.to_vec(), p.second);
    match r.below(3) {
        0 => {
            // A fir: triangles that grow downwards.
            let tiers = 2 + r.below(3);
            let width = r.range(0.5, 0.75);
            let bottom = r.range(0.45, 0.65);
            for tier in (0..tiers).rev() {
                let (first, last) = (tier as f32 / tiers as f32, (tier + 1) as f32 / tiers as f32);
                let half = width * (0.35 + 0.65 * last);
                let (top, foot) = (-0.98 + (bottom + 0.98) * first * 0.85, -0.98 + (bottom + 0.98) * last);
                d.polygon(vec![at(bend, top), at(half + bend, foot), at(-half + bend, foot)], p.main);
            }
        }
        1 => {
            // A crown of many clouds of leaves.
            let clouds = 5 + r.below(4);
            let turn = r.range(0.0, TAU);
            let mut crown = vec![Outline::ellipse(at(bend, -0.35), 0.4, 0.4, 0.0)];
            for cloud in 0..clouds {
                let angle = turn + TAU * cloud as f32 / clouds as f32;
                let centre = at(bend + 0.42 * cosine(angle), -0.38 + 0.36 * sine(angle));
                let radius = r.range(0.2, 0.3);
                crown.push(Outline::ellipse(centre, radius, radius, 0.0));
            }
            d.area(crown, p.main);
        }
        _ => {
            // A poplar or a round crown.
            let (x, y) = (r.range(0.4, 0.66), r.range(0.6, 0.75));
            d.ellipse(at(bend, -0.28), x, y, p.main);
        }
    }
    if r.chance(0.3) {
        for _ in 0..3 + r.below(4) {
            let fruit = at(r.range(-0.3, 0.3), r.range(-0.6, 0.1));
            d.disc(fruit, 0.075, p.accent);
        }
    }
}

fn fish(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let h = r.range(0.3, 0.55);
    let (tail, notch) = (r.range(0.3, 0.5), r.range(0.62, 0.85));
    d.polygon(vec![at(0.42, 0.0), at(0.98, -tail), at(notch, 0.0), at(0.98, tail)], p.second);
    let fin = r.range(0.15, 0.32);
    d.polygon(vec![at(-0.3, -h * 0.7), at(0.15, -h - fin), at(0.32, -h * 0.45)], p.second);
    if r.chance(0.6) {
        d.polygon(vec![at(-0.15, h * 0.7), at(0.2, h + fin * 0.7), at(0.25, h * 0.5)], p.second);
    }
    let side = [(-0.5, 0.75), (-0.1, 1.0), (0.3, 0.6), (0.58, 0.2)];
    let mut body = vec![at(-0.92, 0.0)];
    body.extend(side.iter().map(|(x, y)| at(*x, -y * h)));
    body.extend(side.iter().rev().map(|(x, y)| at(*x, y * h)));
    d.smooth(&body, p.main);
    if r.chance(0.4) {
        for band in 0..2 + r.below(2) {
            let x = -0.25 + 0.26 * band as f32;
            d.bar(at(x, -h * 0.6), at(x, h * 0.6), 0.1, p.accent);
        }
    } else if r.chance(0.5) {
        d.curve(&[at(-0.38, -h * 0.5), at(-0.28, 0.0), at(-0.38, h * 0.5)], 0.07, p.dark);
    }
    let eye = at(-0.6, -h * 0.22);
    d.disc(eye, 0.12, p.light);
    d.disc(eye, 0.065, p.dark);
}

fn boat(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let deck = r.range(0.25, 0.4);
    let keel = deck + r.range(0.35, 0.5);
    let (bow, stern) = (r.range(0.45, 0.7), r.range(0.5, 0.8));
    if r.chance(0.7) {
        // Sails.
        let mast = 0.1 * r.normal();
        d.bar(at(mast, deck), at(mast, -0.95), 0.07, p.dark);
        let (boom, top) = (deck - r.range(0.06, 0.15), r.range(-0.95, -0.75));
        let reach = r.range(0.5, 0.8);
        d.polygon(vec![at(mast + 0.06, top), at(mast + 0.06, boom), at(mast + reach, boom)], p.second);
        if r.chance(0.65) {
            let reach = r.range(0.35, 0.65);
            let jib = vec![at(mast - 0.06, top + 0.15), at(mast - 0.06, boom), at(mast - reach, boom)];
            d.polygon(jib, p.second);
        }
    } else {
        // A steamer.
        let roof = deck - r.range(0.3, 0.45);
        let funnel = r.range(-0.3, 0.1);
        d.rectangle([funnel, roof - 0.45, funnel + 0.24, roof], p.accent);
        d.rectangle([funnel - 0.03, roof - 0.45, funnel + 0.27, roof - 0.32], p.dark);
        d.rectangle([-0.55, roof, r.range(0.3, 0.5), deck], p.second);
        for window in 0..3 {
            d.disc(at(-0.38 + 0.28 * window as f32, roof + 0.15), 0.08, p.dark);
        }
    }
    let hull = vec![at(-0.95, deck - 0.06), at(0.95, deck), at(stern, keel), at(-bow, keel)];
    d.polygon(hull, p.main);
    if r.chance(0.4) {
        d.bar(at(-0.75, deck + 0.12), at(0.78, deck + 0.13), 0.07, p.light);
    }
}

fn car(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let (belt, sill) = (r.range(-0.08, 0.06), r.range(0.38, 0.48));
    let roof = belt - r.range(0.35, 0.5);
    // Where the cabin begins and ends at the belt, and how far it narrows: saloon, hatchback, van.
    let (front, back, slope) = match r.below(3) {
        0 => (-0.5, 0.55, 0.22),
        1 => (-0.45, 0.9, 0.25),
        _ => (-0.7, 0.93, 0.12),
    };
    let cabin = |inset: f32, from: f32, to: f32| {
        vec![
            at(from + inset, belt),
            at(from + slope + inset * 0.6, roof + inset),
            at(to - slope * 0.7 - inset * 0.6, roof + inset),
            at(to - inset, belt),
        ]
    };
    let nose = r.range(0.08, 0.16);
    let body = vec![
        at(-0.97, sill),
        at(-0.97, belt + nose),
        at(-0.85, belt + 0.02),
        at(0.9, belt),
        at(0.97, belt + 0.1),
        at(0.97, sill),
    ];
    let outlines = vec![Outline::polygon(body), Outline::polygon(cabin(0.0, front, back))];
    d.area(outlines, p.main);
    let post = front + (back - front) * r.range(0.42, 0.58);
    d.polygon(cabin(0.08, front, post + 0.1 + slope * 0.5), p.light);
    d.polygon(cabin(0.08, post - 0.06 - slope * 0.5, back), p.light);
    d.bar(at(post, roof + 0.08), at(post, belt), 0.09, p.main);
    if r.chance(0.35) {
        d.bar(at(-0.9, (belt + sill) * 0.5), at(0.9, (belt + sill) * 0.5), 0.08, p.second);
    }
    d.disc(at(-0.9, belt + nose + 0.06), 0.07, p.accent);
    let radius = r.range(0.19, 0.26);
    let axle = r.range(0.5, 0.58);
    for x in [-axle, axle] {
        d.disc(at(x, sill), radius, p.dark);
        d.disc(at(x, sill), radius * 0.42, p.light);
    }
}

fn cup(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let (left, right) = (-0.68, 0.38);
    let (top, bottom) = (r.range(-0.5, -0.25), r.range(0.62, 0.85));
    let narrow = r.range(0.02, 0.3);
    if r.chance(0.3) {
        d.ellipse(at(-0.15, bottom), 0.8, 0.13, p.second);
    }
    let handle = [
        at(right - 0.08, top + 0.2),
        at(right + 0.42, top + 0.22),
        at(right + r.range(0.4, 0.5), (top + bottom) * 0.5),
        at(right - narrow * 0.6 - 0.05, bottom - 0.22),
    ];
    d.curve(&handle, r.range(0.13, 0.18), p.main);
    if r.chance(0.5) {
        let sides = [at(left, top), at(right, top), at(right - narrow, bottom), at(left + narrow, bottom)];
        d.polygon(sides.to_vec(), p.main);
    } else {
        // A bowl with a round bottom.
        let bowl = [(1.0, 0.0), (0.98, 0.4), (0.85, 0.75), (0.45, 1.0)];
        let (middle, half) = ((left + right) * 0.5, (right - left) * 0.5);
        let place = |side: f32, (x, y): (f32, f32)| at(middle + side * half * x, top + (bottom - top) * y);
        let mut outline: Vec<_> = bowl.iter().map(|point| place(1.0, *point)).collect();
        outline.extend(bowl.iter().rev().map(|point| place(-1.0, *point)));
        d.polygon(outline, p.main);
    }
    if r.chance(0.4) {
        let y = top + (bottom - top) * r.range(0.4, 0.6);
        d.bar(at(left + 0.2, y), at(right - 0.2, y), 0.14, p.second);
    }
    let (middle, half) = ((left + right) * 0.5, (right - left) * 0.5);
    d.ellipse(at(middle, top), half, 0.14, p.main);
    d.ellipse(at(middle, top), half * 0.84, 0.09, p.dark);
    if r.chance(0.45) {
        for x in [middle - 0.2, middle + 0.18] {
            let sway = 0.1 * r.normal();
            d.curve(
                &[at(x, top - 0.2), at(x + 0.1 + sway, top - 0.36), at(x + sway, top - 0.55)],
                0.08,
                p.light,
            );
        }
    }
}

fn flower(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let stem = r.chance(0.6);
    let (centre, size) = if stem { (at(0.0, -0.38), 0.62) } else { (at(0.0, 0.0), 0.98) };
    if stem {
        let bend = 0.1 * r.normal();
        let stalk = [centre, at(bend, 0.3), at(0.5 * bend, 0.97)];
        for side in [-1.0, 1.0] {
            if r.chance(0.6) {
                let (y, turn) = (r.range(0.4, 0.65), side * -0.6);
                let leaf = Outline::ellipse(at(bend + side * 0.26, y), 0.26, 0.11, turn);
                d.area(vec![leaf], p.accent);
            }
        }
        d.curve(&stalk, 0.1, p.accent);
    }
    let petals = 5 + r.below(4);
    let (long, wide) = (r.range(0.36, 0.42), r.range(1.5, 2.1) / petals as f32);
    let turn = r.range(0.0, TAU);
    let petal = |index: u32| {
        let angle = turn + TAU * index as f32 / petals as f32;
        let middle = centre.plus(size * 0.58 * cosine(angle), size * 0.58 * sine(angle));
        Outline::ellipse(middle, size * long, size * wide.min(0.34), angle)
    };
    d.area((0..petals).map(petal).collect(), p.main);
    d.disc(centre, size * r.range(0.24, 0.34), p.second);
}

fn star(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let points = [5, 5, 5, 5, 6, 4, 7, 8][r.below(8) as usize];
    let inner = if points == 4 { r.range(0.28, 0.4) } else { r.range(0.36, 0.52) };
    let corner = |index: u32, scale: f32| {
        let angle = TAU * (index as f32 / (2 * points) as f32 - 0.25);
        let radius = scale * if index.is_multiple_of(2) { 1.0 } else { inner };
        at(radius * cosine(angle), radius * sine(angle))
    };
    d.polygon((0..2 * points).map(|index| corner(index, 1.0)).collect(), p.main);
    match r.below(4) {
        0 => d.polygon((0..2 * points).map(|index| corner(index, 0.6)).collect(), p.second),
        1 => {
            // Facets, as on a compass rose: one half of each point in the second colour.
            for index in (0..2 * points).step_by(2) {
                d.polygon(vec![at(0.0, 0.0), corner(index, 1.0), corner(index + 1, 1.0)], p.second);
            }
        }
        _ => {}
    }
}

fn key(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let radius = r.range(0.26, 0.34);
    let bow = at(-0.92 + radius, 0.0);
    let thick = r.range(0.14, 0.2);
    let tip = r.range(0.85, 0.97);
    let mut outlines = line(&[at(bow.x + radius, 0.0), at(tip, 0.0)], thick);
    match r.below(3) {
        0 => outlines.extend(Outline::ellipse(bow, radius, radius * 1.15, 0.0).border(thick)),
        1 => {
            let r = radius * 0.95;
            outlines.extend(Outline::rectangle(bow.x - r, -r, bow.x + r, r).border(thick));
        }
        _ => {
            // Three rings.
            for (x, y) in [(0.0, -0.26), (0.0, 0.26), (-0.28, 0.0)] {
                let ring = Outline::ellipse(bow.plus(x + 0.1, y), 0.18, 0.18, 0.0);
                outlines.extend(ring.border(0.12));
            }
        }
    }
    let teeth = 2 + r.below(2);
    for tooth in 0..teeth {
        let right = tip - 0.24 * tooth as f32;
        let length = r.range(0.24, 0.42);
        outlines.push(Outline::rectangle(right - 0.14, 0.0, right, length));
    }
    d.area(outlines, p.main);
    if r.chance(0.3) {
        d.bar(at(bow.x + radius + 0.06, -0.12), at(bow.x + radius + 0.06, 0.12), 0.1, p.second);
    }
}

fn mushroom(d: &mut Drawing, p: &Palette, r: &mut Random) {
    let (half, rim) = (r.range(0.62, 0.9), r.range(-0.1, 0.12));
    let top = rim - r.range(0.6, 0.85);
    let (neck, foot) = (r.range(0.14, 0.24), r.range(0.2, 0.32));
    let bend = 0.06 * r.normal();
    let stem = [
        at(-neck, rim - 0.05),
        at(-neck + bend, 0.4),
        at(-foot + bend, 0.75),
        at(-foot * 0.7 + bend, 0.92),
        at(foot * 0.7 + bend, 0.92),
        at(foot + bend, 0.75),
        at(neck + bend, 0.4),
        at(neck, rim - 0.05),
    ];
    d.smooth(&stem, p.second);
    if r.chance(0.4) {
        d.ellipse(at(bend, 0.36), neck * 1.7, 0.08, p.second);
    }
    let dome = r.range(0.72, 0.9);
    let cap = vec![
        at(-half, rim),
        at(-half * dome, rim + (top - rim) * 0.62),
        at(-half * 0.4, top + 0.06),
        at(half * 0.4, top + 0.06),
        at(half * dome, rim + (top - rim) * 0.62),
        at(half, rim),
        at(half * 0.5, rim + 0.1),
        at(-half * 0.5, rim + 0.1),
    ];
    d.smooth(&cap, p.main);
    if r.chance(0.35) {
        d.ellipse(at(0.0, rim + 0.04), half * 0.8, 0.08, p.dark);
    }
    if r.chance(0.7) {
        let spots = [(-0.5, 0.35), (0.0, 0.72), (0.48, 0.4), (0.02, 0.28), (-0.3, 0.66)];
        let count = 3 + r.below(3) as usize;
        for (x, y) in &spots[..count] {
            let spot = at(x * half + 0.04 * r.normal(), rim + (top - rim) * y);
            d.disc(spot, r.range(0.08, 0.13), p.light);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::colours::Colour;
    use super::super::drawing::Paint;
    use super::super::raster::{Canvas, SIDE};
    use super::*;

    /// The thing's silhouette: where it is, in the middle of a picture and upright.
    fn silhouette(label: u32, index: u64) -> Vec<u8> {
        let white = Paint::plain(Colour([1.0; 3]));
        let palette = Palette { main: white, second: white, accent: white, dark: white, light: white };
        let drawing = draw(label, &palette, &mut Random::new(0, u64::from(label), index));
        let mut canvas = Canvas::new(|_| Colour([0.0; 3]));
        for layer in &drawing.layers {
            let place = |outline: &Outline| outline.map(|p| at(16.0 + 14.0 * p.x, 16.0 + 14.0 * p.y));
            let outlines: Vec<Outline> = layer.outlines.iter().map(place).collect();
            canvas.fill(&outlines, 1.0, |_| white.colour);
        }
        let mut image = vec![0; 3 * SIDE * SIDE];
        canvas.develop(&mut image, |_, colour| colour);
        image.truncate(SIDE * SIDE);
        image
    }

    /// The nearest silhouette tells the thing: the classes are what they claim to be.
    #[test]
    fn silhouettes_tell_the_things() {
        let known: Vec<(u32, Vec<u8>)> =
            (0..10).flat_map(|label| (0..12).map(move |index| (label, silhouette(label, index)))).collect();
        let distance = |a: &[u8], b: &[u8]| -> u32 {
            a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2) >> 4).sum()
        };
        let right = (0..10u32)
            .flat_map(|label| (100..110).map(move |index| (label, silhouette(label, index))))
            .filter(|(label, image)| {
                let nearest = known.iter().min_by_key(|(_, other)| distance(image, other));
                nearest.is_some_and(|(other, _)| other == label)
            })
            .count();
        assert!(right >= 85, "{right} of 100");
    }

    /// A thing fills its place, and none reaches far beyond it: otherwise its class could be told by its size.
    #[test]
    fn things_fill_their_place() {
        for label in 0..10 {
            for index in 0..20 {
                let white = Paint::plain(Colour([1.0; 3]));
                let palette =
                    Palette { main: white, second: white, accent: white, dark: white, light: white };
                let drawing = draw(label, &palette, &mut Random::new(1, u64::from(label), index));
                let outlines = drawing.layers.iter().flat_map(|layer| &layer.outlines);
                let points = outlines.flat_map(|outline| outline.points());
                let reach = points.map(|p| p.x.abs().max(p.y.abs())).fold(0.0, f32::max);
                let name = NAMES[label as usize];
                assert!((0.7..1.25).contains(&reach), "{name} {index} reaches {reach}");
            }
        }
    }
}
