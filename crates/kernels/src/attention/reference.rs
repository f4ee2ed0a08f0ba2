//! Attention as its definition says, in `f64`, with all the scores of a query at once.

use super::Attention;

/// Calls `visit(query, its key's number, the keys it sees)` with the places of rows.
fn each_query(sizes: &Attention<'_>, mut visit: impl FnMut(usize, usize, usize)) {
    for head in 0..sizes.batch * sizes.num_heads {
        for query in 0..sizes.queries {
            let mut seen = sizes.keys;
            if let Some(lengths) = sizes.key_lengths {
                seen = seen.min(lengths[head / sizes.num_heads] as usize);
            }
            if sizes.causal {
                seen = seen.min(query + 1);
            }
            visit(head * sizes.queries + query, head * sizes.keys, seen);
        }
    }
}

fn row(x: &[f64], at: usize, dim: usize) -> &[f64] {
    &x[at * dim..(at + 1) * dim]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The probabilities of the keys that a query sees, and the logarithm of their sum before division.
fn probabilities(
    sizes: &Attention<'_>,
    q: &[f64],
    k: &[f64],
    at: usize,
    first: usize,
    seen: usize,
) -> (Vec<f64>, f64) {
    let dim = sizes.dim;
    let score = |j| f64::from(sizes.scale) * dot(row(q, at, dim), row(k, first + j, dim));
    let scores: Vec<f64> = (0..seen).map(score).collect();
    let sum: f64 = scores.iter().map(|score| score.exp()).sum();
    (scores.iter().map(|score| score.exp() / sum).collect(), sum.ln())
}

/// What the probabilities of a query are multiplied by.
fn factors(sizes: &Attention<'_>, at: usize, seen: usize) -> Vec<f64> {
    let mut factors = vec![1.0; seen];
    if let Some(dropout) = sizes.dropout {
        dropout.factors(at, &mut factors);
    }
    factors.into_iter().map(f64::from).collect()
}

/// The output and the logarithms.
pub(super) fn attention(sizes: &Attention<'_>, q: &[f64], k: &[f64], v: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let dim = sizes.dim;
    let (mut output, mut log_sums) = (vec![0.0; q.len()], Vec::new());
    each_query(sizes, |at, first, seen| {
        let (p, log_sum) = probabilities(sizes, q, k, at, first, seen);
        let kept = factors(sizes, at, seen);
        for (j, p) in p.iter().zip(&kept).map(|(p, kept)| p * kept).enumerate() {
            for column in 0..dim {
                output[at * dim + column] += p * v[(first + j) * dim + column];
            }
        }
        log_sums.push(log_sum);
    });
    (output, log_sums)
}

/// The gradients of query, key and value.
pub(super) fn gradient(sizes: &Attention<'_>, q: &[f64], k: &[f64], v: &[f64], dy: &[f64]) -> [Vec<f64>; 3] {
    let dim = sizes.dim;
    let mut gradients = [vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]];
    each_query(sizes, |at, first, seen| {
        let (p, _) = probabilities(sizes, q, k, at, first, seen);
        let kept = factors(sizes, at, seen);
        let dp: Vec<f64> =
            (0..seen).map(|j| kept[j] * dot(row(dy, at, dim), row(v, first + j, dim))).collect();
        let mean = dot(&p, &dp);
        for j in 0..seen {
            let slope = p[j] * (dp[j] - mean) * f64::from(sizes.scale);
            for column in 0..dim {
                let (query, key) = (at * dim + column, (first + j) * dim + column);
                gradients[0][query] += slope * k[key];
                gradients[1][key] += slope * q[query];
                gradients[2][key] += p[j] * kept[j] * dy[query];
            }
        }
    });
    gradients
}
