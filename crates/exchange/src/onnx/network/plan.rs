//! What runs, in which order, and how long each value is kept: the nodes that one output needs.

use std::collections::{HashMap, HashSet};

use super::super::import::{Constant, Graph, Node, Values};
use super::any_rank::MAX_RANK;
use super::input::Input;
use super::operators;
use super::roles::Roles;
use super::step::{Given, Step, Stopped};
use super::value::{Element, Value};
use crate::Unsupported;
use crate::words::short;

/// A graph that is ready to run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) inputs: Vec<Input>,
    pub(super) steps: Vec<Step>,
    /// Where each value comes from that no step makes, by the place that it has among all values.
    pub(super) given: Vec<(usize, Given)>,
    /// How many values there are.
    pub(super) values: usize,
    /// The value that is the output, and its name.
    pub(super) output: (usize, String),
    /// The names of the parameters, and then of the running statistics.
    pub(super) parameters: Vec<String>,
    pub(super) statistics: Vec<String>,
}

/// Numbers up to which a constant stays in host memory, where it may say how an operator works.
const SMALL: usize = 64;

impl Plan {
    /// Plans what makes a value of the graph.
    ///
    /// # Errors
    /// All nodes that are needed and cannot run.
    pub(super) fn new(graph: &Graph, inputs: Vec<Input>, output: &str) -> Result<Self, Vec<Unsupported>> {
        let nodes = needed(graph, output);
        let mut refused = Vec::new();
        let mut built = Vec::new();
        for node in &nodes {
            match operators::build(node) {
                Ok(operator) => built.push(operator),
                Err(reason) => refused.push(node.unsupported(reason)),
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let roles = Roles::of(graph, &nodes);
        let mut names = Names::default();
        let mut plan = Plan {
            inputs,
            steps: Vec::new(),
            given: Vec::new(),
            values: 0,
            output: (0, output.to_owned()),
            parameters: Vec::new(),
            statistics: Vec::new(),
        };
        for (place, input) in plan.inputs.iter().enumerate() {
            let (value, _) = names.place(&input.name);
            plan.given.push((value, Given::Input(place)));
        }
        for (node, operator) in nodes.iter().zip(built) {
            let mut place = |name: &str| {
                (!name.is_empty()).then(|| {
                    let (value, is_new) = names.place(name);
                    if let Some(constant) = graph.constants.get(name).filter(|_| is_new) {
                        let rank = constant.shape.len();
                        if rank > MAX_RANK {
                            let reason = format!(
                                "it reads a constant with {rank} dimensions; up to {MAX_RANK} are supported"
                            );
                            refused.push(node.unsupported(reason));
                        }
                        let given = plan.constant(name, constant, &roles);
                        plan.given.push((value, given));
                    }
                    value
                })
            };
            let inputs = node.inputs.iter().map(|name| place(name)).collect();
            let conditions = (node.conditions.iter())
                .filter_map(|condition| Some((place(&condition.value)?, condition.when)))
                .collect();
            let outputs = node.outputs.iter().map(|name| place(name)).collect();
            plan.steps.push(Step {
                operator,
                inputs,
                outputs,
                conditions,
                last_uses: Vec::new(),
                position: node.position,
                name: short(&node.name),
                kind: node.full_kind(),
            });
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        // Files of weights have a place of that name for words.
        let mut learnt = plan.parameters.iter().chain(&plan.statistics);
        if let Some(name) = learnt.find(|name| *name == "__metadata__") {
            return Err(vec![Unsupported {
                position: "weights".to_owned(),
                name: name.clone(),
                kind: "tensor".to_owned(),
                reason: "no file of weights can hold a tensor of this name; rename it".to_owned(),
            }]);
        }
        plan.output.0 = names.place(output).0;
        plan.values = names.known.len();
        plan.find_last_uses();
        Ok(plan)
    }

    /// What does not run, at a step or, where there is none, as a whole.
    pub(super) fn problem(&self, stopped: Stopped) -> Unsupported {
        match self.steps.get(stopped.step) {
            Some(step) => step.problem(stopped.reason),
            None => Unsupported {
                position: "output".to_owned(),
                name: short(&self.output.1),
                kind: "value".to_owned(),
                reason: stopped.reason,
            },
        }
    }

    fn constant(&mut self, name: &str, constant: &Constant, roles: &Roles) -> Given {
        if roles.statistics.contains(name) {
            self.statistics.push(name.to_owned());
            return Given::Statistic(self.statistics.len() - 1);
        }
        if roles.parameters.contains(name) {
            self.parameters.push(name.to_owned());
            return Given::Parameter(self.parameters.len() - 1);
        }
        let dims = constant.shape.clone();
        match &constant.values {
            Values::Float(values) if values.len() > SMALL => Given::Large(values.clone(), dims),
            Values::Float(values) => {
                let values = values.iter().map(|value| f64::from(*value)).collect();
                Given::Constant(Value::host(Element::Float, dims, values))
            }
            Values::Int(values) => {
                let values = values.iter().map(|value| *value as f64).collect();
                Given::Constant(Value::host(Element::Int, dims, values))
            }
            Values::Bool(values) => {
                let values = values.iter().map(|value| f64::from(u8::from(*value))).collect();
                Given::Constant(Value::host(Element::Bool, dims, values))
            }
        }
    }

    /// Forgets inputs of the file that the output does not need.
    pub(super) fn drop_unread_inputs(&mut self) {
        let read: HashSet<usize> = self.steps.iter().flat_map(Step::reads).collect();
        let mut kept = Vec::new();
        self.given.retain_mut(|(value, given)| match given {
            Given::Input(input) if read.contains(value) || *value == self.output.0 => {
                kept.push(*input);
                *input = kept.len() - 1;
                true
            }
            Given::Input(_) => false,
            _ => true,
        });
        self.inputs = kept.into_iter().map(|input| self.inputs[input].clone()).collect();
    }

    fn find_last_uses(&mut self) {
        let mut seen = HashSet::from([self.output.0]);
        for step in self.steps.iter_mut().rev() {
            let values: Vec<usize> = step.reads().chain(step.outputs.iter().flatten().copied()).collect();
            step.last_uses = values.into_iter().filter(|value| seen.insert(*value)).collect();
        }
    }
}

/// The places of values, by name.
#[derive(Default)]
struct Names {
    known: HashMap<String, usize>,
}

impl Names {
    /// The place of a value, and whether it is new.
    fn place(&mut self, name: &str) -> (usize, bool) {
        let next = self.known.len();
        match self.known.get(name) {
            Some(place) => (*place, false),
            None => {
                self.known.insert(name.to_owned(), next);
                (next, true)
            }
        }
    }
}

/// The nodes that an output needs, in their order.
fn needed<'a>(graph: &'a Graph, output: &'a str) -> Vec<&'a Node> {
    let mut names = HashSet::from([output]);
    let mut nodes = Vec::new();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|output| !output.is_empty() && names.contains(output.as_str())) {
            names.extend(node.inputs.iter().map(String::as_str));
            names.extend(node.conditions.iter().map(|condition| &*condition.value));
            nodes.push(node);
        }
    }
    nodes.reverse();
    nodes
}
