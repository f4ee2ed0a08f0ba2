//! What surrounds an object and what happens to the whole picture: background, things that only distract, shadow,
//! light and noise.

use fireclay_data::Random;

use super::colours::{Colour, any, unlike};
use super::drawing::{Drawing, Paint, Palette};
use super::raster::{Canvas, SIDE};
use super::shapes::{Outline, Point, at, line};
use super::things;
use crate::synthetic::waves::{cosine, exponential, sine};

const TAU: f32 = std::f32::consts::TAU;

/// Paints the thing with this label somewhere into `image`, `[3, SIDE, SIDE]`.
pub(super) fn paint(label: u32, r: &mut Random, image: &mut [u8]) {
    let background = Background::new(r);
    let mut canvas = Canvas::new(|point| background.at(point));
    for _ in 0..r.below(3) {
        clutter(&mut canvas, r);
    }
    let palette = palette(label, &background, r);
    let drawing = things::draw(label, &palette, r);
    let placement = Placement::new(things::TURN[label as usize], r);
    put(&mut canvas, &drawing, &placement, r);
    if r.chance(0.2) {
        cover_a_corner(&mut canvas, &placement, r);
    }
    let light = Light::new(r);
    canvas.develop(image, |point, colour| light.on(point, colour, r));
}

/// The thing's usual colours, or any others, that stand out from the background.
fn palette(label: u32, background: &Background, r: &mut Random) -> Palette {
    let behind = background.colours;
    let [main, second] = things::USUAL[label as usize].map(Colour);
    let usual = r.chance(0.6);
    let main = unlike(&behind, r, |r| if usual && r.chance(0.7) { main.varied(r, 0.1) } else { any(r) });
    let second = unlike(&[main, behind[0]], r, |r| if usual { second.varied(r, 0.1) } else { any(r) });
    let accent = unlike(&[main, second], r, any);
    let dark = any(r).times(0.25);
    let light = any(r).mix(Colour([1.0; 3]), 0.75);
    let weave = main.mix(any(r), r.range(0.25, 0.7));
    Palette {
        main: Paint::textured(main, weave, r),
        second: Paint::plain(second),
        accent: Paint::plain(accent),
        dark: Paint::plain(dark),
        light: Paint::plain(light),
    }
}

/// Two colours, and how much of the second there is where.
struct Background {
    colours: [Colour; 2],
    kind: Kind,
    /// Waves across the picture: strength, two directions and a phase.
    waves: [[f32; 4]; 3],
}

enum Kind {
    /// From one colour to the other, in a direction.
    Gradient([f32; 3]),
    /// One above and one below a line that is almost level.
    Horizon([f32; 2]),
    /// Waves alone: bands, fields and clouds.
    Waves,
}

impl Background {
    fn new(r: &mut Random) -> Self {
        let first = any(r);
        let second = first.mix(any(r), r.range(0.2, 0.8));
        let kind = match r.below(4) {
            0 => {
                let angle = r.range(0.0, TAU);
                Kind::Gradient([cosine(angle) / SIDE as f32, sine(angle) / SIDE as f32, r.range(0.3, 0.7)])
            }
            1 => Kind::Horizon([r.range(10.0, 28.0), 0.15 * r.normal()]),
            _ => Kind::Waves,
        };
        let strength = r.range(0.03, 0.25);
        let waves = std::array::from_fn(|index| {
            let (angle, frequency) = (r.range(0.0, TAU), r.range(0.15, 0.5) * (index + 1) as f32);
            [strength, frequency * cosine(angle), frequency * sine(angle), r.range(0.0, TAU)]
        });
        Self { colours: [first, second], kind, waves }
    }

    fn at(&self, point: Point) -> Colour {
        let base = match self.kind {
            Kind::Gradient([across, down, offset]) => {
                offset + across * (point.x - 16.0) + down * (point.y - 16.0)
            }
            Kind::Horizon([y, slope]) => (point.y - y - slope * (point.x - 16.0)).clamp(0.0, 1.0),
            Kind::Waves => 0.5,
        };
        let swell: f32 = (self.waves.iter())
            .map(|[strength, across, down, phase]| strength * sine(across * point.x + down * point.y + phase))
            .sum();
        self.colours[0].mix(self.colours[1], (base + swell).clamp(0.0, 1.0))
    }
}

/// A shape that means nothing.
fn clutter(canvas: &mut Canvas, r: &mut Random) {
    let centre = at(r.range(0.0, SIDE as f32), r.range(0.0, SIDE as f32));
    let (long, wide, turn) = (r.range(2.0, 6.0), r.range(1.0, 4.0), r.range(0.0, TAU));
    let (x, y) = (long * cosine(turn), long * sine(turn));
    let outlines = match r.below(3) {
        0 => vec![Outline::ellipse(centre, long, wide, turn)],
        1 => vec![Outline::polygon(vec![centre.plus(x, y), centre.plus(-y, x), centre.plus(-x * 0.5, -y)])],
        _ => line(&[centre.plus(x, y), centre.plus(-x, -y)], wide * 0.7),
    };
    let colour = any(r);
    canvas.fill(&outlines, r.range(0.5, 1.0), |_| colour);
}

