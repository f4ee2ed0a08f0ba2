use super::super::proto::{
    AttributeProto, AttributeType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use super::*;

/// `Conv: x w -> y`, and behind bars attributes with whole numbers: `Squeeze: x -> y | axes=1,2`.
fn node(text: &str) -> NodeProto {
    let (head, settings) = text.split_once(" | ").unwrap_or((text, ""));
    let (kind, values) = head.split_once(": ").unwrap();
    let (inputs, outputs) = values.split_once("->").unwrap();
    let names = |text: &str| text.split_whitespace().map(|name| name.replace('_', "")).collect();
    let attribute = settings.split_whitespace().map(|setting| {
        let (name, values) = setting.split_once('=').unwrap();
        let kind = AttributeType::Ints.into();
        let ints = values.split(',').map(|value| value.parse().unwrap()).collect();
        AttributeProto { name: name.into(), r#type: kind, ints, ..Default::default() }
    });
    NodeProto {
        op_type: kind.into(),
        input: names(inputs),
        output: names(outputs),
        attribute: attribute.collect(),
        ..Default::default()
    }
}

fn value(name: &str) -> ValueInfoProto {
    let tensor = TypeValue::Tensor(TensorType { elem_type: 1, shape: None });
    let kind = TypeProto { value: Some(tensor), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}

/// A graph from `x` to `y` with a weight `w`.
fn model(opset: i64, nodes: &[&str]) -> ModelProto {
    let weight = TensorProto {
        name: "w".into(),
        dims: vec![2],
        data_type: 1,
        float_data: vec![1.0, 2.0],
        ..Default::default()
    };
    let graph = GraphProto {
        node: nodes.iter().map(|text| node(text)).collect(),
        initializer: vec![weight],
        input: vec![value("x"), value("w")],
        output: vec![value("y")],
        ..Default::default()
    };
    ModelProto {
        opset_import: vec![OperatorSetIdProto { version: opset, ..Default::default() }],
        graph: Some(graph),
        ..Default::default()
    }
}

fn refused(model: ModelProto) -> String {
    match Graph::of(model).unwrap_err() {
        Problem::Malformed(problem) => problem,
        Problem::Tensor { name, problem } => format!("{name}: {problem}"),
        Problem::TooLarge { what, .. } => what,
    }
}

#[test]
fn a_graph_is_read() {
    let graph = Graph::of(model(17, &["Mul: x w -> z", "Relu: z -> y"])).unwrap();
    assert_eq!((graph.opset, graph.nodes.len(), graph.constants.len()), (17, 2, 1));
    // The weight is no input, though old files list it there.
    let inputs: Vec<&str> = graph.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["x"]);
    assert_eq!(graph.constants[&graph.nodes[0].inputs[1]].as_floats(), Some(&[1.0, 2.0][..]));
}

#[test]
fn names_are_given_once_and_read_behind() {
    let cases: [(&[&str], &str); 5] = [
        (&["Relu: z -> y"], "node 1 '' (Relu) reads 'z', which nothing makes"),
        (
            &["Add: x z -> y", "Relu: y -> z"],
            "node 1 '' (Add) reads 'z' before it is made: the nodes form a circle or are not in order",
        ),
        (&["Relu: x -> y", "Relu: x -> y"], "node 2 '' (Relu) makes 'y', which is there already"),
        (&["Relu: x -> w"], "node 1 '' (Relu) makes 'w', which is there already"),
        (&["Relu: x -> z"], "nothing makes the output 'y'"),
    ];
    for (nodes, expected) in cases {
        assert_eq!(refused(model(17, nodes)), expected);
    }
    let mut twice = model(17, &["Relu: x -> y"]);
    let graph = twice.graph.as_mut().unwrap();
    graph.initializer.push(graph.initializer[0].clone());
    assert_eq!(refused(twice), "there are two tensors called 'w'");
}

/// An `If` on `w` with two branches, each with nodes and an output.
fn choice(output: &str, branches: [(&[&str], &str); 2]) -> NodeProto {
    let mut choice = node(&format!("If: w -> {output}"));
    for (name, (nodes, output)) in ["then_branch", "else_branch"].into_iter().zip(branches) {
        let nodes = nodes.iter().map(|text| node(text)).collect();
        let graph = GraphProto { node: nodes, output: vec![value(output)], ..Default::default() };
        let kind = AttributeType::Graph.into();
        choice.attribute.push(AttributeProto {
            name: name.into(),
            r#type: kind,
            g: Some(graph),
            ..Default::default()
        });
    }
    choice
}

/// A model that ends in such a node.
fn choosing(nodes: &[&str], last: NodeProto) -> ModelProto {
    let mut model = model(17, nodes);
    model.graph.as_mut().unwrap().node.push(last);
    model
}

#[test]
fn branches_stand_among_the_nodes_with_their_conditions() {
    // Both branches call their value `b`.
    let model = choosing(&["Relu: x -> a"], choice("y", [(&["Abs: a -> b"], "b"), (&["Neg: a -> b"], "b")]));
    let graph = Graph::of(model).unwrap();
    let nodes: Vec<String> = (graph.nodes.iter())
        .map(|node| {
            let conditions: Vec<String> =
                node.conditions.iter().map(|one| format!(" if {} is {}", one.value, one.when)).collect();
            format!("{}: {} -> {}{}", node.kind, node.inputs[0], node.outputs[0], conditions.concat())
        })
        .collect();
    assert_eq!(
        nodes,
        [
            "Relu: x -> a",
            "Abs: a -> b if w is true",
            "Neg: a -> b 1 if w is false",
            "If: b -> y if w is true",
            "If: b 1 -> y if w is false",
        ]
    );
    let inner = choice("z", [(&[], "x"), (&["Abs: x -> a"], "a")]);
    let mut outer = choice("y", [(&[], "x"), (&[], "z")]);
    outer.attribute[1].g.as_mut().unwrap().node.push(inner);
    let graph = Graph::of(choosing(&[], outer)).unwrap();
    let depths: Vec<usize> = graph.nodes.iter().map(|node| node.conditions.len()).collect();
    assert_eq!(depths, [2, 2, 2, 1, 1]);
}

#[test]
fn branches_are_whole() {
    let cases = [
        (choice("y", [(&["Abs: y -> a"], "a"), (&[], "x")]), "node 1 '' (Abs) reads 'y' before it is made"),
        (
            choice("y", [(&[], "nothing"), (&[], "x")]),
            "nothing makes the output 'nothing' of a branch of node 1 (If)",
        ),
        (choice("x", [(&[], "x"), (&[], "x")]), "node 1 '' (If) makes 'x', which is there already"),
        (
            choice("y z", [(&[], "x"), (&[], "x")]),
            "node 1 '' (If): its then_branch has 0 inputs and 1 outputs; expected none and 2",
        ),
        (node("If: w -> y"), "node 1 '' (If): it has no then_branch"),
        (node("If: -> y"), "node 1 '' (If): it has no condition"),
        (node("If: w -> y | then_branch=1"), "node 1 '' (If): a branch has no graph"),
    ];
    for (last, expected) in cases {
        let message = refused(choosing(&[], last));
        assert!(message.starts_with(expected), "{message}");
    }
    // A domain of somebody else may call an operator so.
    let mut other = node("If: w -> y");
    other.domain = "somebody".into();
    assert_eq!(Graph::of(choosing(&[], other)).unwrap().nodes[0].full_kind(), "somebody.If");
}

#[test]
fn versions_are_known_from_7_to_28() {
    for opset in [6, 29] {
        let message = refused(model(opset, &["Relu: x -> y"]));
        assert!(message.contains(&format!("of version {opset}; expected 7 to 28")), "{message}");
    }
}

#[test]
fn settings_of_old_versions_become_inputs() {
    let last = |opset, nodes: &[&str]| {
        let graph = Graph::of(model(opset, nodes)).unwrap();
        let node = graph.nodes.last().unwrap().clone();
        let settings: Vec<Option<Constant>> =
            (1..node.inputs.len()).map(|index| graph.constants.get(node.input(index)?).cloned()).collect();
        (node, settings)
    };
    let (node, settings) = last(11, &["Squeeze: x -> y | axes=1,2"]);
    assert_eq!(settings, [Some(Constant::ints(vec![1, 2]))]);
    assert!(node.attributes.is_empty());
    let (_, settings) = last(9, &["Slice: x -> y | starts=1 ends=2"]);
    assert_eq!(settings, [Some(Constant::ints(vec![1])), Some(Constant::ints(vec![2]))]);
    let (_, settings) = last(17, &["ReduceMean: x -> y | axes=2"]);
    assert_eq!(settings, [Some(Constant::ints(vec![2]))]);
    let (_, settings) = last(7, &["Dropout: x -> y"]);
    assert_eq!(settings, [Some(Constant::float(0.5))]);
    let (node, _) = last(12, &["Softmax: x -> y"]);
    assert_eq!((node.int("axis", -1), node.flag("flatten", false)), (Ok(1), Ok(true)));
    let (node, _) = last(13, &["Softmax: x -> y"]);
    assert_eq!((node.int("axis", 1), node.flag("flatten", false)), (Ok(-1), Ok(false)));
    let (node, settings) = last(9, &["Upsample: x w -> y"]);
    assert_eq!((node.kind.as_str(), settings[0].is_none(), settings[1].is_some()), ("Resize", true, true));
}

#[test]
fn settings_are_what_they_must_be() {
    let node = Node::read(3, node("Conv: x w -> y | pads=1,1")).unwrap();
    assert_eq!(node.ints("pads"), Ok(Some(&[1, 1][..])));
    assert_eq!(node.int("pads", 0), Err("pads is whole numbers; expected a whole number".into()));
    assert_eq!(node.unsupported("why").to_string(), "3 (Conv): why");
}

#[test]
fn weights_are_finite() {
    let mut infinite = model(17, &["MatMul: x w -> y"]);
    infinite.graph.as_mut().unwrap().initializer[0].float_data[1] = f32::INFINITY;
    let message = refused(infinite.clone());
    assert_eq!(message, "w: value 1 is inf, and it is a weight of node 1 (MatMul); expected finite numbers");
    // As the score of what is not to be seen it has its place.
    infinite.graph.as_mut().unwrap().node[0].op_type = "Add".into();
    assert!(Graph::of(infinite).is_ok());
}
