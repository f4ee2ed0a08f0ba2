#![allow(missing_docs, clippy::print_stdout)]
use fireclay_kernels::*;
use std::time::Instant;
fn main() {
    let threads: usize = std::env::args().nth(1).map_or(1, |a| a.parse().unwrap());
    let cpu = Cpu::best(threads);
    for [rows, in_features, out_features] in [
        [128, 784, 128],
        [128, 128, 128],
        [128, 128, 10],
        [64, 576, 64],
        [1, 784, 128],
        [1, 576, 64],
        [256, 512, 512],
        [512, 512, 512],
        [1024, 1024, 1024],
        [16000, 128, 512],
        [4000, 128, 512],
    ] {
        let shape = DenseShape { rows, in_features, out_features, relu: true };
        let input = vec![0.5; rows * in_features];
        let weight = vec![0.01; in_features * out_features];
        let bias = vec![0.1; out_features];
        let mut output = vec![0.0; rows * out_features];
        let gradient = vec![0.1; output.len()];
        let mut by_input = vec![0.0; input.len()];
        let mut by_weight = vec![0.0; weight.len()];
        let mut times = [vec![], vec![], vec![]];
        for _ in 0..60 {
            let t = Instant::now();
            dense(cpu, &shape, &input, &weight, Some(&bias), &mut output);
            times[0].push(t.elapsed().as_secs_f64());
            let t = Instant::now();
            dense_backward(
                cpu,
                &shape,
                &input,
                &weight,
                &output,
                &gradient,
                DenseGradients { input: None, weight: Some(&mut by_weight), bias: None },
            );
            times[1].push(t.elapsed().as_secs_f64());
            let t = Instant::now();
            dense_backward(
                cpu,
                &shape,
                &input,
                &weight,
                &output,
                &gradient,
                DenseGradients { input: Some(&mut by_input), weight: None, bias: None },
            );
            times[2].push(t.elapsed().as_secs_f64());
        }
        let gf = 2.0 * (rows * in_features * out_features) as f64 / 1e9;
        let line: Vec<String> = times
            .iter_mut()
            .map(|t| {
                t.sort_by(f64::total_cmp);
                format!("{:7.1} us {:4.0} GF/s", t[t.len() / 2] * 1e6, gf / t[t.len() / 2])
            })
            .collect();
        println!("{:?} fwd {} | dW {} | dX {}", [rows, in_features, out_features], line[0], line[1], line[2]);
    }
}
