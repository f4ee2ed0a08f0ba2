//! Pooling over windows of an image.

use fireclay_nn::{AvgPool2dSpec, MaxPool2dSpec};

use super::super::evaluate::Window;
use super::super::flow::{Axis, Flow};
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};

pub(super) fn windows(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let order = [Some(Axis::Batch), Some(Axis::Sample(0)), Some(Axis::Sample(1)), Some(Axis::Sample(2))];
    let flow = into.plain(flow)?;
    if flow.sample.len() != 3 || !flow.is_laid_out(&order) {
        return Err("it pools something other than an image; sequences are pooled whole only".into());
    }
    let sizes = &flow.sample[1..];
    let window = Window::read(node, 2, None, sizes)?;
    if window.dilation != [1, 1] {
        return Err("it leaves places out (dilations)".into());
    }
    let [(top, bottom), (left, right)] = window.pads[..] else { return Err("its pads are not four".into()) };
    if (top, left) != (bottom, right) {
        return Err("the places that it adds around an image are not alike on both sides".into());
    }
    let count = |window: &Window| -> Result<Vec<usize>, String> {
        (0..2).map(|axis| window.count(axis, sizes[axis])).collect()
    };
    let out = count(&window)?;
    if out != count(&Window { ceil: false, ..window.clone() })? {
        return Err("its last windows go beyond the image (ceil_mode)".into());
    }
    let pair = |sizes: &[usize]| [sizes[0], sizes[1]];
    let (kernel, stride) = (pair(&window.kernel), pair(&window.stride));
    match node.kind.as_str() {
        "MaxPool" => into.push(Piece::new(MaxPool2dSpec::new(kernel).stride(stride).padding([top, left]))),
        _ => {
            let spec = AvgPool2dSpec::new(kernel).stride(stride).padding([top, left]);
            into.push(Piece::new(spec.count_include_pad(node.flag("count_include_pad", false)?)));
        }
    }
    Ok(Flow::laid_out(vec![flow.sample[0], out[0], out[1]], flow.batch(), &order))
}
