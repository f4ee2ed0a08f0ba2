#![allow(missing_docs, clippy::print_stdout)]
use fireclay_kernels::*;
use std::time::Instant;
fn main() {
    let threads: usize = std::env::args().nth(1).map_or(1, |a| a.parse().unwrap());
    let batch: usize = std::env::args().nth(2).map_or(64, |a| a.parse().unwrap());
    let only: Option<usize> = std::env::args().nth(3).map(|a| a.parse().unwrap());
    let cpu = Cpu::best(threads);
    let pool = Some(MaxPool { kernel_size: [2, 2], stride: [2, 2] });
    let shapes = [
        Conv2dShape { relu: true, pool, ..Conv2dShape::new(batch, 1, 32, [28, 28], [3, 3]) },
        Conv2dShape { relu: true, pool, ..Conv2dShape::new(batch, 32, 64, [13, 13], [3, 3]) },
        Conv2dShape { relu: true, pool: None, ..Conv2dShape::new(batch, 64, 64, [5, 5], [3, 3]) },
        Conv2dShape { relu: true, pool, ..Conv2dShape::new(batch, 3, 32, [32, 32], [3, 3]) },
        Conv2dShape { relu: true, pool, ..Conv2dShape::new(batch, 32, 64, [15, 15], [3, 3]) },
        Conv2dShape { relu: true, pool: None, ..Conv2dShape::new(batch, 64, 64, [6, 6], [3, 3]) },
    ];
    for (i, shape) in shapes.iter().enumerate() {
        if only.is_some_and(|only| only != i) {
            continue;
        }
        let input = vec![0.5; batch * shape.input_len()];
        let weight = vec![0.01; shape.weight_len()];
        let bias = vec![0.1; shape.out_channels];
        let mut output = vec![0.0; batch * shape.output_len()];
        let gradient = vec![0.1; output.len()];
        let mut by_input = vec![0.0; input.len()];
        let mut by_weight = vec![0.0; weight.len()];
        let mut by_bias = vec![0.0; bias.len()];
        let mut times = [vec![], vec![], vec![], vec![]];
        let mut tape = Conv2dTape::default();
        for _ in 0..40 {
            let t = Instant::now();
            conv2d(cpu, shape, &input, &weight, Some(&bias), &mut output);
            times[0].push(t.elapsed().as_secs_f64());
            let t = Instant::now();
            tape = conv2d_for_training(cpu, shape, &input, &weight, Some(&bias), &mut output);
            times[1].push(t.elapsed().as_secs_f64());
            let t = Instant::now();
            conv2d_backward(
                cpu,
                shape,
                &input,
                &weight,
                &output,
                &tape,
                &gradient,
                Conv2dGradients { input: None, weight: Some(&mut by_weight), bias: Some(&mut by_bias) },
            );
            times[2].push(t.elapsed().as_secs_f64());
            let t = Instant::now();
            conv2d_backward(
                cpu,
                shape,
                &input,
                &weight,
                &output,
                &tape,
                &gradient,
                Conv2dGradients { input: Some(&mut by_input), weight: None, bias: None },
            );
            times[3].push(t.elapsed().as_secs_f64());
        }
        let _ = tape;
        let gf = shape.flops() as f64 / 1e9;
        let line: Vec<String> = times
            .iter_mut()
            .map(|t| {
                t.sort_by(f64::total_cmp);
                format!("{:7.0} us {:4.0} GF/s", t[t.len() / 2] * 1e6, gf / t[t.len() / 2])
            })
            .collect();
        println!(
            "{:?}->{} infer {} | train {} | dW {} | dX {}",
            shape.size, shape.out_channels, line[0], line[1], line[2], line[3]
        );
    }
}
