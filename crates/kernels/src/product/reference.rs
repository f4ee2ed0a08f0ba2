//! The same product in three plain loops.

use super::{Product, Start};

pub(crate) fn product(product: Product<'_>) {
    let Product { a, rows, terms, b, columns, start, relu, output, output_stride, .. } = product;
    for (i, row) in rows.iter().enumerate() {
        for j in 0..columns {
            let to = &mut output[i * output_stride + j];
            let begin = match start {
                Start::Zero => 0.0,
                Start::Row(row) => row[j],
                Start::Output => *to,
            };
            let mut sum = f64::from(begin);
            for term in terms {
                sum += f64::from(a[(row + term.a) as usize]) * f64::from(b[term.b as usize + j]);
            }
            *to = if relu { sum.max(0.0) as f32 } else { sum as f32 };
        }
    }
}
