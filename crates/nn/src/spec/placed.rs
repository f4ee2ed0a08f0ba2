//! The layers of a checked description with their names and shapes, for who translates a network into another form.

use super::ModelSpec;
use crate::error::NnError;
use crate::layers::{LayerKind, PlannedLayer};
use crate::shapes::InputSpec;

/// A layer where it stands in a network.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedLayer {
    /// Its name, inside a block with the block's name before it: `residual_1.conv2d_1`. Its tensors are called after it.
    pub name: String,
    /// What it is.
    pub kind: LayerKind,
    /// One sample that reaches it.
    pub input: InputSpec,
    /// One sample that leaves it.
    pub output: InputSpec,
    /// For a [`tied_dense`](crate::TiedDenseSpec), the name of the embedding whose weight it multiplies with.
    pub tied_to: Option<String>,
    /// For a residual block the layers that it holds, else empty.
    pub body: Vec<PlacedLayer>,
    /// For a residual block the layers of its shortcut; empty where the input itself is added.
    pub shortcut: Vec<PlacedLayer>,
}

impl ModelSpec {
    /// Checks the description and says of every layer what it is called, what reaches it and what leaves it.
    ///
    /// ```
    /// use fireclay_nn::ModelSpec;
    ///
    /// let layers = ModelSpec::new([3, 8, 8]).conv2d(4, 3).flatten().dense(10).placed_layers()?;
    /// assert_eq!(layers[2].name, "dense_1");
    /// assert_eq!(layers[2].input.shape(), [4 * 6 * 6]);
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn placed_layers(&self) -> Result<Vec<PlacedLayer>, NnError> {
        let plan = self.plan()?;
        let embeddings: Vec<&str> = (plan.layers.iter())
            .filter(|layer| layer.kind.embedding().is_some())
            .map(|layer| layer.name.as_str())
            .collect();
        Ok(plan.layers.iter().map(|layer| placed(layer, &embeddings)).collect())
    }
}

/// `embeddings` are all of the network, which are outside of blocks, as a block's input are numbers.
fn placed(layer: &PlannedLayer, embeddings: &[&str]) -> PlacedLayer {
    let inside = |layers: &[PlannedLayer]| layers.iter().map(|layer| placed(layer, embeddings)).collect();
    let is_tied = matches!(layer.kind, LayerKind::TiedDense(_));
    PlacedLayer {
        name: layer.name.clone(),
        kind: layer.kind.clone(),
        input: layer.input.clone(),
        output: layer.inferred.output.clone(),
        tied_to: is_tied.then(|| embeddings.get(layer.tied).map(|name| (*name).to_owned())).flatten(),
        body: inside(&layer.body),
        shortcut: inside(&layer.shortcut),
    }
}
