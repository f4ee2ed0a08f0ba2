//! Colours, and what is chosen at random about them.

use fireclay_data::Random;

/// Red, green and blue, each in `0..=1` when it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour(pub(super) [f32; 3]);

impl Colour {
    /// This colour where `t` is 0, `other` where it is 1.
    pub(super) fn mix(self, other: Colour, t: f32) -> Colour {
        Colour(std::array::from_fn(|i| self.0[i] + (other.0[i] - self.0[i]) * t))
    }

    /// Brighter or darker.
    pub(super) fn times(self, factor: f32) -> Colour {
        Colour(self.0.map(|channel| channel * factor))
    }

    /// How different two colours look, roughly: 0 for equal ones, 1 for black and white.
    pub(super) fn distance(self, other: Colour) -> f32 {
        let weights = [0.3, 0.5, 0.2];
        let squares = (0..3).map(|i| weights[i] * (self.0[i] - other.0[i]) * (self.0[i] - other.0[i]));
        squares.sum::<f32>().sqrt()
    }

    /// A colour near this one.
    pub(super) fn varied(self, r: &mut Random, amount: f32) -> Colour {
        Colour(self.0.map(|channel| (channel + amount * r.normal()).clamp(0.0, 1.0)))
    }
}

/// Any colour: all hues, from vivid to grey and from bright to dark.
pub(super) fn any(r: &mut Random) -> Colour {
    let hue = r.range(0.0, 6.0);
    let saturation = 1.0 - r.unit() * r.unit();
    let value = r.range(0.25, 1.0);
    from_hue(hue, saturation, value)
}

/// The one of a few colours that `propose` makes which is most unlike all of `others`, or the first that is unlike
/// enough.
pub(super) fn unlike(others: &[Colour], r: &mut Random, propose: impl Fn(&mut Random) -> Colour) -> Colour {
    let contrast =
        |colour: Colour| others.iter().map(|other| colour.distance(*other)).fold(f32::INFINITY, f32::min);
    let mut best = propose(r);
    for _ in 0..8 {
        if contrast(best) > 0.36 {
            break;
        }
        let next = propose(r);
        if contrast(next) > contrast(best) {
            best = next;
        }
    }
    best
}

/// The colour of a `hue` in `0..6` (0 red, 2 green, 4 blue), of this saturation and brightness in `0..=1`.
fn from_hue(hue: f32, saturation: f32, value: f32) -> Colour {
    // Each channel is full for two of the six, off for two, and goes straight from one to the other in between.
    let channel = |shift: f32| {
        let at = (hue + shift) % 6.0;
        let full = ((at - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        value * (1.0 - saturation + saturation * full)
    };
    Colour([channel(0.0), channel(4.0), channel(2.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_are_where_they_belong() {
        assert_eq!(from_hue(0.0, 1.0, 1.0), Colour([1.0, 0.0, 0.0]));
        assert_eq!(from_hue(2.0, 1.0, 1.0), Colour([0.0, 1.0, 0.0]));
        assert_eq!(from_hue(4.0, 1.0, 0.5), Colour([0.0, 0.0, 0.5]));
        assert_eq!(from_hue(1.0, 0.0, 0.5), Colour([0.5; 3]));
    }

    #[test]
    fn unlike_keeps_its_distance() {
        let mut random = Random::new(0, 0, 0);
        let grey = Colour([0.5; 3]);
        let far = (0..200).filter(|_| unlike(&[grey], &mut random, any).distance(grey) > 0.3).count();
        assert!(far > 190, "{far} of 200");
    }
}
