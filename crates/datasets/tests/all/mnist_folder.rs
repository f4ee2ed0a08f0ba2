//! Folders that someone named: what is found in them, and that nothing else ever is.

use std::fs;
use std::path::Path;

use fireclay_data::{Batch, Dataset};
use fireclay_datasets::{DataDir, DatasetsError, Mnist};

use crate::support::{gzip, images, labels};

/// A small set: 4 training and 2 test images of 2 x 3.
struct Files {
    train_images: Vec<u8>,
    train_labels: Vec<u8>,
    test_images: Vec<u8>,
    test_labels: Vec<u8>,
}

impl Default for Files {
    fn default() -> Self {
        let train: Vec<u8> = (0..24).collect();
        let test: Vec<u8> = (100..112).collect();
        Self {
            train_images: images(4, 2, 3, &train),
            train_labels: labels(&[0, 1, 2, 1]),
            test_images: images(2, 2, 3, &test),
            test_labels: labels(&[2, 0]),
        }
    }
}

impl Files {
    fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (name, content) in [
            ("train-images-idx3-ubyte", &self.train_images),
            ("train-labels-idx1-ubyte", &self.train_labels),
            ("t10k-images-idx3-ubyte", &self.test_images),
            ("t10k-labels-idx1-ubyte", &self.test_labels),
        ] {
            fs::write(folder.join(name), content).unwrap();
        }
    }

    fn load(&self) -> Result<(Dataset, Dataset), DatasetsError> {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        Mnist::load(&DataDir::named(folder.path()))
    }

    fn refusal(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

#[test]
fn images_that_are_not_square_keep_their_rows() {
    let (train, test) = Files::default().load().unwrap();
    assert_eq!(train.shape(), [1, 2, 3]);
    assert_eq!((train.len(), test.len()), (4, 2));
    assert_eq!(train.raw_u8(1), Some(&[6, 7, 8, 9, 10, 11][..]));
    assert_eq!(test.raw_u8(1), Some(&[106, 107, 108, 109, 110, 111][..]));
    assert_eq!((train.label(2), test.label(0)), (Some(2), Some(2)));
    let mut batch = Batch::default();
    train.gather(&[3], &mut batch);
    assert_eq!(batch.shape, [1, 1, 2, 3]);
    assert_eq!(batch.features.values_mut()[5], 23.0 / 255.0);
}

#[test]
fn another_set_is_not_called_mnist() {
    let (train, test) = Files::default().load().unwrap();
    assert_eq!(train.class_names(), ["0", "1", "2"]);
    assert_eq!(test.class_names(), ["0", "1", "2"]);
    let provenance = train.provenance();
    assert_eq!(provenance.name, "IDX data set");
    assert_eq!(provenance.split, "train");
    assert_eq!(provenance.source, "files train-images-idx3-ubyte and train-labels-idx1-ubyte");
    assert_eq!(provenance.samples, 4);
    let content = [&(0..24).collect::<Vec<u8>>()[..], &[0, 1, 2, 1]].concat();
    assert_eq!(provenance.sha256, Some(crate::support::sha256(&content)));
    assert_eq!(test.provenance().split, "test");
}

#[test]
fn every_usual_spelling_is_found() {
    let files = Files::default();
    for (dotted, packed, nested) in
        [(false, true, false), (true, false, false), (true, true, true), (false, false, true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let place = if nested { folder.path().join("mnist") } else { folder.path().to_owned() };
        files.write(&place);
        for entry in fs::read_dir(&place).unwrap() {
            let path = entry.unwrap().path();
            let mut name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut content = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            if dotted {
                name = name.replace("-idx", ".idx");
            }
            if packed {
                name += ".gz";
                content = gzip(&content);
            }
            fs::write(place.join(name), content).unwrap();
        }
        let (train, _) = Mnist::load(&DataDir::named(folder.path())).unwrap();
        assert_eq!(train.len(), 4);
    }
}

#[test]
fn a_missing_file_is_an_error_and_not_a_download() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::named(folder.path());
    let called = std::cell::Cell::new(false);
    let error = Mnist::load_with(&dir, &|_| called.set(true)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("training images")
            && message.contains("train-images-idx3-ubyte and train-images.idx3-ubyte")
            && message.contains(&folder.path().display().to_string()),
        "{message}"
    );
    assert!(!error.is_offline() && !called.get());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");

    Files::default().write(folder.path());
    fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte")).unwrap();
    let message = Mnist::load(&dir).unwrap_err().to_string();
    assert!(message.contains("test labels"), "{message}");

    let message = Mnist::load(&DataDir::named(folder.path().join("absent"))).unwrap_err().to_string();
    assert!(message.contains("cannot read") && message.contains("absent"), "{message}");
}

#[test]
fn a_broken_file_is_an_error_and_not_a_download() {
    let mut files = Files::default();
    files.test_images.pop();
    let message = files.refusal();
    assert!(message.contains("t10k-images") && message.contains("cut short"), "{message}");
}

#[test]
fn counts_that_disagree() {
    let files = Files { train_labels: labels(&[0, 1, 2]), ..Files::default() };
    let message = files.refusal();
    assert!(
        message.contains("train-images-idx3-ubyte holds 4 images")
            && message.contains("train-labels-idx1-ubyte holds 3 labels"),
        "{message}"
    );
}

#[test]
fn swapped_files() {
    let Files { train_images, train_labels, .. } = Files::default();
    let files = Files { train_images: train_labels, train_labels: train_images, ..Files::default() };
    let message = files.refusal();
    assert!(message.contains("swapped") && message.contains("train-images"), "{message}");
}

#[test]
fn a_test_label_above_the_classes_of_training() {
    let files = Files { test_labels: labels(&[2, 3]), ..Files::default() };
    let message = files.refusal();
    assert!(
        message.contains("t10k-labels")
            && message.contains("label 3 at index 1")
            && message.contains("3 classes"),
        "{message}"
    );
}

#[test]
fn test_images_of_another_size() {
    let files = Files { test_images: images(2, 3, 2, &[0; 12]), ..Files::default() };
    let message = files.refusal();
    assert!(
        message.contains("test images are 3 x 2") && message.contains("training images are 2 x 3"),
        "{message}"
    );
}
