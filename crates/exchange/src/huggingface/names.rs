//! Hugging Face's names of weights, and ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fireclay_nn::{NamedTensor, NnError, WeightsMismatch};

use super::config::Config;
use crate::ExchangeError;
use crate::pytorch::TensorFile;

/// The layer before the classes.
pub(super) const HEAD: &str = "pooler";
/// The layer that gives the classes.
pub(super) const CLASSIFIER: &str = "classifier";

/// The tensors of a folder, each of which is taken once.
pub(super) struct Weights {
    path: PathBuf,
    file: TensorFile,
    /// From the names without the family's before them to those of the file, with shapes.
    names: BTreeMap<String, (String, Vec<usize>)>,
    taken: BTreeSet<String>,
    mismatch: WeightsMismatch,
    /// Names that are left out on purpose.
    ignored: Vec<String>,
    is_distilled: bool,
}

impl Weights {
    pub(super) fn open(path: &Path, file: TensorFile, config: &Config) -> Self {
        let family = if config.is_distilled { "distilbert." } else { "bert." };
        let mut names = BTreeMap::new();
        for tensor in file.tensors() {
            let name = tensor.name.strip_prefix(family).unwrap_or(&tensor.name);
            // As early files call the two tensors of a layer norm.
            let name = match name.rsplit_once(".LayerNorm.") {
                Some((before, "gamma")) => format!("{before}.LayerNorm.weight"),
                Some((before, "beta")) => format!("{before}.LayerNorm.bias"),
                _ => name.to_owned(),
            };
            // Of a name with the family before it and one without, the first stays and the other is left over.
            names.entry(name).or_insert_with(|| (tensor.name.clone(), tensor.shape.clone()));
        }
        Weights {
            path: path.to_path_buf(),
            file,
            names,
            taken: BTreeSet::new(),
            mismatch: WeightsMismatch::default(),
            ignored: Vec::new(),
            is_distilled: config.is_distilled,
        }
    }

    /// Whether there is a head for the classes of whole texts.
    pub(super) fn has_head(&self) -> bool {
        let before = if self.is_distilled { "pre_classifier.weight" } else { "pooler.dense.weight" };
        self.names.contains_key("classifier.weight") && self.names.contains_key(before)
    }

    pub(super) fn classes(&self) -> usize {
        self.names.get("classifier.weight").and_then(|(_, shape)| shape.first().copied()).unwrap_or(0)
    }

    /// All tensors of the network.
    ///
    /// # Errors
    /// If some are missing, unexpected or of another shape, of which all are listed.
    pub(super) fn take(
        &mut self,
        config: &Config,
        max_tokens: usize,
        with_head: bool,
    ) -> Result<Vec<NamedTensor>, ExchangeError> {
        let (hidden, between) = (config.hidden_size, config.intermediate_size);
        let mut plan: Vec<(String, Vec<Part>)> = Vec::new();
        let mut add = |name: String, parts: Vec<Part>| plan.push((name, parts));
        let one = |name: String, shape: &[usize]| vec![Part { name, shape: shape.to_vec() }];
        let embeddings = |name: &str| format!("embeddings.{name}");
        add(
            "embedding_1.weight".into(),
            one(embeddings("word_embeddings.weight"), &[config.vocabulary_size, hidden]),
        );
        add(
            "position_embedding_1.weight".into(),
            one(embeddings("position_embeddings.weight"), &[config.max_positions, hidden]),
        );
        for leaf in ["weight", "bias"] {
            add(format!("layer_norm_1.{leaf}"), one(embeddings(&format!("LayerNorm.{leaf}")), &[hidden]));
        }
        for layer in 0..config.num_layers {
            let names = match self.is_distilled {
                true => BlockNames::DISTILLED,
                false => BlockNames::BERT,
            };
            let theirs = |name: &str, leaf: &str| format!("{}.{layer}.{name}.{leaf}", names.blocks);
            let ours = |name: &str| format!("transformer_encoder_1.layers.{layer}.{name}");
            for (leaf, shape) in [("weight", &[hidden, hidden][..]), ("bias", &[hidden][..])] {
                let parts =
                    names.attention.map(|name| Part { name: theirs(name, leaf), shape: shape.to_vec() });
                add(ours(&format!("self_attn.in_proj_{leaf}")), parts.into());
                add(ours(&format!("self_attn.out_proj.{leaf}")), one(theirs(names.output, leaf), shape));
            }
            for (name, dense, sizes) in
                [("linear1", names.linear1, [between, hidden]), ("linear2", names.linear2, [hidden, between])]
            {
                add(ours(&format!("{name}.weight")), one(theirs(dense, "weight"), &sizes));
                add(ours(&format!("{name}.bias")), one(theirs(dense, "bias"), &sizes[..1]));
            }
            for (name, norm) in [("norm1", names.norm1), ("norm2", names.norm2)] {
                for leaf in ["weight", "bias"] {
                    add(ours(&format!("{name}.{leaf}")), one(theirs(norm, leaf), &[hidden]));
                }
            }
        }
        if with_head {
            let before = if self.is_distilled { "pre_classifier" } else { "pooler.dense" };
            for (name, theirs, outputs) in
                [(HEAD, before, hidden), (CLASSIFIER, "classifier", self.classes())]
            {
                add(format!("{name}.weight"), one(format!("{theirs}.weight"), &[outputs, hidden]));
                add(format!("{name}.bias"), one(format!("{theirs}.bias"), &[outputs]));
            }
        }
        let types = "embeddings.token_type_embeddings.weight".to_owned();
        let has_types = self.names.contains_key(&types);
        if has_types {
            self.taken.insert(types.clone());
        }
        plan.iter().flat_map(|(_, parts)| parts).for_each(|part| self.check(part));
        self.check_rest();
        if !self.mismatch.is_empty() {
            let source = NnError::Weights(Box::new(std::mem::take(&mut self.mismatch)));
            return Err(ExchangeError::Model { path: self.path.clone(), source });
        }
        let mut tensors = Vec::with_capacity(plan.len());
        for (name, parts) in plan {
            let mut values = Vec::new();
            let mut shape = Vec::new();
            for part in &parts {
                let read = self.read(&part.name)?;
                values.extend(read.values);
                shape = read.shape;
            }
            if let Some(rows) = shape.first_mut() {
                *rows *= parts.len();
            }
            tensors.push(NamedTensor { name, shape, values });
        }
        let positions = &mut tensors[1];
        positions.shape[0] = max_tokens;
        positions.values.truncate(max_tokens * hidden);
        if has_types {
            let first = self.read(&types)?;
            let positions = &mut tensors[1];
            match first.values.get(..hidden).filter(|_| first.shape.get(1) == Some(&hidden)) {
                Some(first) => {
                    for row in positions.values.chunks_exact_mut(hidden.max(1)) {
                        row.iter_mut().zip(first).for_each(|(value, first)| *value += first);
                    }
                }
                None => {
                    let problem = format!("its shape is {:?}, expected [types, {hidden}]", first.shape);
                    return Err(ExchangeError::Tensor { path: self.path.clone(), name: types, problem });
                }
            }
        }
        Ok(tensors)
    }

