//! `MaxPool` and `AveragePool` over images and sequences.
//!
//! Plain windows are one operation of ours. Padding on one side only, windows with gaps and a last window that is not whole are
//! made of slices: the greatest, or the sum, of the windows' first values, of their second ones, and so on.

use burn::tensor::{Slice, Tensor, TensorData};
use fireclay_backend::ops::{PoolOptions, avg_pool2d, max_pool2d};

use super::super::any_rank::AnyRank;
use super::super::value::Element;
use super::windows::{Window, Windows, as_image, image, in_two};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

/// Values of one window that are not one operation.
const MOST_SLICES: usize = 1024;

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.output(1).is_some() {
        return Err("places of the greatest values as a second output are not supported".to_owned());
    }
    Ok(Box::new(Pool {
        windows: Windows::new(node)?,
        max: node.kind == "MaxPool",
        count_include_pad: node.flag("count_include_pad", false)?,
    }))
}

#[derive(Debug)]
struct Pool {
    windows: Windows,
    max: bool,
    count_include_pad: bool,
}

impl Operator for Pool {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.floats(0)?;
        let (outer, sizes) = image(input)?;
        let windows = self.windows.over(sizes, None)?;
        if let Some(window) =
            windows.iter().find(|window| window.pads.iter().any(|pad| *pad >= window.reach()))
        {
            return Err(format!("padding of {:?} that is as wide as a window or wider", window.pads));
        }
        let mut dims = outer.to_vec();
        dims.extend(windows.iter().map(|window| window.places));
        let windows = in_two(&windows);
        let values = windows[0].kernel * windows[1].kernel;
        let is_plain = windows.iter().all(Window::is_plain);
        if !is_plain && values > MOST_SLICES {
            return Err(format!(
                "windows of {values} values; with such padding up to {MOST_SLICES} are supported"
            ));
        }
        scope.spend(&[dims.iter().fold(1, |all: usize, size| all.saturating_mul(*size)), values])?;
        let padded = sizes.iter().zip(&windows[2 - sizes.len()..]).map(|(size, window)| window.padded(*size));
        let padded: Vec<usize> = outer.iter().copied().chain(padded).collect();
        scope.admit(Element::Float, &padded, false)?;
        let output = scope.compute(Element::Float, &*dims, |device| {
            let image: Tensor<4> = as_image(input.tensor(device), &input.dims).at();
            let output = if is_plain { self.plain(image, windows) } else { self.by_slices(image, windows) };
            AnyRank::from(output).reshape(&dims)
        })?;
        Ok(vec![output])
    }
}

impl Pool {
    fn plain(&self, image: Tensor<4>, windows: [Window; 2]) -> Tensor<4> {
        let options = PoolOptions {
            kernel_size: windows.map(|window| window.kernel),
            stride: windows.map(|window| window.stride),
            padding: windows.map(|window| window.pads[0]),
        };
        match self.max {
            true => max_pool2d(image, options),
            false => avg_pool2d(image, options, self.count_include_pad),
        }
    }

    fn by_slices(&self, image: Tensor<4>, windows: [Window; 2]) -> Tensor<4> {
        let [_, _, height, width] = image.dims();
        // What is greatest anywhere is greater than padding; in a sum it counts for nothing.
        let filling = if self.max { f32::MIN } else { 0.0 };
        let pads = windows.map(|window| (window.pads[0], window.pads[1] + window.beyond));
        let padded = image.pad(pads, burn::tensor::ops::PadMode::Constant(filling));
        let mut result: Option<Tensor<4>> = None;
        for row in 0..windows[0].kernel {
            for column in 0..windows[1].kernel {
                let part = padded.clone().slice([
                    Slice::full(),
                    Slice::full(),
                    windows[0].slice(row),
                    windows[1].slice(column),
                ]);
                result = Some(match result {
                    None => part,
                    Some(result) if self.max => result.max_pair(part),
                    Some(result) => result + part,
                });
            }
        }
        let result = result.expect("a window has a value");
        if self.max {
            return result;
        }
        let counts = [
            windows[0].counts(height, self.count_include_pad),
            windows[1].counts(width, self.count_include_pad),
        ];
        let shares: Vec<f32> = counts[0]
            .iter()
            .flat_map(|rows| counts[1].iter().map(move |columns| 1.0 / (rows * columns) as f32))
            .collect();
        let shares = TensorData::new(shares, [1, 1, counts[0].len(), counts[1].len()]);
        let device = result.device();
        result * Tensor::from_data(shares, &device)
    }
}

impl Window {
    /// Places from a window's first value to its last.
    fn reach(&self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// Whether our own pooling knows it.
    fn is_plain(&self) -> bool {
        let [front, behind] = self.pads;
        self.dilation == 1 && self.beyond == 0 && front == behind && 2 * front <= self.kernel
    }

    fn padded(&self, size: usize) -> usize {
        size + self.pads[0] + self.pads[1] + self.beyond
    }

    /// The values at one place of all windows.
    fn slice(&self, place: usize) -> Slice {
        let start = place * self.dilation;
        let end = start + (self.places - 1) * self.stride + 1;
        Slice::new(start as isize, Some(end as isize), self.stride as isize)
    }

    /// How many values each window has that count in a mean.
    fn counts(&self, size: usize, include_pad: bool) -> Vec<usize> {
        let end = self.pads[0] + size + if include_pad { self.pads[1] } else { 0 };
        let counted = if include_pad { 0..end } else { self.pads[0]..end };
        (0..self.places)
            .map(|window| {
                let places = (0..self.kernel).map(|place| window * self.stride + place * self.dilation);
                places.filter(|place| counted.contains(place)).count().max(1)
            })
            .collect()
    }
}
