//! Images as NumPy saves them.

use std::io::Write;
use std::path::Path;

use fireclay::data::Dataset;

/// An array of bytes: `shape` is a Python tuple without its parentheses.
fn npy(shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    let padded = format!("{header:<117}\n");
    [b"\x93NUMPY\x01\x00", &(padded.len() as u16).to_le_bytes()[..], padded.as_bytes(), bytes].concat()
}

/// Writes samples of grey images with their classes: the files `x_NAME.npy` and `y_NAME.npy`.
fn write_npy(folder: &Path, name: &str, data: &Dataset) {
    for (of, bytes) in [("x", pixels(data)), ("y", labels(data))] {
        std::fs::write(folder.join(format!("{of}_{name}.npy")), bytes).unwrap();
    }
}

/// Writes grey images with their classes as files of so many samples, and a file of test images.
pub fn write_shards(folder: &Path, train: &Dataset, samples: usize, test: &Dataset) {
    std::fs::create_dir_all(folder).unwrap();
    let all: Vec<usize> = (0..train.len()).collect();
    for (at, shard) in all.chunks(samples).enumerate() {
        write_npy(folder, &format!("train-{at:05}"), &train.subset(shard).unwrap());
    }
    write_npy(folder, "test", test);
}

fn pixels(data: &Dataset) -> Vec<u8> {
    let pixels: Vec<u8> = (0..data.len()).flat_map(|index| data.raw_u8(index).unwrap().to_vec()).collect();
    let sides: Vec<String> = data.shape()[1..].iter().map(usize::to_string).collect();
    npy(&format!("{}, {}", data.len(), sides.join(", ")), &pixels)
}

fn labels(data: &Dataset) -> Vec<u8> {
    let labels: Vec<u8> = (0..data.len()).map(|index| data.label(index).unwrap() as u8).collect();
    npy(&format!("{},", data.len()), &labels)
}

/// Writes grey images with their classes, as Keras's `mnist.npz` has them.
pub fn write_npz(path: &Path, train: &Dataset, test: &Dataset) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (part, data) in [("train", train), ("test", test)] {
        for (name, bytes) in [("x", pixels(data)), ("y", labels(data))] {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(format!("{name}_{part}.npy"), options).unwrap();
            archive.write_all(&bytes).unwrap();
        }
    }
    archive.finish().unwrap();
}
