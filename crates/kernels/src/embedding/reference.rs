//! Rows by token, one value at a time.

pub(super) fn embedding(dim: usize, table: &[f64], tokens: &[u32]) -> Vec<f64> {
    tokens
        .iter()
        .flat_map(|&token| (0..dim).map(move |column| table[token as usize * dim + column]))
        .collect()
}

pub(super) fn embedding_gradient(
    dim: usize,
    vocabulary: usize,
    tokens: &[u32],
    padding: Option<usize>,
    gradient: &[f64],
) -> Vec<f64> {
    let mut table = vec![0.0; vocabulary * dim];
    for (n, &token) in tokens.iter().enumerate() {
        for column in 0..dim {
            if Some(token as usize) != padding {
                table[token as usize * dim + column] += gradient[n * dim + column];
            }
        }
    }
    table
}
