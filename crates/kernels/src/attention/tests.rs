use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

fn sizes(batch: usize, num_heads: usize, queries: usize, keys: usize, dim: usize) -> Attention<'static> {
    let scale = 1.0 / (dim.max(1) as f32).sqrt();
    Attention { batch, num_heads, queries, keys, dim, scale, causal: false, key_lengths: None, dropout: None }
}

/// With and without a causal mask, dropout, and key lengths, of which one is 0.
fn masked<'a>(sizes: Attention<'a>, lengths: &'a [u32]) -> [Attention<'a>; 5] {
    let key_lengths = Some(lengths);
    let dropout = Some(Dropout { rate: 0.4, seed: 3, first: 0 });
    [
        sizes,
        Attention { causal: true, ..sizes },
        Attention { key_lengths, ..sizes },
        Attention { causal: true, key_lengths, ..sizes },
        Attention { causal: true, key_lengths, dropout, ..sizes },
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

/// `[batch, tokens, parts, num_heads, dim]`, of which `part` is taken, to `[batch, num_heads, tokens, dim]`.
fn by_head(sizes: &Attention<'_>, values: &[f32], parts: usize, part: usize) -> Vec<f32> {
    let Attention { batch, num_heads, keys, dim, .. } = *sizes;
    let mut turned = Vec::new();
    for (sequence, head, token) in
        (0..batch).flat_map(|b| (0..num_heads).flat_map(move |h| (0..keys).map(move |t| (b, h, t))))
    {
        let row = ((sequence * keys + token) * parts + part) * num_heads + head;
        turned.extend_from_slice(&values[row * dim..(row + 1) * dim]);
    }
    turned
}

#[test]
fn side_by_side_it_is_the_same() {
    for plain in
        [sizes(2, 3, 5, 5, 4), sizes(2, 1, 1, 1, 3), sizes(3, 2, 70, 70, 8), sizes(1, 2, 130, 130, 20)]
    {
        let mut random = Random::new(plain.keys as u64);
        let values = plain.heads() * plain.keys * plain.dim;
        let (projected, mut dy) = (random.numbers(3 * values), random.numbers(values));
        let lengths: Vec<u32> = (0..plain.batch).map(|at| (plain.keys * at / 2) as u32).collect();
        for sizes in masked(plain, &lengths) {
            // What is after an end gives zeros and takes no gradient.
            let width = sizes.num_heads * sizes.dim;
            let ends = |sequence: usize| sizes.length(sequence * sizes.num_heads);
            let blank = |values: &mut [f32]| {
                for (at, row) in values.chunks_mut(width).enumerate() {
                    if at % sizes.keys >= ends(at / sizes.keys) {
                        row.fill(0.0);
                    }
                }
            };
            blank(&mut dy);
            let [q, k, v] = [0, 1, 2].map(|part| by_head(&sizes, &projected, 3, part));
            for cpu in cpus() {
                let what = format!("{cpu:?} {sizes:?}");
                let (mut output, mut logs) = (vec![9.0; values], vec![9.0; sizes.heads() * sizes.keys]);
                self_attention(cpu, &sizes, &projected, &mut output, &mut logs);
                let (mut expected, mut expected_logs) = (output.clone(), logs.clone());
                attention(cpu, &sizes, &q, &k, &v, &mut expected, &mut expected_logs);
                let mut blanked = output.clone();
                blank(&mut blanked);
                assert_eq!(blanked, output, "{what}: zeros after the end");
                for (at, (found, expected)) in by_head(&sizes, &output, 1, 0)
                    .chunks(sizes.dim)
                    .zip(expected.chunks(sizes.dim))
                    .enumerate()
                {
                    if at % sizes.keys < sizes.length(at / sizes.keys) {
                        assert_close(found, expected, 1e-5, format_args!("{what}: row {at}"));
                    }
                }
                let mut gradient = vec![9.0; 3 * values];
                self_attention_gradient(cpu, &sizes, &projected, &output, &logs, &dy, &mut gradient);
                let dy = by_head(&sizes, &dy, 1, 0);
                let [mut dq, mut dk, mut dv] = [q.clone(), k.clone(), v.clone()];
                attention_gradient(
                    cpu,
                    &sizes,
                    &q,
                    &k,
                    &v,
                    &expected,
                    &expected_logs,
                    &dy,
                    &mut dq,
                    &mut dk,
                    &mut dv,
                );
                for (part, expected) in [dq, dk, dv].iter().enumerate() {
                    let found = by_head(&sizes, &gradient, 3, part);
                    assert_close(&found, expected, 2e-5, format_args!("{what}: gradient {part}"));
                }
            }
        }
    }
}

#[test]
fn turned_products_depend_on_the_distance_alone() {
    let sizes = sizes(2, 2, 6, 6, 4);
    let row: Vec<f32> = Random::new(2).numbers(3 * 2 * 4);
    let original: Vec<f32> = (0..12).flat_map(|_| row.clone()).collect();
    for cpu in cpus() {
        let mut turned = original.clone();
        rotate_positions(cpu, &sizes, false, &mut turned);
        assert_eq!(turned[..16], row[..16], "position 0 stays");
        let [q, k, v] = [0, 1, 2].map(|part| by_head(&sizes, &turned, 3, part));
        let dot = |query: usize, key: usize| -> f32 {
            q[query * 4..][..4].iter().zip(&k[key * 4..][..4]).map(|(a, b)| a * b).sum()
        };
        assert!((dot(1, 3) - dot(3, 5)).abs() < 1e-6);
        assert!((dot(1, 3) - dot(3, 1)).abs() > 1e-3);
        assert_eq!(v[..4], v[4..8]);
        rotate_positions(cpu, &sizes, true, &mut turned);
        assert_close(&turned, &original, 1e-6, format_args!("{cpu:?}"));
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
