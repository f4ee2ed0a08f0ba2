//! A source of one's own that reads its samples from a file larger than the memory it may use.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fireclay::data::{Batch, BatchTargets, DataError, Source, TargetKind};
use fireclay::prelude::*;

/// Values of one sample, behind which its target stands.
const WIDTH: usize = 256;

/// The source may hold so many bytes at once; the file has sixteen times as many.
const MEMORY_LIMIT: usize = 1 << 19;

struct Records {
    file: File,
    samples: usize,
    /// The most bytes that were held at once.
    held: AtomicUsize,
}

impl Source for Records {
    fn len(&self) -> usize {
        self.samples
    }

    fn sample_shape(&self) -> &[usize] {
        &[WIDTH]
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Values { width: 1 }
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        let (mut features, mut values) = (Vec::new(), Vec::new());
        let mut record = [0; 4 * (WIDTH + 1)];
        for index in indices {
            let at = u64::from(*index) * record.len() as u64;
            self.file.read_exact_at(&mut record, at).map_err(|error| DataError::Source(error.into()))?;
            let numbers =
                record.chunks_exact(4).map(|quad| f32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]]));
            features.extend(numbers.clone().take(WIDTH));
            values.extend(numbers.skip(WIDTH));
        }
        self.held.fetch_max(4 * (features.len() + values.len()), Ordering::Relaxed);
        batch.fill(indices, &[WIDTH], features, BatchTargets::Values { width: 1, values });
        Ok(())
    }
}

#[test]
fn streaming_source() -> fireclay::Result<()> {
    let samples = 16 * MEMORY_LIMIT / (4 * (WIDTH + 1));
    let mut file = tempfile::tempfile().expect("a file");
    let mut random = crate::noise(5);
    for _ in 0..samples {
        let mut record: Vec<f32> = (0..WIDTH).map(|_| random() - 0.5).collect();
        record.push(record[0] - 2.0 * record[1]);
        let bytes: Vec<u8> = record.iter().flat_map(|value| value.to_le_bytes()).collect();
        file.write_all(&bytes).expect("room on the disk");
    }
    let source = Arc::new(Records { file, samples, held: AtomicUsize::new(0) });

    let spec = ModelSpec::new([WIDTH]).dense(1);
    let mut trainer =
        Trainer::regression(spec.build_seeded(0, &DeviceName::default().open()?)?).optimizer(Adam::new(3e-2));
    let options = FitOptions { epochs: 6, batch_size: 128, validation_split: 0.1, ..FitOptions::default() };
    let history = trainer.fit(&source, &options)?;
    let losses = history.course("val_loss");
    assert!(losses[5] < 0.05 * losses[0], "{losses:?}");
    assert!(source.held.load(Ordering::Relaxed) <= MEMORY_LIMIT);

    // A disk that fails is an error of `fit`, and the network is as it was.
    source.file.set_len(100).expect("a shorter file");
    let message = trainer.fit(&source, &options).expect_err("it is cut short").to_string();
    assert!(message.contains("cannot give its samples"), "{message}");
    Ok(())
}
