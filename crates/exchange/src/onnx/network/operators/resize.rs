//! `Resize` by nearest, linear or cubic interpolation, one dimension after another: each output is a sum of a few places of the
//! input, which are found here in host memory.

use burn::tensor::Device;

use super::super::any_rank::{AnyRank, by_rank};
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

/// Where an output lies in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let other = |name: &str, found: &str| Err(format!("{name} is '{found}', which is not supported"));
    let mode = match node.text("mode", "nearest")? {
        "nearest" => Mode::Nearest,
        "linear" => Mode::Linear,
        "cubic" => Mode::Cubic,
        found => return other("mode", found),
    };
    let position = match node.text("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => Position::HalfPixel,
        "half_pixel_symmetric" => Position::HalfPixelSymmetric,
        "pytorch_half_pixel" => Position::PytorchHalfPixel,
        "align_corners" => Position::AlignCorners,
        "asymmetric" => Position::Asymmetric,
        found => return other("coordinate_transformation_mode", found),
    };
    let rounding = match node.text("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => Rounding::PreferFloor,
        "round_prefer_ceil" => Rounding::PreferCeil,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        found => return other("nearest_mode", found),
    };
    if node.flag("antialias", false)? || node.flag("exclude_outside", false)? {
        return Err("antialias and exclude_outside are not supported".to_owned());
    }
    match node.text("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => {}
        found => return other("keep_aspect_ratio_policy", found),
    }
    let cubic = f64::from(node.float("cubic_coeff_a", -0.75)?);
    let axes = node.ints("axes")?.map(<[i64]>::to_vec);
    Ok(Box::new(Resize { mode, position, rounding, cubic, axes }))
}

#[derive(Debug)]
struct Resize {
    mode: Mode,
    position: Position,
    rounding: Rounding,
    /// The coefficient `a` of cubic interpolation.
    cubic: f64,
    axes: Option<Vec<i64>>,
}

/// A place of the input for each output, and what it is multiplied by.
type Tap = (Vec<usize>, Vec<f32>);

impl Operator for Resize {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.floats(0)?;
        let axes: Vec<usize> = match &self.axes {
            None => (0..input.rank()).collect(),
            Some(axes) => axes.iter().map(|axis| input.axis(*axis)).collect::<Result<_, _>>()?,
        };
        let given = |place: usize| inputs.optional(place).filter(|value| value.count() > 0);
        let sizes: Vec<(usize, f64)> = match (given(2), given(3)) {
            (_, Some(sizes)) => {
                let sizes = sizes.settings("sizes")?;
                let axes = axes.iter().map(|axis| input.dims[*axis]);
                let one =
                    |(from, to): (usize, &i64)| (usize::try_from(*to).unwrap_or(0), *to as f64 / from as f64);
                if sizes.len() != axes.len() { Vec::new() } else { axes.zip(&sizes).map(one).collect() }
            }
            (Some(scales), None) => {
                let scales = scales.numbers("scales")?;
                let axes = axes.iter().map(|axis| input.dims[*axis]);
                let one = |(from, scale): (usize, &f64)| ((from as f64 * scale).floor() as usize, *scale);
                if scales.len() != axes.len() { Vec::new() } else { axes.zip(scales).map(one).collect() }
            }
            (None, None) => return Err("it has neither scales nor sizes".to_owned()),
        };
        if sizes.len() != axes.len() {
            return Err(format!("its scales or sizes are not for {} dimensions", axes.len()));
        }
        let mut output = input.clone();
        for (axis, (size, scale)) in axes.into_iter().zip(sizes) {
            let from = output.dims[axis];
            if size == from && scale == 1.0 {
                continue;
            }
            if size == 0 {
                return Err(format!("a size of {from} becomes 0"));
            }
            let mut dims = output.dims.clone();
            dims[axis] = size;
            scope.admit(Element::Float, &dims, false)?;
            output = scope.compute(Element::Float, &*dims, |device| {
                along(output.tensor(device), axis, &self.taps(from, size, scale), device)
            })?;
        }
        Ok(vec![output])
    }
}

impl Resize {
    fn taps(&self, from: usize, size: usize, scale: f64) -> Vec<Tap> {
        let positions: Vec<f64> =
            (0..size).map(|place| self.position(place as f64, from, size, scale)).collect();
        let inside = |place: f64| place.clamp(0.0, from as f64 - 1.0) as usize;
        match self.mode {
            Mode::Nearest => {
                let places = positions.iter().map(|position| inside(self.rounding.of(*position))).collect();
                vec![(places, Vec::new())]
            }
            Mode::Linear => {
                let clamped = || positions.iter().map(|position| position.clamp(0.0, from as f64 - 1.0));
                vec![
                    (
                        clamped().map(|position| inside(position.floor())).collect(),
                        clamped().map(|position| (1.0 - position.fract()) as f32).collect(),
                    ),
                    (
                        clamped().map(|position| inside(position.floor() + 1.0)).collect(),
                        clamped().map(|position| position.fract() as f32).collect(),
                    ),
                ]
            }
            Mode::Cubic => (-1..3)
                .map(|offset| {
                    let place = |position: &f64| inside(position.floor() + f64::from(offset));
                    let share = |position: &f64| {
                        let distance = (position - position.floor() - f64::from(offset)).abs();
                        cubic(distance, self.cubic) as f32
                    };
                    (positions.iter().map(place).collect(), positions.iter().map(share).collect())
                })
                .collect(),
        }
    }

    fn position(&self, place: f64, from: usize, size: usize, scale: f64) -> f64 {
        let (from, size) = (from as f64, size as f64);
        let half_pixel = (place + 0.5) / scale - 0.5;
        match self.position {
            Position::HalfPixel => half_pixel,
            Position::HalfPixelSymmetric => from / 2.0 * (1.0 - size / (scale * from)) + half_pixel,
            Position::PytorchHalfPixel => {
                if size > 1.0 {
                    half_pixel
                } else {
                    0.0
                }
            }
            Position::AlignCorners => {
                if size > 1.0 {
                    place * (from - 1.0) / (size - 1.0)
                } else {
                    0.0
                }
            }
            Position::Asymmetric => place / scale,
        }
    }
}

impl Rounding {
    fn of(self, position: f64) -> f64 {
        match self {
            Rounding::PreferFloor => (position - 0.5).ceil(),
            Rounding::PreferCeil => (position + 0.5).floor(),
            Rounding::Floor => position.floor(),
            Rounding::Ceil => position.ceil(),
        }
    }
}

/// What a value at that distance counts ([Keys 1981](https://doi.org/10.1109/TASSP.1981.1163711)).
fn cubic(distance: f64, a: f64) -> f64 {
    match distance {
        d if d <= 1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
        d if d < 2.0 => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
        _ => 0.0,
    }
}

/// The sum of all taps along a dimension.
fn along(input: AnyRank, axis: usize, taps: &[Tap], device: &Device) -> AnyRank {
    let part = |(places, shares): &Tap| {
        let part = input.clone().select(axis, places);
        if shares.is_empty() {
            return part;
        }
        let mut dims = vec![1; input.rank()];
        dims[axis] = shares.len();
        let shares = AnyRank::upload(shares.clone(), &dims, device);
        by_rank!(part.rank(), D => (part.at::<D>() * shares.at::<D>()).into())
    };
    let mut parts = taps.iter().map(part);
    let first = parts.next().expect("there is a tap");
    parts.fold(
        first,
        |sum: AnyRank, part: AnyRank| by_rank!(sum.rank(), D => (sum.at::<D>() + part.at::<D>()).into()),
    )
}
