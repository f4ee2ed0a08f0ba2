//! Layers in 8-bit whole numbers, as runtimes expect them: operators in `f32` between `DequantizeLinear` and `QuantizeLinear`, which
//! a runtime that can puts together into one on bytes.

use std::collections::HashMap;
use std::slice::Iter;

use fireclay_nn::{
    Int8Conv2d, Int8Layer, Int8Pool, Int8Scale, Int8Segment, Int8Spec, LayerKind, PlacedLayer, is_in_layer,
};

use super::attribute::{integer, sizes};
use super::flow::Flow;
use super::graph::Graph;
use super::layers;
use crate::onnx::proto::AttributeProto;

/// All layers of a network, of which the segments compute in whole numbers.
pub(super) fn network(
    graph: &mut Graph,
    placed: &[PlacedLayer],
    segments: &[Int8Segment],
    input: Flow,
) -> Flow {
    let mut kinds = HashMap::new();
    collect(placed, &mut kinds);
    let (mut flow, mut at) = (input, 0);
    for segment in segments {
        flow = layers::chain(graph, &placed[at..segment.layers.start], "", at, flow);
        flow = self::segment(graph, segment, &kinds, flow);
        at = segment.layers.end;
    }
    layers::chain(graph, &placed[at..], "", at, flow)
}

/// What somebody should know who runs the file.
///
/// `dynamic` are layers that find a range for each row as they run, where the description does not leave them in `f32`.
pub(super) fn notes(
    spec: &Int8Spec,
    placed: &[PlacedLayer],
    segments: &[Int8Segment],
    dynamic: &[String],
) -> Vec<String> {
    let mut kinds = HashMap::new();
    collect(placed, &mut kinds);
    let has_weights = |name: &&String| !matches!(kinds.get(name.as_str()), Some(LayerKind::Residual(_)));
    let layers = segments.iter().flat_map(|segment| &segment.names).filter(has_weights).count();
    let mut notes = Vec::new();
    if layers > 0 {
        let are = if layers == 1 { "layer computes" } else { "layers compute" };
        let how = "in 8-bit whole numbers, between QuantizeLinear and DequantizeLinear";
        notes.push(format!("{layers} {are} {how}"));
    }
    // A block is left as a whole.
    let is_left = |name: &str| spec.left_in_f32.iter().any(|left| is_in_layer(name, left));
    let dynamic: Vec<&str> = dynamic.iter().map(String::as_str).filter(|name| !is_left(name)).collect();
    if !dynamic.is_empty() {
        let compute = if dynamic.len() == 1 { "computes" } else { "compute" };
        let names = dynamic.join(", ");
        notes.push(format!(
            "{names} {compute} in f32 with the rounded weights: a range for each row is not exported"
        ));
    }
    if layers > 0 && !spec.left_in_f32.is_empty() {
        let left = spec.left_in_f32.join(", ");
        notes.push(format!(
            "ONNX Runtime may round the weights of {left} to 8 bits as well, which were left in f32; a session with disabled_optimizers=[\"WeightBiasQuantization\"] does not"
        ));
    }
    notes
}

/// Layers by their names, those inside blocks too.
fn collect<'a>(placed: &'a [PlacedLayer], kinds: &mut HashMap<&'a str, &'a LayerKind>) {
    for layer in placed {
        kinds.insert(&layer.name, &layer.kind);
        collect(&layer.body, kinds);
        collect(&layer.shortcut, kinds);
    }
}

/// What flows between two layers: `uint8`, and what its bytes stand for.
#[derive(Clone)]
struct Bytes {
    value: String,
    /// Its dimensions, the batch included: rows or images.
    rank: usize,
    channels: usize,
    of: Int8Scale,
}

/// What is written next.
struct Writer<'a, 'g> {
    graph: &'a mut Graph<'g>,
    kinds: &'a HashMap<&'a str, &'a LayerKind>,
    names: Iter<'a, String>,
}

