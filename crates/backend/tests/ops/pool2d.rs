//! Pooling against Burn's own, and against means of pieces.

use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};
use fireclay_backend::ops::{PoolOptions, avg_pool2d, global_avg_pool2d, max_pool2d};

use crate::harness::{View, compare, compare_in_f64, devices, differences, in_a_row};

const SHAPES: [[usize; 4]; 5] = [[2, 3, 6, 6], [1, 1, 3, 4], [2, 17, 5, 7], [3, 4, 8, 3], [1, 33, 4, 4]];

fn windows() -> Vec<PoolOptions> {
    vec![
        PoolOptions::square(2),
        PoolOptions::square(1),
        PoolOptions::square(3),
        PoolOptions { kernel_size: [3, 2], stride: [1, 2], padding: [0, 0] },
        PoolOptions { kernel_size: [3, 3], stride: [2, 2], padding: [1, 1] },
        PoolOptions { kernel_size: [2, 3], stride: [3, 1], padding: [1, 0] },
    ]
}

#[test]
fn pooling_agrees_with_burns() {
    for shape in SHAPES {
        for view in View::ALL {
            for options in windows() {
                let PoolOptions { kernel_size, stride, padding } = options;
                let what = format!("{options:?} of {shape:?}, {view:?}");
                let lens = [view.len(&shape)];
                let image = |x: &[Tensor<1>]| view.of(&x[0], shape);
                compare(&format!("max {what}"), &lens, &|x| in_a_row(max_pool2d(image(x), options)), &|x| {
                    let options = MaxPoolOptions::new(kernel_size).with_stride(stride).with_padding(padding);
                    in_a_row(module::max_pool2d(image(x), options))
                });
                for counted in [false, true] {
                    compare(
                        &format!("average {what}, padding counted: {counted}"),
                        &lens,
                        &|x| in_a_row(avg_pool2d(image(x), options, counted)),
                        &|x| {
                            let options = AvgPoolOptions::new(kernel_size)
                                .with_stride(stride)
                                .with_padding(padding)
                                .with_count_include_pad(counted);
                            in_a_row(module::avg_pool2d(image(x), options))
                        },
                    );
                }
            }
        }
    }
}

#[test]
fn global_pooling_agrees_with_a_mean() {
    for shape in SHAPES {
        for view in View::ALL {
            let image = |x: &[Tensor<1>]| view.of(&x[0], shape);
            compare(
                &format!("global pooling of {shape:?}, {view:?}"),
                &[view.len(&shape)],
                &|x| in_a_row(global_avg_pool2d(image(x))),
                &|x| in_a_row(image(x).mean_dim(3).mean_dim(2)),
            );
        }
    }
}

#[test]
fn pooling_agrees_in_f64_and_with_its_slopes() {
    let shape = [1, 2, 4, 4];
    let image = |x: &[Tensor<1>]| View::Plain.of(&x[0], shape);
    let max = |x: &[Tensor<1>]| in_a_row(max_pool2d(image(x), PoolOptions::square(2)));
    let mean = |x: &[Tensor<1>]| in_a_row(avg_pool2d(image(x), PoolOptions::square(2), true));
    let global = |x: &[Tensor<1>]| in_a_row(global_avg_pool2d(image(x)));
    differences("max pooling", &[32], &max);
    differences("average pooling", &[32], &mean);
    differences("global pooling", &[32], &global);
    compare_in_f64("max pooling", &[32], &max, &|x| {
        in_a_row(module::max_pool2d(image(x), MaxPoolOptions::new([2, 2])))
    });
    compare_in_f64("average pooling", &[32], &mean, &|x| {
        in_a_row(module::avg_pool2d(image(x), AvgPoolOptions::new([2, 2])))
    });
    compare_in_f64("global pooling", &[32], &global, &|x| in_a_row(image(x).mean_dim(3).mean_dim(2)));
}

#[test]
fn a_window_of_more_places_than_a_byte_counts_is_pooled_too() {
    let shape = [1, 2, 20, 20];
    compare(
        "window of 400",
        &[800],
        &|x| in_a_row(max_pool2d(View::Plain.of(&x[0], shape), PoolOptions::square(20))),
        &|x| in_a_row(module::max_pool2d(View::Plain.of(&x[0], shape), MaxPoolOptions::new([20, 20]))),
    );
}

#[test]
#[should_panic(expected = "the window takes 3 of 2 places")]
fn a_window_larger_than_the_image_is_refused() {
    max_pool2d(Tensor::zeros([1, 1, 2, 2], &devices().remove(0)), PoolOptions::square(3));
}
