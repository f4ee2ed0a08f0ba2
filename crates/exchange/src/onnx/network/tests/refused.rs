//! What is refused before there is a tensor, and in which words.

use std::path::Path;

use crate::onnx::import::Graph;
use crate::onnx::network::{OnnxGraph, OnnxGraphOptions};
use crate::onnx::proto::*;

/// `input` of sizes `[batch, 4]` through nodes to `output`.
struct Sketch {
    graph: GraphProto,
    opset: i64,
}

impl Sketch {
    fn new() -> Self {
        let mut sketch = Sketch { graph: GraphProto::default(), opset: 18 };
        sketch.graph.input.push(Sketch::value("input", &[None, Some(4)]));
        sketch.graph.output.push(Sketch::value("output", &[None, None]));
        sketch
    }

    fn value(name: &str, sizes: &[Option<i64>]) -> ValueInfoProto {
        let dim = |size: &Option<i64>| Dimension {
            value: Some(size.map_or(DimensionValue::Name("batch".into()), DimensionValue::Size)),
            ..Dimension::default()
        };
        let shape = Some(TensorShapeProto { dim: sizes.iter().map(dim).collect() });
        let tensor = TypeValue::Tensor(TensorType { elem_type: 1, shape });
        ValueInfoProto {
            name: name.into(),
            r#type: Some(TypeProto { value: Some(tensor), ..TypeProto::default() }),
            ..ValueInfoProto::default()
        }
    }

    fn node(mut self, kind: &str, inputs: &[&str], output: &str) -> Self {
        self.graph.node.push(NodeProto {
            op_type: kind.into(),
            name: format!("the {kind}"),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        });
        self
    }

    fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = vec![values.len() as i64];
        self.graph.initializer.push(TensorProto {
            name: name.into(),
            dims,
            data_type: 7,
            raw_data: Some(raw),
            ..TensorProto::default()
        });
        self
    }

    fn floats(mut self, name: &str, dims: &[i64]) -> Self {
        let count: i64 = dims.iter().product();
        let raw = (0..count).flat_map(|value| (value as f32 / 10.0).to_le_bytes()).collect();
        self.graph.initializer.push(TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: 1,
            raw_data: Some(raw),
            ..TensorProto::default()
        });
        self
    }

    /// An `If` from `input`: of the one branch comes the input, of the other its size.
    fn choice(mut self, condition: &str, output: &str) -> Self {
        let branch = |name: &str, kind: &str| {
            let branch = Sketch { graph: GraphProto::default(), opset: 18 }.node(kind, &["input"], "inner");
            let output = vec![Sketch::value("inner", &[None, None])];
            AttributeProto {
                name: name.into(),
                r#type: AttributeType::Graph.into(),
                g: Some(GraphProto { output, ..branch.graph }),
                ..AttributeProto::default()
            }
        };
        self = self.node("If", &[condition], output);
        if let Some(node) = self.graph.node.last_mut() {
            node.attribute = vec![branch("then_branch", "Identity"), branch("else_branch", "Abs")];
        }
        self
    }

    fn read(self) -> Result<OnnxGraph, String> {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: self.opset }];
        let model = ModelProto { graph: Some(self.graph), opset_import, ..ModelProto::default() };
        let path = Path::new("graph.onnx");
        let graph = Graph::of(model).map_err(|problem| problem.at(path).to_string())?;
        OnnxGraph::of(path, graph, &OnnxGraphOptions::default()).map_err(|error| error.to_string())
    }

    fn refused(self) -> String {
        self.read().unwrap_err()
    }
}

#[test]
fn all_nodes_that_cannot_run_are_listed() {
    let message = Sketch::new()
        .node("GridSample", &["input", "input"], "a")
        .node("Relu", &["a"], "b")
        .node("Loop", &["b"], "c")
        .node("Einsum", &["c"], "output")
        .refused();
    assert_eq!(
        message,
        "graph.onnx cannot be taken over:\
         \n  1 'the GridSample' (GridSample): this operator is not supported\
         \n  3 'the Loop' (Loop): a graph that repeats itself is not supported; export the model by tracing\
         \n  4 'the Einsum' (Einsum): write it as Transpose and MatMul (torch.matmul) before exporting"
    );
}

