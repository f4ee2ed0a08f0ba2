//! Files that lie: each gives an error that says what was found, and none is executed, hangs or takes much memory.

use std::io::{Cursor, Write};
use std::path::Path;

use fireclay_exchange::ExchangeError;
use fireclay_exchange::pytorch::{TensorFile, WeightOptions, import_weights};
use fireclay_nn::ModelSpec;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{fixture, message};

/// Opens bytes as a file and reads all its tensors.
fn read_all(bytes: &[u8]) -> Result<(), ExchangeError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.pt");
    std::fs::write(&path, bytes).unwrap();
    let mut file = TensorFile::open(&path)?;
    let names: Vec<String> = file.tensors().iter().map(|tensor| tensor.name.clone()).collect();
    names.iter().try_for_each(|name| file.read(name).map(|_| ()))
}

fn refused(bytes: &[u8]) -> String {
    message(read_all(bytes))
}

fn zipped(entries: &[(&str, &[u8], CompressionMethod)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes, method) in entries {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(*method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A file as PyTorch writes it around a pickle, with one storage of four numbers.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let stored = CompressionMethod::Stored;
    zipped(&[
        ("x/data.pkl", pickle, stored),
        ("x/data/0", &[0; 16], stored),
        ("x/byteorder", b"little", stored),
    ])
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn number(number: i64) -> Vec<u8> {
    [&[0x8a, 8], number.to_le_bytes().as_slice()].concat()
}

fn tuple(numbers: &[i64]) -> Vec<u8> {
    let numbers: Vec<u8> = numbers.iter().flat_map(|item| number(*item)).collect();
    [b"(".as_slice(), &numbers, b"t"].concat()
}

/// A dictionary with one tensor.
fn tensor(key: &str, count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    [
        b"\x80\x02}".to_vec(),
        text("w"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(key),
        text("cpu"),
        number(count),
        b"tQ".to_vec(),
        number(offset),
        tuple(shape),
        tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtRs.".to_vec(),
    ]
    .concat()
}

#[test]
fn nothing_is_executed() {
    for name in ["hostile.pt", "hostile_legacy.pt", "hostile.pkl"] {
        let path = fixture(name);
        let error = message(TensorFile::open(&path));
        assert!(error.contains("calls posix.system, and nothing that a file holds is executed"), "{error}");
        let spec = ModelSpec::new([2]).dense(2);
        let error = message(import_weights(&path, &spec, &WeightOptions::default()));
        assert!(error.contains("posix.system"), "{error}");
    }
    let marker = "marker-of-a-hostile-file";
    assert!(!Path::new(marker).exists() && !fixture(marker).exists());
    for (name, function) in [
        ("whole_model.pt", "calls torch.nn.modules.container.Sequential"),
        ("complex.pt", "calls torch.ComplexFloatStorage"),
        ("sparse.pt", "calls torch._utils._rebuild_sparse_tensor"),
    ] {
        let error = message(TensorFile::open(fixture(name)));
        assert!(
            error.contains(function) && error.contains("torch.save(model.state_dict(), FILE)"),
            "{error}"
        );
    }
    // The other ways of naming a function.
    let stacked = [b"\x80\x04".to_vec(), text("os"), text("system"), b"\x93.".to_vec()].concat();
    assert!(refused(&archive(&stacked)).contains("calls os.system"));
    assert!(refused(&archive(b"(ios\nsystem\n.")).contains("calls os.system"));
}

#[test]
fn instructions_that_are_none_are_refused() {
    for (pickle, problem) in [
        (b"\x80\x02\xff.".as_slice(), "0xff is no instruction, at byte 2"),
        (b"\x80\x09.", "protocol 9 is unknown"),
        (b"\x80\x02\x82\x01.", "registry of extensions"),
        (b"\x80\x02}\x81.", "makes an object of a class of its own"),
        (b"\x80\x02.", "a value is missing on the stack"),
        (b"\x80\x02h\x05.", "nothing was kept under number 5"),
        (b"\x80\x02t.", "a mark is missing"),
        (b"\x80\x02(K\x01u.", "a key without a value"),
        (b"\x80\x02K\x01N)R.", "a None is called"),
        (b"\x80\x02X\xff\xff\xff\xffab.", "4294967295 bytes are said to follow"),
        (b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.", "18446744073709551615 bytes are said to follow"),
        (b"\x80\x02X\x02\0\0\0\xff\xfe.", "is not UTF-8"),
        (b"\x80\x02K\x01NNRb.", "a None is called"),
        (b"\x80\x02K\x01Nb.", "a int is given attributes"),
        (b"\x80\x02]Na", "1 bytes are said to follow"),
        (b"", "1 bytes are said to follow byte 0 of the pickle, and 0 do"),
    ] {
        let error = refused(&archive(pickle));
        assert!(error.contains(problem), "{problem} in {error}");
    }
}

#[test]
fn pickles_that_grow_or_contain_themselves_cost_no_more_than_their_bytes() {
    // Lists in lists in lists: each instruction is one value.
    let deep = [b"\x80\x02".to_vec(), vec![b']'; 1_000_000], vec![b'a'; 999_999], b".".to_vec()].concat();
    assert!(refused(&archive(&deep)).contains("it holds a list"));
    // A list that contains itself, and a dictionary that does.
    assert!(refused(&archive(b"\x80\x02]q\x00h\x00a.")).contains("it holds a list"));
    let selves = [b"\x80\x02}q\x00".to_vec(), text("state_dict"), b"h\x00s.".to_vec()].concat();
    assert!(refused(&archive(&selves)).contains("no dictionary of tensors; there is 'state_dict'"));
    // Each list holds the one before ten times: a billion values when followed.
    let mut doubled = b"\x80\x02]q\x00".to_vec();
    for _ in 0..30 {
        doubled.extend(b"0](h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00eq\x00");
    }
    doubled.push(b'.');
    assert!(refused(&archive(&doubled)).contains("it holds a list"));
    // One list of pairs becomes a dictionary, again and again.
    let pairs = [
        b"\x80\x02]q\x00(".to_vec(),
        b"NN\x86".repeat(100_000),
        b"eccollections\nOrderedDict\nq\x010".to_vec(),
        b"h\x01h\x00\x85R0".repeat(1_000),
        b".".to_vec(),
    ]
    .concat();
    assert!(refused(&archive(&pairs)).contains("more values than any table of tensors needs"));
    // One dictionary under very many keys is looked at once.
    let keys: Vec<u8> =
        (0..100_000).flat_map(|key| [text(&key.to_string()), b"h\x00".to_vec()].concat()).collect();
    let many =
        [b"\x80\x02}q\x00(".to_vec(), b"NN".repeat(100_000), b"u}(".to_vec(), keys, b"u.".to_vec()].concat();
    assert!(refused(&archive(&many)).contains("no dictionary of tensors"));
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    assert!(read_all(&archive(&tensor("0", 4, 0, &[2, 2], &[2, 1]))).is_ok());
    for (pickle, problem) in [
        (
            tensor("0", 1 << 38, 0, &[1 << 38], &[1]),
            "should have 274877906944 numbers of 4 bytes, and has 16 bytes",
        ),
        (tensor("0", 4, 0, &[1 << 40], &[0]), "repeats the 4 values of its storage"),
        (tensor("0", 4, 0, &[1 << 40, 1 << 40], &[0, 0]), "multiply to more than 64 bits"),
        (tensor("0", 4, 1, &[2, 2], &[2, 1]), "goes beyond its storage of 4 values"),
        (tensor("0", 4, 0, &[2, 2], &[1 << 47, 1]), "goes beyond its storage"),
        (tensor("0", 4, -1, &[2], &[1]), "a tensor's offset is -1"),
        (tensor("0", 4, 0, &[-2], &[1]), "a tensor's sizes is -2"),
        (tensor("0", 4, 0, &[2], &[]), "1 sizes and 0 strides"),
        (tensor("0", 4, 0, &[1; 1000], &[1; 1000]), "1000 dimensions"),
        (tensor("0", i64::MAX, 0, &[2], &[1]), "the length of a storage is 9223372036854775807"),
        (tensor("1", 4, 0, &[2], &[1]), "the storage '1' is not in the file"),
        (tensor("../../../etc/passwd", 4, 0, &[2], &[1]), "is not in the file"),
    ] {
        let error = refused(&archive(&pickle));
        assert!(error.contains(problem), "{problem} in {error}");
    }
    let name = "n".repeat(5000);
    let pickle = tensor("0", 4, 0, &[2], &[1]);
    let long = [&pickle[..3], &text(&name), &pickle[9..]].concat();
    assert!(refused(&archive(&long)).contains("the length of a tensor's name in bytes is"));
}

#[test]
fn archives_that_lie_are_refused() {
    let (stored, deflated) = (CompressionMethod::Stored, CompressionMethod::Deflated);
    let pickle = tensor("0", 4, 0, &[2, 2], &[2, 1]);
    // A bomb: packed entries are not unpacked at all.
    let bomb = vec![0; 50 << 20];
    let packed = zipped(&[("x/data.pkl", &pickle, stored), ("x/data/0", &bomb, deflated)]);
    assert!(packed.len() < 100_000);
    assert!(refused(&packed).contains("it is packed, and PyTorch packs nothing"));
    assert!(refused(&zipped(&[("x/data.pkl", &bomb, deflated)])).contains("it is packed"));
    for (name, problem) in [
        ("../data.pkl", "'../data.pkl' is no name of an entry"),
        ("/data.pkl", "is no name of an entry"),
        ("C:/data.pkl", "is no name of an entry"),
        ("x/other.pkl", "there is no data.pkl"),
    ] {
        let error = refused(&zipped(&[(name, &pickle, stored)]));
        assert!(error.contains(problem), "{problem} in {error}");
    }
    let two = zipped(&[("x/data.pkl", &pickle, stored), ("y/data.pkl", &pickle, stored)]);
    assert!(refused(&two).contains("there are 2 entries data.pkl"));
    let mut twice = two;
    while let Some(at) = twice.windows(10).position(|window| window == b"y/data.pkl") {
        twice[at] = b'x';
    }
    assert!(refused(&twice).contains("two entries have one name"));
    let big = zipped(&[("x/data.pkl", &pickle, stored), ("x/byteorder", b"big", stored)]);
    assert!(refused(&big).contains("big-endian"));
    // A number of the storage was changed: the checksum says so.
    let mut changed = archive(&pickle);
    let at = changed.windows(8).position(|window| window == b"x/data/0").unwrap() + 8;
    changed[at + 4] = 7;
    assert!(refused(&changed).contains("its entry data/0"), "{}", refused(&changed));
}

/// A file of safetensors with this header and so many bytes behind it.
fn safetensors(header: &str, bytes: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; bytes]].concat()
}

#[test]
fn safetensors_that_lie_are_refused() {
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    assert!(read_all(&safetensors(&one("F32", "[2]", "[0,8]"), 8)).is_ok());
    for length in [0, 1, 1 << 20, 1 << 40, u64::MAX] {
        let mut file = safetensors(&one("F32", "[2]", "[0,8]"), 8);
        file[..8].copy_from_slice(&length.to_le_bytes());
        refused(&file);
    }
    let pair = |first: &str, second: &str| {
        format!(
            r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{first}}},"b":{{"dtype":"F32","shape":[2],"data_offsets":{second}}}}}"#
        )
    };
    for (header, bytes) in [
        (one("F32", "[2]", "[0,8]"), 7),
        (one("F32", "[2]", "[0,8]"), 9),
        (one("F32", "[3]", "[0,8]"), 8),
        (one("F32", "[2]", "[8,0]"), 8),
        (one("F32", "[274877906944]", "[0,1099511627776]"), 8),
        (one("F32", "[18446744073709551615,18446744073709551615]", "[0,8]"), 8),
        (one("F32", "[-1]", "[0,8]"), 8),
        (one("F77", "[2]", "[0,8]"), 8),
        (pair("[0,8]", "[4,12]"), 12),
        (pair("[0,8]", "[12,20]"), 20),
        (format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)), 0),
        ("{\"a\"".into(), 0),
    ] {
        let error = refused(&safetensors(&header, bytes));
        assert!(error.contains("damaged or not safetensors"), "{error}");
    }
    let twice = pair("[0,8]", "[0,8]").replace("\"b\"", "\"a\"");
    let error = refused(&safetensors(&twice, 8));
    assert!(error.contains("the tensor 'a' is there twice"), "{error}");
    let error = refused(&safetensors(&one("C64", "[1]", "[0,8]"), 8));
    assert!(error.contains("C64"), "{error}");
    let nan = [safetensors(&one("F32", "[1]", "[0,4]"), 0), f32::NAN.to_le_bytes().to_vec()].concat();
    assert!(read_all(&nan).is_ok(), "what a number may be is the network's to say");
}

