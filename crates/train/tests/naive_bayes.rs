//! A layer that the training data sets: through `fit`, a second `fit`, a checkpoint and a file.

use burn::tensor::Device;
use fireclay_data::{Dataset, TextPadding};
use fireclay_datasets::WrittenReviews;
use fireclay_nn::{Model, ModelSpec, NaiveBayesBagSpec, NamedTensor, state};
use fireclay_store::load_checkpoint;
use fireclay_text::{
    NgramOptions, NgramVocabulary, TextDataset, TextEncoder, TextPreprocessing, WordTokenizer,
};
use fireclay_train::{
    Adam, Callback, CallbackContext, CheckpointWriter, Event, FitOptions, TrainError, Trainer,
};

fn data() -> (Dataset, Dataset) {
    let (train, test) = WrittenReviews::new(1).train_and_test(3_000, 500);
    let tokenizer = WordTokenizer::default();
    let options = NgramOptions { longest: 3, min_count: 3 };
    let ngrams = NgramVocabulary::build(&train, &tokenizer, options).unwrap();
    let preprocessing = TextPreprocessing {
        encoder: TextEncoder::of_ngrams(tokenizer, ngrams),
        padding: TextPadding::to(400),
    };
    let set = |texts| Dataset::from_texts(texts, &preprocessing).unwrap();
    (set(&train).bucketed_by_length(), set(&test))
}

fn trainer(data: &Dataset) -> Trainer<Model> {
    let rows = data.vocabulary_size().unwrap();
    let spec = ModelSpec::tokens(400).layer(NaiveBayesBagSpec::new(rows, 2).padding_idx(0));
    Trainer::classification(spec.build(&Device::flex()).unwrap()).optimizer(Adam::new(5e-3))
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 32, ..FitOptions::default() }
}

fn ratio(trainer: &Trainer<Model>) -> NamedTensor {
    state(trainer.network()).into_iter().find(|tensor| tensor.name == "naive_bayes_bag_1.ratio").unwrap()
}

#[test]
fn reviews_are_told_apart_and_the_ratios_stay() {
    let (train, test) = data();
    let mut trainer = trainer(&train);
    trainer.fit(&train, &options(6)).unwrap();
    let first = ratio(&trainer);
    assert!(first.values[..2] == [0.0, 0.0] && first.values.iter().any(|ratio| ratio.abs() > 2.0));
    let accuracy = trainer.evaluate(&test).unwrap().accuracy().unwrap();
    assert!(accuracy > 0.85, "{accuracy}");
    // Of data that it was not made for, the ratios are kept.
    trainer.fit(&train.take(100), &options(1)).unwrap();
    assert_eq!(ratio(&trainer), first);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bag.fireclay");
    trainer.save(&path).unwrap();
    let loaded = Trainer::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.predict(&test).unwrap(), trainer.predict(&test).unwrap());
    assert_eq!(loaded.text_preprocessing(), train.text_preprocessing());
}

/// Breaks off after some steps.
struct BreakOff(usize);

impl Callback for BreakOff {
    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::StepEnded { .. } = event {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 {
                context.interrupt();
            }
        }
        Ok(())
    }
}

#[test]
fn a_run_goes_on_from_its_checkpoint_as_if_it_had_not_stopped() {
    let (train, _) = data();
    let mut whole = trainer(&train);
    whole.fit(&train, &options(2)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let mut broken = trainer(&train).callback(BreakOff(5)).callback(CheckpointWriter::new(&path));
    broken.fit(&train, &options(2)).unwrap();
    let mut resumed = trainer(&train);
    resumed.resume(&train, load_checkpoint(&path).unwrap()).unwrap();
    assert_eq!(state(resumed.network()), state(whole.network()));
}
