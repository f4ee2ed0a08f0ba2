//! Descriptions of networks: with weights that the description asks for, the network is saved, read back, run, and taken apart by
//! channels.
#![no_main]

use fireclay_nn::{ModelSpec, NamedTensor};
use fireclay_store::{ModelCard, ModelFile};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(spec) = ModelSpec::from_json(text) else { return };
    let Ok(written) = spec.to_json() else { return };
    assert_eq!(ModelSpec::from_json(&written).ok().as_ref(), Some(&spec));
    if !fireclay_store_fuzz::is_small(&spec) {
        return;
    }
    let _ = (spec.int8_candidates(), spec.channel_groups());
    let Ok(tensors) = spec.tensors() else { return };
    let values = |count: usize| (0..count).map(|at| (at * 37 % 23) as f32 / 11.5 - 0.9).collect();
    let tensors = tensors.into_iter().map(|tensor| NamedTensor {
        values: values(tensor.shape.iter().product()),
        name: tensor.name,
        shape: tensor.shape,
    });
    let model = ModelFile { card: ModelCard::new(spec), tensors: tensors.collect() };
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("file.fireclay");
    if model.save(&path).is_ok() {
        let again = ModelFile::load(&path).expect("what was written can be read");
        fireclay_store_fuzz::run(again);
    }
});