#[test]
fn sizes_choose_a_branch_and_the_data_does_not() {
    let by_rank = Sketch::new()
        .node("Shape", &["input"], "sizes")
        .node("Size", &["sizes"], "rank")
        .ints("two", &[2])
        .node("Equal", &["rank", "two"], "condition")
        .choice("condition", "output");
    assert!(by_rank.read().is_ok());
    let by_data = Sketch::new()
        .floats("zero", &[1])
        .node("ReduceMax", &["input"], "greatest")
        .node("Greater", &["greatest", "zero"], "condition")
        .choice("condition", "output");
    assert_eq!(
        by_data.refused(),
        "graph.onnx cannot be taken over: 3 'the Identity' (Identity): the numbers in the data decide whether it \
         runs, and only sizes may; export the model by tracing"
    );
    let by_many =
        Sketch::new().node("Greater", &["input", "input"], "condition").choice("condition", "output");
    assert!(by_many.refused().contains("whether it runs"));
}

#[test]
fn nodes_that_the_output_does_not_need_may_be_anything() {
    let graph = Sketch::new().node("GridSample", &["input", "input"], "a").floats("weight", &[4, 2]).node(
        "MatMul",
        &["input", "weight"],
        "output",
    );
    let graph = graph.read().unwrap();
    assert_eq!(graph.parameters(), [("weight", &[4usize, 2][..])]);
}

#[test]
fn a_small_file_cannot_ask_for_much_memory() {
    let huge = i64::from(i32::MAX);
    for (kind, sizes) in [("Expand", [huge, 4]), ("Tile", [1, huge]), ("Tile", [huge, huge])] {
        let message = Sketch::new().ints("sizes", &sizes).node(kind, &["input", "sizes"], "output").refused();
        assert!(message.contains(&format!("1 'the {kind}' ({kind}): a value of sizes [")), "{message}");
        assert!(message.contains("the most is 16777216 for each sample"), "{message}");
    }
    let message = Sketch::new()
        .ints("sizes", &[1 << 20, 1 << 20])
        .node("ConstantOfShape", &["sizes"], "filled")
        .node("Add", &["input", "filled"], "output")
        .refused();
    assert!(
        message.contains("a value of sizes [1048576, 1048576]; the most is 67108864 numbers"),
        "{message}"
    );
    let message =
        Sketch::new().ints("pads", &[0, 0, 0, 1 << 30]).node("Pad", &["input", "pads"], "output").refused();
    assert!(message.contains("a value of sizes [1, 1073741828]"), "{message}");
    let message = Sketch::new()
        .ints("sizes", &[1, 1 << 30])
        .node("Resize", &["input", "", "", "sizes"], "output")
        .refused();
    assert!(message.contains("a value of sizes [1, 1073741824]"), "{message}");
    // Twice as much at each step.
    let mut doubled = Sketch::new();
    for step in 0..40 {
        let from = if step == 0 { "input".to_owned() } else { format!("v{step}") };
        let to = if step == 39 { "output".to_owned() } else { format!("v{}", step + 1) };
        doubled = doubled.ints(&format!("times{step}"), &[1, 2]).node(
            "Tile",
            &[&from, &format!("times{step}")],
            &to,
        );
    }
    assert!(doubled.refused().contains("the most is 16777216 for each sample"));
}

