//! Networks that read: tokens and sequences go through the same `fit`, `evaluate`, `save` and `load` as images.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{InputSpec, LstmSpec, Model, ModelSpec, NamedTensor, state};
use fireclay_store::load_checkpoint;
use fireclay_train::{
    Adam, Callback, CallbackContext, Checkpoint, CheckpointWriter, Event, FitOptions, Stopped, TrainError,
    Trainer,
};

/// Random weights come from one generator for the whole process, so tests that compare weights take turns.
static DEVICE: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    DEVICE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whole numbers below `below`: a small linear congruential generator.
fn draws(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    }
}

const VOCABULARY: usize = 50;
const LENGTH: usize = 12;

/// Texts of twelve words, in which word 1 and word 2 occur once each, anywhere: the class says which comes first. The
/// words alone do not tell; only their order does.
fn texts(samples: usize, seed: u64) -> Dataset {
    let mut draw = draws(seed);
    let mut tokens = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..samples {
        let mut text: Vec<u32> = (0..LENGTH).map(|_| 3 + draw(VOCABULARY - 3) as u32).collect();
        let one = draw(LENGTH);
        let two = (one + 1 + draw(LENGTH - 1)) % LENGTH;
        (text[one], text[two]) = (1, 2);
        tokens.extend(text);
        labels.push(u32::from(one < two));
    }
    let names = ["two first", "one first"].map(String::from).to_vec();
    let provenance = Provenance::new("texts", "train", "made for a test");
    let texts = Dataset::from_tokens(LENGTH, tokens, Targets::Classes { labels, names }, provenance);
    texts.unwrap().with_vocabulary_size(VOCABULARY).unwrap()
}

fn spec() -> ModelSpec {
    ModelSpec::tokens(LENGTH).embedding(VOCABULARY, 8).dropout(0.1).lstm(16).dense(2)
}

fn model(seed: u64) -> Model {
    let device = Device::flex();
    device.seed(seed);
    spec().build(&device).unwrap()
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 32, seed: 3, ..FitOptions::default() }
}

fn bits(tensors: Vec<NamedTensor>) -> Vec<(String, Vec<u32>)> {
    let bits = |tensor: NamedTensor| tensor.values.iter().map(|value| value.to_bits()).collect();
    tensors.into_iter().map(|tensor| (tensor.name.clone(), bits(tensor))).collect()
}

#[test]
fn an_lstm_learns_which_word_comes_first_and_is_saved_and_loaded() {
    let _turn = turn();
    let (train, test) = (texts(800, 1), texts(400, 2));
    let mut trainer = Trainer::classification(model(1)).optimizer(Adam::new(1e-2));
    trainer.fit(&train, &options(12)).unwrap();
    let accuracy = trainer.evaluate(&test).unwrap().accuracy().unwrap();
    assert!(accuracy > 0.97, "{accuracy}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.fireclay");
    trainer.save(&path).unwrap();
    let loaded = Trainer::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.card(), trainer.card());
    assert_eq!(loaded.card().spec.input, InputSpec::Tokens(LENGTH));
    assert_eq!(loaded.card().preprocessing, None);
    assert_eq!(loaded.evaluate(&test).unwrap(), trainer.evaluate(&test).unwrap());
    assert_eq!(loaded.predict(&test).unwrap(), trainer.predict(&test).unwrap());
    let again = folder.path().join("again.fireclay");
    loaded.save(&again).unwrap();
    assert_eq!(std::fs::read(again).unwrap(), std::fs::read(path).unwrap());
}

/// Breaks a run off after a step.
struct Interrupt(usize, usize);

impl Callback for Interrupt {
    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::StepEnded { epoch, step, .. } = event
            && (self.0, self.1) == (*epoch, *step)
        {
            context.interrupt();
        }
        Ok(())
    }
}

