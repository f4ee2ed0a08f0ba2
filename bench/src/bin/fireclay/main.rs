//! The workloads in Fireclay, as its README writes them: a description, a trainer, `fit`.

mod networks;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use clap::Parser;
use fireclay::backend::{Precision, in_precision, supports};
use fireclay::burn::tensor::TensorData;
use fireclay::prelude::*;
use fireclay::train::{CallbackContext, Event, Sample, TrainError};
use fireclay_bench::{
    EPSILON, Epoch, Flags, LATENCY_SAMPLES, LEARNING_RATE, Measured, Split, Task, Workload, locked_version,
    measure_infer, measure_latency, report,
};
use networks::Values;

/// Fireclay's programs have it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    set_threads(flags.threads())?;
    let device = DeviceName::default().open()?;
    device.seed(flags.seed);
    let precision = flags.precision.parse()?;
    anyhow::ensure!(supports(&device, precision), "this CPU cannot multiply in {precision}");
    let _scope = in_precision(precision);
    let workload = Workload::new(flags.workload, flags.scale);
    let model = networks::spec(&workload).build(&device)?;
    let measured = match flags.task {
        Task::Train => fit(model, Split::train(&flags.data, &workload)?, &workload, flags.seed, precision)?,
        Task::Infer => infer(&model, &Split::test(&flags.data, &workload)?, &workload, flags.scale, &device)?,
        Task::Latency => latency(&model, &Split::test(&flags.data, &workload)?, flags.scale, &device)?,
        Task::Predictor => predictor(model, &Split::test(&flags.data, &workload)?, flags.scale)?,
    };
    let versions = [("fireclay", locked_version("fireclay")), ("burn", locked_version("burn"))];
    report("fireclay", &versions, &flags, &workload, &measured);
    Ok(())
}

/// Notes what each epoch took, from the end of the one before, and what it measured.
struct EpochClock {
    start: Instant,
    epochs: Arc<Mutex<Vec<Epoch>>>,
}

impl Callback for EpochClock {
    fn on_event(&mut self, event: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { .. } => self.start = Instant::now(),
            Event::EpochEnded(record) => {
                let value = |name| record.get(name).unwrap_or(f64::NAN);
                let seconds = self.start.elapsed().as_secs_f64();
                let epoch = Epoch { seconds, loss: value("loss"), accuracy: value("accuracy") };
                self.epochs.lock().expect("no holder of the lock panics").push(epoch);
                self.start = Instant::now();
            }
            _ => {}
        }
        Ok(())
    }
}

fn fit(
    model: Model,
    train: Split,
    workload: &Workload,
    seed: u64,
    precision: Precision,
) -> anyhow::Result<Measured> {
    let epochs = Arc::new(Mutex::new(Vec::new()));
    let trainer = match workload.name.predicts_next_tokens() {
        true => Trainer::language_model(model),
        false => Trainer::classification(model),
    };
    let mut trainer = trainer
        .optimizer(Adam { epsilon: f64::from(EPSILON), ..Adam::new(LEARNING_RATE) })
        .callback(EpochClock { start: Instant::now(), epochs: epochs.clone() });
    let options = FitOptions {
        epochs: workload.epochs,
        batch_size: workload.batch_size,
        seed,
        precision,
        ..FitOptions::default()
    };
    trainer.fit(&networks::dataset(train, workload)?, &options)?;
    let epochs = std::mem::take(&mut *epochs.lock().expect("no holder of the lock panics"));
    Ok(Measured::training(workload, epochs))
}

fn infer(
    model: &Model,
    test: &Split,
    workload: &Workload,
    scale: f64,
    device: &Device,
) -> anyhow::Result<Measured> {
    let indices: Vec<usize> = (0..workload.test_samples).collect();
    let batches: Vec<AnyTensor> = indices
        .chunks(workload.batch_size)
        .map(|indices| networks::input(networks::values(test, indices), indices.len(), &test.shape, device))
        .collect();
    let mut outputs: Vec<TensorData> = Vec::new();
    let measured = measure_infer(workload, scale, || {
        outputs = batches.iter().map(|batch| model.forward(batch.clone()).into_data()).collect();
    });
    let logits: Vec<f32> = outputs.iter().flat_map(|output| output.iter::<f32>()).collect();
    Ok(measured.with_logits(&logits, &test.labels))
}

fn latency(model: &Model, test: &Split, scale: f64, device: &Device) -> anyhow::Result<Measured> {
    let samples: Vec<Values> = (0..LATENCY_SAMPLES).map(|index| networks::values(test, &[index])).collect();
    let call = |index: usize| -> Vec<f32> {
        let input = networks::input(samples[index].clone(), 1, &test.shape, device);
        model.forward(input).into_data().try_into_vec().expect("f32")
    };
    let logits = (0..LATENCY_SAMPLES).map(call).collect::<Vec<_>>().concat();
    let measured = measure_latency(scale, |index| {
        std::hint::black_box(call(index));
    });
    Ok(measured.with_logits(&logits, test.first_labels(LATENCY_SAMPLES)))
}

fn predictor(model: Model, test: &Split, scale: f64) -> anyhow::Result<Measured> {
    let predictor = Trainer::classification(model).predictor();
    let samples: Vec<Values> = (0..LATENCY_SAMPLES).map(|index| networks::values(test, &[index])).collect();
    let tokens: Vec<Vec<u32>> = samples
        .iter()
        .map(|sample| match sample {
            Values::Tokens(tokens) => tokens.iter().map(|token| *token as u32).collect(),
            Values::Pixels(_) => Vec::new(),
        })
        .collect();
    let call = |index: usize| match &samples[index] {
        Values::Pixels(pixels) => predictor.predict(pixels),
        Values::Tokens(_) => predictor.predict(Sample::Tokens(&tokens[index])),
    };
    let logits = (0..LATENCY_SAMPLES).map(|index| Ok(call(index)?.outputs().to_vec()));
    let logits = logits.collect::<Result<Vec<_>, TrainError>>()?.concat();
    let measured = measure_latency(scale, |index| {
        let _ = std::hint::black_box(call(index));
    });
    Ok(measured.with_logits(&logits, test.first_labels(LATENCY_SAMPLES)))
}
