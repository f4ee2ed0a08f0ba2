use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

fn kinds(weights: &[f32]) -> [CrossEntropy<'_>; 4] {
    let class_weights = Some(weights);
    [
        CrossEntropy::default(),
        CrossEntropy { label_smoothing: 0.1, class_weights: None },
        CrossEntropy { label_smoothing: 0.0, class_weights },
        CrossEntropy { label_smoothing: 0.3, class_weights },
    ]
}

#[test]
fn it_equals_its_reference() {
    for (rows, classes) in (1..=64).map(|classes| (7, classes)).chain([(1, 5000), (700, 10), (130, 77)]) {
        let mut random = Random::new(classes as u64);
        let weights: Vec<f32> = (0..classes).map(|_| random.number() + 1.5).collect();
        let targets: Vec<u32> = (0..rows).map(|_| random.below(classes) as u32).collect();
        // Whole numbers, so that there are equal maxima, and great ones.
        let steps = random.steps(rows * classes);
        let great: Vec<f32> = random.numbers(rows * classes).iter().map(|x| 30.0 * x).collect();
        for (logits, kind) in [steps, great].iter().flat_map(|x| kinds(&weights).map(|kind| (x, kind))) {
            let x = wide(logits);
            let mean = reference::mean(kind, classes, &x, &targets) as f32;
            let expected = narrow(&reference::gradient(kind, classes, &x, &targets));
            let correct = reference::correct(classes, logits, &targets);
            let mut first: Option<Loss> = None;
            for cpu in cpus() {
                let what = format!("{cpu:?} {rows} {classes} {}", kind.label_smoothing);
                let mut gradient = vec![9.0; logits.len()];
                let loss = cross_entropy(cpu, kind, classes, logits, &targets, Some(&mut gradient));
                assert_close(&[loss.mean], &[mean], 1e-6, format_args!("{what}: loss"));
                assert_close(&gradient, &expected, 1e-6, format_args!("{what}: gradient"));
                assert_eq!(loss.correct, correct, "{what}: correct");
                let wide_targets: Vec<i64> = targets.iter().map(|&target| i64::from(target)).collect();
                let again = cross_entropy(cpu, kind, classes, logits, &wide_targets, None);
                assert_close(&[again.mean], &[loss.mean], 1e-6, format_args!("{what}: without gradient"));
                assert_eq!(again.correct, correct);
                if cpu.threads > 1 {
                    assert_eq!(first, Some(loss), "{what}: other threads");
                }
                first = Some(loss);
            }
        }
    }
}

#[test]
fn the_reference_has_the_gradient_of_differences() {
    let mut random = Random::new(2);
    let x = wide(&random.numbers(12));
    for kind in kinds(&[0.5, 2.0, 1.5, 3.0]) {
        let targets = [1, 3, 0];
        let expected = differences(&x, &[1.0], |x| vec![reference::mean(kind, 4, x, &targets)]);
        let found = reference::gradient(kind, 4, &x, &targets);
        assert_close(&narrow(&found), &narrow(&expected), 1e-6, format_args!("{kind:?}"));
    }
}

#[test]
fn infinities_and_what_is_no_number() {
    let inf = f32::INFINITY;
    for cpu in cpus() {
        let mut gradient = [9.0; 3];
        let kind = CrossEntropy::default();
        let loss = cross_entropy(cpu, kind, 3, &[0.0, -inf, 0.0], &[2u32], Some(&mut gradient));
        assert_close(&[loss.mean], &[2f32.ln()], 1e-6, format_args!("{cpu:?}"));
        assert_close(&gradient, &[0.5, 0.0, -0.5], 1e-6, format_args!("{cpu:?}"));
        assert_eq!(loss.correct, 0, "the first of equal maxima");
        assert_eq!(cross_entropy(cpu, kind, 3, &[0.0, -inf, 0.0], &[1u32], None).mean, inf);
        assert!(cross_entropy(cpu, kind, 3, &[0.0, f32::NAN, 0.0], &[0u32], None).mean.is_nan());
        assert!(cross_entropy::<u32>(cpu, kind, 3, &[], &[], None).mean.is_nan());
    }
}

#[test]
#[should_panic(expected = "not one of 3 classes")]
fn a_target_below_zero_is_refused() {
    cross_entropy(Cpu::best(1), CrossEntropy::default(), 3, &[0.0; 3], &[-1i64], None);
}
