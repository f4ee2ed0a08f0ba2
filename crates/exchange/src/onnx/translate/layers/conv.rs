//! Convolutions over images and sequences.

use fireclay_nn::{Conv1dSpec, Conv2dSpec, LayerKind, Padding};

use super::super::evaluate::{Window, padded_axes};
use super::super::flow::{Axis, Flow};
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};
use super::dense;

const B: Option<Axis> = Some(Axis::Batch);
const S: [Option<Axis>; 3] = [Some(Axis::Sample(0)), Some(Axis::Sample(1)), Some(Axis::Sample(2))];

/// `Pad` with zeros, which the convolution behind it adds.
pub(super) fn zeros(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let known = &into.network.known;
    let mode = node.text("mode", "constant")?;
    if mode != "constant" {
        return Err(format!("its mode is '{}'; only zeros can be taken over", crate::words::short(mode)));
    }
    if known.input(node, 2).is_some_and(|value| value.single() != Some(0.0)) {
        return Err("it puts other numbers than 0 around what comes to it".into());
    }
    let flow = if flow.heads { into.project_heads(flow)? } else { flow };
    let axes = padded_axes(known, node, flow.dims.len())?;
    let pads = known
        .input(node, 1)
        .and_then(|pads| pads.as_ints())
        .ok_or("its sizes depend on the model's input")?;
    let mut zeros = flow.zeros.clone().unwrap_or_else(|| vec![(0, 0); flow.dims.len()]);
    for (place, dim) in axes.iter().enumerate() {
        let around = [pads[place], pads[place + axes.len()]].map(usize::try_from);
        let [Ok(before), Ok(after)] = around else { return Err("it cuts off what is outside".into()) };
        zeros[*dim] = (zeros[*dim].0.saturating_add(before), zeros[*dim].1.saturating_add(after));
    }
    let is_needed = zeros.iter().any(|zeros| *zeros != (0, 0));
    Ok(Flow { zeros: is_needed.then_some(zeros), ..flow })
}

pub(super) fn conv(into: &mut Translation<'_>, operation: &Operation, mut flow: Flow) -> Outcome {
    let node = into.node(operation);
    let constant = into.weight(operation, 1, "weight")?;
    let zeros = flow.zeros.take();
    let flow = into.plain(flow)?;
    let Some(rank) = flow.dims.len().checked_sub(2).filter(|rank| constant.shape.len() == rank + 2) else {
        return Err(format!("its weight has the shape {:?}", constant.shape));
    };
    let sizes = flow.shape();
    let around = zeros.clone().unwrap_or_else(|| vec![(0, 0); rank + 2]);
    if around[..2] != [(0, 0); 2] {
        return Err("zeros are put behind its channels or samples".into());
    }
    let input: Vec<usize> = sizes[2..].iter().zip(&around[2..]).map(|(size, (a, b))| size + a + b).collect();
    let mut window = Window::read(node, rank, Some(&constant.shape), &input)?;
    for (pads, around) in window.pads.iter_mut().zip(&around[2..]) {
        *pads = (pads.0 + around.0, pads.1 + around.1);
    }
    let groups = usize::try_from(node.int("group", 1)?).unwrap_or_default();
    let layer = Convolution { window, groups, out: constant.shape[0] };
    match (rank, flow.sample.len()) {
        (2, 3) if flow.is_laid_out(&[B, S[0], S[1], S[2]]) => layer.images(into, operation, flow),
        (1, 2) if flow.is_laid_out(&[B, S[1], S[0]]) => layer.steps(into, operation, flow, 0),
        // tf2onnx makes an image of a sequence.
        (2, 2) if flow.is_laid_out(&[B, S[1], None, S[0]]) => layer.steps(into, operation, flow, 1),
        (2, 2) if flow.is_laid_out(&[B, S[1], S[0], None]) => layer.steps(into, operation, flow, 0),
        (_, 1) if flow.is_all_of(1, 0) && layer.is_pointwise() => layer.row(into, operation, flow),
        _ => Err("it is no convolution over an image or the steps of a sequence".into()),
    }
}

struct Convolution {
    window: Window,
    groups: usize,
    out: usize,
}

impl Convolution {
    fn is_pointwise(&self) -> bool {
        let Window { kernel, pads, .. } = &self.window;
        kernel.iter().all(|size| *size == 1) && pads.iter().all(|pads| *pads == (0, 0)) && self.groups == 1
    }

