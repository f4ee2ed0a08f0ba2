//! A network of another tool, as an ONNX graph, trained further on one's own data.

use fireclay::exchange::{ModelFile, onnx};
use fireclay::nn::state;
use fireclay::prelude::*;
use fireclay::store::{ModelCard, load_weights, save_weights};

#[test]
fn fine_tuning_onnx() -> fireclay::Result<()> {
    let device = DeviceName::default().open()?;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("digits.onnx");
    write_network_of_another_tool(&path, &device)?;

    // Convolutions stay as they are; what comes behind them learns digits that it has not seen.
    let graph = onnx::OnnxGraph::read(&path)?.freeze(["conv2d_1"])?;
    let (train, test) = DrawnDigits::new(1).train_and_test(1_500, 200);
    let mut trainer = Trainer::classification(graph.build(&device)).optimizer(Adam::new(5e-3));
    let before = trainer.evaluate(&test)?.accuracy();
    trainer.fit(&train, &FitOptions { epochs: 8, ..FitOptions::default() })?;
    let after = trainer.evaluate(&test)?.accuracy();
    assert!(after > before && after > Some(0.65), "{before:?} became {after:?}");

    // The graph is in the ONNX file, and what was learnt in one of ours.
    let weights = folder.path().join("digits.safetensors");
    save_weights(&weights, trainer.network())?;
    let again = Trainer::classification(load_weights(&weights, graph.build(&device))?);
    assert_eq!(again.predict(&test)?, trainer.predict(&test)?);
    Ok(())
}

/// In real life the file is by PyTorch's or Keras's exporter. This network has seen other digits, for a short while.
fn write_network_of_another_tool(path: &std::path::Path, device: &Device) -> fireclay::Result<()> {
    let spec =
        ModelSpec::new([1, 28, 28]).conv2d(8, 3).relu().max_pool2d(4).flatten().dense(32).relu().dense(10);
    let mut trainer = Trainer::classification(spec.build_seeded(0, device)?).optimizer(Adam::new(3e-3));
    let (train, _) = DrawnDigits::new(0).train_and_test(1_000, 10);
    trainer.fit(&train, &FitOptions { epochs: 3, ..FitOptions::default() })?;
    let file = ModelFile { card: ModelCard::new(spec), tensors: state(trainer.network()) };
    onnx::export(&file, &onnx::OnnxOptions::default())?.write(path)?;
    Ok(())
}
