//! Which layers of a network follow one another in bytes, and the kernel's layers that they become.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::backend::DispatchTensor;
use fireclay_backend::ops::{Int8Description, int8};
use fireclay_kernels::{Int8Conv2d, Int8Layer, Int8Pool, Int8Scale};

use super::weights::nearest_int8_rows;
use super::{Int8Candidates, Int8Segment};
use crate::int8_spec::{Int8Range, Int8Spec};
use crate::layers::{LayerKind, PlannedLayer};
use crate::shapes::{InputSpec, Size2d};
use crate::spec::Plan;
use crate::state::NamedTensor;
use crate::tensor::AnyTensor;

/// The widest border of an image of bytes. It is written around each image, so that a file must not ask for any width.
const MOST_PADDING: usize = 64;

/// Layers of the first level, one after another, that run as one operation on bytes.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// Which layers.
    pub(crate) layers: Range<usize>,
    /// No other segment of any network has it.
    pub(crate) id: u64,
    /// `[channels, height, width]` of what enters; a row of features is an image of 1 by 1.
    input: [usize; 3],
    scale: Int8Range,
    steps: Vec<Lowered>,
    /// One sample that leaves.
    pub(crate) output: Vec<usize>,
}

/// A layer with those that it takes in, without weights.
#[derive(Clone, Debug)]
enum Lowered {
    Product(Product),
    MaxPool(Int8Pool),
    AveragePool(Int8Pool),
    GlobalAveragePool,
    Relu,
    Residual {
        block: String,
        layers: Vec<Lowered>,
        shortcut: Vec<Lowered>,
        relu: bool,
        /// The layer whose output its bytes are.
        gives: String,
        output: Int8Range,
    },
}

/// A convolution or a dense layer.
#[derive(Clone, Debug)]
struct Product {
    name: String,
    bias: bool,
    /// A max pooling behind it, before batch norm and ReLU.
    pool: Option<Int8Pool>,
    /// Name and epsilon of the batch norm behind it.
    norm: Option<(String, f64)>,
    out_channels: usize,
    kernel_size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 4],
    dilation: [usize; 2],
    relu: bool,
    /// The layer whose output its bytes are.
    gives: String,
    output: Option<Int8Range>,
}

/// What flows at some place of a network.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    /// `[channels, height, width]`
    dims: [usize; 3],
    /// Whether layers see one row of numbers.
    is_row: bool,
}

impl Place {
    fn of(input: &InputSpec) -> Option<Self> {
        match (input, input.shape()) {
            (InputSpec::Tokens(_), _) => None,
            (_, &[features]) => Some(Place { dims: [features, 1, 1], is_row: true }),
            (_, &[channels, height, width]) => Some(Place { dims: [channels, height, width], is_row: false }),
            _ => None,
        }
    }

    fn row(features: usize) -> Self {
        Place { dims: [features, 1, 1], is_row: true }
    }
}

/// Where ranges come from.
trait Ranges {
    /// What the bytes that leave a layer stand for; without a name, those that enter the network.
    fn of(&self, name: Option<&str>) -> Option<Int8Range>;

    /// Whether a layer runs in `f32` in any case.
    fn is_left(&self, name: &str) -> bool;
}

impl Ranges for Int8Spec {
    fn of(&self, name: Option<&str>) -> Option<Int8Range> {
        name.map_or(self.input, |name| self.ranges.get(name).copied())
    }

    fn is_left(&self, name: &str) -> bool {
        self.left_in_f32.iter().any(|left| left == name)
    }
}

/// As if all ranges were known.
struct Any;

impl Ranges for Any {
    fn of(&self, _: Option<&str>) -> Option<Int8Range> {
        Some(Int8Range { scale: 1.0, zero_point: 0 })
    }

    fn is_left(&self, _: &str) -> bool {
        false
    }
}

/// The segments of a network whose ranges are known.
pub(crate) fn segments(plan: &Plan, input: &InputSpec, spec: &Int8Spec) -> Vec<Segment> {
    find(&plan.layers, input, spec)
}

/// See [`ModelSpec::int8_candidates`](crate::ModelSpec::int8_candidates).
pub(super) fn candidates(plan: &Plan, input: &InputSpec) -> Int8Candidates {
    let mut candidates = Int8Candidates::default();
    for segment in find(&plan.layers, input, &Any) {
        match segment.layers.start.checked_sub(1) {
            Some(before) => candidates.outputs.push(plan.layers[before].name.clone()),
            None => candidates.input = true,
        }
        collect(&segment.steps, &mut candidates);
    }
    candidates
}

