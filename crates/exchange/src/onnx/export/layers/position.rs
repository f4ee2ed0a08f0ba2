//! Positions: rows that are added, and angles by which queries and keys are turned.
//!
//! How many steps a network reads at once is known, so its rows are in the file. Step by step there is no end; then sines
//! are computed as the network runs, in 64 bits, since the angle of a late step has no digits left behind the point in 32.

use std::f64::consts::FRAC_PI_2;

use fireclay_nn::{PositionEmbeddingSpec, PositionKind};

use super::super::flow::{Flow, Steps};
use super::super::graph::Graph;
use super::Place;
use crate::onnx::proto::DataType;

pub(super) fn position_embedding(
    graph: &mut Graph,
    place: &Place,
    spec: &PositionEmbeddingSpec,
    input: Flow,
) -> Flow {
    let &[most, features] = place.layer.input.shape() else {
        return place.refuse(graph, input, "it takes sequences");
    };
    let Some(steps) = input.steps.clone() else {
        return place.refuse(graph, input, "it takes sequences");
    };
    let span = Span::of_input(graph, &steps);
    let rows = match spec.kind {
        PositionKind::Learnt => {
            let weight = graph.weight(&place.tensor("weight"));
            span.rows(graph, &weight, &steps)
        }
        PositionKind::Sinusoidal => {
            // Sines in the even places and cosines in the odd ones.
            let rates: Vec<f64> = (0..features)
                .map(|column| 10_000f64.powf(-2.0 * (column / 2) as f64 / features as f64))
                .collect();
            let phases: Vec<f64> = (0..features).map(|column| FRAC_PI_2 * (column % 2) as f64).collect();
            let table = Sines { name: place.tensor("sinusoids"), rates, phases, most };
            table.rows(graph, &span, &steps)
        }
        _ => return place.refuse(graph, input, "its kind of rows is not known"),
    };
    let value = graph.add("Add", &[&input.value, &rows], Vec::new());
    input.with(value)
}

/// Which places steps have: from `first`, or 0, to before `end`, each a list with one number.
pub(super) struct Span {
    pub(super) first: Option<String>,
    pub(super) end: String,
}

impl Span {
    /// Of what enters the network, behind what it has read before.
    fn of_input(graph: &mut Graph, steps: &Steps) -> Span {
        if !graph.stepwise {
            return Span { first: None, end: steps.name.clone() };
        }
        let first = graph.once("past steps", |graph| graph.past_steps());
        let end = graph.once("present steps", |graph| {
            let end = graph.add("Add", &[&first, &steps.name], Vec::new());
            graph.present_steps(&end);
            end
        });
        Span { first: Some(first), end }
    }

    /// These places' rows of a table.
    fn rows(&self, graph: &mut Graph, table: &str, steps: &Steps) -> String {
        match (&self.first, steps.fixed) {
            (None, Some(_)) => table.to_owned(),
            (first, _) => {
                let first = first.clone().unwrap_or_else(|| graph.ints(&[0]));
                graph.slice(table, 0, &first, &self.end)
            }
        }
    }
}

/// Rows of `sin(place * rate + phase)`.
struct Sines {
    name: String,
    rates: Vec<f64>,
    phases: Vec<f64>,
    /// As many places as there can be, but step by step.
    most: usize,
}

impl Sines {
    fn rows(&self, graph: &mut Graph, span: &Span, steps: &Steps) -> String {
        if !graph.stepwise {
            let name = self.name.clone();
            let table = graph.once(&name, |graph| self.table(graph));
            return span.rows(graph, &table, steps);
        }
        let width = [self.rates.len()];
        let rates = graph.doubles(&format!("{}.rates", self.name), &width, &self.rates);
        let phases = graph.doubles(&format!("{}.phases", self.name), &width, &self.phases);
        let places = graph.range(span.first.as_deref(), &span.end);
        let places = graph.cast(&places, DataType::Double);
        let places = graph.unsqueeze(&places, &[1]);
        let angles = graph.add("Mul", &[&places, &rates], Vec::new());
        let angles = graph.add("Add", &[&angles, &phases], Vec::new());
        let sines = graph.add("Sin", &[&angles], Vec::new());
        graph.cast(&sines, DataType::Float)
    }

    fn table(&self, graph: &mut Graph) -> String {
        let row = |place: usize| {
            let columns = self.rates.iter().zip(&self.phases);
            columns.map(move |(rate, phase)| {
                let angle = place as f64 * rate;
                // No rounding of a quarter turn.
                (if *phase == 0.0 { angle.sin() } else { angle.cos() }) as f32
            })
        };
        let values: Vec<f32> = (0..self.most).flat_map(row).collect();
        graph.floats(&self.name, &[self.most, self.rates.len()], &values)
    }
}

/// Turns pairs of values of queries or keys, `[batch, steps, num_heads, dim]`, by their places.
pub(super) fn turned(
    graph: &mut Graph,
    part: &str,
    [num_heads, dim, most]: [usize; 3],
    span: &Span,
    steps: &Steps,
) -> String {
    let pairs = dim / 2;
    let rates: Vec<f64> = (0..pairs).map(|pair| 10_000f64.powf(-2.0 * pair as f64 / dim as f64)).collect();
    let [sin, cos] = [("sin", 0.0), ("cos", FRAC_PI_2)].map(|(function, phase)| {
        let name = format!("rotary/{dim}/{most}/{function}");
        let key = format!("{name} {:?} {}", span.first, span.end);
        let table = Sines { name, rates: rates.clone(), phases: vec![phase; pairs], most };
        graph.once(&key, |graph| {
            let rows = table.rows(graph, span, steps);
            graph.reshape(&rows, &[-1, 1, pairs as i64, 1])
        })
    });
    let values = graph.reshape(part, &[0, 0, num_heads as i64, pairs as i64, 2]);
    let sides = graph.split(&values, 4, 2);
    let mut product = |which: usize, by: &str| graph.add("Mul", &[&sides[which], by], Vec::new());
    let [a_cos, b_sin, a_sin, b_cos] =
        [product(0, &cos), product(1, &sin), product(0, &sin), product(1, &cos)];
    let first = graph.add("Sub", &[&a_cos, &b_sin], Vec::new());
    let second = graph.add("Add", &[&a_sin, &b_cos], Vec::new());
    let turned = graph.concat(&[&first, &second], 4);
    graph.reshape(&turned, &[0, 0, num_heads as i64, dim as i64])
}
