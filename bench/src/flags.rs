//! The command line of both programs, the same as the peers'.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::WorkloadName;

/// What one process measures.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Samples per second over whole epochs of training.
    Train,
    /// Samples per second of batches as in training.
    Infer,
    /// One sample, from numbers in memory to logits in memory.
    Latency,
    /// The same through a `Predictor`, from numbers in memory to probabilities; Fireclay alone has it.
    Predictor,
}

impl Task {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Task::Train => "train",
            Task::Infer => "infer",
            Task::Latency => "latency",
            Task::Predictor => "predictor",
        }
    }
}

/// One workload and one task.
#[derive(Parser, Debug)]
pub struct Flags {
    /// Network and data
    #[arg(long)]
    pub workload: WorkloadName,
    /// What to measure
    #[arg(long)]
    pub task: Task,
    /// Numbers in which products are made: f32 or bf16
    #[arg(long, default_value = "f32", value_parser = ["f32", "bf16"])]
    pub precision: String,
    /// Folder that prepare.py has filled
    #[arg(long, value_name = "DIR", default_value = "target/bench-data")]
    pub data: PathBuf,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Seed of weights and order
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Share of the samples, seconds and calls; above 1, for a profile, of seconds and calls alone
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
}

impl Flags {
    /// The number of threads to compute with.
    pub fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(cores)
    }
}
