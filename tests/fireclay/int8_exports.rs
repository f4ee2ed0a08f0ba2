//! Networks in 8-bit whole numbers, computed by ONNX Runtime from the file that is exported: all test images get the same class.
//!
//! ```text
//! FIRECLAY_TEST_DATA=FOLDER FIRECLAY_EXCHANGE_PYTHON=VENV/bin/python \
//!     cargo test --release --workspace --test program judge_of_int8_exports -- --ignored --nocapture
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fireclay::compress::{Int8Options, to_int8};
use fireclay::exchange::onnx::{self, OnnxOptions};
use fireclay::nn::Network;
use fireclay::prelude::*;
use fireclay_cli::networks::{DigitNetwork, ObjectNetwork};
use fireclay_cli::{DataSpec, ImagePreprocessing, ImageSource, Limit, ModelName, Output, PublishedImages};

use super::round_trips::{Compute, inputs, outputs, trained, variable, write_samples};

#[test]
#[ignore = "needs the data sets and a Python with ONNX Runtime; see CONTRIBUTING.md"]
fn judge_of_int8_exports() {
    let data = PathBuf::from(variable("FIRECLAY_TEST_DATA"));
    let python = variable("FIRECLAY_EXCHANGE_PYTHON");
    let folder = tempfile::tempdir().unwrap();
    let (mnist, cifar) = (data.join("mnist"), data.join("cifar-10-batches-bin"));
    for network in [DigitNetwork::Mlp, DigitNetwork::Cnn, DigitNetwork::Best] {
        let spec = network.spec(&DataSpec::images([1, 28, 28], 10));
        let name = format!("mnist-{}", network.name());
        write(folder.path(), &name, spec, (&mnist, PublishedImages::Mnist), &network.preprocessing());
    }
    for network in [ObjectNetwork::Cnn, ObjectNetwork::Resnet] {
        let spec = network.spec(&DataSpec::images([3, 32, 32], 10));
        let name = format!("cifar-{}", network.name());
        write(folder.path(), &name, spec, (&cifar, PublishedImages::Cifar), &network.preprocessing());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/exchange/fixtures/onnx/int8.py");
    let status = Command::new(&python).arg(script).arg(folder.path()).status();
    assert!(
        status.unwrap_or_else(|error| panic!("{python}: {error}")).success(),
        "the script says what is wrong"
    );
}

/// Trains a network, makes it one of whole numbers, and writes it as ONNX with what it gives for all test images.
fn write(
    folder: &Path,
    name: &str,
    spec: ModelSpec,
    (data, family): (&Path, PublishedImages),
    preprocessing: &ImagePreprocessing,
) {
    let all = Limit { samples: None };
    let output = Arc::new(Output::silent());
    let source = ImageSource::Folder(data.to_path_buf());
    let (train, test) = source.load(family, family.shape(), all, preprocessing, &output).unwrap();
    let model = trained(&spec, false, &train);
    let (small, _) = to_int8(&model, Arc::new(train), &Int8Options::default(), &Device::flex()).unwrap();
    onnx::export(&small, &OnnxOptions::default())
        .unwrap()
        .write(folder.join(format!("{name}.onnx")))
        .unwrap();
    let (network, _) = small.build(&Device::flex()).unwrap();
    let compute: Compute = Box::new(move |input| network.forward(input));
    let inputs = inputs(&test);
    write_samples(&folder.join(format!("{name}.samples")), &inputs, &outputs(&compute, &inputs));
}
