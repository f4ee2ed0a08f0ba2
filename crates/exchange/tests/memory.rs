//! Files that say that they hold much, or unpack to much, are refused in little memory. The peak is that of the process, so
//! this test has a process of its own, and what it writes it writes in pieces.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use fireclay_backend::peak_memory_bytes;
use fireclay_exchange::onnx::{self, OnnxGraph};
use fireclay_exchange::pytorch::TensorFile;
use fireclay_exchange::{Inspection, keras};
use fireclay_store::ModelFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// All readers together, above what the process has without them.
const MOST_BYTES: u64 = 64 << 20;

/// What one entry unpacks to; the file has a thousandth of it.
const BOMB_BYTES: usize = 400 << 20;

#[test]
fn what_a_file_says_takes_no_memory() {
    let Some(before) = peak_memory_bytes() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let terabyte = r#"{"w":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}}"#;
    let (stored, deflated) = (CompressionMethod::Stored, CompressionMethod::Deflated);

    for name in ["terabyte.safetensors", "terabyte.fireclay"] {
        write_safetensors(&at(name), terabyte);
    }
    refused(TensorFile::open(at("terabyte.safetensors")).map(drop), "damaged or not safetensors");
    refused(ModelFile::load(at("terabyte.fireclay")).map(drop), "terabyte.fireclay");
    refused(Inspection::of(at("terabyte.fireclay")).map(drop), "damaged or not");

    // A dictionary with one tensor of 2^38 numbers, whose storage has four.
    write_archive(&at("terabyte.pt"), stored, &[("x/data.pkl", &pickle()), ("x/data/0", &[0; 16])], 0);
    refused(read_all(&at("terabyte.pt")), "should have 274877906944 numbers");
    // Lists in lists, an instruction of one byte each.
    let lists = [b"\x80\x02".to_vec(), vec![b']'; 500_000], vec![b'a'; 499_999], b".".to_vec()].concat();
    write_archive(&at("lists.pt"), stored, &[("x/data.pkl", &lists)], 0);
    refused(read_all(&at("lists.pt")), "it holds a list");
    write_archive(&at("bomb.pt"), deflated, &[("x/other", &[]), ("x/data.pkl", &[])], BOMB_BYTES);
    refused(read_all(&at("bomb.pt")), "it is packed");

    write_archive(
        &at("bomb.keras"),
        deflated,
        &[("config.json", b"{}"), ("model.weights.h5", &[])],
        BOMB_BYTES,
    );
    refused(keras::import(at("bomb.keras")).map(drop), "'model.weights.h5' in bytes is 419430400");
    refused(Inspection::of(at("bomb.keras")).map(drop), "bomb.keras");
    std::fs::write(at("terabyte.h5"), words_with_another_shape()).unwrap();
    refused(keras::import(at("terabyte.h5")).map(drop), "the number of values of one dataset");

    // A weight of 2^38 numbers of which twelve are there, and messages of two bytes that are hundreds in memory.
    let claims = [varint_field(1, 1 << 38), varint_field(2, 1), field(8, b"w"), field(9, &[0; 48])].concat();
    std::fs::write(at("terabyte.onnx"), onnx_model(&field(5, &claims))).unwrap();
    std::fs::write(at("messages.onnx"), onnx_model(&field(1, &[]).repeat(90_000))).unwrap();
    for read in [|path| onnx::import(path).map(drop), |path| OnnxGraph::read(path).map(drop)] {
        refused(read(at("terabyte.onnx")), "tensor 'w': its sizes ask for 274877906944 values");
        refused(read(at("messages.onnx")), "the memory that its messages would take");
    }
    refused(Inspection::of(at("messages.onnx")).map(drop), "the memory that its messages would take");

    let grown = peak_memory_bytes().unwrap() - before;
    assert!(grown < MOST_BYTES, "{} MiB", grown >> 20);
}

#[track_caller]
fn refused<E: std::fmt::Debug + ToString>(read: Result<(), E>, expected: &str) {
    let message = read.expect_err("it is refused").to_string();
    assert!(message.contains(expected), "no {expected:?} in {message}");
}

fn read_all(path: &Path) -> Result<(), fireclay_exchange::ExchangeError> {
    let mut file = TensorFile::open(path)?;
    let names: Vec<String> = file.tensors().iter().map(|tensor| tensor.name.clone()).collect();
    names.iter().try_for_each(|name| file.read(name).map(drop))
}

/// A header with a few bytes behind it.
fn write_safetensors(path: &Path, header: &str) {
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 64]].concat();
    std::fs::write(path, bytes).unwrap();
}

/// An archive whose last entry has so many zeros behind its bytes.
fn write_archive(path: &Path, method: CompressionMethod, entries: &[(&str, &[u8])], zeros: usize) {
    let mut writer = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    std::io::copy(&mut std::io::repeat(0).take(zeros as u64), &mut writer).unwrap();
    writer.finish().unwrap();
}

/// `{"w": torch.FloatTensor of [2^38]}`, as PyTorch writes it.
fn pickle() -> Vec<u8> {
    let text = |text: &str| [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let number = |number: i64| [&[0x8a, 8], number.to_le_bytes().as_slice()].concat();
    [
        b"\x80\x02}".to_vec(),
        text("w"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        number(1 << 38),
        b"tQ".to_vec(),
        number(0),
        [b"(".to_vec(), number(1 << 38), b"t(".to_vec(), number(1), b"t".to_vec()].concat(),
        b"\x89ccollections\nOrderedDict\n)RtRs.".to_vec(),
    ]
    .concat()
}

/// A file of Keras whose embedding, of 12 by 4, is said to be of 2^40 by 1.
fn words_with_another_shape() -> Vec<u8> {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/keras/3.15.1/words.h5.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(File::open(packed).unwrap()).read_to_end(&mut bytes).unwrap();
    let sizes = |sizes: [u64; 2]| sizes.iter().flat_map(|size| size.to_le_bytes()).collect::<Vec<u8>>();
    let shape = sizes([12, 4]);
    let place = bytes.windows(16).position(|window| window == shape).unwrap();
    bytes[place..place + 16].copy_from_slice(&sizes([1 << 40, 1]));
    bytes
}

/// A model of operators version 17 with such a graph.
fn onnx_model(graph: &[u8]) -> Vec<u8> {
    [varint_field(1, 8), field(8, &varint_field(2, 17)), field(7, graph)].concat()
}

/// A field of bytes, as Protocol Buffers have it.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![tag << 3 | 2], varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn varint_field(tag: u8, value: u64) -> Vec<u8> {
    [vec![tag << 3], varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
