//! Arithmetic of sizes, and of arrays in host memory.

use super::Reason;

/// A dimension that is counted from the end if it is negative.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, Reason> {
    let places = rank as i64;
    match axis {
        _ if (0..places).contains(&axis) => Ok(axis as usize),
        _ if (-places..0).contains(&axis) => Ok((axis + places) as usize),
        _ => Err(format!("axis {axis} of a value with {rank} dimensions")),
    }
}

/// Several dimensions, in their order, each once.
pub(super) fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, Reason> {
    let mut found = axes.iter().map(|given| axis(*given, rank)).collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    match found.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(format!("the same axis twice in {axes:?}")),
        false => Ok(found),
    }
}

/// How far apart neighbours of each dimension are.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for place in (1..dims.len()).rev() {
        strides[place - 1] = strides[place] * dims[place];
    }
    strides
}

/// Sizes of 1 in front until there are `rank`.
pub(super) fn widened(dims: &[usize], rank: usize) -> Vec<usize> {
    let missing = rank.saturating_sub(dims.len());
    std::iter::repeat_n(1, missing).chain(dims.iter().copied()).collect()
}

/// What both sizes become where sizes of 1 are repeated.
pub(super) fn broadcast(first: &[usize], second: &[usize]) -> Result<Vec<usize>, Reason> {
    let rank = first.len().max(second.len());
    let pairs = widened(first, rank).into_iter().zip(widened(second, rank));
    pairs
        .map(|pair| match pair {
            (one, other) if one == other => Ok(one),
            (1, size) | (size, 1) => Ok(size),
            _ => Err(format!("{first:?} and {second:?} do not fit each other")),
        })
        .collect()
}

/// The strides with which an array is read as if its sizes of 1 were repeated to `dims`.
pub(super) fn broadcast_strides(from: &[usize], dims: &[usize]) -> Vec<usize> {
    let (own, sizes) = (strides(from), widened(from, dims.len()));
    let missing = dims.len() - from.len();
    (0..dims.len())
        .map(|place| if place < missing || sizes[place] == 1 { 0 } else { own[place - missing] })
        .collect()
}

/// An array of sizes `dims` that is read with those strides.
pub(super) fn strided(values: &[f64], strides: &[usize], dims: &[usize]) -> Vec<f64> {
    places(strides, dims).into_iter().map(|place| values[place]).collect()
}

/// Where each value of an array of sizes `dims` lies in one with those strides.
pub(super) fn places(strides: &[usize], dims: &[usize]) -> Vec<usize> {
    if dims.contains(&0) {
        return Vec::new();
    }
    let mut places = vec![0];
    for (stride, size) in strides.iter().zip(dims) {
        places =
            places.iter().flat_map(|place| (0..*size).map(move |index| place + index * stride)).collect();
    }
    places
}

/// Those places of one dimension.
pub(super) fn select(values: &[f64], dims: &[usize], axis: usize, places: &[usize]) -> Vec<f64> {
    let (outer, inner) = around(dims, axis);
    let mut selected = Vec::with_capacity(outer * places.len() * inner);
    for row in 0..outer {
        for place in places {
            let start = (row * dims[axis] + place) * inner;
            selected.extend_from_slice(&values[start..start + inner]);
        }
    }
    selected
}

/// How many values are before a dimension, and how many behind.
pub(super) fn around(dims: &[usize], axis: usize) -> (usize, usize) {
    (dims[..axis].iter().product(), dims[axis + 1..].iter().product())
}

/// As a 32-bit floating-point number has it.
pub(super) fn rounded(value: f64) -> f64 {
    f64::from(value as f32)
}