    /// What was left out, in words.
    pub(super) fn notes(&self) -> Vec<String> {
        match self.ignored.as_slice() {
            [] => Vec::new(),
            names => {
                let shown: Vec<String> =
                    names.iter().take(10).map(|name| format!("'{}'", crate::words::short(name))).collect();
                vec![format!("{} tensors of other heads were left out: {}", names.len(), shown.join(", "))]
            }
        }
    }

    fn check(&mut self, part: &Part) {
        match self.names.get(&part.name) {
            None => self.mismatch.missing.push((part.name.clone(), part.shape.clone())),
            Some((_, shape)) => {
                if *shape != part.shape {
                    self.mismatch.different.push((part.name.clone(), part.shape.clone(), shape.clone()));
                }
                self.taken.insert(part.name.clone());
            }
        }
    }

    /// What nobody asked for is an error, unless it is known to be of another use.
    fn check_rest(&mut self) {
        let other_use = [
            "cls.",
            "pooler.",
            "vocab_",
            "classifier.",
            "pre_classifier.",
            "qa_outputs.",
            "embeddings.position_ids",
        ];
        for (name, (original, shape)) in &self.names {
            if self.taken.contains(name) {
                continue;
            }
            match other_use.iter().any(|start| name.starts_with(start)) {
                true => self.ignored.push(original.clone()),
                false => self.mismatch.unexpected.push((original.clone(), shape.clone())),
            }
        }
    }

    fn read(&mut self, name: &str) -> Result<NamedTensor, ExchangeError> {
        let original = self.names.get(name).map_or(name, |(original, _)| original).to_owned();
        self.file.read(&original)
    }
}

/// One tensor of the folder; several of them may stand below one another in one of ours.
struct Part {
    name: String,
    shape: Vec<usize>,
}

/// What a family calls the parts of a block.
struct BlockNames {
    blocks: &'static str,
    /// Queries, keys and values.
    attention: [&'static str; 3],
    output: &'static str,
    norm1: &'static str,
    linear1: &'static str,
    linear2: &'static str,
    norm2: &'static str,
}

impl BlockNames {
    const BERT: BlockNames = BlockNames {
        blocks: "encoder.layer",
        attention: ["attention.self.query", "attention.self.key", "attention.self.value"],
        output: "attention.output.dense",
        norm1: "attention.output.LayerNorm",
        linear1: "intermediate.dense",
        linear2: "output.dense",
        norm2: "output.LayerNorm",
    };
    const DISTILLED: BlockNames = BlockNames {
        blocks: "transformer.layer",
        attention: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
        output: "attention.out_lin",
        norm1: "sa_layer_norm",
        linear1: "ffn.lin1",
        linear2: "ffn.lin2",
        norm2: "output_layer_norm",
    };
}
