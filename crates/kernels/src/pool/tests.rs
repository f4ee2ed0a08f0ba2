use super::*;
use crate::Cpu;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

/// Every small kernel size, stride, padding and dilation, height unlike width.
fn small_pools(batch: usize, height: usize, width: usize, channels: usize) -> impl Iterator<Item = Pool> {
    (0..3 * 3 * 3 * 2 * 2 * 2 * 2 * 2).map(move |mut code| {
        let mut digit = |end: usize| {
            let digit = code % end;
            code /= end;
            digit
        };
        let kernel_size = [1 + digit(3), 1 + digit(3)];
        let stride = [1 + digit(3), 1 + digit(2)];
        let padding = [digit(2), digit(2)];
        let dilation = [1 + digit(2), 1 + digit(2)];
        Pool { batch, height, width, channels, kernel_size, stride, padding, dilation }
    })
}

fn every_channel_count() -> impl Iterator<Item = Pool> {
    (0..=64).flat_map(|channels| {
        let overlapping = Pool {
            kernel_size: [3; 2],
            stride: [2, 1],
            padding: [1; 2],
            ..Pool::square(1, 5, 4, channels, 3)
        };
        let thin = [Pool::square(2, 1, 3, channels, 2), Pool::square(2, 4, 1, channels, 2)];
        [Pool::square(2, 5, 7, channels, 2), overlapping].into_iter().chain(thin)
    })
}

fn larger() -> impl Iterator<Item = Pool> {
    let mut random = Random::new(7);
    (0..6).map(move |_| {
        let mut from = |start: usize, end: usize| start + random.below(end - start);
        Pool {
            batch: from(1, 5),
            height: from(8, 30),
            width: from(8, 30),
            channels: from(1, 70),
            kernel_size: [from(1, 6), from(1, 6)],
            stride: [from(1, 5), from(1, 5)],
            padding: [from(0, 4), from(0, 4)],
            dilation: [from(1, 4), from(1, 4)],
        }
    })
}

fn check_max(cpu: Cpu, pool: &Pool, input: &[f32], expected: &(Vec<f64>, Vec<Option<usize>>)) {
    let what = format!("{cpu:?} {pool:?}");
    let mut output = vec![9.0; pool.out_len()];
    max_pool(cpu, pool, input, &mut output);
    assert_close(&output, &narrow(&expected.0), 0.0, format_args!("{what}"));
    let mut index = vec![99; pool.out_len()];
    output.fill(9.0);
    max_pool_with_index(cpu, pool, input, &mut output, &mut index);
    assert_close(&output, &narrow(&expected.0), 0.0, format_args!("{what}, with index"));
    assert_eq!(reference::places(pool, &index), expected.1, "{what}: places");
    let gradient = Random::new(3).numbers(pool.out_len());
    let mut input_gradient = vec![9.0; pool.in_len()];
    max_pool_gradient(cpu, pool, &index, &gradient, &mut input_gradient);
    let expected = reference::max_pool_gradient(pool, &expected.1, &wide(&gradient));
    assert_close(&input_gradient, &narrow(&expected), 1e-6, format_args!("{what}: gradient"));
    let mut again = vec![8.0; pool.in_len()];
    max_pool_gradient(cpu, pool, &index, &gradient, &mut again);
    assert_eq!(again, input_gradient, "{what}: two runs");
}

fn check_average(cpu: Cpu, pool: &Pool, input: &[f32]) {
    for count_include_pad in [false, true] {
        let what = format!("{cpu:?} {pool:?} count_include_pad {count_include_pad}");
        let mut output = vec![9.0; pool.out_len()];
        average_pool(cpu, pool, count_include_pad, input, &mut output);
        let expected = reference::average_pool(pool, count_include_pad, &wide(input));
        assert_close(&output, &narrow(&expected), 1e-6, format_args!("{what}"));
        let gradient = Random::new(3).numbers(pool.out_len());
        let mut input_gradient = vec![9.0; pool.in_len()];
        average_pool_gradient(cpu, pool, count_include_pad, &gradient, &mut input_gradient);
        let expected = reference::average_pool_gradient(pool, count_include_pad, &wide(&gradient));
        assert_close(&input_gradient, &narrow(&expected), 1e-6, format_args!("{what}: gradient"));
    }
}

#[test]
fn maximum_equals_its_reference() {
    for pool in every_channel_count().chain(small_pools(1, 6, 5, 3)).chain(larger()) {
        let mut random = Random::new(pool.channels as u64);
        // Few different values, so that the first of equal ones must be found.
        for input in [random.numbers(pool.in_len()), random.steps(pool.in_len())] {
            let expected = reference::max_pool(&pool, &wide(&input));
            for cpu in cpus() {
                check_max(cpu, &pool, &input, &expected);
            }
        }
    }
}

