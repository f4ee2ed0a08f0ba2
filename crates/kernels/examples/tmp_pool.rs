use fireclay_kernels::*;
use std::time::Instant;
fn best(mut f: impl FnMut()) -> f64 {
    for _ in 0..20 {
        f();
    }
    let mut best = f64::MAX;
    for _ in 0..15 {
        let t = Instant::now();
        for _ in 0..10 {
            f();
        }
        best = best.min(t.elapsed().as_secs_f64() / 10.0);
    }
    best
}
fn main() {
    for threads in [1, 2] {
        let cpu = Cpu::best(threads);
        for (b, h, w, c) in [(64, 26, 26, 32), (64, 30, 30, 32), (64, 11, 11, 64), (1, 26, 26, 32)] {
            let pool = Pool::square(b, h, w, c, 2);
            let x: Vec<f32> = (0..pool.in_len()).map(|i| (i * 7919 % 1013) as f32).collect();
            let mut y = vec![0.0; pool.out_len()];
            let mut idx = vec![0u8; pool.out_len()];
            let mut dx = vec![0.0; pool.in_len()];
            let (i, o) = (x.len() as f64 * 4.0, y.len() as f64 * 4.0);
            let t1 = best(|| max_pool(cpu, &pool, &x, &mut y));
            let t2 = best(|| max_pool_with_index(cpu, &pool, &x, &mut y, &mut idx));
            let t3 = best(|| max_pool_gradient(cpu, &pool, &idx, &y, &mut dx));
            let t4 = best(|| average_pool(cpu, &pool, true, &x, &mut y));
            let t5 = best(|| average_pool_gradient(cpu, &pool, true, &y, &mut dx));
            let mut z = x.clone();
            let tc = best(|| z.copy_from_slice(&x));
            println!(
                "{b}x{h}x{w}x{c} threads {threads}: max {:.0} us {:.1} GB/s; with index {:.0} us {:.1}; gradient {:.0} us {:.1}; avg {:.0} us {:.1}; avg grad {:.0} us {:.1}; copy (1 thread) {:.1} GB/s",
                t1 * 1e6,
                (i + o) / t1 / 1e9,
                t2 * 1e6,
                (i + o * 1.25) / t2 / 1e9,
                t3 * 1e6,
                (i + o * 1.25) / t3 / 1e9,
                t4 * 1e6,
                (i + o) / t4 / 1e9,
                t5 * 1e6,
                (i + o) / t5 / 1e9,
                2.0 * i / tc / 1e9
            );
        }
    }
}