#[test]
fn a_run_on_tokens_goes_on_bit_for_bit() {
    let _turn = turn();
    let data = texts(160, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let options = FitOptions { validation_split: 0.2, ..options(3) };
    let mut whole = Trainer::classification(model(1)).optimizer(Adam::new(1e-2));
    whole.fit(&data, &options).unwrap();
    let mut repeated = Trainer::classification(model(1)).optimizer(Adam::new(1e-2));
    repeated.fit(&data, &options).unwrap();
    assert_eq!(bits(state(repeated.network())), bits(state(whole.network())), "a seed decides every bit");

    let mut broken = Trainer::classification(model(1))
        .optimizer(Adam::new(1e-2))
        .callback(Interrupt(2, 3))
        .callback(CheckpointWriter::new(&path).only_when_interrupted());
    assert_eq!(broken.fit(&data, &options).unwrap().stopped, Stopped::Interrupted);
    let checkpoint: Checkpoint = load_checkpoint(&path).unwrap();
    assert_eq!((checkpoint.progress.state.epoch, checkpoint.progress.state.step), (2, 3));
    // Another seed: whatever is not in the checkpoint would show.
    let mut resumed = Trainer::classification(model(2));
    resumed.resume(&data, checkpoint).unwrap();
    assert_eq!(bits(state(resumed.network())), bits(state(whole.network())));
}

#[test]
fn sequences_of_numbers_are_read_too() {
    let _turn = turn();
    let device = Device::flex();
    device.seed(1);
    let mut draw = draws(5);
    let values: Vec<f32> = (0..300 * 6 * 2).map(|_| draw(2000) as f32 / 1000.0 - 1.0).collect();
    // What the first feature of the second step is, which a network has to keep in mind.
    let targets = values.chunks(12).map(|sample| sample[2]).collect();
    let data = Dataset::from_f32(
        &[6, 2],
        values,
        Targets::Values { width: 1, values: targets },
        Provenance::new("walks", "train", "made for a test"),
    )
    .unwrap();
    let spec = ModelSpec::new([6, 2]).layer(LstmSpec::new(12).bidirectional(true)).dense(1);
    let mut trainer = Trainer::regression(spec.build(&device).unwrap()).optimizer(Adam::new(2e-2));
    trainer.fit(&data, &options(25)).unwrap();
    let loss = trainer.evaluate(&data).unwrap().loss;
    assert!(loss < 0.03, "a tenth of the targets' variance is 0.033; found {loss}");
}

fn refused(spec: ModelSpec, data: &Dataset) -> String {
    let model = spec.build(&Device::flex()).unwrap();
    Trainer::classification(model).fit(data, &options(1)).unwrap_err().to_string()
}

#[test]
fn tokens_that_the_network_cannot_read_are_refused_before_any_work() {
    let _turn = turn();
    let data = texts(40, 1);
    let reader = |tokens, vocabulary| ModelSpec::tokens(tokens).embedding(vocabulary, 4).lstm(4).dense(2);
    let text = refused(reader(LENGTH, 49), &data);
    assert!(
        text.contains("50 tokens") && text.contains("knows 49") && text.contains("num_embeddings"),
        "{text}"
    );
    let text = refused(reader(20, 50), &data);
    assert!(text.contains("data is 12 tokens") && text.contains("takes 20 tokens"), "{text}");
    let text = refused(ModelSpec::new([LENGTH]).dense(2), &data);
    assert!(text.contains("data is 12 tokens") && text.contains("takes [12]"), "{text}");
    let numbers = Dataset::from_f32(
        &[LENGTH],
        vec![0.0; LENGTH],
        Targets::Classes { labels: vec![0], names: vec!["a".into(), "b".into()] },
        Provenance::new("numbers", "train", "made for a test"),
    )
    .unwrap();
    let text = refused(reader(LENGTH, 50), &numbers);
    assert!(text.contains("data is [12]") && text.contains("takes 12 tokens"), "{text}");
    let trainer = Trainer::classification(model(1));
    assert!(trainer.predict(&numbers).unwrap_err().to_string().contains("takes 12 tokens"));
    assert!(trainer.evaluate(&numbers).unwrap_err().to_string().contains("takes 12 tokens"));
}