fn collect(steps: &[Lowered], candidates: &mut Int8Candidates) {
    for step in steps {
        match step {
            Lowered::Product(product) => {
                candidates.layers.push(product.name.clone());
                candidates.outputs.extend(product.output.map(|_| product.gives.clone()));
            }
            Lowered::Residual { gives, layers, shortcut, .. } => {
                collect(layers, candidates);
                collect(shortcut, candidates);
                candidates.outputs.push(gives.clone());
            }
            _ => {}
        }
    }
}

fn find(layers: &[PlannedLayer], input: &InputSpec, ranges: &dyn Ranges) -> Vec<Segment> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut segments = Vec::new();
    let mut at = 0;
    while at < layers.len() {
        let entering = if at == 0 { input } else { &layers[at].input };
        let found =
            Place::of(entering).zip(range_before(&layers[..at], ranges)).and_then(|(place, scale)| {
                let (steps, end, _) = chain(&layers[at..], place, ranges, true);
                has_weights(&steps).then(|| Segment {
                    layers: at..at + end,
                    id: NEXT.fetch_add(1, Ordering::Relaxed),
                    input: place.dims,
                    scale,
                    steps,
                    output: layers[at + end - 1].inferred.output.shape().to_vec(),
                })
            });
        at = found.as_ref().map_or(at + 1, |segment| segment.layers.end);
        segments.extend(found);
    }
    segments
}

/// The range of what leaves the last of some layers: that of the layer before, where this one gives no number that did not lie in
/// it.
fn range_before(layers: &[PlannedLayer], ranges: &dyn Ranges) -> Option<Int8Range> {
    let Some((last, before)) = layers.split_last() else { return ranges.of(None) };
    let keeps = matches!(
        last.kind,
        LayerKind::Dropout(_)
            | LayerKind::Flatten(_)
            | LayerKind::MaxPool2d(_)
            | LayerKind::AvgPool2d(_)
            | LayerKind::GlobalAvgPool2d(_)
    );
    ranges.of(Some(&last.name)).or_else(|| keeps.then(|| range_before(before, ranges)).flatten())
}

fn has_weights(steps: &[Lowered]) -> bool {
    steps.iter().any(|step| matches!(step, Lowered::Product(_) | Lowered::Residual { .. }))
}

/// As many layers as can follow one another in bytes; how many they are, and what leaves the last. At the end of a segment a
/// product gives numbers in `f32` where it can.
fn chain(
    layers: &[PlannedLayer],
    mut place: Place,
    ranges: &dyn Ranges,
    ends_segment: bool,
) -> (Vec<Lowered>, usize, Place) {
    let (mut steps, mut at) = (Vec::new(), 0);
    while at < layers.len() {
        let Some((step, taken, next)) = step(&layers[at..], place, ranges) else { break };
        if let Some(Lowered::Product(product)) = &step
            && product.output.is_none()
            && !(ends_segment && product.pool.is_none() && next.dims[1..] == [1, 1])
        {
            break;
        }
        let is_end = matches!(&step, Some(Lowered::Product(product)) if product.output.is_none());
        steps.extend(step);
        (at, place) = (at + taken, next);
        if is_end {
            break;
        }
    }
    if ends_segment
        && place.dims[1..] == [1, 1]
        && let Some(Lowered::Product(last)) = steps.last_mut()
        && last.pool.is_none()
    {
        last.output = None;
    }
    (steps, at, place)
}

