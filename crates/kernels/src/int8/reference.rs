//! The same network number by number, in the order of the definition.

use super::{Int8Conv2d, Int8Layer, Int8Pool, Int8Scale};

/// Bytes `[channels, height, width]` of one image.
#[derive(Clone, Debug)]
struct Image {
    bytes: Vec<u8>,
    dims: [usize; 3],
    scale: Int8Scale,
}

impl Image {
    fn at(&self, channel: usize, y: usize, x: usize) -> u8 {
        self.bytes[(channel * self.dims[1] + y) * self.dims[2] + x]
    }

    fn of(dims: [usize; 3], scale: Int8Scale, byte: impl Fn(usize, usize, usize) -> u8) -> Self {
        let mut bytes = Vec::new();
        for channel in 0..dims[0] {
            for y in 0..dims[1] {
                for x in 0..dims[2] {
                    bytes.push(byte(channel, y, x));
                }
            }
        }
        Image { bytes, dims, scale }
    }
}

/// The byte of a number of steps from that of 0; what is not a number is the least.
fn byte(steps: f32, zero_point: u8) -> u8 {
    match steps.round_ties_even() {
        whole if whole.is_nan() => 0,
        whole => (whole + f32::from(zero_point)).clamp(0.0, 255.0) as u8,
    }
}

fn zero(scale: Int8Scale) -> f32 {
    f32::from(scale.zero_point)
}

/// All images through all layers.
pub(super) fn run(dims: [usize; 3], scale: Int8Scale, layers: &[Int8Layer], input: &[f32]) -> Vec<f32> {
    let len: usize = dims.iter().product();
    input.chunks_exact(len).flat_map(|image| one(dims, scale, layers, image)).collect()
}

fn one(dims: [usize; 3], scale: Int8Scale, layers: &[Int8Layer], input: &[f32]) -> Vec<f32> {
    let bytes = input.iter().map(|x| byte(x / scale.scale, scale.zero_point)).collect();
    let mut image = Image { bytes, dims, scale };
    for (at, layer) in layers.iter().enumerate() {
        let is_last = at + 1 == layers.len();
        match layer {
            Int8Layer::Conv2d(conv) if conv.output.is_none() => {
                let (sums, bias) = convolve(conv, &image);
                let numbers = sums.into_iter().enumerate().map(|(channel, sum)| {
                    let value = sum as f32 * (image.scale.scale * conv.weight_scale[channel]) + bias[channel];
                    if conv.relu { value.max(0.0) } else { value }
                });
                return numbers.collect();
            }
            Int8Layer::GlobalAveragePool if is_last => {
                let zero = zero(image.scale);
                return means(&image).into_iter().map(|mean| (mean - zero) * image.scale.scale).collect();
            }
            layer => image = apply(layer, &image),
        }
    }
    let zero = zero(image.scale);
    image.bytes.iter().map(|byte| (f32::from(*byte) - zero) * image.scale.scale).collect()
}

fn apply(layer: &Int8Layer, image: &Image) -> Image {
    let [channels, height, width] = image.dims;
    match layer {
        Int8Layer::Conv2d(conv) => {
            let output = conv.output.unwrap();
            let (sums, bias) = convolve(conv, image);
            let dims = conv_dims(conv, image.dims);
            let bytes = sums.into_iter().enumerate().map(|(at, sum)| {
                let channel = at / (dims[1] * dims[2]);
                let factor = image.scale.scale * conv.weight_scale[channel] / output.scale;
                let steps = sum as f32 * factor + bias[channel] / output.scale;
                byte(if conv.relu { steps.max(0.0) } else { steps }, output.zero_point)
            });
            Image { bytes: bytes.collect(), dims, scale: output }
        }
        Int8Layer::MaxPool { pool, least } => pooled(image, pool, |channel, bytes| {
            let ends = (bytes.iter().max(), bytes.iter().min());
            *if least.get(channel) == Some(&true) { ends.1 } else { ends.0 }.unwrap()
        }),
        Int8Layer::AveragePool(pool) => pooled(image, pool, |_, bytes| {
            let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
            byte(sum as f32 * (1.0 / bytes.len() as f32) - zero(image.scale), image.scale.zero_point)
        }),
        Int8Layer::GlobalAveragePool => {
            let means = means(image);
            Image::of([channels, 1, 1], image.scale, |channel, _, _| {
                byte(means[channel] - zero(image.scale), image.scale.zero_point)
            })
        }
        Int8Layer::Relu => {
            let least = image.scale.zero_point;
            Image::of([channels, height, width], image.scale, |c, y, x| image.at(c, y, x).max(least))
        }
        Int8Layer::Residual { layers, shortcut, relu, output } => {
            let of =
                |layers: &[Int8Layer]| layers.iter().fold(image.clone(), |flow, layer| apply(layer, &flow));
            let (one, other) = (of(layers), of(shortcut));
            let [by_one, by_other] = [&one, &other].map(|side| side.scale.scale / output.scale);
            let addend = zero(*output) - (zero(one.scale) * by_one + zero(other.scale) * by_other);
            let least = if *relu { zero(*output) } else { 0.0 };
            Image::of(one.dims, *output, |c, y, x| {
                let number = |image: &Image| f32::from(image.at(c, y, x));
                let sum = number(&one) * by_one + (number(&other) * by_other + addend);
                sum.max(least).min(255.0).round_ties_even() as u8
            })
        }
    }
}

