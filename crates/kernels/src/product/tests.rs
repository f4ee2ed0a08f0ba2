use super::*;
use crate::testing::{Numbers, assert_close, paths};

/// One product with random offsets, on every path, against the plain loops.
fn check(numbers: &mut Numbers, rows: usize, terms: usize, columns: usize) {
    let gap = numbers.below(4);
    let (a_len, b_stride) = ((rows + 1) * (terms + 1), columns + gap);
    let a = numbers.vec(a_len);
    let b = numbers.vec(terms * b_stride + columns);
    let row_offsets: Vec<u32> = (0..rows).map(|_| numbers.below(rows * (terms + 1)) as u32).collect();
    let reach = row_offsets.iter().max().map_or(0, |row| *row as usize);
    let term_offsets: Vec<Term> = (0..terms)
        .map(|k| Term { a: numbers.below(a_len - reach) as u32, b: offset(k * b_stride) })
        .collect();
    let bias = numbers.vec(columns);
    let before = numbers.vec(rows * b_stride);
    for (start, relu) in
        [(Start::Zero, false), (Start::Row(&bias), true), (Start::Output, false), (Start::Row(&bias), false)]
    {
        let with = |output: &mut Vec<f32>, run: &dyn Fn(Product<'_>)| {
            run(Product {
                a: &a,
                rows: &row_offsets,
                terms: &term_offsets,
                b: &b,
                columns,
                start,
                relu,
                output,
                output_stride: b_stride,
            });
        };
        let mut expected = before.clone();
        with(&mut expected, &reference::product);
        for path in paths() {
            let mut found = before.clone();
            with(&mut found, &|product| product.run(path));
            let what = format!("{rows}x{terms}x{columns} {start:?} relu {relu} on {path}");
            assert_close(&found, &expected, 3e-5, 1e-5, &what);
        }
    }
}

#[test]
fn agrees_with_plain_loops_for_every_size_up_to_64() {
    let mut numbers = Numbers::new(1);
    for size in 0..=64 {
        let (small, other) = (numbers.below(9), numbers.below(20));
        check(&mut numbers, size, small, other + 1);
        check(&mut numbers, other, size, small + 1);
        check(&mut numbers, small + 1, other, size);
    }
}

#[test]
fn agrees_with_plain_loops_for_larger_sizes() {
    let mut numbers = Numbers::new(2);
    for _ in 0..12 {
        let [rows, terms, columns] = [(); 3].map(|()| numbers.below(150));
        check(&mut numbers, rows, terms, columns);
    }
}

#[test]
#[should_panic(expected = "reads beyond its left factor")]
fn offsets_beyond_a_factor_are_refused() {
    let mut output = [0.0; 2];
    let product = Product {
        a: &[1.0; 4],
        rows: &[0, 3],
        terms: &[Term { a: 1, b: 0 }],
        b: &[1.0],
        columns: 1,
        start: Start::Zero,
        relu: false,
        output: &mut output,
        output_stride: 1,
    };
    product.run(crate::Path::Plain);
}