/// The first of some layers, with those that it takes in: how many these are, and what leaves them. Nothing if it must
/// run in `f32`; no step for a layer that does nothing in a network that only answers.
fn step(
    layers: &[PlannedLayer],
    place: Place,
    ranges: &dyn Ranges,
) -> Option<(Option<Lowered>, usize, Place)> {
    let layer = &layers[0];
    let [channels, height, width] = place.dims;
    let is_left = ranges.is_left(&layer.name);
    let after = || Place::of(&layer.inferred.output);
    match &layer.kind {
        LayerKind::Dropout(_) => Some((None, 1, place)),
        LayerKind::Flatten(_) => Some((None, 1, Place { is_row: true, ..place })),
        LayerKind::Relu(_) => Some((Some(Lowered::Relu), 1, place)),
        LayerKind::MaxPool2d(spec) => {
            let pool = pool(place, spec.kernel_size, spec.stride, spec.padding)?;
            Some((Some(Lowered::MaxPool(pool)), 1, after()?))
        }
        LayerKind::AvgPool2d(spec) => {
            let pool = pool(place, spec.kernel_size, spec.stride, spec.padding)?;
            Some((Some(Lowered::AveragePool(pool)), 1, after()?))
        }
        LayerKind::GlobalAvgPool2d(_) => Some((Some(Lowered::GlobalAveragePool), 1, Place::row(channels))),
        LayerKind::Conv2d(spec) if !is_left && spec.groups == 1 && !place.is_row => {
            let [(top, bottom), (left, right)] = spec.pads(&place.dims).ok()?;
            if [top, bottom, left, right].into_iter().any(|padding| padding > MOST_PADDING) {
                return None;
            }
            let product = Product {
                name: layer.name.clone(),
                bias: spec.bias,
                pool: None,
                norm: None,
                out_channels: spec.out_channels,
                kernel_size: spec.kernel_size.dims(),
                stride: spec.stride.dims(),
                padding: [top, left, bottom, right],
                dilation: spec.dilation.dims(),
                relu: false,
                gives: String::new(),
                output: None,
            };
            product.with_followers(layers, channels, ranges)
        }
        LayerKind::Dense(spec) if !is_left && place.is_row => {
            let product = Product {
                name: layer.name.clone(),
                bias: spec.bias,
                pool: None,
                norm: None,
                out_channels: spec.out_features,
                kernel_size: [height, width],
                stride: [1, 1],
                padding: [0; 4],
                dilation: [1, 1],
                relu: false,
                gives: String::new(),
                output: None,
            };
            product.with_followers(layers, channels, ranges)
        }
        LayerKind::Residual(_) if !is_left => {
            let side = |layers: &[PlannedLayer]| {
                let (steps, taken, end) = chain(layers, place, ranges, false);
                (taken == layers.len()).then_some((steps, end))
            };
            let (inner, end) = side(&layer.body)?;
            let (shortcut, other_end) = side(&layer.shortcut)?;
            if end.dims != other_end.dims || !has_weights(&inner) {
                return None;
            }
            let (taken, relu) = with_relu(layers, 1);
            let gives = layers[taken - 1].name.clone();
            let output = ranges.of(Some(&gives))?;
            let block = layer.name.clone();
            let sum = Lowered::Residual { block, layers: inner, shortcut, relu, gives, output };
            Some((Some(sum), taken, Place { is_row: end.is_row, ..end }))
        }
        _ => None,
    }
}

/// The layer that comes after the first `taken`, and how many they are with it. Dropout does nothing here.
fn following(layers: &[PlannedLayer], taken: usize) -> Option<(&PlannedLayer, usize)> {
    let is_dropout = |layer: &&PlannedLayer| matches!(layer.kind, LayerKind::Dropout(_));
    let at = taken + layers[taken..].iter().take_while(is_dropout).count();
    layers.get(at).map(|layer| (layer, at + 1))
}

/// How many the first `taken` layers are with a ReLU behind them, and whether there is one.
fn with_relu(layers: &[PlannedLayer], taken: usize) -> (usize, bool) {
    match following(layers, taken) {
        Some((next, taken)) if matches!(next.kind, LayerKind::Relu(_)) => (taken, true),
        _ => (taken, false),
    }
}

/// The windows of a max pooling of images, where bytes can do it.
fn pool(place: Place, kernel_size: Size2d, stride: Option<Size2d>, padding: Size2d) -> Option<Int8Pool> {
    let stride = stride.unwrap_or(kernel_size).dims();
    (padding.is_zero() && !place.is_row).then_some(Int8Pool { kernel_size: kernel_size.dims(), stride })
}

impl Product {
    /// Takes in the batch norm and the ReLU behind it. They may stand behind a max pooling: both keep the order of numbers, or turn
    /// it round where a factor is negative, so that they can be drawn in front of it, the least value taken for the greatest.
    fn with_followers(
        mut self,
        layers: &[PlannedLayer],
        in_channels: usize,
        ranges: &dyn Ranges,
    ) -> Option<(Option<Lowered>, usize, Place)> {
        let terms = self.kernel_size.iter().product::<usize>().checked_mul(in_channels)?;
        if terms > Int8Conv2d::MOST_TERMS {
            return None;
        }
        let mut taken = 1;
        let place = Place::of(&layers[0].inferred.output)?;
        if let Some((next, after)) = following(layers, 1)
            && let LayerKind::MaxPool2d(spec) = &next.kind
            && let Some(windows) = pool(place, spec.kernel_size, spec.stride, spec.padding)
            && let Some((behind, _)) = following(layers, after)
            && matches!(behind.kind, LayerKind::BatchNorm(_) | LayerKind::Relu(_))
        {
            self.pool = Some(windows);
            taken = after;
        }
        if let Some((next, after)) = following(layers, taken)
            && let LayerKind::BatchNorm(spec) = &next.kind
        {
            self.norm = Some((next.name.clone(), spec.epsilon));
            taken = after;
        }
        (taken, self.relu) = with_relu(layers, taken);
        let last = &layers[taken - 1];
        self.gives = last.name.clone();
        self.output = ranges.of(Some(&self.gives));
        let place = Place::of(&last.inferred.output)?;
        Some((Some(Lowered::Product(self)), taken, place))
    }

