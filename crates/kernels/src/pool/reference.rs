//! Pooling as its definition says, in `f64`, value by value.

use super::Pool;

/// Calls `visit(output, input, tap)` for each value of each window that falls on the image.
fn each_tap(pool: &Pool, mut visit: impl FnMut(usize, usize, usize)) {
    for image in 0..pool.batch {
        for row in 0..pool.out_height() {
            for column in 0..pool.out_width() {
                for i in 0..pool.kernel_size[0] {
                    for j in 0..pool.kernel_size[1] {
                        let y = (row * pool.stride[0] + i * pool.dilation[0]).checked_sub(pool.padding[0]);
                        let x = (column * pool.stride[1] + j * pool.dilation[1]).checked_sub(pool.padding[1]);
                        let (Some(y), Some(x)) = (y, x) else { continue };
                        if y >= pool.height || x >= pool.width {
                            continue;
                        }
                        for channel in 0..pool.channels {
                            let out = (image * pool.out_height() + row) * pool.out_width() + column;
                            let place = (image * pool.height + y) * pool.width + x;
                            visit(
                                out * pool.channels + channel,
                                place * pool.channels + channel,
                                i * pool.kernel_size[1] + j,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// The maxima and, where a window holds any pixel, the places of the input where they are.
pub(super) fn max_pool(pool: &Pool, input: &[f64]) -> (Vec<f64>, Vec<Option<usize>>) {
    let mut output = vec![f64::NEG_INFINITY; pool.out_len()];
    let mut places = vec![None; pool.out_len()];
    each_tap(pool, |out, place, _| {
        if places[out].is_none() || input[place] > output[out] || input[place].is_nan() {
            output[out] = input[place];
            places[out] = Some(place);
        }
    });
    (output, places)
}

pub(super) fn max_pool_gradient(pool: &Pool, places: &[Option<usize>], gradient: &[f64]) -> Vec<f64> {
    let mut input_gradient = vec![0.0; pool.in_len()];
    for (place, gradient) in places.iter().zip(gradient) {
        if let Some(place) = place {
            input_gradient[*place] += gradient;
        }
    }
    input_gradient
}

/// The place of the input that an index within the window means, for each output.
pub(super) fn places(pool: &Pool, index: &[u8]) -> Vec<Option<usize>> {
    let mut places = vec![None; pool.out_len()];
    each_tap(pool, |out, place, tap| {
        if usize::from(index[out]) == tap {
            places[out] = Some(place);
        }
    });
    places
}

fn counts(pool: &Pool, count_include_pad: bool) -> Vec<f64> {
    let all = (pool.kernel_size[0] * pool.kernel_size[1]) as f64;
    let mut counts = vec![if count_include_pad { all } else { 0.0 }; pool.out_len()];
    if !count_include_pad {
        each_tap(pool, |out, _, _| counts[out] += 1.0);
    }
    counts.into_iter().map(|count| count.max(1.0)).collect()
}

pub(super) fn average_pool(pool: &Pool, count_include_pad: bool, input: &[f64]) -> Vec<f64> {
    let mut output = vec![0.0; pool.out_len()];
    each_tap(pool, |out, place, _| output[out] += input[place]);
    output.iter().zip(counts(pool, count_include_pad)).map(|(sum, count)| sum / count).collect()
}

pub(super) fn average_pool_gradient(pool: &Pool, count_include_pad: bool, gradient: &[f64]) -> Vec<f64> {
    let mut input_gradient = vec![0.0; pool.in_len()];
    let counts = counts(pool, count_include_pad);
    each_tap(pool, |out, place, _| input_gradient[place] += gradient[out] / counts[out]);
    input_gradient
}
