//! Pooling.

use fireclay_nn::{
    AvgPool2dSpec, FlattenSpec, GlobalAvgPool1dSpec, GlobalAvgPool2dSpec, GlobalMaxPool1dSpec, MaxPool2dSpec,
    Padding,
};

use super::Outcome;
use crate::keras::input::flow::Flow;
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::words::short;

pub(super) fn windows(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let config = layer.config;
    let [height, width, channels] = flow.image()?;
    let pool = config.sizes("pool_size", 2, 2)?;
    let stride = match config.get("strides") {
        None => pool.clone(),
        Some(_) => config.sizes("strides", 2, 1)?,
    };
    let is_max = layer.class == "MaxPooling2D";
    let same = match config.text("padding")?.unwrap_or("valid") {
        "valid" => false,
        "same" => true,
        other => {
            return Err(Failure::Reason(format!("padding is '{}'; expected valid or same", short(other))));
        }
    };
    let mut padding = [0; 2];
    let mut out = [0; 2];
    for (axis, input) in [height, width].into_iter().enumerate() {
        let (before, after) = match (flow.zeros, same) {
            (Some(_), true) => {
                return Err("ZeroPadding2D stands before it, and it fills up its borders itself".into());
            }
            // A zero is never the greatest of values of which none is negative.
            (Some(_), false) if !(is_max && flow.positive) => {
                return Err(
                    "ZeroPadding2D stands before it; behind a ReLU a MaxPooling2D could do the same".into()
                );
            }
            (Some(zeros), false) => (zeros[2 * axis], zeros[2 * axis + 1]),
            (None, true) => Padding::Same.pair(axis, input, pool[axis], stride[axis]),
            (None, false) => (0, 0),
        };
        if before != after {
            return Err(Failure::Reason(format!(
                "it fills up {before} before {input} and {after} behind; only the same on both sides can be taken over"
            )));
        }
        padding[axis] = before;
        let left = (input + 2 * before).checked_sub(pool[axis]);
        out[axis] = left.ok_or("its windows are larger than its input")? / stride[axis] + 1;
    }
    let (pool, stride) = ([pool[0], pool[1]], [stride[0], stride[1]]);
    match is_max {
        true => into.push(&layer.name, MaxPool2dSpec::new(pool).stride(stride).padding(padding)),
        false => {
            let spec = AvgPool2dSpec::new(pool).stride(stride).padding(padding);
            into.push(&layer.name, spec.count_include_pad(padding == [0, 0]));
        }
    }
    Ok(Flow { positive: flow.positive, ..Flow::of(vec![out[0], out[1], channels]) })
}

pub(super) fn global_2d(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let [height, width, channels] = flow.image()?;
    layer.config.only("keepdims", layer.config.flag("keepdims", false)?, false)?;
    match layer.class {
        "GlobalAveragePooling2D" => into.push(&layer.name, GlobalAvgPool2dSpec {}),
        _ => {
            into.push(&layer.name, MaxPool2dSpec::new([height, width]));
            let name = into.name(&format!("{}_flatten", layer.name));
            into.push(&name, FlattenSpec {});
        }
    }
    Ok(Flow::of(vec![channels]))
}

pub(super) fn global_1d(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let [_, features] = flow.sequence()?;
    layer.config.only("keepdims", layer.config.flag("keepdims", false)?, false)?;
    match layer.class {
        "GlobalAveragePooling1D" => into.push(&layer.name, GlobalAvgPool1dSpec {}),
        _ => into.push(&layer.name, GlobalMaxPool1dSpec {}),
    }
    Ok(Flow::of(vec![features]))
}
