//! Files that lie: each is refused with the reason, without more memory than it has.

use fireclay_exchange::{ExchangeError, onnx};
use proptest::prelude::*;

use crate::support::{fixture, message};

fn import(bytes: &[u8]) -> Result<fireclay_exchange::Imported, ExchangeError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    onnx::import(&path)
}

/// A field of bytes, as Protocol Buffers have it.
pub fn field(tag: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = varint(u64::from(tag << 3 | 2));
    out.extend(varint(bytes.len() as u64));
    out.extend(bytes);
    out
}

fn number(tag: u32, value: i64) -> Vec<u8> {
    let mut out = varint(u64::from(tag << 3));
    out.extend(varint(value as u64));
    out
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

pub fn read_varint(bytes: &[u8], place: &mut usize) -> u64 {
    let mut value = 0;
    for shift in 0.. {
        let byte = bytes[*place];
        *place += 1;
        value |= u64::from(byte & 0x7f) << (7 * shift);
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn value(name: &str, dims: &[i64]) -> Vec<u8> {
    let shape: Vec<u8> = dims.iter().flat_map(|size| field(1, &number(1, *size))).collect();
    let tensor = [number(1, 1), field(2, &shape)].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

fn tensor(name: &str, dims: &[i64], raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|size| number(1, *size)).collect();
    [dims, number(2, 1), field(8, name.as_bytes()), field(9, raw)].concat()
}

fn node(kind: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|name| field(1, name.as_bytes())).collect();
    [inputs, field(2, output.as_bytes()), field(4, kind.as_bytes())].concat()
}

/// A model of operators version 17 with an input `x`, `[2, 4]`, and an output `y`.
fn model(nodes: &[Vec<u8>], tensors: &[Vec<u8>]) -> Vec<u8> {
    model_of(&[2, 4], nodes, tensors)
}

/// One with an input of other sizes.
fn model_of(input: &[i64], nodes: &[Vec<u8>], tensors: &[Vec<u8>]) -> Vec<u8> {
    let mut graph: Vec<u8> = nodes.iter().flat_map(|node| field(1, node)).collect();
    graph.extend(tensors.iter().flat_map(|tensor| field(5, tensor)));
    graph.extend(field(11, &value("x", input)));
    graph.extend(field(12, &value("y", &[2, 3])));
    [number(1, 8), field(8, &number(2, 17)), field(7, &graph)].concat()
}

/// Whole numbers, for what says where and how.
fn ints(name: &str, values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [number(1, values.len() as i64), number(2, 7), field(8, name.as_bytes()), field(9, &raw)].concat()
}

fn floats(count: usize) -> Vec<u8> {
    (0..count).flat_map(|value| (value as f32).to_le_bytes()).collect()
}

fn dense() -> Vec<u8> {
    model(&[node("MatMul", &["x", "w"], "y")], &[tensor("w", &[4, 3], &floats(12))])
}

#[test]
fn a_small_file_made_by_hand_is_read() {
    assert_eq!(import(&dense()).unwrap().model.card.spec.output_features().unwrap(), 3);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = dense();
    for end in 0..whole.len() {
        let message = message(import(&whole[..end]));
        assert!(message.contains("is damaged or not ONNX"), "{end}: {message}");
    }
    let large = std::fs::read(fixture("torch/resnet-script-18.onnx")).unwrap();
    for part in 0..100 {
        message(import(&large[..large.len() * part / 100]));
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    let with = |dims: &[i64]| {
        message(import(&model(&[node("MatMul", &["x", "w"], "y")], &[tensor("w", dims, &floats(12))])))
    };
    assert!(
        with(&[4, 4]).contains("tensor 'w': its sizes ask for 16 values of 4 bytes, and 48 bytes are there")
    );
    assert!(with(&[1 << 40, 1 << 40]).contains("ask for more values than any file holds"));
    assert!(with(&[-4, -3]).contains("are not all 0 or more"));
    assert!(with(&[1 << 38, 1]).contains("and 48 bytes are there"));
    assert!(with(&[1; 1000]).contains("it has 1000 dimensions"));
    let expand = model(
        &[
            [
                node("Constant", &[], "to"),
                field(
                    5,
                    &[field(1, b"value_ints"), number(20, 7), number(8, 1 << 40), number(8, 1 << 20)]
                        .concat(),
                ),
            ]
            .concat(),
            node("Expand", &["w", "to"], "wide"),
            node("Add", &["x", "wide"], "y"),
        ],
        &[tensor("w", &[1], &floats(1))],
    );
    let message = message(import(&expand));
    assert!(
        message.contains("2 (Expand): it has [1099511627776, 1048576] values, more than any machine holds"),
        "{message}"
    );
}

#[test]
fn names_are_no_paths_and_no_other_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret.bin"), floats(12)).unwrap();
    let location = [field(1, b"location"), field(2, b"secret.bin")].concat();
    let dims = [number(1, 4), number(1, 3)].concat();
    let outside = [dims, number(2, 1), field(8, b"w"), field(13, &location), number(14, 1)].concat();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model(&[node("MatMul", &["x", "w"], "y")], &[outside])).unwrap();
    let refused = message(onnx::import(&path));
    assert!(
        refused.contains(
            "in another file, 'secret.bin', and no other file is opened; save the model as one file"
        ),
        "{refused}"
    );
    // A name may be anything, and is no more than a name.
    let name = "../../etc/passwd.weight";
    let named = model(&[node("MatMul", &["x", name], "y")], &[tensor(name, &[4, 3], &floats(12))]);
    let imported = import(&named).unwrap();
    assert_eq!(imported.model.tensors[0].name, "dense_1.weight");
    let long = "x".repeat(1 << 20);
    let refused = message(import(&model(&[node(&long, &["x"], "y")], &[])));
    assert!(refused.len() < 1000 && refused.contains("there is no layer for it here"), "{refused}");
}

#[test]
fn graphs_that_are_none_are_refused() {
    let w = tensor("w", &[4, 3], &floats(12));
    let refused = |nodes: &[Vec<u8>], tensors: &[Vec<u8>]| message(import(&model(nodes, tensors)));
    let circle =
        refused(&[node("Add", &["x", "b"], "a"), node("Relu", &["a"], "b"), node("Relu", &["b"], "y")], &[]);
    assert!(
        circle.contains("node 1 '' (Add) reads 'b' before it is made: the nodes form a circle"),
        "{circle}"
    );
    let missing = refused(&[node("MatMul", &["x", "nowhere"], "y")], &[]);
    assert!(missing.contains("reads 'nowhere', which nothing makes"), "{missing}");
    let twice = refused(&[node("MatMul", &["x", "w"], "y")], &[w.clone(), w.clone()]);
    assert!(twice.contains("there are two tensors called 'w'"), "{twice}");
    let nan = tensor("w", &[1], &f32::NAN.to_le_bytes());
    let nan = refused(&[node("Add", &["x", "w"], "y")], &[nan]);
    assert!(nan.contains("tensor 'w': value 0 is NaN"), "{nan}");
    let infinite: Vec<u8> = (0..12).flat_map(|_| f32::INFINITY.to_le_bytes()).collect();
    let infinite = refused(&[node("MatMul", &["x", "w"], "y")], &[tensor("w", &[4, 3], &infinite)]);
    assert!(
        infinite.contains("tensor 'w': value 0 is inf, and it is a weight of node 1 (MatMul)"),
        "{infinite}"
    );
    let fold = refused(&[node("MatMul", &["x", "w"], "a"), node("Mul", &["a", "a"], "y")], &[w]);
    assert!(fold.contains("2 (Mul): both of its inputs are the same"), "{fold}");
}

#[test]
fn what_no_layer_computes_is_not_taken_for_something_else() {
    let dense = |rows: i64| tensor("w", &[rows, 3], &floats(rows as usize * 3));
    let named = |kind: &str, inputs: &[&str], outputs: &[&str]| {
        let more: Vec<u8> = outputs[1..].iter().flat_map(|name| field(2, name.as_bytes())).collect();
        [node(kind, inputs, outputs[0]), more].concat()
    };
    let cast =
        [node("Cast", &["x"], "a"), field(5, &[field(1, b"to"), number(20, 2), number(3, 6)].concat())]
            .concat();
    let mean = [
        node("ReduceMean", &["a"], "b"),
        field(5, &[field(1, b"axes"), number(20, 7), number(8, 2)].concat()),
    ]
    .concat();
    for (input, nodes, tensors, expected) in [
        // Both ways part at the input itself.
        (
            &[2, 4][..],
            vec![
                node("Slice", &["x", "0", "2", "1"], "a"),
                node("Slice", &["x", "2", "4", "1"], "b"),
                node("Concat", &["b", "a"], "y"),
            ],
            vec![ints("0", &[0]), ints("1", &[1]), ints("2", &[2]), ints("4", &[4])],
            "(Concat)",
        ),
        (&[2, 4], vec![node("Mul", &["x"], "y")], Vec::new(), "(Mul)"),
        // An identity of one value, with another that is longer.
        (
            &[2, 4],
            vec![
                node("Identity", &["c", "d"], "a"),
                node("Add", &["a", "d"], "b"),
                node("Add", &["x", "b"], "y"),
            ],
            vec![tensor("c", &[1], &floats(1)), tensor("d", &[5], &floats(5))],
            "(Add)",
        ),
        (&[2, 4], vec![named("Split", &["x"], &["a", "y"])], Vec::new(), "part"),
        (&[2, 4], vec![named("Dropout", &["x"], &["a", "y"])], Vec::new(), "another output than the first"),
        (&[2, 4], vec![cast, node("MatMul", &["a", "w"], "y")], vec![dense(4)], "makes int32"),
        (
            &[2, 4],
            vec![node("Clip", &["x", "low", "high"], "a"), node("MatMul", &["a", "w"], "y")],
            vec![
                tensor("low", &[], &(-10f32).to_le_bytes()),
                tensor("high", &[], &10f32.to_le_bytes()),
                dense(4),
            ],
            "(Clip)",
        ),
        // The mean of neighbours, of which half as many are left.
        (
            &[2, 6, 4],
            vec![node("Reshape", &["x", "to"], "a"), mean, node("MatMul", &["b", "w"], "y")],
            vec![ints("to", &[2, 3, 2, 4]), dense(4)],
            "neighbours together",
        ),
    ] {
        let message = message(import(&model_of(input, &nodes, &tensors)));
        assert!(message.contains(expected), "no {expected:?} in {message}");
    }
}

#[test]
fn small_files_that_ask_for_much_work_are_refused() {
    // Each of many layers would have a copy of one weight.
    let mut nodes: Vec<Vec<u8>> =
        (0..3000).map(|at| node("MatMul", &[&at.to_string(), "w"], &(at + 1).to_string())).collect();
    nodes.insert(0, node("Identity", &["x"], "0"));
    nodes.push(node("Identity", &["3000"], "y"));
    let square = tensor("w", &[64, 64], &floats(64 * 64));
    let copies = message(import(&model_of(&[2, 64], &nodes, &[square])));
    assert!(copies.contains("more than twice as many values as the file"), "{copies}");
    let wide = message(import(&model_of(&[2, 1 << 30], &[node("Softmax", &["x"], "y")], &[])));
    assert!(wide.contains("1073741824 features; expected at most"), "{wide}");
}

#[test]
fn steps_and_sizes_beyond_all_numbers_are_no_panic() {
    let weights = tensor("w", &[4, 3], &floats(12));
    let rows = tensor("rows", &[4, 3], &floats(12));
    let slice = |start: i64, end: i64, step: i64| {
        let nodes = [
            node("Slice", &["rows", "start", "end", "axis", "step"], "b"),
            node("MatMul", &["x", "w"], "a"),
            node("Add", &["a", "b"], "y"),
        ];
        let settings = [("start", start), ("end", end), ("axis", 0), ("step", step)];
        let mut tensors: Vec<Vec<u8>> = settings.iter().map(|(name, value)| ints(name, &[*value])).collect();
        tensors.extend([weights.clone(), rows.clone()]);
        let imported = import(&model(&nodes, &tensors)).expect("a bias of one row");
        imported.model.tensors.iter().find(|tensor| tensor.shape == [3]).expect("a bias").values.clone()
    };
    let row = |place: usize| -> Vec<f32> {
        floats(12)
            .chunks(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .skip(3 * place)
            .take(3)
            .collect()
    };
    assert_eq!(slice(0, i64::MAX, i64::MAX), row(0));
    assert_eq!(slice(i64::MAX, i64::MIN, i64::MIN), row(3));
    assert_eq!(slice(i64::MIN, i64::MAX, 1 << 60), row(0));
    let large = [
        node("Expand", &["rows", "to"], "b"),
        node("MatMul", &["x", "w"], "a"),
        node("Add", &["a", "b"], "y"),
    ];
    let to = ints("to", &[1 << 62, 1 << 62, 4, 3]);
    let refused = message(import(&model(&large, &[weights, rows, to])));
    assert!(refused.contains("more than any machine holds"), "{refused}");
}

#[test]
fn all_operators_that_are_not_known_are_listed() {
    let nodes = [
        node("GridSample", &["x"], "a"),
        node("Relu", &["a"], "b"),
        node("NonZero", &["b"], "c"),
        [node("FusedMatMul", &["c"], "y"), field(7, b"com.microsoft")].concat(),
    ];
    let message = message(import(&model(&nodes, &[])));
    for part in [
        "1 (GridSample): there is no layer for it here",
        "3 (NonZero): there is no layer for it here",
        "4 (com.microsoft.FusedMatMul): it is no operator of ONNX's own",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn graphs_in_graphs_and_many_empty_messages_are_counted_first() {
    let mut graph = Vec::new();
    for _ in 0..50 {
        graph = field(1, &[field(4, b"If"), field(5, &field(6, &graph))].concat());
    }
    let deep = message(import(&[number(1, 8), field(8, &number(2, 17)), field(7, &graph)].concat()));
    assert!(deep.contains("the depth of its messages is 41; the most that is read is 40"), "{deep}");
    let many = field(7, &field(1, &[]).repeat(90_000));
    let many = message(import(&[number(1, 8), many].concat()));
    assert!(many.contains("the memory that its messages would take"), "{many}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_changed_byte_is_no_panic(place in 0usize..1 << 20, byte: u8, which in 0usize..4) {
        let names = ["torch/mlp-script-9.onnx", "torch/lstm_both-script-17.onnx", "torch/gpt_flash-dynamo-23.onnx", "keras/cnn-tf2onnx-13.onnx"];
        let mut bytes = std::fs::read(fixture(names[which])).unwrap();
        let place = place % bytes.len();
        bytes[place] = byte;
        let _ = import(&bytes);
    }
}