fn segment(graph: &mut Graph, segment: &Int8Segment, kinds: &HashMap<&str, &LayerKind>, flow: Flow) -> Flow {
    graph.enter("int8", "from here in 8-bit whole numbers");
    let mut writer = Writer { graph, kinds, names: segment.names.iter() };
    let description = &segment.description;
    let [channels, ..] = description.input;
    let bytes = writer.quantized(&flow.value, flow.rank, channels, description.scale);
    // The last layer gives numbers where it can.
    let (value, rank) = match description.layers.split_last() {
        Some((Int8Layer::Conv2d(conv), before)) if conv.output.is_none() => {
            let bytes = writer.chain(before, bytes);
            writer.product(conv, &bytes)
        }
        Some((Int8Layer::GlobalAveragePool, before)) => {
            let bytes = writer.chain(before, bytes);
            let means = writer.means(&bytes);
            (writer.flat(&means), 2)
        }
        _ => {
            let bytes = writer.chain(&description.layers, bytes);
            (writer.numbers(&bytes), bytes.rank)
        }
    };
    match rank == segment.output.len() + 1 {
        true => Flow { value, rank, steps: None, lengths: None },
        false => Flow::rows(writer.flat(&value)),
    }
}

impl Writer<'_, '_> {
    /// The next name, of a layer that the nodes to come are of.
    fn enter_next(&mut self) -> &'static str {
        let name = self.names.next().expect("a segment has a name for each of these");
        let kind = self.kinds.get(name.as_str()).map_or("", |kind| kind.type_name());
        self.graph.enter(name, kind);
        kind
    }

    fn quantized(&mut self, numbers: &str, rank: usize, channels: usize, of: Int8Scale) -> Bytes {
        let [scale, zero_point] = self.scale(of);
        let value = self.graph.add("QuantizeLinear", &[numbers, &scale, &zero_point], Vec::new());
        Bytes { value, rank, channels, of }
    }

    /// The numbers that bytes stand for.
    fn numbers(&mut self, bytes: &Bytes) -> String {
        let [scale, zero_point] = self.scale(bytes.of);
        self.graph.add("DequantizeLinear", &[&bytes.value, &scale, &zero_point], Vec::new())
    }

    fn scale(&mut self, of: Int8Scale) -> [String; 2] {
        [self.graph.float(of.scale), self.graph.byte(of.zero_point)]
    }

    fn flat(&mut self, numbers: &str) -> String {
        self.graph.add("Flatten", &[numbers], vec![integer("axis", 1)])
    }

    fn relu(&mut self, numbers: String, is_there: bool) -> String {
        if is_there { self.graph.add("Relu", &[&numbers], Vec::new()) } else { numbers }
    }

    fn chain(&mut self, layers: &[Int8Layer], mut bytes: Bytes) -> Bytes {
        for layer in layers {
            bytes = self.layer(layer, bytes);
        }
        bytes
    }

    fn layer(&mut self, layer: &Int8Layer, bytes: Bytes) -> Bytes {
        let Bytes { rank, channels, of, .. } = bytes;
        let (numbers, rank) = match layer {
            Int8Layer::Conv2d(conv) => {
                let (numbers, rank) = self.product(conv, &bytes);
                let of = conv.output.expect("only the last layer gives numbers");
                return self.quantized(&numbers, rank, conv.out_channels, of);
            }
            Int8Layer::Residual { layers, shortcut, relu, output } => {
                let one = self.chain(layers, bytes.clone());
                let other = self.chain(shortcut, bytes);
                self.enter_next();
                let (rank, channels) = (one.rank, one.channels);
                let sides = [self.numbers(&one), self.numbers(&other)];
                let sum = self.graph.add("Add", &[&sides[0], &sides[1]], Vec::new());
                let sum = self.relu(sum, *relu);
                return self.quantized(&sum, rank, channels, *output);
            }
            Int8Layer::MaxPool { pool, least } => (self.max_pool(pool, least, &bytes), rank),
            Int8Layer::AveragePool(pool) => {
                let numbers = self.numbers(&bytes);
                (self.graph.add("AveragePool", &[&numbers], windows(pool)), rank)
            }
            Int8Layer::GlobalAveragePool => {
                let means = self.means(&bytes);
                let means = self.quantized(&means, rank, channels, of);
                let means = self.numbers(&means);
                (self.flat(&means), 2)
            }
            Int8Layer::Relu => {
                let numbers = self.numbers(&bytes);
                (self.relu(numbers, true), rank)
            }
        };
        self.quantized(&numbers, rank, channels, of)
    }

    /// The mean of each channel, `[batch, channels, 1, 1]`.
    fn means(&mut self, bytes: &Bytes) -> String {
        let numbers = self.numbers(bytes);
        self.graph.add("GlobalAveragePool", &[&numbers], Vec::new())
    }

    /// Where the least value is taken, the greatest one of the opposites is.
    fn max_pool(&mut self, pool: &Int8Pool, least: &[bool], bytes: &Bytes) -> String {
        let numbers = self.numbers(bytes);
        if !least.contains(&true) {
            return self.graph.add("MaxPool", &[&numbers], windows(pool));
        }
        let signs: Vec<f32> = least.iter().map(|least| if *least { -1.0 } else { 1.0 }).collect();
        let signs = self.graph.floats("signs", &[signs.len(), 1, 1], &signs);
        let turned = self.graph.add("Mul", &[&numbers, &signs], Vec::new());
        let greatest = self.graph.add("MaxPool", &[&turned], windows(pool));
        self.graph.add("Mul", &[&greatest, &signs], Vec::new())
    }

    /// What a convolution or a dense layer gives, with its ReLU, and of which rank it is.
    fn product(&mut self, conv: &Int8Conv2d, bytes: &Bytes) -> (String, usize) {
        let kind = self.enter_next();
        let name = self.graph.layer_name().to_owned();
        let [kernel_height, kernel_width] = conv.kernel_size;
        let in_channels = bytes.channels;
        let is_dense = kind == "dense";
        let numbers = match is_dense && bytes.rank > 2 {
            true => {
                let numbers = self.numbers(bytes);
                let flat = self.flat(&numbers);
                let flat = self.quantized(&flat, 2, in_channels, bytes.of);
                self.numbers(&flat)
            }
            false => self.numbers(bytes),
        };
        let of_channels = [conv.out_channels];
        let scales = self.graph.floats(&format!("{name}.weight.scale"), &of_channels, &conv.weight_scale);
        let zeros =
            self.graph.int8s(&format!("{name}.weight.zero_point"), &of_channels, &vec![0; conv.out_channels]);
        let features = in_channels * kernel_height * kernel_width;
        let shape = match is_dense {
            true => vec![conv.out_channels, features],
            false => vec![conv.out_channels, in_channels, kernel_height, kernel_width],
        };
        let weight = self.graph.int8s(&format!("{name}.weight"), &shape, &conv.weight);
        let by_row = || vec![integer("axis", 0)];
        let weight = self.graph.add("DequantizeLinear", &[&weight, &scales, &zeros], by_row());
        let bias = match conv.whole_bias(bytes.of) {
            Some(whole) => {
                let bias = self.graph.int32s(&format!("{name}.bias"), &whole);
                let scales: Vec<f32> = conv.weight_scale.iter().map(|scale| bytes.of.scale * scale).collect();
                let scales = self.graph.floats(&format!("{name}.bias.scale"), &of_channels, &scales);
                self.graph.add("DequantizeLinear", &[&bias, &scales], by_row())
            }
            None => self.graph.floats(&format!("{name}.bias"), &of_channels, &conv.bias),
        };
        let (op, attributes, rank) = match is_dense {
            true => ("Gemm", vec![integer("transB", 1)], 2),
            false => {
                let attributes = vec![
                    sizes("kernel_shape", &conv.kernel_size),
                    sizes("strides", &conv.stride),
                    sizes("pads", &conv.padding),
                    sizes("dilations", &conv.dilation),
                ];
                ("Conv", attributes, 4)
            }
        };
        let sums = self.graph.add(op, &[&numbers, &weight, &bias], attributes);
        (self.relu(sums, conv.relu), rank)
    }
}

fn windows(pool: &Int8Pool) -> Vec<AttributeProto> {
    vec![sizes("kernel_shape", &pool.kernel_size), sizes("strides", &pool.stride)]
}