#[test]
fn maximum_passes_on_what_is_no_number_and_infinities() {
    for pool in [Pool::square(3, 4, 6, 19, 2), Pool { stride: [1; 2], ..Pool::square(2, 5, 6, 19, 3) }] {
        let mut random = Random::new(1);
        let input: Vec<f32> = (0..pool.in_len())
            .map(|_| match random.below(6) {
                0 => f32::NAN,
                1 => f32::INFINITY,
                2 => random.number(),
                _ => f32::NEG_INFINITY,
            })
            .collect();
        let expected = reference::max_pool(&pool, &wide(&input));
        assert!(expected.0.iter().any(|x| x.is_nan()) && expected.0.contains(&f64::NEG_INFINITY));
        for cpu in cpus() {
            let mut output = vec![0.0; pool.out_len()];
            let mut index = vec![0; pool.out_len()];
            max_pool_with_index(cpu, &pool, &input, &mut output, &mut index);
            assert_close(&output, &narrow(&expected.0), 0.0, format_args!("{cpu:?} {pool:?}"));
            for (place, value) in reference::places(&pool, &index).iter().zip(&output) {
                assert_eq!(input[place.unwrap()].total_cmp(value), std::cmp::Ordering::Equal);
            }
            let mut plain = vec![0.0; pool.out_len()];
            max_pool(cpu, &pool, &input, &mut plain);
            assert_close(&plain, &output, 0.0, format_args!("{cpu:?} {pool:?}, without index"));
        }
    }
}

#[test]
fn average_equals_its_reference() {
    let undilated = |pool: &Pool| pool.dilation == [1; 2];
    let larger = larger().map(|pool| Pool { dilation: [1; 2], ..pool });
    for pool in every_channel_count().chain(small_pools(1, 6, 5, 3).filter(undilated)).chain(larger) {
        let input = Random::new(pool.channels as u64).numbers(pool.in_len());
        for cpu in cpus() {
            check_average(cpu, &pool, &input);
        }
    }
}

#[test]
fn global_average_is_the_average_of_one_window() {
    for channels in 0..=64 {
        let (batch, height, width) = (3, 3, 5);
        let pool = Pool { kernel_size: [height, width], ..Pool::square(batch, height, width, channels, 3) };
        let input = Random::new(5).numbers(pool.in_len());
        let gradient = Random::new(6).numbers(batch * channels);
        let expected = reference::average_pool(&pool, true, &wide(&input));
        let expected_gradient = reference::average_pool_gradient(&pool, true, &wide(&gradient));
        for cpu in cpus() {
            let mut output = vec![9.0; batch * channels];
            global_average_pool(cpu, batch, height * width, channels, &input, &mut output);
            assert_close(&output, &narrow(&expected), 1e-6, format_args!("{cpu:?} {channels}"));
            let mut input_gradient = vec![9.0; input.len()];
            global_average_pool_gradient(
                cpu,
                batch,
                height * width,
                channels,
                &gradient,
                &mut input_gradient,
            );
            let expected = narrow(&expected_gradient);
            assert_close(&input_gradient, &expected, 1e-6, format_args!("{cpu:?} {channels}: gradient"));
        }
    }
}

#[test]
fn references_have_the_gradients_of_differences() {
    let pool = Pool { stride: [1, 2], padding: [1, 0], ..Pool::square(1, 5, 4, 2, 3) };
    let input = wide(&Random::new(8).numbers(pool.in_len()));
    let weights = wide(&Random::new(9).numbers(pool.out_len()));
    let expected = differences(&input, &weights, |x| reference::max_pool(&pool, x).0);
    let found = reference::max_pool_gradient(&pool, &reference::max_pool(&pool, &input).1, &weights);
    assert_close(&narrow(&found), &narrow(&expected), 1e-6, format_args!("maximum"));
    for count_include_pad in [false, true] {
        let expected =
            differences(&input, &weights, |x| reference::average_pool(&pool, count_include_pad, x));
        let found = reference::average_pool_gradient(&pool, count_include_pad, &weights);
        assert_close(&narrow(&found), &narrow(&expected), 1e-6, format_args!("average"));
    }
}

#[test]
fn a_window_in_the_padding_is_minus_infinity() {
    // One row of images, and windows of two rows with a gap in which that row lies.
    let pool = Pool {
        kernel_size: [2, 1],
        stride: [1; 2],
        padding: [1, 0],
        dilation: [2, 1],
        ..Pool::square(1, 1, 2, 2, 1)
    };
    let (mut output, mut index, mut gradient) = ([0.0; 4], [0; 4], [9.0; 4]);
    max_pool_with_index(Cpu::best(1), &pool, &[1.0; 4], &mut output, &mut index);
    assert_eq!(output, [f32::NEG_INFINITY; 4]);
    max_pool_gradient(Cpu::best(1), &pool, &index, &[1.0; 4], &mut gradient);
    assert_eq!(gradient, [0.0; 4]);
}

#[test]
#[should_panic(expected = "values of the output")]
fn a_short_output_is_refused() {
    max_pool(Cpu::best(1), &Pool::square(1, 4, 4, 2, 2), &[0.0; 32], &mut [0.0; 7]);
}
