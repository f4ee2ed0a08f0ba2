//! Layers whose products are made of bytes with a range for each row.

use std::ops::Range;

use fireclay_kernels::Int8Conv2d;

use super::DynamicInt8Layer;
use crate::int8_spec::Int8Spec;
use crate::layers::PlannedLayer;

/// How a layer of the first level makes the products of rows with weights, outside the segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Products {
    /// It makes none.
    None,
    /// Of bytes.
    Int8,
    /// In `f32`, as the description says of it, or of a layer in it.
    F32,
}

/// How each of some layers makes its products.
pub(crate) fn products(layers: &[PlannedLayer], int8: &Int8Spec) -> Vec<Products> {
    let is_left = |layer: &PlannedLayer| any(layer, &|layer| int8.left_in_f32.contains(&layer.name));
    let of = |layer: &PlannedLayer| match any(layer, &|layer| layer.kind.multiplies_rows()) {
        false => Products::None,
        true if is_left(layer) || !fits(layer) => Products::F32,
        true => Products::Int8,
    };
    layers.iter().map(of).collect()
}

/// Those of some layers that could make products of bytes, but for `others`.
pub(super) fn candidates(layers: &[PlannedLayer], others: &[String]) -> Vec<DynamicInt8Layer> {
    let is_other = |layer: &PlannedLayer| any(layer, &|layer| others.contains(&layer.name));
    let fitting = layers.iter().filter(|layer| fits(layer) && !is_other(layer));
    let found = fitting.map(|layer| {
        let mut inner = Vec::new();
        collect(layer, &mut inner);
        DynamicInt8Layer { name: layer.name.clone(), layers: inner }
    });
    found.filter(|layer| !layer.layers.is_empty()).collect()
}

/// The names of a layer and of those in it that multiply rows.
fn collect(layer: &PlannedLayer, names: &mut Vec<String>) {
    if layer.kind.multiplies_rows() {
        names.push(layer.name.clone());
    }
    layer.body.iter().chain(&layer.shortcut).for_each(|inner| collect(inner, names));
}

/// Whether no sum of a layer's products has more terms than 32 bits have room for.
fn fits(layer: &PlannedLayer) -> bool {
    let has_many = |layer: &PlannedLayer| {
        layer.inferred.tensors.iter().any(|tensor| match &tensor.shape[..] {
            [_, rest @ ..] => !rest.is_empty() && rest.iter().product::<usize>() > Int8Conv2d::MOST_TERMS,
            [] => false,
        })
    };
    !any(layer, &|layer| layer.kind.multiplies_rows() && has_many(layer))
}

/// Layers one after another that make their products alike, as ranges of all, and whether these are of bytes. A layer that makes none
/// goes with the one before it, as an activation does, and at the beginning with the one behind it, as an embedding does.
pub(crate) fn in_turn(products: &[Products], mut range: Range<usize>) -> Vec<(Range<usize>, bool)> {
    let mut turns = Vec::new();
    while !range.is_empty() {
        let mut made = range.clone().filter(|at| products[*at] != Products::None);
        let first = made.next().map_or(Products::None, |at| products[at]);
        let end = made.find(|at| products[*at] != first).unwrap_or(range.end);
        turns.push((range.start..end, first == Products::Int8));
        range.start = end;
    }
    turns
}

/// Whether it holds of a layer, or of one in it.
fn any(layer: &PlannedLayer, holds: &dyn Fn(&PlannedLayer) -> bool) -> bool {
    holds(layer) || layer.body.iter().chain(&layer.shortcut).any(|inner| any(inner, holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_products_goes_with_its_neighbours() {
        use Products::{F32, Int8, None};
        let turns = |products: &[Products]| in_turn(products, 0..products.len());
        assert_eq!(turns(&[]), []);
        assert_eq!(turns(&[None, None]), [(0..2, false)]);
        assert_eq!(turns(&[None, Int8, None, Int8, None]), [(0..5, true)]);
        assert_eq!(turns(&[None, F32, None, Int8, F32]), [(0..3, false), (3..4, true), (4..5, false)]);
        assert_eq!(in_turn(&[Int8, F32, None, Int8], 1..3), [(1..3, false)]);
    }
}
