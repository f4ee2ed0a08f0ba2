//! From files to batches: how long until the first one is there, and how many augmented images a second follow.
//! `data.py` runs it beside the peers.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use fireclay::data::{
    Augmentation, Batch, Cifar10, Crop, Cutout, DataDir, Dataset, Fill, Flip, Imdb, Loader, Mnist, Pass,
    Source, TextDataset, TextEncoder, TextPadding, TextPreprocessing, Vocabulary, VocabularyOptions,
    WordTokenizer,
};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As in the peers, `data_common.py`.
const BATCH: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");
const PADDING: usize = 4;
const CUTOUT: usize = 8;
const TOKENS: usize = 250;
const WORDS: usize = 20_000;

#[derive(Parser)]
struct Flags {
    #[arg(long, value_enum)]
    task: Task,
    /// Folder with mnist/, cifar-10-batches-bin/ and imdb/
    #[arg(long)]
    data: PathBuf,
    /// Threads that read and encode; for `augment`, threads that assemble batches
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// How long `augment` is measured
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[derive(ValueEnum, Clone, Copy, PartialEq)]
enum Task {
    Mnist,
    Cifar10,
    Imdb,
    /// Flip, crop, cutout, normalised
    Augment,
    /// Turned, shifted and scaled as well
    Affine,
}

#[derive(Serialize, Default)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images_per_s: Option<f64>,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    rayon::ThreadPoolBuilder::new().num_threads(flags.threads).build_global()?;
    let dir = DataDir::named(&flags.data);
    let began = Instant::now();
    let line = match flags.task {
        Task::Mnist => first_batch(Mnist::load(&dir)?.0, began),
        Task::Cifar10 => first_batch(Cifar10::load(&dir)?.0, began),
        Task::Imdb => {
            let (train, test) = Imdb::load(&DataDir::named(flags.data.join("imdb")))?;
            let tokenizer = WordTokenizer::default();
            let options = VocabularyOptions { max_words: WORDS, ..VocabularyOptions::default() };
            let vocabulary = Vocabulary::build(&train, &tokenizer, options)?;
            let encoder = TextEncoder::new(tokenizer, vocabulary);
            let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(TOKENS) };
            let _test = Dataset::from_texts(&test, &preprocessing)?;
            first_batch(Dataset::from_texts(&train, &preprocessing)?, began)
        }
        Task::Augment | Task::Affine => {
            let (train, _) = Cifar10::load(&dir)?;
            let normalization = Cifar10::standard();
            let cutout = Cutout::new(CUTOUT).fill(Fill::mean_of(&normalization));
            let mut augmentation =
                Augmentation::none().flip(Flip::Random).crop(Crop::new(PADDING)).cutout(cutout);
            if flags.task == Task::Affine {
                let affine = fireclay::data::Affine::none().rotation(15.0).shift(0.1).scale(0.9, 1.1);
                augmentation = augmentation.affine(affine);
            }
            let train = train.with_normalization(normalization)?.with_augmentation(&augmentation)?;
            Line { images_per_s: Some(rate(train, flags.threads, flags.seconds)), ..Line::default() }
        }
    };
    #[allow(clippy::print_stdout, reason = "the line is the result")]
    {
        println!("{}", serde_json::to_string(&line)?);
    }
    Ok(())
}

fn first_batch(train: Dataset, began: Instant) -> Line {
    let mut loader = Loader::for_training(Arc::new(train), Pass { seed: 0, epoch: 1 }, BATCH, 0);
    let batch = loader.next().expect("there are samples").expect("they are in memory");
    Line { seconds: Some(began.elapsed().as_secs_f64()), shape: Some(batch.shape), ..Line::default() }
}

/// Images a second of all threads, each assembling batches by itself as a loader's worker does.
fn rate(train: Dataset, threads: usize, seconds: f64) -> f64 {
    let worker = |worker: usize| {
        let mut batch = Batch::default();
        let (mut images, mut began, mut warm) = (0, Instant::now(), false);
        for epoch in worker * 1_000_000.. {
            let pass = Pass { seed: 1, epoch };
            for indices in train.order(pass, BATCH.get()).chunks(BATCH.get()) {
                train.gather_augmented(indices, pass, &mut batch);
                images += batch.len();
                let elapsed = began.elapsed().as_secs_f64();
                if !warm && elapsed > 1.0 {
                    (images, began, warm) = (0, Instant::now(), true);
                } else if warm && elapsed > seconds {
                    return images as f64 / elapsed;
                }
            }
        }
        unreachable!("epochs do not end")
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|number| scope.spawn(move || worker(number))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker ended early")).sum()
    })
}
