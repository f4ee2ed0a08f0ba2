//! What a check found, and what of it is wrong.

use serde::Serialize;

/// A loss before training of more than this times that of guessing is far from it. Logits of ten classes with a standard
/// deviation of 2 cost about twice as much; sound networks begin with up to 1.5 times, as residual ones with batch norm do.
const FAR: f64 = 2.0;

/// What [`Trainer::check`](crate::Trainer::check) found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainingCheck {
    /// The shape of the network's outputs for a batch, `[rows, outputs]`.
    pub outputs: [usize; 2],
    /// The first layer whose values are not finite before the first step.
    pub not_finite: Option<String>,
    /// The loss before training.
    pub loss: InitialLoss,
    /// Which parameters get gradients.
    pub gradients: GradientCheck,
    /// Whether one batch can be learnt by heart.
    pub one_batch: OneBatch,
    /// The first steps as `fit` does them.
    pub first_steps: FirstSteps,
    /// How long the training would take.
    pub time: TrainingTime,
    /// Bytes of all weights.
    pub weights_bytes: u64,
    /// Bytes of a model file, without the description of the network.
    pub model_bytes: u64,
    /// What the training itself would warn of, in sentences.
    pub notes: Vec<String>,
}

/// The loss before training, without dropout and augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InitialLoss {
    /// Samples that it was measured on.
    pub samples: usize,
    /// Their mean loss.
    pub measured: f64,
    /// The loss of guessing: equal probabilities for all classes, `ln(classes)` for a plain cross-entropy. `None` where numbers
    /// are predicted, and for a loss of the user's own.
    pub guessing: Option<f64>,
    /// The loss of the best answer that is the same for all samples. `None` for a loss of the user's own.
    pub constant: Option<f64>,
}

/// Which parameters get gradients.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GradientCheck {
    /// How many trainable tensors get one.
    pub tensors: usize,
    /// Trainable tensors without one: they have no part in the loss.
    pub missing: Vec<String>,
    /// Tensors whose gradient was 0 throughout in each of the first steps.
    pub zero: Vec<String>,
    /// Tensors whose gradient was not finite in one of them.
    pub not_finite: Vec<String>,
}

/// The first steps as `fit` does them, with schedule, augmentation and dropout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstSteps {
    /// How many were done.
    pub steps: usize,
    /// Samples in one of them: fewer than the options say where a whole step would have taken too long.
    pub samples: usize,
    /// Seconds of one, the first few left out.
    pub step_seconds: f64,
    /// Seconds of the training part of an epoch, where whole ones were done.
    pub epoch_seconds: Option<f64>,
    /// Bytes of a checkpoint after them, without weights to come back to; `None` if none could be taken.
    pub checkpoint_bytes: Option<u64>,
    /// Why they ended, if the loss was no longer finite.
    pub diverged: Option<String>,
}

/// How well one batch was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OneBatchVerdict {
    /// By heart: at most a tenth is left of what the best constant answer costs more than the least that can be reached.
    Learnt,
    /// Not by heart in the steps there were, but the loss was still falling.
    Falling,
    /// The loss no longer fell.
    Stuck,
    /// The loss was no longer finite.
    Diverged,
    /// There was no time for enough steps to tell.
    TooFewSteps,
}

/// Whether one fixed batch can be learnt by heart, without augmentation and dropout, at a constant learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OneBatch {
    /// Samples of the batch.
    pub samples: usize,
    /// Steps that were done.
    pub steps: usize,
    /// Loss of the batch before.
    pub first_loss: f64,
    /// Loss of the batch in the last steps.
    pub last_loss: f64,
    /// The learning rate, as a share of the optimiser's: 1, or 0.1 where it went better at a tenth of it.
    pub learning_rate_scale: f64,
    /// How well it went.
    pub verdict: OneBatchVerdict,
}

/// How long a training would take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrainingTime {
    /// Of one step with as many samples as the options say.
    pub step: f64,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// Of the training part of an epoch.
    pub epoch: f64,
    /// Of measuring the validation samples once; 0 without any.
    pub validation: f64,
    /// Of measuring one sample.
    pub evaluated_sample: f64,
    /// Of all epochs, validation included.
    pub total: f64,
}

impl InitialLoss {
    /// What the loss should be near: that of guessing, or where numbers are predicted that of the best constant answer.
    pub fn reference(&self) -> Option<f64> {
        self.guessing.or(self.constant).filter(|reference| *reference > 0.0)
    }

    /// Whether it is far above it.
    pub fn is_far(&self) -> bool {
        self.reference().is_some_and(|reference| self.measured > FAR * reference)
    }
}