#[test]
fn numbers_that_are_none_are_refused_in_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.safetensors");
    let header = r#"{"bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"weight":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}"#;
    let numbers = [1f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
    std::fs::write(&path, [safetensors(header, 0), numbers].concat()).unwrap();
    let spec = ModelSpec::new([1]).dense(1);
    let error = message(import_weights(&path, &spec, &WeightOptions::default()));
    assert!(error.contains("tensor 'dense_1.weight' holds NaN"), "{error}");
}

#[test]
fn files_that_end_early_are_refused_at_every_byte() {
    for name in ["two.pt", "legacy.pt", "sequential.safetensors"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for length in 0..bytes.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes[..length]).unwrap();
            let spec = ModelSpec::new([4]).dense(8).relu().dense(3);
            let key = (name == "two.pt").then(|| "teacher".to_owned());
            let options = WeightOptions { key, rules: Vec::new() };
            message(import_weights(&path, &spec, &options));
        }
    }
}

#[test]
fn what_is_no_file_is_refused() {
    assert!(message(TensorFile::open(std::env::temp_dir())).contains("is not a file"));
    assert!(message(TensorFile::open("/nowhere/at/all.pt")).contains("cannot read /nowhere/at/all.pt"));
    assert!(refused(b"").contains("it is empty"));
    assert!(refused(b"<!DOCTYPE html><html>").contains("a text that begins with '<!DOCTYPE ht'"));
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(
        which in 0usize..5,
        changes in prop::collection::vec((0usize..30_000, any::<u8>()), 1..8),
    ) {
        let name = ["values.pt", "values_legacy.pt", "sequential.safetensors", "cnn.pt", "hostile.pt"][which];
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn any_pickle_never_panics(pickle in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_all(&archive(&pickle));
        let _ = read_all(&[b"\x80\x02".as_slice(), &pickle].concat());
    }
}
