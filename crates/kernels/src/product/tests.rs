use super::*;
use crate::check::{Random, assert_close, paths};

/// One product with random offsets, on every path, against the plain loops.
fn check(random: &mut Random, rows: usize, terms: usize, columns: usize) {
    let gap = random.below(4);
    let (a_len, b_stride) = ((rows + 1) * (terms + 1), columns + gap);
    let a = random.numbers(a_len);
    let b = random.numbers(terms * b_stride + columns);
    let row_offsets: Vec<u32> = (0..rows).map(|_| random.below((rows * (terms + 1)).max(1)) as u32).collect();
    let reach = row_offsets.iter().max().map_or(0, |row| *row as usize);
    let term_offsets: Vec<Term> = (0..terms)
        .map(|k| Term { a: random.below((a_len - reach).max(1)) as u32, b: offset(k * b_stride) })
        .collect();
    let bias = random.numbers(columns);
    let before = random.numbers(rows * b_stride);
    let starts =
        [(Start::Zero, false), (Start::Row(&bias), true), (Start::Output, false), (Start::Row(&bias), false)];
    for (number, (start, relu)) in starts.into_iter().enumerate() {
        let with = |output: &mut Vec<f32>, run: &dyn Fn(Product<'_>)| {
            run(Product {
                a: &a,
                rows: &row_offsets,
                terms: &term_offsets,
                b: &b,
                columns,
                pairs: false,
                start,
                relu,
                output,
                output_stride: b_stride,
                ahead: &[],
            });
        };
        let mut expected = before.clone();
        with(&mut expected, &reference::product);
        for path in paths() {
            let mut found = before.clone();
            with(&mut found, &|product| product.run(path));
            let what = format_args!("{rows}x{terms}x{columns}, start {number}, relu {relu}, on {path}");
            // Rounding grows with the root of the number of terms.
            assert_close(&found, &expected, 2e-6 * (terms as f32).sqrt().max(10.0), what);
        }
    }
}

#[test]
fn agrees_with_plain_loops_for_every_size_up_to_64() {
    let mut random = Random::new(1);
    for size in 0..=64 {
        let (small, other) = (random.below(9), random.below(20));
        check(&mut random, size, small, other + 1);
        check(&mut random, other, size, small + 1);
        check(&mut random, small + 1, other, size);
    }
}

#[test]
fn agrees_with_plain_loops_for_larger_sizes() {
    let mut random = Random::new(2);
    for _ in 0..12 {
        let [rows, terms, columns] = [(); 3].map(|()| random.below(150));
        check(&mut random, rows, terms, columns);
    }
}

#[test]
fn agrees_with_plain_loops_where_it_works_in_blocks() {
    let mut random = Random::new(3);
    for terms in [1, 1024, 1025, 2049] {
        for columns in [127, 128, 129, 257] {
            let rows = 1 + random.below(8);
            check(&mut random, rows, terms, columns);
        }
    }
}

#[test]
fn a_sum_of_nothing_is_what_it_starts_from() {
    let mut random = Random::new(4);
    for columns in [1, 20, 129, 300] {
        check(&mut random, 3, 0, columns);
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
        pairs: false,
        start: Start::Zero,
        relu: false,
        output: &mut output,
        output_stride: 1,
        ahead: &[],
    };
    product.run(crate::Path::Plain);
}

/// Models are trained and asked in several threads of one program: only one of them has the workers, and the others do
/// their parts by themselves, which must give the same bits.
#[test]
fn eight_callers_at_once_get_the_bits_of_one_alone() {
    use crate::conv2d::{Conv2dGradients, Conv2dShape, conv2d_backward, conv2d_for_training};
    use crate::{Cpu, DenseGradients, DenseShape, dense, dense_backward};

    fn bits_of(seed: u64, cpu: Cpu) -> Vec<u32> {
        let mut random = Random::new(seed);
        let dense_shape = DenseShape { rows: 300, in_features: 129, out_features: 65, relu: true };
        let (x, w) = (random.numbers(300 * 129), random.numbers(129 * 65));
        let (bias, dy) = (random.numbers(65), random.numbers(300 * 65));
        let mut y = vec![0.0; 300 * 65];
        dense(cpu, &dense_shape, &x, &w, Some(&bias), &mut y);
        let mut by = [vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; 65]];
        let [input, weight, bias] = by.each_mut().map(|values| Some(&mut values[..]));
        dense_backward(cpu, &dense_shape, &x, &w, &y, &dy, DenseGradients { input, weight, bias });

        let shape = Conv2dShape::new(9, 5, 12, [14, 11], [3, 3]);
        let (image, kernel) =
            (random.numbers(shape.batch * shape.input_len()), random.numbers(shape.weight_len()));
        let mut z = vec![0.0; shape.batch * shape.output_len()];
        let dz = random.numbers(z.len());
        let tape = conv2d_for_training(cpu, &shape, &image, &kernel, None, &mut z);
        let mut by_kernel = vec![0.0; kernel.len()];
        let into = Conv2dGradients { weight: Some(&mut by_kernel), ..Conv2dGradients::default() };
        conv2d_backward(cpu, &shape, &image, &kernel, &z, &tape, &dz, into);
        [y, z, by_kernel].iter().chain(&by).flatten().map(|x| x.to_bits()).collect()
    }

    for path in paths() {
        let cpu = Cpu { threads: 3, ..Cpu::single(path) };
        let alone: Vec<Vec<u32>> = (0..8).map(|seed| bits_of(seed, cpu)).collect();
        std::thread::scope(|scope| {
            for (seed, alone) in alone.iter().enumerate() {
                scope.spawn(move || {
                    for round in 0..5 {
                        assert!(bits_of(seed as u64, cpu) == *alone, "caller {seed}, round {round}, {path}");
                    }
                });
            }
        });
    }
}
