use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

fn sizes(batch: usize, num_heads: usize, queries: usize, keys: usize, dim: usize) -> Attention<'static> {
    let scale = 1.0 / (dim.max(1) as f32).sqrt();
    Attention { batch, num_heads, queries, keys, dim, scale, causal: false, key_lengths: None }
}

/// With and without a causal mask and key lengths, of which one is 0.
fn masked<'a>(sizes: Attention<'a>, lengths: &'a [u32]) -> [Attention<'a>; 4] {
    let key_lengths = Some(lengths);
    [
        sizes,
        Attention { causal: true, ..sizes },
        Attention { key_lengths, ..sizes },
        Attention { causal: true, key_lengths, ..sizes },
    ]
}

#[test]
fn it_equals_its_reference() {
    let every = (0..=64).map(|dim| sizes(2, 2, 3, 5, dim));
    let small = (0..36).map(|code| sizes(2, 1, code % 6, code / 6, 4));
    let larger = [sizes(2, 3, 64, 70, 8), sizes(2, 2, 129, 50, 20), sizes(2, 1, 150, 200, 33)];
    for plain in every.chain(small).chain(larger) {
        let mut random = Random::new((plain.dim + plain.queries) as u64);
        let heads = plain.batch * plain.num_heads;
        let mut numbers = |tokens: usize| -> Vec<f32> {
            random.numbers(heads * tokens * plain.dim).iter().map(|x| 2.0 * x).collect()
        };
        let (q, k, v) = (numbers(plain.queries), numbers(plain.keys), numbers(plain.keys));
        let dy = numbers(plain.queries);
        let lengths = [plain.keys as u32 / 2 + 1, 0];
        for sizes in masked(plain, &lengths) {
            let (q64, k64, v64) = (wide(&q), wide(&k), wide(&v));
            let (y, logs) = reference::attention(&sizes, &q64, &k64, &v64);
            let gradients = reference::gradient(&sizes, &q64, &k64, &v64, &wide(&dy));
            let mut first: Option<[Vec<f32>; 4]> = None;
            for cpu in cpus() {
                let what = format!("{cpu:?} {sizes:?}");
                let (mut output, mut log_sums) = (vec![9.0; q.len()], vec![9.0; heads * sizes.queries]);
                attention(cpu, &sizes, &q, &k, &v, &mut output, &mut log_sums);
                assert_close(&output, &narrow(&y), 1e-5, format_args!("{what}: output"));
                assert_close(&log_sums, &narrow(&logs), 1e-5, format_args!("{what}: logarithms"));
                let (mut dq, mut dk, mut dv) = (vec![9.0; q.len()], vec![9.0; k.len()], vec![9.0; v.len()]);
                attention_gradient(
                    cpu, &sizes, &q, &k, &v, &output, &log_sums, &dy, &mut dq, &mut dk, &mut dv,
                );
                for (found, expected, name) in [
                    (&dq, &gradients[0], "query"),
                    (&dk, &gradients[1], "key"),
                    (&dv, &gradients[2], "value"),
                ] {
                    assert_close(found, &narrow(expected), 3e-5, format_args!("{what}: gradient of {name}"));
                }
                let all = [output, dq, dk, dv];
                if cpu.threads > 1 {
                    assert_eq!(first.as_ref(), Some(&all), "{what}: threads");
                }
                first = Some(all);
            }
        }
    }
}

#[test]
fn great_scores_do_not_overflow() {
    for cpu in cpus() {
        let sizes = sizes(1, 1, 1, 2, 1);
        let (mut output, mut log_sums) = ([0.0], [0.0]);
        attention(cpu, &sizes, &[1e3], &[1e3, -1e3], &[3.0, 5.0], &mut output, &mut log_sums);
        assert_eq!((output, log_sums), ([3.0], [1e6]), "{cpu:?}");
    }
}

#[test]
fn the_reference_has_the_gradients_of_differences() {
    let lengths = [3, 0];
    for sizes in masked(sizes(2, 1, 3, 4, 2), &lengths) {
        let mut random = Random::new(1);
        let (q, k, v) = (wide(&random.numbers(12)), wide(&random.numbers(16)), wide(&random.numbers(16)));
        let dy = wide(&random.numbers(12));
        let found = reference::gradient(&sizes, &q, &k, &v, &dy);
        let expected = differences(&q, &dy, |q| reference::attention(&sizes, q, &k, &v).0);
        assert_close(&narrow(&found[0]), &narrow(&expected), 1e-6, format_args!("query"));
        let expected = differences(&k, &dy, |k| reference::attention(&sizes, &q, k, &v).0);
        assert_close(&narrow(&found[1]), &narrow(&expected), 1e-6, format_args!("key"));
        let expected = differences(&v, &dy, |v| reference::attention(&sizes, &q, &k, v).0);
        assert_close(&narrow(&found[2]), &narrow(&expected), 1e-6, format_args!("value"));
    }
}

#[test]
#[should_panic(expected = "values of keys and values")]
fn short_keys_are_refused() {
    let sizes = sizes(1, 1, 1, 2, 3);
    attention(Cpu::best(1), &sizes, &[0.0; 3], &[0.0; 3], &[0.0; 6], &mut [0.0; 3], &mut [0.0; 1]);
}
