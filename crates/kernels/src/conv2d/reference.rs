//! The definition, in loops over everything, in `f64`.

use super::Conv2dShape;

/// Calls `visit(image, place, out channel, value of the input or none in the padding, tap)` for every product.
fn products(shape: &Conv2dShape, mut visit: impl FnMut(usize, usize, usize)) {
    let [height, width] = shape.convolved();
    let (channels, out_in_group) = (shape.channels_in_group(), shape.out_channels_in_group());
    let [top, left, ..] = shape.padding;
    for image in 0..shape.batch {
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for out in 0..shape.out_channels {
                let at = ((image * height + y) * width + x) * shape.out_channels + out;
                for (i, j) in
                    (0..shape.kernel_size[0]).flat_map(|i| (0..shape.kernel_size[1]).map(move |j| (i, j)))
                {
                    let row = (y * shape.stride[0] + i * shape.dilation[0]).checked_sub(top);
                    let column = (x * shape.stride[1] + j * shape.dilation[1]).checked_sub(left);
                    let (Some(row), Some(column)) = (row, column) else { continue };
                    if row >= shape.size[0] || column >= shape.size[1] {
                        continue;
                    }
                    for channel in 0..channels {
                        let in_channel = out / out_in_group * channels + channel;
                        let from = ((image * shape.size[0] + row) * shape.size[1] + column)
                            * shape.in_channels
                            + in_channel;
                        let tap = (i * shape.kernel_size[1] + j) * channels + channel;
                        visit(at, from, tap * shape.out_channels + out);
                    }
                }
            }
        }
    }
}

/// The convolution with bias and ReLU, before pooling.
pub(super) fn convolve(shape: &Conv2dShape, input: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let mut output = vec![0.0; shape.batch * shape.convolved_len()];
    if let Some(bias) = bias {
        for (at, value) in output.iter_mut().enumerate() {
            *value = bias[at % shape.out_channels];
        }
    }
    products(shape, |at, from, tap| output[at] += input[from] * weight[tap]);
    if shape.relu {
        output.iter_mut().for_each(|value| *value = value.max(0.0));
    }
    output
}

/// For each pooled value, which value of the convolution it is.
pub(super) fn maxima(shape: &Conv2dShape, convolved: &[f64]) -> Vec<usize> {
    let Some(pool) = shape.pool else { return (0..convolved.len()).collect() };
    let ([height, width], [out_height, out_width]) = (shape.convolved(), shape.output());
    let mut maxima = Vec::new();
    for image in 0..shape.batch {
        for (y, x) in (0..out_height).flat_map(|y| (0..out_width).map(move |x| (y, x))) {
            for channel in 0..shape.out_channels {
                let window = (0..pool.kernel_size[0])
                    .flat_map(|i| (0..pool.kernel_size[1]).map(move |j| (i, j)))
                    .map(|(i, j)| {
                        let (row, column) = (y * pool.stride[0] + i, x * pool.stride[1] + j);
                        ((image * height + row) * width + column) * shape.out_channels + channel
                    });
                let first_of_greatest = window.reduce(|best, at| match convolved[at] > convolved[best] {
                    true => at,
                    false => best,
                });
                maxima.push(first_of_greatest.expect("a window has values"));
            }
        }
    }
    maxima
}

/// Gradients by input, weight and bias, given that of the pooled output.
pub(super) fn gradients(
    shape: &Conv2dShape,
    input: &[f64],
    weight: &[f64],
    bias: Option<&[f64]>,
    gradient: &[f64],
) -> [Vec<f64>; 3] {
    let convolved = convolve(shape, input, weight, bias);
    let mut back = vec![0.0; convolved.len()];
    for (place, value) in maxima(shape, &convolved).into_iter().zip(gradient) {
        if !shape.relu || convolved[place] > 0.0 {
            back[place] += value;
        }
    }
    let mut by_input = vec![0.0; input.len()];
    let mut by_weight = vec![0.0; weight.len()];
    let mut by_bias = vec![0.0; shape.out_channels];
    products(shape, |at, from, tap| {
        by_input[from] += back[at] * weight[tap];
        by_weight[tap] += back[at] * input[from];
    });
    for (at, value) in back.iter().enumerate() {
        by_bias[at % shape.out_channels] += value;
    }
    [by_input, by_weight, by_bias]
}
