//! Eigenvalues and eigenvectors of small symmetric matrices, by Jacobi's rotations.

/// Sweeps over all pairs; a handful is enough, as convergence is quadratic.
const SWEEPS: usize = 60;

/// Eigenvalues, largest first, and as many eigenvectors of length 1, one in each row of `[size, size]`.
///
/// # Panics
/// If `matrix` is not `[size, size]`.
pub(crate) fn symmetric_eigen(mut matrix: Vec<f64>, size: usize) -> (Vec<f64>, Vec<f64>) {
    assert_eq!(matrix.len(), size * size, "a square matrix");
    let mut vectors = vec![0.0; size * size];
    (0..size).for_each(|at| vectors[at * size + at] = 1.0);
    for _ in 0..SWEEPS {
        let off: f64 = (0..size)
            .flat_map(|row| (0..row).map(move |column| (row, column)))
            .map(|(row, column)| matrix[row * size + column].powi(2))
            .sum();
        let scale: f64 = (0..size).map(|at| matrix[at * size + at].powi(2)).sum();
        if off <= 1e-26 * scale {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, size, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|a, b| matrix[b * size + b].total_cmp(&matrix[a * size + a]));
    let values = order.iter().map(|at| matrix[at * size + at]).collect();
    let sorted = order.iter().flat_map(|at| vectors[at * size..(at + 1) * size].iter().copied()).collect();
    (values, sorted)
}

/// Turns the axes `p` and `q` so that their product becomes 0.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], size: usize, p: usize, q: usize) {
    let product = matrix[p * size + q];
    if product == 0.0 {
        return;
    }
    let theta = (matrix[q * size + q] - matrix[p * size + p]) / (2.0 * product);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    let turn = |a: &mut f64, b: &mut f64| (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    let turn_at = |values: &mut [f64], a: usize, b: usize| {
        let (mut first, mut second) = (values[a], values[b]);
        turn(&mut first, &mut second);
        (values[a], values[b]) = (first, second);
    };
    for at in 0..size {
        turn_at(matrix, at * size + p, at * size + q);
    }
    for at in 0..size {
        turn_at(matrix, p * size + at, q * size + at);
        turn_at(vectors, p * size + at, q * size + at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_put_together_again_from_its_eigenvectors() {
        let size = 7;
        let entry = |row: usize, column: usize| ((row * 31 + column * 17) % 11) as f64 - 4.0;
        let matrix: Vec<f64> =
            (0..size * size).map(|at| entry(at / size, at % size) + entry(at % size, at / size)).collect();
        let (values, vectors) = symmetric_eigen(matrix.clone(), size);
        assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
        for row in 0..size {
            for column in 0..size {
                let of = |vector: usize, at: usize| vectors[vector * size + at];
                let again: f64 = (0..size).map(|k| values[k] * of(k, row) * of(k, column)).sum();
                assert!((again - matrix[row * size + column]).abs() < 1e-9);
                let dot: f64 = (0..size).map(|at| of(row, at) * of(column, at)).sum();
                assert!((dot - f64::from(u8::from(row == column))).abs() < 1e-9);
            }
        }
    }
}
