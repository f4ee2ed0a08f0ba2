//! A loss of one's own: focal loss ([Lin et al. 2017](https://arxiv.org/abs/1708.02002)).

use burn::tensor::activation::log_softmax;
use fireclay::prelude::*;

struct Focal {
    gamma: f32,
}

impl Loss for Focal {
    fn name(&self) -> String {
        "focal".into()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        let log_p = log_softmax(output, 1).gather(1, target.classes().unsqueeze_dim(1)).squeeze_dim::<1>(1);
        let rest = log_p.clone().exp().neg() + 1.0;
        (rest.powf_scalar(self.gamma) * log_p).neg()
    }
}

#[test]
fn loss_of_ones_own() -> fireclay::Result<()> {
    let (train, test) = DrawnDigits::new(0).train_and_test(1_000, 200);
    let spec = ModelSpec::new([1, 28, 28]).flatten().dense(64).relu().dense(10);
    let model = spec.build_seeded(0, &DeviceName::default().open()?)?;
    let mut trainer =
        Trainer::new(model, Focal { gamma: 2.0 }).optimizer(Adam::new(5e-3)).metrics([Accuracy]);
    let history = trainer.fit(&train, &FitOptions { epochs: 5, ..FitOptions::default() })?;
    assert!(history.course("loss")[4] < 0.5 * history.course("loss")[0]);
    assert!(trainer.evaluate(&test)?.accuracy() > Some(0.7));
    Ok(())
}
