//! Language models: the same `fit`, `evaluate`, `save`, `load` and `resume`, with one target for each token.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor};
use fireclay_data::{Dataset, Provenance, Targets, TextPadding};
use fireclay_nn::{CrossEntropyLoss, Loss, LstmSpec, Model, ModelSpec, NamedTensor, Target, state};
use fireclay_store::load_checkpoint;
use fireclay_text::{
    TextDataset, TextEncoder, TextPreprocessing, Texts, Vocabulary, WordTokenizer, reserved,
};
use fireclay_train::{
    Adam, Callback, CallbackContext, Checkpoint, CheckpointWriter, Event, F1, FitOptions, Report, Stopped,
    TrainError, Trainer,
};

/// Random weights come from one generator for the whole process, so tests that compare weights take turns.
static DEVICE: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    DEVICE.lock().unwrap_or_else(PoisonError::into_inner)
}

const STEPS: usize = 8;

/// Texts that count: each word decides the next, but for the first one of a text.
fn counting(texts: usize) -> Texts {
    let words = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    let texts: Vec<String> = (0..texts)
        .map(|text| {
            (0..6 + text % 9).map(|at| words[(text + at) % words.len()]).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let targets = Targets::Values { width: 1, values: vec![0.0; texts.len()] };
    Texts::new(texts, targets, Provenance::new("counting", "train", "made for a test")).unwrap()
}

fn windows(texts: usize) -> Dataset {
    let tokenizer = WordTokenizer::default();
    let vocabulary = Vocabulary::build(&counting(200), &tokenizer, Default::default()).unwrap();
    let encoder = TextEncoder::new(tokenizer, vocabulary).with_end(true);
    let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(STEPS) };
    Dataset::next_tokens(&counting(texts), &preprocessing).unwrap()
}

const VOCABULARY: usize = 8 + reserved::NAMES.len();

fn spec() -> ModelSpec {
    let lstm = LstmSpec::new(24).return_sequences(true);
    ModelSpec::tokens(STEPS).embedding(VOCABULARY, 8).dropout(0.1).layer(lstm).dense(VOCABULARY)
}

fn model(seed: u64) -> Model {
    let device = Device::flex();
    device.seed(seed);
    spec().build(&device).unwrap()
}

fn trainer() -> Trainer<Model> {
    Trainer::language_model(model(1)).optimizer(Adam::new(1e-2))
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 8, seed: 3, validation_split: 0.2, ..FitOptions::default() }
}

fn bits(tensors: Vec<NamedTensor>) -> Vec<(String, Vec<u32>)> {
    let bits = |tensor: NamedTensor| tensor.values.iter().map(|value| value.to_bits()).collect();
    tensors.into_iter().map(|tensor| (tensor.name.clone(), bits(tensor))).collect()
}

#[test]
fn a_language_model_is_checked_before_it_is_trained() {
    let _turn = turn();
    let options = FitOptions { epochs: 2, batch_size: 16, ..FitOptions::default() };
    let found = trainer().check(&windows(120), &options, std::time::Duration::from_secs(100)).unwrap();
    assert_eq!((found.problems(), found.warnings()), (Vec::new(), Vec::new()), "{found:?}");
    assert_eq!(found.outputs, [16 * STEPS, VOCABULARY]);
    assert!((found.loss.guessing.unwrap() - (VOCABULARY as f64).ln()).abs() < 1e-6, "{found:?}");
}

#[test]
fn what_follows_is_learnt_and_measured_per_token_and_survives_a_file() {
    let _turn = turn();
    let mut trainer = trainer();
    let data = windows(200);
    let before = trainer.evaluate(&data).unwrap().perplexity().unwrap();
    assert!((0.7 * VOCABULARY as f64..1.5 * VOCABULARY as f64).contains(&before), "{before}");
    let history = trainer.fit(&data, &options(6)).unwrap();
    let last = history.epochs.last().unwrap();
    let names: Vec<&str> = last.values.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["loss", "accuracy", "perplexity", "val_loss", "val_perplexity"]);
    let (loss, perplexity) = (last.get("val_loss").unwrap(), last.get("val_perplexity").unwrap());
    assert!((perplexity.ln() - loss).abs() < 1e-9 && perplexity < 2.0, "{history:?}");

    let evaluation = trainer.evaluate(&data).unwrap();
    let Report::Language(report) = &evaluation.report else { panic!("a language model") };
    assert_eq!((evaluation.samples, report.tokens), (data.len(), STEPS * data.len()));
    assert!(report.perplexity < 2.0 && report.accuracy > 0.75, "{report:?}");
    assert!(evaluation.to_string().contains("perplexity 1."), "{evaluation}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("language.fireclay");
    trainer.save(&path).unwrap();
    let loaded = Trainer::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.evaluate(&data).unwrap(), evaluation);
    assert_eq!(loaded.text_preprocessing(), data.text_preprocessing());
}

#[test]
fn perplexity_and_accuracy_are_those_of_the_logits() {
    let _turn = turn();
    let data = windows(30);
    let trainer = Trainer::language_model(model(5));
    let Report::Language(report) = trainer.evaluate(&data).unwrap().report else {
        panic!("a language model")
    };
    let rows = trainer.predict(&data).unwrap();
    let next: Vec<u32> = {
        let mut tokens: Vec<u32> =
            (0..data.len()).flat_map(|index| data.tokens(index).unwrap().to_vec()).collect();
        tokens.remove(0);
        tokens
    };
    // All but the last token, whose next one no window begins with.
    let (mut surprise, mut correct) = (0.0, 0);
    for (row, next) in rows.iter().zip(&next) {
        let total: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        surprise -= f64::from(row[*next as usize]) - total.ln();
        correct += usize::from(row.iter().all(|logit| *logit <= row[*next as usize]));
    }
    assert_eq!(rows.len(), report.tokens);
    let tokens = report.tokens as f64;
    assert!((surprise / (tokens - 1.0) - report.cross_entropy).abs() < 5.0 / tokens, "{report:?}");
    assert!(report.correct.abs_diff(correct) <= 1, "{report:?} {correct}");
}

