//! The workloads in plain Burn, on its Flex backend, as Burn's book writes a training loop.

mod networks;

use std::time::Instant;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use clap::Parser;
use fireclay_bench::{
    EPSILON, Epoch, Flags, LATENCY_SAMPLES, LEARNING_RATE, Measured, Split, Task, Workload, WorkloadName,
    locked_version, measure_infer, measure_latency, report,
};

use networks::{Cnn, LstmClassifier, Mlp, Network};

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    anyhow::ensure!(flags.precision == "f32", "stock Burn is measured in f32 alone");
    rayon::ThreadPoolBuilder::new().num_threads(flags.threads()).build_global()?;
    let workload = Workload::new(flags.workload, flags.scale);
    let measured = match workload.name {
        WorkloadName::Mlp => run::<Mlp>(&flags, &workload),
        WorkloadName::Cnn | WorkloadName::Cifar => run::<Cnn>(&flags, &workload),
        WorkloadName::Lstm => run::<LstmClassifier>(&flags, &workload),
        other => {
            anyhow::bail!("stock Burn has no network for '{}'; it has mlp, cnn, cifar and lstm", other.word())
        }
    }?;
    report("stock-burn", &[("burn", locked_version("burn"))], &flags, &workload, &measured);
    Ok(())
}

fn run<N: Network>(flags: &Flags, workload: &Workload) -> anyhow::Result<Measured> {
    match flags.task {
        Task::Train => {
            let device = Device::flex().autodiff();
            device.seed(flags.seed);
            let train = Split::train(&flags.data, workload)?;
            Ok(fit(N::init(&train.shape, &device), &train, workload, flags.seed, &device))
        }
        Task::Predictor => anyhow::bail!("Burn has no predictor; bench-fireclay measures it"),
        Task::Infer | Task::Latency => {
            let device = Device::flex();
            device.seed(flags.seed);
            let test = Split::test(&flags.data, workload)?;
            let network = N::init(&test.shape, &device);
            Ok(match flags.task {
                Task::Latency => latency(&network, &test, flags.scale, &device),
                _ => infer(&network, &test, workload, flags.scale, &device),
            })
        }
    }
}

/// Trains, with the loss and the accuracy of each epoch over the samples as they are seen.
fn fit<N: Network>(
    mut network: N,
    train: &Split,
    workload: &Workload,
    seed: u64,
    device: &Device,
) -> Measured {
    let cross_entropy = CrossEntropyLossConfig::new().init(device);
    let mut optimizer = AdamConfig::new().with_epsilon(EPSILON).init();
    let mut epochs = Vec::new();
    let mut start = Instant::now();
    for epoch in 1..=workload.epochs {
        let (mut total_loss, mut correct) = (0.0, 0);
        let order = fireclay::data::epoch_order(workload.samples, seed, epoch);
        for indices in order.chunks(workload.batch_size) {
            let indices: Vec<usize> = indices.iter().map(|index| *index as usize).collect();
            let labels: Vec<i32> = indices.iter().map(|index| train.labels[*index] as i32).collect();
            let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [indices.len()]), device);

            let logits = network.forward(N::batch(train, &indices, device));
            let loss = cross_entropy.forward(logits.clone(), targets.clone());
            let predicted = logits.argmax(1).squeeze_dim::<1>(1);
            correct += predicted.equal(targets).int().sum().into_scalar::<i64>();
            total_loss += f64::from(loss.clone().into_scalar::<f32>()) * indices.len() as f64;

            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(LEARNING_RATE, network, gradients);
        }
        let samples = workload.samples as f64;
        let seconds = start.elapsed().as_secs_f64();
        epochs.push(Epoch { seconds, loss: total_loss / samples, accuracy: correct as f64 / samples });
        start = Instant::now();
    }
    Measured::training(workload, epochs)
}

fn infer<N: Network>(
    network: &N,
    test: &Split,
    workload: &Workload,
    scale: f64,
    device: &Device,
) -> Measured {
    let indices: Vec<usize> = (0..workload.test_samples).collect();
    let batches: Vec<N::Input> =
        indices.chunks(workload.batch_size).map(|indices| N::batch(test, indices, device)).collect();
    let mut outputs: Vec<TensorData> = Vec::new();
    let measured = measure_infer(workload, scale, || {
        outputs = batches.iter().map(|batch| network.forward(batch.clone()).into_data()).collect();
    });
    let logits: Vec<f32> = outputs.iter().flat_map(|output| output.iter::<f32>()).collect();
    measured.with_logits(&logits, &test.labels)
}

fn latency<N: Network>(network: &N, test: &Split, scale: f64, device: &Device) -> Measured {
    let samples: Vec<N::Values> = (0..LATENCY_SAMPLES).map(|index| N::values(test, &[index])).collect();
    let call = |index: usize| -> Vec<f32> {
        let input = N::upload(samples[index].clone(), 1, &test.shape, device);
        network.forward(input).into_data().iter::<f32>().collect()
    };
    let measured = measure_latency(scale, |index| {
        std::hint::black_box(call(index));
    });
    let logits: Vec<f32> = (0..LATENCY_SAMPLES).flat_map(call).collect();
    measured.with_logits(&logits, &test.labels[..LATENCY_SAMPLES])
}
