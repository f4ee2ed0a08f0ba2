use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

#[test]
fn all_equal_their_references() {
    let sizes = (0..=64).map(|columns| (5, columns)).chain([(1, 1000), (300, 77), (97, 130)]);
    for (rows, columns) in sizes {
        let mut random = Random::new(columns as u64);
        let input: Vec<f32> = random.numbers(rows * columns).iter().map(|x| 20.0 * x).collect();
        let gradient = random.numbers(rows * columns);
        let (x, dy) = (wide(&input), wide(&gradient));
        let y = reference::softmax(columns, &x);
        let log_y = reference::log_softmax(columns, &x);
        for cpu in cpus() {
            let mut found = vec![9.0; input.len()];
            softmax(cpu, columns, &input, &mut found);
            assert_close(&found, &narrow(&y), 1e-6, format_args!("softmax {cpu:?} {rows} {columns}"));
            for row in found.chunks(columns.max(1)) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
            log_softmax(cpu, columns, &input, &mut found);
            assert_close(&found, &narrow(&log_y), 1e-6, format_args!("log_softmax {cpu:?} {rows} {columns}"));
            softmax_gradient(cpu, columns, &narrow(&y), &gradient, &mut found);
            let expected = narrow(&reference::softmax_gradient(columns, &x, &dy));
            assert_close(&found, &expected, 1e-6, format_args!("softmax_gradient {cpu:?} {rows} {columns}"));
            log_softmax_gradient(cpu, columns, &narrow(&log_y), &gradient, &mut found);
            let expected = narrow(&reference::log_softmax_gradient(columns, &x, &dy));
            assert_close(
                &found,
                &expected,
                1e-5,
                format_args!("log_softmax_gradient {cpu:?} {rows} {columns}"),
            );
        }
    }
}

#[test]
fn references_have_the_gradients_of_differences() {
    let (columns, mut random) = (5, Random::new(4));
    let (x, dy) = (wide(&random.numbers(15)), wide(&random.numbers(15)));
    let expected = differences(&x, &dy, |x| reference::softmax(columns, x));
    let found = reference::softmax_gradient(columns, &x, &dy);
    assert_close(&narrow(&found), &narrow(&expected), 1e-6, format_args!("softmax"));
    let expected = differences(&x, &dy, |x| reference::log_softmax(columns, x));
    let found = reference::log_softmax_gradient(columns, &x, &dy);
    assert_close(&narrow(&found), &narrow(&expected), 1e-6, format_args!("log_softmax"));
}

#[test]
fn great_values_do_not_overflow_and_infinities_are_as_in_the_definition() {
    let inf = f32::INFINITY;
    for cpu in cpus() {
        let mut output = [0.0; 3];
        softmax(cpu, 3, &[1e30, 1e30, -1e30], &mut output);
        assert_eq!(output, [0.5, 0.5, 0.0], "{cpu:?}");
        softmax(cpu, 3, &[-inf, 2.0, -inf], &mut output);
        assert_eq!(output, [0.0, 1.0, 0.0], "{cpu:?}");
        log_softmax(cpu, 3, &[-inf, 2.0, -inf], &mut output);
        assert_eq!(output, [-inf, 0.0, -inf], "{cpu:?}");
        for row in [[f32::NAN, 0.0, 1.0], [-inf; 3]] {
            softmax(cpu, 3, &row, &mut output);
            assert!(output.iter().all(|y| y.is_nan()), "{cpu:?} {row:?}");
        }
    }
}

#[test]
#[should_panic(expected = "in rows of 3")]
fn broken_rows_are_refused() {
    softmax(Cpu::best(1), 3, &[0.0; 4], &mut [0.0; 4]);
}