fn conv_dims(conv: &Int8Conv2d, dims: [usize; 3]) -> [usize; 3] {
    let axis = |axis: usize| {
        let padded = dims[axis + 1] + conv.padding[axis] + conv.padding[axis + 2];
        (padded - (conv.kernel_size[axis] - 1) * conv.dilation[axis] - 1) / conv.stride[axis] + 1
    };
    [conv.out_channels, axis(0), axis(1)]
}

/// Sums of (byte - zero point) times weight, with the bias in them if it can be, and what is to be added to the number of a channel.
fn convolve(conv: &Int8Conv2d, image: &Image) -> (Vec<i32>, Vec<f32>) {
    let [channels, height, width] = image.dims;
    let [out_channels, out_height, out_width] = conv_dims(conv, image.dims);
    let [kernel_height, kernel_width] = conv.kernel_size;
    let whole = conv.whole_bias(image.scale);
    let mut sums = Vec::new();
    for out in 0..out_channels {
        for y in 0..out_height {
            for x in 0..out_width {
                let mut sum = whole.as_ref().map_or(0, |whole| i64::from(whole[out]));
                for channel in 0..channels {
                    for ky in 0..kernel_height {
                        for kx in 0..kernel_width {
                            let at_y = y * conv.stride[0] + ky * conv.dilation[0];
                            let at_x = x * conv.stride[1] + kx * conv.dilation[1];
                            let (top, left) = (conv.padding[0], conv.padding[1]);
                            if at_y < top || at_x < left || at_y - top >= height || at_x - left >= width {
                                continue;
                            }
                            let number = i64::from(image.at(channel, at_y - top, at_x - left))
                                - i64::from(image.scale.zero_point);
                            let at = ((out * channels + channel) * kernel_height + ky) * kernel_width + kx;
                            sum += number * i64::from(conv.weight[at]);
                        }
                    }
                }
                sums.push(i32::try_from(sum).expect("a sum of 32 bits"));
            }
        }
    }
    (sums, if whole.is_some() { vec![0.0; out_channels] } else { conv.bias.clone() })
}

fn pooled(image: &Image, pool: &Int8Pool, of: impl Fn(usize, &[u8]) -> u8) -> Image {
    let [channels, height, width] = image.dims;
    let out = |size: usize, axis: usize| (size - pool.kernel_size[axis]) / pool.stride[axis] + 1;
    Image::of([channels, out(height, 0), out(width, 1)], image.scale, |channel, y, x| {
        let mut bytes = Vec::new();
        for ky in 0..pool.kernel_size[0] {
            for kx in 0..pool.kernel_size[1] {
                bytes.push(image.at(channel, y * pool.stride[0] + ky, x * pool.stride[1] + kx));
            }
        }
        of(channel, &bytes)
    })
}

fn means(image: &Image) -> Vec<f32> {
    let [_, height, width] = image.dims;
    let pixels = height * width;
    let sums = image.bytes.chunks_exact(pixels).map(|bytes| bytes.iter().map(|byte| u32::from(*byte)).sum());
    sums.map(|sum: u32| sum as f32 * (1.0 / pixels as f32)).collect()
}