/// From a drawing's coordinates to pixels.
struct Placement {
    centre: Point,
    /// Pixels per unit.
    scale: f32,
    /// Rows of the matrix that turns, stretches and shears.
    matrix: [[f32; 2]; 2],
}

impl Placement {
    fn new(turn: f32, r: &mut Random) -> Self {
        let turn = turn * r.range(-1.0, 1.0);
        let scale = r.range(11.0, 15.0);
        let stretch = exponential(0.1 * r.normal());
        let (shear, mirror) = (0.1 * r.normal(), if r.chance(0.5) { -1.0 } else { 1.0 });
        let (s, c) = (sine(turn), cosine(turn));
        let (x, y) = (scale * stretch * mirror, scale / stretch);
        let matrix = [[c * x, shear * c * x - s * y], [s * x, shear * s * x + c * y]];
        // A small thing may lie nearer the edge; parts of it may lie outside.
        let slack = 17.0 - scale;
        let centre = at(16.0 + slack * r.range(-1.0, 1.0), 16.0 + slack * r.range(-1.0, 1.0));
        Self { centre, scale, matrix }
    }

    fn place(&self, point: Point) -> Point {
        let [[a, b], [c, d]] = self.matrix;
        self.centre.plus(a * point.x + b * point.y, c * point.x + d * point.y)
    }

    fn back(&self, pixel: Point) -> Point {
        let [[a, b], [c, d]] = self.matrix;
        let (x, y) = (pixel.x - self.centre.x, pixel.y - self.centre.y);
        let determinant = a * d - b * c;
        at((d * x - b * y) / determinant, (a * y - c * x) / determinant)
    }
}

/// Paints the object: perhaps its shadow, perhaps with dark outlines, lit from a side.
fn put(canvas: &mut Canvas, drawing: &Drawing, placement: &Placement, r: &mut Random) {
    let placed = |outlines: &[Outline]| -> Vec<Outline> {
        outlines.iter().map(|outline| outline.map(|point| placement.place(point))).collect()
    };
    let layers: Vec<Vec<Outline>> = drawing.layers.iter().map(|layer| placed(&layer.outlines)).collect();
    if r.chance(0.3) {
        let (right, down) = (r.range(-3.0, 3.0), r.range(0.5, 3.0));
        let shadow: Vec<Outline> =
            (layers.iter().flatten()).map(|outline| outline.map(|point| point.plus(right, down))).collect();
        canvas.fill(&shadow, r.range(0.2, 0.5), |_| Colour([0.0; 3]));
    }
    let border = r.chance(0.3).then(|| (r.range(1.2, 2.2), any(r).times(0.3)));
    let (lit_x, lit_y) = (0.3 * r.normal(), 0.3 * r.normal());
    for (layer, outlines) in drawing.layers.iter().zip(&layers) {
        if let Some((width, colour)) = border {
            let lines: Vec<Outline> = outlines.iter().flat_map(|outline| outline.border(width)).collect();
            canvas.fill(&lines, 1.0, |_| colour);
        }
        canvas.fill(outlines, 1.0, |pixel| {
            let point = placement.back(pixel);
            layer.paint.at(point).times((1.0 + lit_x * point.x + lit_y * point.y).clamp(0.3, 1.7))
        });
    }
}

/// Hides a small part of the object behind something.
fn cover_a_corner(canvas: &mut Canvas, placement: &Placement, r: &mut Random) {
    let angle = r.range(0.0, TAU);
    let away = placement.scale * r.range(0.9, 1.2);
    let centre = placement.centre.plus(away * cosine(angle), away * sine(angle));
    let radius = placement.scale * r.range(0.2, 0.45);
    let colour = any(r);
    let outline = Outline::ellipse(centre, radius, radius * r.range(0.6, 1.6), angle);
    canvas.fill(&[outline], 1.0, |_| colour);
}

/// Brightness across the picture, a tint, and noise in every pixel.
struct Light {
    tint: [f32; 3],
    across: f32,
    down: f32,
    noise: f32,
}

impl Light {
    fn new(r: &mut Random) -> Self {
        let brightness = r.range(0.75, 1.15);
        Self {
            tint: std::array::from_fn(|_| brightness * (1.0 + 0.06 * r.normal())),
            across: 0.01 * r.normal(),
            down: 0.01 * r.normal(),
            noise: 0.09 * r.unit() * r.unit(),
        }
    }

    fn on(&self, point: Point, colour: Colour, r: &mut Random) -> Colour {
        let level = 1.0 + self.across * (point.x - 16.0) + self.down * (point.y - 16.0);
        Colour(std::array::from_fn(|i| colour.0[i] * level * self.tint[i] + self.noise * r.normal()))
    }
}