    /// The convolution and the pooling behind it.
    fn build(&self, tensors: &HashMap<&str, &NamedTensor>) -> Vec<Int8Layer> {
        let tensor = |layer: &str, leaf: &str| tensors[format!("{layer}.{leaf}").as_str()];
        let (mut weight, mut weight_scale) = nearest_int8_rows(tensor(&self.name, "weight"));
        let mut bias = match self.bias {
            true => tensor(&self.name, "bias").values.clone(),
            false => vec![0.0; self.out_channels],
        };
        let mut least = Vec::new();
        if let Some((norm, epsilon)) = &self.norm {
            let of = |leaf: &str| &tensor(norm, leaf).values;
            let row_len = weight.len() / self.out_channels;
            for (channel, row) in weight.chunks_exact_mut(row_len).enumerate() {
                let of = |leaf: &str| f64::from(of(leaf)[channel]);
                let factor = of("weight") / (of("running_var") + epsilon).sqrt();
                let centred = f64::from(bias[channel]) - of("running_mean");
                bias[channel] = (centred * factor + of("bias")) as f32;
                weight_scale[channel] = (f64::from(weight_scale[channel]) * factor.abs()) as f32;
                least.push(factor < 0.0);
                if factor < 0.0 {
                    row.iter_mut().for_each(|weight| *weight = -*weight);
                }
            }
        }
        let conv = Int8Conv2d {
            out_channels: self.out_channels,
            kernel_size: self.kernel_size,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            weight,
            weight_scale,
            bias,
            relu: self.relu,
            output: self.output.map(scale),
        };
        let pool = self.pool.map(|pool| Int8Layer::MaxPool { pool, least });
        std::iter::once(Int8Layer::Conv2d(conv)).chain(pool).collect()
    }
}

impl Segment {
    /// What the layers make of a batch; nothing where they have to run in `f32`. The `weights` are all tensors of the network, by
    /// which the device knows whether it has seen these before; if not, `state` gives them by name.
    pub(crate) fn run(
        &self,
        input: &AnyTensor,
        weights: &[DispatchTensor],
        state: impl FnOnce() -> Vec<NamedTensor>,
    ) -> Option<AnyTensor> {
        let describe = || self.describe(&state());
        let rows = match input {
            AnyTensor::Rows(rows) => int8(rows, weights, self.id, describe),
            AnyTensor::Images(images) => int8(images, weights, self.id, describe),
            _ => None,
        }?;
        let [batch, _] = rows.dims();
        Some(match self.output[..] {
            [channels, height, width] => rows.reshape([batch, channels, height, width]).into(),
            _ => rows.into(),
        })
    }

    pub(super) fn published(&self, tensors: &[NamedTensor]) -> Int8Segment {
        let mut names = Vec::new();
        self.steps.iter().for_each(|step| step.names(&mut names));
        Int8Segment {
            layers: self.layers.clone(),
            description: self.describe(tensors),
            names,
            output: self.output.clone(),
        }
    }

    /// The kernel's layers, with these weights.
    fn describe(&self, tensors: &[NamedTensor]) -> Int8Description {
        let by_name = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        Int8Description {
            input: self.input,
            scale: scale(self.scale),
            layers: self.steps.iter().flat_map(|step| step.build(&by_name)).collect(),
        }
    }
}

impl Lowered {
    fn names(&self, names: &mut Vec<String>) {
        match self {
            Lowered::Product(product) => names.push(product.name.clone()),
            Lowered::Residual { block, layers, shortcut, .. } => {
                layers.iter().chain(shortcut).for_each(|step| step.names(names));
                names.push(block.clone());
            }
            _ => {}
        }
    }

    fn build(&self, tensors: &HashMap<&str, &NamedTensor>) -> Vec<Int8Layer> {
        let all = |steps: &[Lowered]| steps.iter().flat_map(|step| step.build(tensors)).collect();
        let layer = match self {
            Lowered::Product(product) => return product.build(tensors),
            Lowered::MaxPool(pool) => Int8Layer::MaxPool { pool: *pool, least: Vec::new() },
            Lowered::AveragePool(pool) => Int8Layer::AveragePool(*pool),
            Lowered::GlobalAveragePool => Int8Layer::GlobalAveragePool,
            Lowered::Relu => Int8Layer::Relu,
            Lowered::Residual { layers, shortcut, relu, output, .. } => Int8Layer::Residual {
                layers: all(layers),
                shortcut: all(shortcut),
                relu: *relu,
                output: scale(*output),
            },
        };
        vec![layer]
    }
}

fn scale(range: Int8Range) -> Int8Scale {
    Int8Scale { scale: range.scale, zero_point: range.zero_point }
}
