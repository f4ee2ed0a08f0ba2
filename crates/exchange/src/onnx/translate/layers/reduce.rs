//! Means and greatest values over an image or over the steps of a sequence.

use fireclay_nn::{
    FlattenSpec, GlobalAvgPool1dSpec, GlobalAvgPool2dSpec, GlobalMaxPool1dSpec, LayerKind, MaxPool2dSpec,
};

use super::super::evaluate::axis;
use super::super::flow::{Axis, Flow};
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};

pub(super) fn reduce(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let flow = into.plain(flow)?;
    let rank = flow.dims.len();
    let is_global = node.kind.starts_with("Global");
    let dims: Vec<usize> = match is_global {
        true => (2..rank).collect(),
        false => match into.constant(operation, 1).and_then(|axes| axes.as_ints()) {
            Some(axes) if !axes.is_empty() => {
                axes.iter().map(|given| axis(*given, rank)).collect::<Result<_, _>>()?
            }
            _ => {
                return Err(
                    "it puts all values together, or along axes that depend on the model's input".into()
                );
            }
        },
    };
    let removes = !is_global && !node.flag("keepdims", true)?;
    let mut axes: Vec<Axis> = dims.iter().flat_map(|dim| flow.axes(*dim)).collect();
    axes.sort_by_key(|axis| match axis {
        Axis::Batch => 0,
        Axis::Sample(axis) => axis + 1,
    });
    axes.dedup();
    // A part of an axis stands in another dimension where it was cut.
    let stays = |dim: &usize| flow.axes(*dim).iter().any(|axis| axes.contains(axis));
    if (0..rank).filter(|dim| !dims.contains(dim)).any(|dim| stays(&dim)) {
        return Err("it puts neighbours together, of which some others are left".into());
    }
    // Axes of one place have no factor that says where they are.
    let is_put_together = |axis: usize| axes.contains(&Axis::Sample(axis)) || flow.sample[axis] == 1;
    let is_mean = matches!(node.kind.as_str(), "GlobalAveragePool" | "ReduceMean");
    let is_only = |wanted: &[usize]| {
        wanted.iter().all(|axis| is_put_together(*axis))
            && axes.iter().all(|axis| matches!(axis, Axis::Sample(axis) if wanted.contains(axis)))
    };
    let (kinds, gone): (Vec<LayerKind>, &[usize]) = match flow.sample.len() {
        3 if is_only(&[1, 2]) => {
            let kinds = match is_mean {
                true => vec![GlobalAvgPool2dSpec {}.into()],
                false => {
                    let window = [flow.sample[1], flow.sample[2]];
                    vec![MaxPool2dSpec::new(window).into(), FlattenSpec {}.into()]
                }
            };
            (kinds, &[1, 2])
        }
        2 if is_only(&[0]) => {
            let kind = match is_mean {
                true => GlobalAvgPool1dSpec {}.into(),
                false => GlobalMaxPool1dSpec {}.into(),
            };
            (vec![kind], &[0])
        }
        _ => {
            return Err(
                "it puts values together along other axes than height and width, or the steps of a sequence"
                    .into(),
            );
        }
    };
    kinds.into_iter().for_each(|kind| into.push(Piece::new(kind)));
    let flow = flow.reduced(gone);
    Ok(if removes { flow.without(&dims) } else { flow })
}
