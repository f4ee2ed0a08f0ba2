//! A module of one's own with two inputs, a picture and a row, saved and loaded.

use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use fireclay::backend::seeded;
use fireclay::data::{NamedInputs, Normalization, Provenance};
use fireclay::prelude::*;
use fireclay::store::{load_weights, save_weights};

#[derive(Module, Debug)]
struct Both {
    picture: Linear,
    row: Linear,
    mix: Linear,
    output: Linear,
}

impl Both {
    fn new(device: &Device) -> Self {
        // Weights that repeat whatever other threads draw.
        let _turn = seeded(device, 0);
        let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Both { picture: layer(16, 16), row: layer(2, 16), mix: layer(32, 16), output: layer(16, 2) }
    }
}

impl Network for Both {
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        let picture = self.picture.forward(input.named("picture").images().flatten(1, 3));
        let row = self.row.forward(input.named("row").rows());
        self.output.forward(relu(self.mix.forward(relu(Tensor::cat(vec![picture, row], 1)))))
    }
}

#[test]
fn two_inputs() -> fireclay::Result<()> {
    let mut random = crate::noise(4);
    // A bright picture in a warm room, or a dark one in a cold room.
    let (mut pixels, mut rows, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..400 {
        let (bright, warm) = (random() > 0.5, random() > 0.5);
        pixels.extend((0..16).map(|_| (100.0 * random()) as u8 + if bright { 150 } else { 0 }));
        rows.extend([if warm { 1.0 } else { -1.0 } + 0.2 * random(), random()]);
        labels.push(u32::from(bright == warm));
    }
    let targets = Targets::Classes { labels, names: vec!["unlike".into(), "alike".into()] };
    let none = Normalization::none();
    let pictures = Dataset::from_u8(&[1, 4, 4], pixels, targets.clone(), none, Provenance::default())?;
    let rows = Dataset::from_f32(&[2], rows, targets, Provenance::default())?;
    let both = NamedInputs::new("picture", &pictures).with("row", &rows)?;

    let device = DeviceName::default().open()?;
    let mut trainer = Trainer::classification(Both::new(&device)).optimizer(Adam::new(1e-2));
    trainer.fit(
        &both,
        &FitOptions { epochs: 60, batch_size: 20, validation_split: 0.2, ..FitOptions::default() },
    )?;
    let accuracy = trainer.evaluate(&both)?.accuracy();
    assert!(accuracy > Some(0.95), "{accuracy:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("both.safetensors");
    save_weights(&path, trainer.network())?;
    let loaded = Trainer::classification(load_weights(&path, Both::new(&device))?);
    assert_eq!(loaded.predict(&both)?, trainer.predict(&both)?);
    Ok(())
}
