//! An object as layers: areas one over the other, each with what it is painted with.

use fireclay_data::Random;

use super::colours::Colour;
use super::shapes::{Outline, Point, curve, line};
use crate::synthetic::waves::sine;

/// Colours of an area, by place on the object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) colour: Colour,
    pub(super) other: Colour,
    texture: Texture,
}

#[derive(Clone, Copy, Debug)]
enum Texture {
    Plain,
    /// Bands across a direction.
    Stripes([f32; 3]),
    /// Fields of two colours, like a chessboard or like dots, as their edges are soft.
    Checks([f32; 4]),
}

impl Paint {
    pub(super) fn plain(colour: Colour) -> Self {
        Self { colour, other: colour, texture: Texture::Plain }
    }

    /// Two colours in a random texture, or one.
    pub(super) fn textured(colour: Colour, other: Colour, r: &mut Random) -> Self {
        let frequency = r.range(6.0, 14.0);
        let (across, down) = (r.range(-1.0, 1.0), r.range(-1.0, 1.0));
        let length = (across * across + down * down).sqrt().max(0.1);
        let (across, down) = (frequency * across / length, frequency * down / length);
        let texture = match r.below(10) {
            0..6 => Texture::Plain,
            6..8 => Texture::Stripes([across, down, r.range(0.0, 6.3)]),
            _ => Texture::Checks([across, down, r.range(0.0, 6.3), r.range(0.0, 6.3)]),
        };
        Self { colour, other, texture }
    }

    /// The colour at a point of the object.
    pub(super) fn at(&self, point: Point) -> Colour {
        let share = match self.texture {
            Texture::Plain => return self.colour,
            Texture::Stripes([across, down, phase]) => {
                1.5 * sine(across * point.x + down * point.y + phase) + 0.5
            }
            Texture::Checks([across, down, phase, other]) => {
                let wave = sine(across * point.x + down * point.y + phase);
                2.0 * wave * sine(down * point.x - across * point.y + other) + 0.4
            }
        };
        self.colour.mix(self.other, share.clamp(0.0, 1.0))
    }
}

/// What an object may be painted with.
pub(super) struct Palette {
    /// The colour that most of it has.
    pub(super) main: Paint,
    /// That of its second largest part.
    pub(super) second: Paint,
    /// For small parts that stand out from the dark and light ones.
    pub(super) accent: Paint,
    pub(super) dark: Paint,
    pub(super) light: Paint,
}

/// An area of the object: all the outlines together.
pub(super) struct Layer {
    pub(super) outlines: Vec<Outline>,
    pub(super) paint: Paint,
}

/// Collects layers, the farthest first.
#[derive(Default)]
pub(super) struct Drawing {
    pub(super) layers: Vec<Layer>,
}

impl Drawing {
    pub(super) fn area(&mut self, outlines: Vec<Outline>, paint: Paint) {
        self.layers.push(Layer { outlines, paint });
    }

    pub(super) fn polygon(&mut self, points: Vec<Point>, paint: Paint) {
        self.area(vec![Outline::polygon(points)], paint);
    }

    pub(super) fn rectangle(&mut self, [left, top, right, bottom]: [f32; 4], paint: Paint) {
        self.area(vec![Outline::rectangle(left, top, right, bottom)], paint);
    }

    pub(super) fn smooth(&mut self, points: &[Point], paint: Paint) {
        self.area(vec![Outline::smooth(points)], paint);
    }

    pub(super) fn ellipse(&mut self, centre: Point, radius_x: f32, radius_y: f32, paint: Paint) {
        self.area(vec![Outline::ellipse(centre, radius_x, radius_y, 0.0)], paint);
    }

    pub(super) fn disc(&mut self, centre: Point, radius: f32, paint: Paint) {
        self.ellipse(centre, radius, radius, paint);
    }

    /// A smooth line through the points.
    pub(super) fn curve(&mut self, points: &[Point], width: f32, paint: Paint) {
        self.area(line(&curve(points), width), paint);
    }

    /// A straight line.
    pub(super) fn bar(&mut self, from: Point, to: Point, width: f32, paint: Paint) {
        self.area(line(&[from, to], width), paint);
    }
}
