//! Writes three runs of 200 steps, made up, with everything that TensorBoard shows:
//!
//! ```sh
//! cargo run -p fireclay-tensorboard --example runs -- /tmp/runs
//! tensorboard --logdir /tmp/runs
//! ```

use std::error::Error;
use std::io::Cursor;
use std::path::Path;

use fireclay_tensorboard::{Attribute, EventWriter, GraphNode, SessionStatus, Summary};
use image::{GrayImage, ImageFormat, Luma};

const RUNS: [(&str, f64, &str, bool); 3] =
    [("adam-0.001", 0.001, "adam", true), ("adam-0.01", 0.01, "adam", false), ("sgd-0.1", 0.1, "sgd", true)];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder to write to")?;
    for (number, (name, learning_rate, optimizer, augment)) in RUNS.into_iter().enumerate() {
        let folder = Path::new(&folder).join(name);
        // No clock, so that the runs are the same whenever they are made.
        let mut seconds = 1_700_000_000.0 + 1000.0 * number as f64;
        let clock = move || {
            seconds += 0.2;
            seconds
        };
        let mut writer = EventWriter::create_with_clock(folder, clock)?;
        writer.start_session([
            ("learning_rate", learning_rate.into()),
            ("optimizer", optimizer.into()),
            ("augment", augment.into()),
            ("batch_size", 32.into()),
        ])?;
        writer.graph(&network())?;
        let markdown = format!(
            "# {name}\n\n| setting | value |\n|---|---|\n| optimizer | `{optimizer}` |\n| learning rate | {learning_rate} |\n\n- **bold** and *italic*\n"
        );
        writer.write(0, [Summary::text("settings", markdown)])?;
        let mut noise = Noise(number as u64 + 1);
        for step in 1..=200 {
            write_step(&mut writer, step, learning_rate, &mut noise)?;
        }
        writer.end_session(200, SessionStatus::Success)?;
        writer.flush()?;
    }
    Ok(())
}

/// What a training would measure.
fn write_step(
    writer: &mut EventWriter,
    step: u64,
    learning_rate: f64,
    noise: &mut Noise,
) -> Result<(), Box<dyn Error>> {
    let done = 1.0 - (-(step as f64) * (0.01 + learning_rate.sqrt() / 10.0)).exp();
    let loss = 2.3 * (1.0 - done) + 0.1 + 0.05 * noise.next();
    writer.write(
        step,
        [
            Summary::scalar("loss/train", loss as f32),
            Summary::scalar("learning_rate", (learning_rate * (1.0 - step as f64 / 200.0)) as f32),
        ],
    )?;
    if !step.is_multiple_of(20) {
        return Ok(());
    }
    let weights: Vec<f32> =
        (0..2000).map(|_| ((noise.next() + noise.next()) * (0.2 + done) + done) as f32).collect();
    let labels: Vec<bool> = (0..500).map(|_| noise.next() > 0.0).collect();
    let probability = |positive: &bool| {
        let centre = if *positive { 0.5 + done / 4.0 } else { 0.5 - done / 4.0 };
        (centre + noise.next() / 2.0).clamp(0.0, 1.0) as f32
    };
    let probabilities: Vec<f32> = labels.iter().map(probability).collect();
    writer.write(
        step,
        [
            Summary::scalar("loss/validation", (loss + 0.1 * done) as f32),
            Summary::scalar("accuracy/validation", (0.1 + 0.85 * done) as f32)
                .with_description("Of the *validation* split"),
            Summary::histogram("weights/dense_1", &weights),
            Summary::histogram("weights/frozen", &[0.5; 100]),
            Summary::images("mistakes", &[picture(step, 0)?, picture(step, 1)?])?,
            Summary::pr_curve("validation", &labels, &probabilities)?,
        ],
    )?;
    Ok(())
}

/// A ring whose size changes.
fn picture(step: u64, which: u32) -> Result<Vec<u8>, Box<dyn Error>> {
    let radius = 4.0 + step as f64 / 25.0 + f64::from(which);
    let shade = |x: u32, y: u32| {
        let distance = (f64::from(x) - 13.5).hypot(f64::from(y) - 13.5) - radius;
        Luma([(255.0 * (1.0 - distance.abs() / 2.0).max(0.0)) as u8])
    };
    let mut bytes = Cursor::new(Vec::new());
    GrayImage::from_fn(28, 28, shade).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn network() -> [GraphNode; 4] {
    let shape = |sizes: &[i64]| Attribute::Shapes(vec![sizes.to_vec()]);
    [
        GraphNode::new("image", "Input").attribute("_output_shapes", shape(&[-1, 1, 28, 28])),
        GraphNode::new("encoder/conv2d_1", "Conv2d")
            .input("image")
            .attribute("kernel_size", Attribute::Integer(3))
            .attribute("_output_shapes", shape(&[-1, 32, 26, 26])),
        GraphNode::new("encoder/flatten_1", "Flatten")
            .input("encoder/conv2d_1")
            .attribute("_output_shapes", shape(&[-1, 21632])),
        GraphNode::new("dense_1", "Dense")
            .input("encoder/flatten_1")
            .attribute("out_features", Attribute::Integer(10))
            .attribute("_output_shapes", shape(&[-1, 10])),
    ]
}

/// Numbers from -1 to 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
    }
}
