//! Convolution over the steps of a sequence, whose number may be known only as the network runs.

use fireclay_nn::{Conv1dSpec, Padding};

use super::super::attribute::{integer, sizes};
use super::super::flow::{Flow, Steps};
use super::super::graph::Graph;
use super::Place;

pub(super) fn conv1d(graph: &mut Graph, place: &Place, spec: &Conv1dSpec, input: Flow) -> Flow {
    let Some(steps) = input.steps.clone() else {
        return place.refuse(graph, input, "it takes sequences");
    };
    let covered = (spec.kernel_size - 1) * spec.dilation + 1;
    // What fills up a sequence is no part of it, whatever the layers before made of it.
    let own = match input.own_factors(graph) {
        Some(own) => graph.add("Mul", &[&input.value, &own], Vec::new()),
        None => input.value.clone(),
    };
    let mut value = graph.transpose(&own, &[0, 2, 1]);
    let pads = match steps.fixed {
        Some(steps) => Pads::Fixed(spec.padding.pair(1, steps, covered, spec.stride)),
        None => running_pads(graph, spec, covered, &steps),
    };
    let mut around = [0, 0];
    // What is added to a length before it is divided by the stride.
    let beyond = spec.stride as i64 - covered as i64;
    let reach = match pads {
        Pads::Fixed((before, after)) => {
            around = [before, after];
            graph.ints(&[(before + after) as i64 + beyond])
        }
        Pads::Running { before, after, total } => {
            let nothing = graph.ints(&[0]);
            let places = [&nothing, &nothing, &before, &nothing, &nothing, &after].map(String::as_str);
            let places = graph.concat(&places, 0);
            value = graph.add("Pad", &[&value, &places], Vec::new());
            match total {
                Total::Fixed(total) => graph.ints(&[total as i64 + beyond]),
                Total::Running(total) => {
                    let beyond = graph.ints(&[beyond]);
                    graph.add("Add", &[&total, &beyond], Vec::new())
                }
            }
        }
    };
    let weight = graph.weight(&place.tensor("weight"));
    let bias = spec.bias.then(|| graph.weight(&place.tensor("bias")));
    let inputs: Vec<&str> = [value.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
    let attributes = vec![
        sizes("kernel_shape", &[spec.kernel_size]),
        sizes("strides", &[spec.stride]),
        sizes("pads", &around),
        sizes("dilations", &[spec.dilation]),
        integer("group", spec.groups as i64),
    ];
    let value = graph.add("Conv", &inputs, attributes);
    let value = graph.transpose(&value, &[0, 2, 1]);
    let out_steps = match steps.fixed {
        Some(_) => {
            let out_steps = place.layer.output.shape()[0];
            Steps { name: graph.ints(&[out_steps as i64]), fixed: Some(out_steps) }
        }
        None => Steps { name: graph.size(&value, 1), fixed: None },
    };
    let lengths = input.lengths.map(|lengths| {
        let (stride, zero, one) = (graph.ints(&[spec.stride as i64]), graph.ints(&[0]), graph.ints(&[1]));
        let places = graph.add("Add", &[&lengths, &reach], Vec::new());
        // No negative number is divided, as that rounds either way.
        let places = graph.add("Max", &[&places, &zero], Vec::new());
        let places = graph.add("Div", &[&places, &stride], Vec::new());
        let places = graph.add("Min", &[&places, &out_steps.name], Vec::new());
        // What was nothing is nothing still.
        let is_there = graph.add("Min", &[&lengths, &one], Vec::new());
        graph.add("Mul", &[&places, &is_there], Vec::new())
    });
    Flow { value, rank: 3, steps: Some(out_steps), lengths }
}

/// Zeros before and after the steps.
enum Pads {
    Fixed((usize, usize)),
    /// Lists with one number each. After a sequence shorter than the kernel there are more than `total` counts.
    Running {
        before: String,
        after: String,
        total: Total,
    },
}

/// How many zeros lengths are counted with.
enum Total {
    Fixed(usize),
    Running(String),
}

fn running_pads(graph: &mut Graph, spec: &Conv1dSpec, covered: usize, steps: &Steps) -> Pads {
    let zero = graph.ints(&[0]);
    if spec.padding == Padding::Same && spec.stride > 1 {
        let (one, two) = (graph.ints(&[1]), graph.ints(&[2]));
        let (stride, covered) = (graph.ints(&[spec.stride as i64]), graph.ints(&[covered as i64]));
        let rest = graph.add("Sub", &[&steps.name, &one], Vec::new());
        // One window less than there are, as the first one begins at 0.
        let moves = graph.add("Div", &[&rest, &stride], Vec::new());
        let reach = graph.add("Mul", &[&moves, &stride], Vec::new());
        let reach = graph.add("Add", &[&reach, &covered], Vec::new());
        let total = graph.add("Sub", &[&reach, &steps.name], Vec::new());
        let total = graph.add("Max", &[&total, &zero], Vec::new());
        let before = graph.add("Div", &[&total, &two], Vec::new());
        let after = graph.add("Sub", &[&total, &before], Vec::new());
        return Pads::Running { before, after, total: Total::Running(total) };
    }
    // With a stride of 1, and without padding or with so many zeros, it does not depend on the steps.
    let (before, after) = spec.padding.pair(1, 1, covered, spec.stride);
    if before + 1 + after >= covered {
        return Pads::Fixed((before, after));
    }
    let missing = graph.ints(&[(covered - before - after) as i64]);
    let missing = graph.add("Sub", &[&missing, &steps.name], Vec::new());
    let missing = graph.add("Max", &[&missing, &zero], Vec::new());
    let behind = graph.ints(&[after as i64]);
    let after_all = graph.add("Add", &[&behind, &missing], Vec::new());
    let total = Total::Fixed(before + after);
    Pads::Running { before: graph.ints(&[before as i64]), after: after_all, total }
}
