//! One of several ways from a value to an operation that joins them.

use super::super::flow::Flow;
use super::super::operation::{Kind, Operation};
use super::super::translation::Translation;
use super::dense::{Linear, linear, with_features};
use super::recurrent::part_of;
use super::views::{is_view, view};

/// The most operations on one way.
const MOST: usize = 64;

/// What a way makes of the value at its beginning.
pub(super) struct Branch {
    /// The output of the operation at its beginning that it reads.
    pub(super) source: String,
    /// What it multiplies with first, if it does.
    pub(super) linear: Option<Linear>,
    /// Which part of that it is, and how it lies.
    pub(super) flow: Flow,
    /// What it is multiplied with besides.
    pub(super) scale: f64,
}

impl Translation<'_> {
    /// The way from the operation `from`, behind which `flow` is, to the value `name`.
    pub(super) fn branch(&self, name: &str, from: usize, flow: &Flow) -> Result<Branch, String> {
        let mut way: Vec<(usize, String)> = Vec::new();
        let mut current = name.to_owned();
        while let Some(maker) = self.makers.get(&current).copied().filter(|maker| *maker != from) {
            let next = self.network.operations[maker].inputs.first().cloned();
            way.push((maker, current));
            current = next.ok_or("one of its inputs comes from nowhere")?;
            if way.len() > MOST {
                return Err(format!(
                    "there are more than {MOST} operators between its inputs and where they part"
                ));
            }
        }
        let source = current.clone();
        let mut branch =
            Branch { source, linear: None, flow: self.output(from, &current, flow.clone())?, scale: 1.0 };
        for (maker, name) in way.into_iter().rev() {
            branch = self.further(branch, &self.network.operations[maker], &name)?;
        }
        Ok(branch)
    }

    fn further(&self, mut branch: Branch, operation: &Operation, name: &str) -> Result<Branch, String> {
        let node = self.node(operation);
        let kind = node.kind.as_str();
        let about =
            |reason: String| format!("{}: {reason}", node.unsupported("").to_string().trim_end_matches(": "));
        let single = |index: usize| self.constant(operation, index).and_then(|constant| constant.single());
        if !matches!(operation.kind, Kind::Node) {
            return Err(about("it stands between two layers that are one here".into()));
        }
        match kind {
            "Identity" | "Dropout" => Ok(branch),
            "Cast" => {
                branch.flow = super::cast(self, operation, branch.flow).map_err(about)?;
                Ok(branch)
            }
            "Gather" | "Slice" | "Split" => {
                branch.flow = part_of(self, operation, name, branch.flow).map_err(about)?;
                Ok(branch)
            }
            kind if is_view(kind) => {
                branch.flow = view(self, operation, branch.flow).map_err(about)?;
                Ok(branch)
            }
            "Mul" if single(0).or(single(1)).is_some() => {
                branch.scale *= single(0).or(single(1)).unwrap_or(1.0);
                Ok(branch)
            }
            "Div" if single(1).is_some() => {
                branch.scale /= single(1).unwrap_or(1.0);
                Ok(branch)
            }
            "MatMul" | "Gemm" if branch.linear.is_none() && branch.scale == 1.0 => {
                let last = branch.flow.dims.len() - 1;
                let flow = &branch.flow;
                let linear = linear(self, operation, |_| self.feature_places(flow, last)).map_err(about)?;
                branch.flow = with_features(branch.flow, last, linear.out_features);
                branch.linear = Some(linear);
                Ok(branch)
            }
            "Add" if branch.linear.is_some() => {
                let constant = self.constant(operation, 0).or(self.constant(operation, 1));
                let values = constant
                    .and_then(|constant| constant.as_floats())
                    .ok_or_else(|| about("it adds no numbers".into()))?;
                let last = branch.flow.dims.len() - 1;
                let places = if branch.flow.is_whole() { branch.flow.places(last) } else { Vec::new() };
                if let Some(linear) = &mut branch.linear
                    && places.len() == values.len()
                    && values.len() == linear.out_features
                    && branch.scale == 1.0
                {
                    let bias = linear.bias.get_or_insert_with(|| vec![0.0; values.len()]);
                    places.iter().zip(values).for_each(|(place, value)| bias[*place] += value);
                    return Ok(branch);
                }
                Err(about("what it adds is no bias".into()))
            }
            _ => Err(about("it stands between two layers that are one here".into())),
        }
    }

    /// The flow of one of the outputs of an operation, behind whose first `flow` is.
    fn output(&self, operation: usize, name: &str, flow: Flow) -> Result<Flow, String> {
        // The model's input is no operation.
        let Some(operation) = self.network.operations.get(operation) else { return Ok(flow) };
        match (self.node(operation).kind.as_str(), &operation.kind) {
            ("Split", Kind::Node) => part_of(self, operation, name, flow),
            ("LSTM" | "GRU" | "RNN", Kind::Node)
                if operation.outputs.get(1).is_some_and(|output| output == name) =>
            {
                Ok(flow.reduced(&[0]).without(&[0]))
            }
            _ if operation.outputs.first().is_some_and(|first| first == name) => Ok(flow),
            _ => Err("it reads another output than the first".into()),
        }
    }
}
