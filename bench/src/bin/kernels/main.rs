//! Kernels by themselves, at the sizes of the workloads: time, GFLOP/s or GB/s, and share of what the CPU could do.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

mod cases;

use std::time::Instant;

use clap::Parser;
use fireclay_kernels::{Cpu, Path, Precision, multiply_and_add};

/// That of the programs, so that kernels get their memory as they do there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times kernels on their own.
#[derive(Parser)]
struct Flags {
    /// Threads for each kernel.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Instructions: avx512, avx2, neon or plain; the best by default.
    #[arg(long)]
    simd: Option<String>,
    /// Only kernels whose name holds this.
    #[arg(long)]
    only: Option<String>,
    /// Calls of each kernel; the median counts.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Multiply in bf16 where a kernel can; shares are still of the f32 peak
    #[arg(long)]
    bf16: bool,
    /// Only measure what one thread and all of them could do, and print it as a line of JSON
    #[arg(long)]
    peak: bool,
}

/// What a call does, by which it is judged.
enum Work {
    /// Floating-point operations.
    Flops(u64),
    /// Bytes read and written.
    Bytes(u64),
}

/// A kernel at one size.
struct Case {
    name: String,
    work: Work,
    call: Box<dyn FnMut(Cpu)>,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let path = match &flags.simd {
        None => Path::best(),
        Some(name) => Path::ALL
            .into_iter()
            .find(|path| path.name() == name && path.is_available())
            .ok_or_else(|| anyhow::anyhow!("--simd {name}: this CPU has no such instructions"))?,
    };
    let precision = if flags.bf16 { Precision::Bf16 } else { Precision::F32 };
    anyhow::ensure!(
        !flags.bf16 || path.has_bf16(),
        "--bf16: this CPU has no instructions for it beside {path}"
    );
    let cpu = Cpu { path, threads: flags.threads, precision };
    if flags.peak {
        let of = |precision| {
            [1, flags.threads].map(|threads| (peak(Cpu { threads, precision, ..cpu }) / 1e9).round())
        };
        let bf16 = path.has_bf16().then(|| of(Precision::Bf16));
        let peaks = serde_json::json!({ "f32": of(Precision::F32), "bf16": bf16 });
        println!("{}", serde_json::json!({ "peak_gflops": peaks }));
        return Ok(());
    }
    let peak = peak(Cpu { precision: Precision::F32, ..cpu });
    println!("{path}, {} threads, peak {:.0} GFLOP/s", flags.threads, peak / 1e9);
    println!("{:<44} {:>10} {:>10} {:>10}", "kernel", "median us", "rate", "of peak");
    for mut case in cases::all() {
        if flags.only.as_ref().is_some_and(|only| !case.name.contains(only.as_str())) {
            continue;
        }
        let seconds = median(flags.rounds, || (case.call)(cpu));
        let (rate, share) = match case.work {
            Work::Flops(flops) => {
                let rate = flops as f64 / seconds;
                (format!("{:.0} GF/s", rate / 1e9), format!("{:.0} %", 100.0 * rate / peak))
            }
            Work::Bytes(bytes) => (format!("{:.0} GB/s", bytes as f64 / seconds / 1e9), String::new()),
        };
        println!("{:<44} {:>10.1} {rate:>10} {share:>10}", case.name, seconds * 1e6);
    }
    Ok(())
}

/// Floating-point operations a second of threads that do nothing but multiply and add: the best of some trials.
fn peak(cpu: Cpu) -> f64 {
    const ROUNDS: u64 = 2_000_000;
    let trial = || {
        let start = Instant::now();
        let flops: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..cpu.threads).map(|_| scope.spawn(|| multiply_and_add(cpu.alone(), ROUNDS))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
        });
        flops as f64 / start.elapsed().as_secs_f64()
    };
    (0..15).map(|_| trial()).fold(0.0, f64::max)
}

/// Seconds of the median call, after one that does not count.
fn median(rounds: usize, mut call: impl FnMut()) -> f64 {
    call();
    let mut seconds: Vec<f64> = (0..rounds.max(1))
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
