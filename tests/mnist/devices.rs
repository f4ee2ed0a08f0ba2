//! A training on every device of the build ends where the CPU's ends. Run with `--features ndarray,wgpu`;
//! `FIRECLAY_TEST_DEVICES`, such as `ndarray,wgpu`, takes some of them.

mod support;

use fireclay::prelude::DeviceName;
use support::{fail, measures, scratch, succeed};

#[test]
fn mnist_trains_on_every_device_of_the_build() {
    let folder = scratch();
    let wanted = std::env::var("FIRECLAY_TEST_DEVICES").ok();
    for device in DeviceName::available() {
        let name = device.to_string();
        if wanted.as_ref().is_some_and(|wanted| !wanted.split(',').any(|wanted| wanted == name)) {
            continue;
        }
        let run = succeed(
            folder.path(),
            &[
                "train",
                "--model",
                "mlp",
                "--epochs",
                "4",
                "--batch-size",
                "32",
                "--data-dir",
                "data",
                "--device",
                &name,
            ],
        );
        assert!(run.stdout.contains(&format!("seed 0, {name} with ")), "{}", run.stdout);
        let measured = measures(&run.stdout);
        let accuracy: f64 = measured[1].split_whitespace().nth(1).unwrap().parse().unwrap();
        // 600 digits are few; each device draws its own weights, so the figures differ by a little.
        assert!(accuracy > 60.0, "{name}: {}", measured[1]);
        // What one device trained, the CPU measures the same, up to rounding.
        let on_cpu = measures(&succeed(folder.path(), &["evaluate", "--data-dir", "data"]).stdout);
        let on_cpu: f64 = on_cpu[1].split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!((on_cpu - accuracy).abs() <= 0.5, "{name}: {accuracy}, on the CPU {on_cpu}");
    }
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_that_lists_those_that_are() {
    let folder = scratch();
    if DeviceName::available().iter().any(|device| device.to_string() == "wgpu") {
        let flags = ["train", "--data-dir", "data", "--device", "wgpu:99"];
        fail(folder.path(), &flags, 2, &["no device 'wgpu:99'", "only wgpu:0"]);
    }
}
