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

/// Writes grey images with their classes, as Keras's `mnist.npz` has them.
pub fn write_npz(path: &Path, train: &Dataset, test: &Dataset) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (part, data) in [("train", train), ("test", test)] {
        let all = 0..data.len();
        let pixels: Vec<u8> = all.clone().flat_map(|index| data.raw_u8(index).unwrap().to_vec()).collect();
        let labels: Vec<u8> = all.map(|index| data.label(index).unwrap() as u8).collect();
        let sides: Vec<String> = data.shape()[1..].iter().map(usize::to_string).collect();
        let count = data.len();
        for (name, shape, bytes) in
            [("x", format!("{count}, {}", sides.join(", ")), pixels), ("y", format!("{count},"), labels)]
        {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(format!("{name}_{part}.npy"), options).unwrap();
            archive.write_all(&npy(&shape, &bytes)).unwrap();
        }
    }
    archive.finish().unwrap();
}
