//! The network of ours while it is put together: layers with their tensors, which may still change.

use std::collections::{HashMap, HashSet};

use fireclay_nn::{LayerKind, LayerSpec, NamedTensor, ResidualSpec};

/// A layer or a block.
#[derive(Debug)]
pub(super) struct Piece {
    /// Its name, where the file has one for it.
    pub(super) name: Option<String>,
    pub(super) kind: PieceKind,
    pub(super) tensors: Vec<Tensor>,
    pub(super) frozen: bool,
}

#[derive(Debug)]
pub(super) enum PieceKind {
    Layer(LayerKind),
    Block { body: Vec<Piece>, shortcut: Vec<Piece> },
}

/// A tensor by its name within its layer.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: &'static str,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Piece {
    pub(super) fn new(kind: impl Into<LayerKind>) -> Self {
        Piece { name: None, kind: PieceKind::Layer(kind.into()), tensors: Vec::new(), frozen: false }
    }

    pub(super) fn named(mut self, name: Option<String>) -> Self {
        self.name = name;
        self
    }

    pub(super) fn with(mut self, name: &'static str, shape: Vec<usize>, values: Vec<f32>) -> Self {
        self.tensors.push(Tensor { name, shape, values });
        self
    }

    pub(super) fn layer(&self) -> Option<&LayerKind> {
        match &self.kind {
            PieceKind::Layer(kind) => Some(kind),
            PieceKind::Block { .. } => None,
        }
    }

    pub(super) fn tensor_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        self.tensors.iter_mut().find(|tensor| tensor.name == name)
    }
}

/// Layers and tensors under their names: those of the file where it has some, else a word and a number.
pub(super) fn finish(pieces: Vec<Piece>) -> (Vec<LayerSpec>, Vec<NamedTensor>) {
    let mut tensors = Vec::new();
    let mut taken = Names::default();
    let layers = finish_in(pieces, "", &mut taken, &mut tensors);
    (layers, tensors)
}

fn finish_in(
    pieces: Vec<Piece>,
    prefix: &str,
    taken: &mut Names,
    tensors: &mut Vec<NamedTensor>,
) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    for piece in pieces {
        let word = piece.layer().map_or("residual", LayerKind::type_name);
        let name = taken.unique(piece.name.as_deref().unwrap_or(word), piece.name.is_none());
        tensors.extend(piece.tensors.into_iter().map(|tensor| NamedTensor {
            name: format!("{prefix}{name}.{}", tensor.name),
            shape: tensor.shape,
            values: tensor.values,
        }));
        let kind = match piece.kind {
            PieceKind::Layer(kind) => kind,
            PieceKind::Block { body, shortcut } => {
                let inside = format!("{prefix}{name}.");
                let body = finish_in(body, &inside, taken, tensors);
                let shortcut = finish_in(shortcut, &inside, taken, tensors);
                ResidualSpec::new(body).shortcut(shortcut).into()
            }
        };
        let layer = LayerSpec::from(kind).named(name);
        layers.push(if piece.frozen { layer.frozen() } else { layer });
    }
    layers
}

/// Names that were given, with the number that is tried next of those that are not the first of their kind.
#[derive(Default)]
struct Names {
    taken: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Names {
    /// A name that is given once; `numbered` ones begin with 1.
    fn unique(&mut self, base: &str, numbered: bool) -> String {
        if !numbered && self.taken.insert(base.to_owned()) {
            return base.to_owned();
        }
        let next = self.next.entry(base.to_owned()).or_insert(if numbered { 1 } else { 2 });
        loop {
            let name = format!("{base}_{next}");
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// A name of ours from that of a tensor, `features.0.weight`: what stands before its last word. Exporters make up names such
/// as `onnx::MatMul_271`, which say nothing.
pub(super) fn name_of(tensor: &str) -> Option<String> {
    let (layer, _) = ["weight", "bias", "running_mean", "in_proj_weight", "in_proj_bias"]
        .iter()
        .find_map(|word| tensor.strip_suffix(word)?.strip_suffix('.').map(|layer| (layer, word)))?;
    let is_good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let is_name = !layer.is_empty() && layer.len() <= 48 && layer.chars().all(is_good);
    is_name.then(|| layer.replace('.', "_"))
}