/// Something that was found, with what to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub topic: CheckTopic,
    /// Whether the training would fail by it; otherwise it is allowed and most likely a mistake.
    pub is_problem: bool,
    /// It, in a sentence.
    pub text: String,
}

/// What something that was found is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckTopic {
    /// What the network gives before the first step.
    Outputs,
    /// The loss before the first step.
    Loss,
    /// Gradients.
    Gradients,
    /// The first steps.
    Steps,
    /// The batch to be learnt by heart.
    OneBatch,
}

impl TrainingCheck {
    /// Why a training would fail, a line for each reason; empty if nothing speaks against it.
    pub fn problems(&self) -> Vec<String> {
        self.findings().into_iter().filter(|found| found.is_problem).map(|found| found.text).collect()
    }

    /// What is allowed and most likely a mistake, a line for each, with what to try; empty if there is nothing.
    pub fn warnings(&self) -> Vec<String> {
        self.findings().into_iter().filter(|found| !found.is_problem).map(|found| found.text).collect()
    }

    /// Problems and warnings, in the order in which things were checked.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |topic, is_problem, text| findings.push(Finding { topic, is_problem, text });
        if let Some(layer) = &self.not_finite {
            let text = format!(
                "what '{layer}' gives is not finite before the first step; look for huge or missing numbers in the data, and at the \
                 initial weights"
            );
            add(CheckTopic::Outputs, true, text);
        }
        if let Some(text) = self.about_loss() {
            add(CheckTopic::Loss, false, text);
        }
        let GradientCheck { tensors, missing, zero, not_finite } = &self.gradients;
        if !not_finite.is_empty() {
            let text = format!(
                "the gradient of {} is not finite; look for a division by 0 or a logarithm of 0 in the loss or a layer of your own",
                named(not_finite)
            );
            add(CheckTopic::Gradients, true, text);
        }
        if !missing.is_empty() {
            let text = format!(
                "{} of {} trainable tensors get no gradient and will not change: {}; use them in the forward pass, or freeze them",
                missing.len(),
                tensors + missing.len(),
                named(missing)
            );
            add(CheckTopic::Gradients, *tensors == 0, text);
        }
        if !zero.is_empty() {
            let text = format!(
                "the gradient of {} of {tensors} trainable tensors is 0: {}; a layer behind them may be dead or saturated: try other \
                 initial weights, standardised inputs, or leaky_relu or gelu",
                zero.len(),
                named(zero)
            );
            add(CheckTopic::Gradients, false, text);
        }
        if let Some(text) = &self.first_steps.diverged {
            add(CheckTopic::Steps, true, text.clone());
        }
        self.notes.iter().for_each(|text| add(CheckTopic::Steps, false, text.clone()));
        if let Some(text) = self.about_one_batch() {
            add(CheckTopic::OneBatch, false, text);
        }
        findings
    }

    fn about_loss(&self) -> Option<String> {
        let InitialLoss { measured, guessing, .. } = self.loss;
        let reference = self.loss.reference().filter(|_| self.loss.is_far())?;
        let (who, advice) = match guessing {
            Some(_) => (
                "guessing",
                "the outputs are large before anything is learnt: try standardised inputs, smaller initial weights in the last layer, or \
                 a norm before it",
            ),
            None => (
                "the best constant answer",
                "try targets that are standardised, or inputs and initial weights of a smaller scale",
            ),
        };
        Some(format!(
            "the loss is {measured:.4} before training, {:.1} times that of {who}, {reference:.4}; {advice}",
            measured / reference
        ))
    }

    fn about_one_batch(&self) -> Option<String> {
        let OneBatch { samples, steps, first_loss, last_loss, learning_rate_scale, verdict } = self.one_batch;
        let course = format!("from {first_loss:.4} to {last_loss:.4} in {steps} steps");
        match verdict {
            OneBatchVerdict::Learnt | OneBatchVerdict::Falling if learning_rate_scale < 1.0 => Some(format!(
                "one batch of {samples} samples is learnt at a tenth of the learning rate only, {course}; try a lower one, or a longer \
                 warm-up"
            )),
            OneBatchVerdict::Stuck => Some(format!(
                "one batch of {samples} samples cannot be learnt by heart: its loss went {course}; try another learning rate, ten times \
                 lower or higher, or a wider network, and see whether the loss goes with the last layer and the targets with their \
                 samples"
            )),
            OneBatchVerdict::Diverged => Some(format!(
                "the loss of one batch of {samples} samples does not stay finite, not even at a tenth of the learning rate; try a \
                 lower one"
            )),
            _ => None,
        }
    }
}

/// Names in a sentence.
fn named(names: &[String]) -> String {
    const MOST: usize = 5;
    let shown = names.iter().take(MOST).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