#[test]
fn what_takes_too_long_is_refused() {
    let message = Sketch::new()
        .ints("wide", &[1, 8192, 1, 4])
        .ints("tall", &[1, 8192, 4, 1])
        .node("Expand", &["input", "wide"], "a")
        .node("MatMul", &["a", "a"], "output")
        .refused();
    assert!(
        message.contains("(MatMul): values of [1, 8192, 1, 4] and [1, 8192, 1, 4] do not fit"),
        "{message}"
    );
    let mut products = Sketch::new()
        .ints("wide", &[1, 8192, 8192])
        .ints("column", &[1, 4, 1])
        .ints("one", &[1])
        .node("ReduceSum", &["input", "one"], "sum")
        .node("Unsqueeze", &["sum", "one"], "three")
        .node("Expand", &["three", "wide"], "m0");
    for step in 0..12 {
        let to = if step == 11 { "output".to_owned() } else { format!("m{}", step + 1) };
        products = products.node("MatMul", &[&format!("m{step}"), "m0"], &to);
    }
    let message = products.refused();
    assert!(message.contains("takes more than 4398046511104 multiplications for each sample"), "{message}");
}

#[test]
fn sizes_that_depend_on_the_data_are_refused() {
    let message =
        Sketch::new().node("Cast", &["input"], "whole").node("Reshape", &["input", "whole"], "output");
    let mut message = message;
    message.graph.node[0].attribute.push(AttributeProto {
        name: "to".into(),
        r#type: AttributeType::Int.into(),
        i: Some(7),
        ..AttributeProto::default()
    });
    let message = message.refused();
    assert!(message.contains("(Reshape): its shape depends on the numbers in the data"), "{message}");
}

#[test]
fn an_output_must_grow_with_the_batch() {
    let message = Sketch::new().ints("all", &[0]).node("ReduceSum", &["input", "all"], "output").refused();
    assert!(message.contains("it gives [1, 4] for one sample and [1, 4] for 2;"), "{message}");
    let message = Sketch::new().floats("weight", &[4, 2]).node("Identity", &["weight"], "output").refused();
    assert!(message.contains("its output does not come of the input's floating-point numbers"), "{message}");
    let message = Sketch::new().node("Size", &["input"], "output").refused();
    assert!(message.contains("its output does not come of the input's floating-point numbers"), "{message}");
    let message =
        Sketch::new().ints("sizes", &[1, 4]).node("Reshape", &["input", "sizes"], "output").refused();
    assert!(
        message.contains("(Reshape): a value of [2, 4] does not become one of [1, 4], for a batch of 2"),
        "{message}"
    );
    assert!(message.contains("dynamic_axes"), "{message}");
}

#[test]
fn weights_that_are_not_finite_are_refused_and_masks_are_not() {
    let with = |kind: &str, value: f32| {
        let mut sketch = Sketch::new().floats("table", &[1, 4]).node(kind, &["input", "table"], "output");
        sketch.graph.initializer[0].raw_data =
            Some([value, 0.5, 1.0, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect());
        sketch
    };
    let graph = with("Add", f32::NEG_INFINITY).read().unwrap();
    assert!(graph.parameters().is_empty());
    let message = with("Mul", f32::INFINITY).refused();
    assert!(message.contains("tensor 'table' is not finite") || message.contains("table"), "{message}");
    assert_eq!(with("Sub", 1.0).read().unwrap().parameters().len(), 0);
    assert_eq!(with("Add", 1.0).read().unwrap().parameters().len(), 1);
}

#[test]
fn what_has_more_dimensions_than_a_tensor_is_refused() {
    let message = Sketch::new()
        .floats("weight", &[1, 1, 1, 1, 1, 1, 4])
        .node("Mul", &["input", "weight"], "output")
        .refused();
    assert!(
        message.ends_with("1 'the Mul' (Mul): it reads a constant with 7 dimensions; up to 6 are supported"),
        "{message}"
    );
    let message = Sketch::new()
        .ints("axes", &[0, 1, 2, 3, 4])
        .node("Unsqueeze", &["input", "axes"], "output")
        .refused();
    assert!(message.ends_with("(Unsqueeze): a value with 7 dimensions; up to 6 are supported"), "{message}");
}