    /// The same zeros on both sides, or as many as keep the size.
    fn padding(&self, sizes: &[usize], axes: &[usize]) -> Result<Padding, String> {
        let Window { kernel, stride, dilation, pads, .. } = &self.window;
        let pads: Vec<(usize, usize)> = axes.iter().map(|axis| pads[*axis]).collect();
        if pads.iter().all(|pads| *pads == (0, 0)) {
            return Ok(Padding::Valid);
        }
        if pads.iter().all(|(before, after)| before == after) {
            return Ok(match pads[..] {
                [(height, _), (width, _)] => Padding::from([height, width]),
                _ => Padding::from(pads[0].0),
            });
        }
        let is_same = axes.iter().zip(&pads).enumerate().all(|(place, (axis, pads))| {
            let covered = (kernel[*axis] - 1) * dilation[*axis] + 1;
            *pads == Padding::Same.pair(place, sizes[*axis], covered, stride[*axis])
        });
        match is_same {
            true => Ok(Padding::Same),
            false => Err(format!(
                "the zeros around its input are {pads:?}, neither alike on both sides nor as many as keep its size"
            )),
        }
    }

    fn piece(
        &self,
        into: &Translation<'_>,
        operation: &Operation,
        kind: impl FnOnce(bool) -> LayerKind,
        shape: Vec<usize>,
    ) -> Result<Piece, String> {
        let weight = into.weight(operation, 1, "weight")?.as_floats().unwrap_or_default().to_vec();
        let bias = match into.node(operation).input(2) {
            Some(_) => Some(into.list(operation, 2, "bias", self.out)?.to_vec()),
            None => None,
        };
        let piece =
            Piece::new(kind(bias.is_some())).named(into.name(operation, 1)).with("weight", shape, weight);
        Ok(match bias {
            Some(bias) => piece.with("bias", vec![self.out], bias),
            None => piece,
        })
    }

    fn images(&self, into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
        let Window { kernel, stride, dilation, .. } = &self.window;
        let pair = |sizes: &[usize]| [sizes[0], sizes[1]];
        let padding = self.padding(&flow.sample[1..], &[0, 1])?;
        let spec = |bias| {
            Conv2dSpec::new(self.out, pair(kernel))
                .stride(pair(stride))
                .dilation(pair(dilation))
                .groups(self.groups)
                .padding(padding)
                .bias(bias)
                .into()
        };
        let shape = into.weight(operation, 1, "weight")?.shape.clone();
        let piece = self.piece(into, operation, spec, shape)?;
        into.push(piece);
        let sizes = [0, 1].map(|axis| self.window.count(axis, flow.sample[axis + 1]));
        let [height, width] = sizes;
        Ok(Flow::laid_out(vec![self.out, height?, width?], flow.batch(), &[B, S[0], S[1], S[2]]))
    }

    /// Over steps, which are the axis `along` of those that the window moves over.
    fn steps(&self, into: &mut Translation<'_>, operation: &Operation, flow: Flow, along: usize) -> Outcome {
        let Window { kernel, stride, dilation, pads, .. } = &self.window;
        let others = (0..kernel.len()).filter(|axis| *axis != along);
        if others.clone().any(|axis| kernel[axis] != 1 || pads[axis] != (0, 0)) {
            return Err("its kernel is higher than what comes to it".into());
        }
        let mut sizes = vec![1; kernel.len()];
        sizes[along] = flow.sample[0];
        let padding = self.padding(&sizes, &[along])?;
        let spec = |bias| {
            Conv1dSpec::new(self.out, kernel[along])
                .stride(stride[along])
                .dilation(dilation[along])
                .groups(self.groups)
                .padding(padding)
                .bias(bias)
                .into()
        };
        let shape = &into.weight(operation, 1, "weight")?.shape;
        let piece = self.piece(into, operation, spec, vec![shape[0], shape[1], kernel[along]])?;
        into.push(piece);
        let steps = self.window.count(along, flow.sample[0])?;
        let mut order = vec![B, S[1]];
        order.extend((0..kernel.len()).map(|axis| if axis == along { S[0] } else { None }));
        Ok(Flow::laid_out(vec![steps, self.out], flow.batch(), &order))
    }

    /// A convolution of one by one on a row of channels is a dense layer.
    fn row(&self, into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
        let order = into.feature_places(&flow, 1)?;
        let constant = into.weight(operation, 1, "weight")?;
        let (width, values) = (constant.shape[1], constant.as_floats().unwrap_or_default());
        if order.len() != width {
            return Err(format!("its weight is for {width} channels, and {} come to it", order.len()));
        }
        let mut piece = self.piece(
            into,
            operation,
            |bias| fireclay_nn::DenseSpec::new(self.out).bias(bias).into(),
            vec![self.out, width],
        )?;
        if let Some(weight) = piece.tensor_mut("weight") {
            for (place, feature) in order.iter().enumerate() {
                (0..self.out)
                    .for_each(|out| weight.values[out * width + feature] = values[out * width + place]);
            }
        }
        into.push(piece);
        Ok(dense::with_features(flow, 1, self.out))
    }
}