/// Breaks off after some step.
struct BreakOff(usize, usize);

impl Callback for BreakOff {
    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::StepEnded { epoch, step, .. } = event
            && (*epoch, *step) == (self.0, self.1)
        {
            context.interrupt();
        }
        Ok(())
    }
}

#[test]
fn a_broken_off_training_goes_on_bit_for_bit() {
    let _turn = turn();
    let data = windows(80);
    let mut whole = trainer();
    let history = whole.fit(&data, &options(2)).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    // Late in the epoch: more tokens than windows have been counted.
    let mut broken = trainer().callback(BreakOff(2, 7)).callback(CheckpointWriter::new(&path));
    assert_eq!(broken.fit(&data, &options(2)).unwrap().stopped, Stopped::Interrupted);
    let checkpoint: Checkpoint = load_checkpoint(&path).unwrap();
    let mut resumed = Trainer::language_model(model(2));
    let rest = resumed.resume(&data, checkpoint).unwrap();
    assert_eq!(bits(state(resumed.network())), bits(state(whole.network())));
    assert_eq!(rest.epochs[1].values, history.epochs[1].values);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let _turn = turn();
    let data = windows(30);
    let refused = |spec: ModelSpec, data: &Dataset| {
        let network = spec.build(&Device::flex()).unwrap();
        Trainer::language_model(network).evaluate(data).unwrap_err().to_string()
    };
    let classifier = ModelSpec::tokens(STEPS).embedding(VOCABULARY, 8).lstm(4).dense(VOCABULARY);
    let text = refused(classifier, &data);
    assert!(text.contains("gives 1 rows of outputs for a sample; the data needs 8"), "{text}");
    let lstm = LstmSpec::new(4).return_sequences(true);
    let text = refused(ModelSpec::tokens(STEPS).embedding(VOCABULARY, 8).layer(lstm).dense(5), &data);
    assert!(text.contains("5 outputs") && text.contains("12, one for each token"), "{text}");

    let reviews = Targets::Classes { labels: vec![0], names: vec!["a".into(), "b".into()] };
    let reviews =
        Dataset::from_tokens(STEPS, vec![4; STEPS], reviews, Provenance::new("x", "y", "z")).unwrap();
    let text = refused(spec(), &reviews);
    assert!(text.contains("gives 8 rows of outputs for a sample; the data needs 1"), "{text}");

    let mut trainer = trainer().metrics([F1]);
    let text = trainer.fit(&data, &options(1)).unwrap_err().to_string();
    assert!(text.contains("f1 cannot be measured") && text.contains("accuracy, perplexity"), "{text}");
}

#[test]
fn whole_texts_are_set_aside() {
    let _turn = turn();
    let data = windows(50);
    let (train, validation) = data.split(0.2, 1).unwrap();
    let texts = |data: &Dataset| {
        let tokens = (0..data.len()).flat_map(|index| data.tokens(index).unwrap().to_vec());
        tokens.filter(|token| *token == reserved::END).count()
    };
    // What is left over behind the last window may hold an end.
    assert!((38..=40).contains(&texts(&train)) && (8..=10).contains(&texts(&validation)));
    assert!(train.provenance().split.ends_with("training part"));
    assert_eq!(train.provenance().samples, train.len());
}

/// The same loss in the trainer's ordinary way: of outputs that are all there.
struct OfOutputs;

impl Loss for OfOutputs {
    fn name(&self) -> String {
        "of_outputs".into()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        CrossEntropyLoss::new().each(output, target)
    }

    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        CrossEntropyLoss::new().mean(output, target)
    }
}

#[test]
fn a_large_vocabulary_is_learnt_as_if_all_outputs_were_there() {
    let _turn = turn();
    let stream: Vec<u32> = (0..6400).map(|at| at % 50 * 41 + 5).collect();
    let provenance = Provenance::new("squares", "train", "made for a test");
    let data = Dataset::from_token_stream(&[stream], 16, provenance).unwrap();
    let data = data.with_vocabulary_size(2100).unwrap();
    let spec = ModelSpec::tokens(16).embedding(2100, 64).dense(64).layer_norm().tied_dense();
    let run = |trainer: fn(Model) -> Trainer<Model>| {
        let mut trainer = trainer(spec.build_seeded(3, &Device::flex()).unwrap()).optimizer(Adam::new(1e-2));
        let options = FitOptions { epochs: 3, batch_size: 32, seed: 2, ..FitOptions::default() };
        let history = trainer.fit(&data, &options).unwrap();
        ["loss", "accuracy"]
            .map(|name| history.epochs.iter().map(|e| e.get(name).unwrap()).collect::<Vec<f64>>())
    };
    let [losses, accuracies] = run(Trainer::language_model);
    let [expected, right] = run(|model| Trainer::new(model, OfOutputs));
    assert!(losses[2] < 0.7 * losses[0], "{losses:?}");
    for (loss, expected) in losses.iter().zip(&expected) {
        assert!((loss - expected).abs() < 1e-3 * expected, "{losses:?} and {expected:?}");
    }
    for (accuracy, right) in accuracies.iter().zip(&right) {
        assert!((accuracy - right).abs() < 5e-3, "{accuracies:?} and {right:?}");
    }
    assert!(right[2] > 0.1, "{right:?}");
}
