//! `Conv` over images and sequences.

use fireclay_backend::ops::{Activation, Conv2dOptions, conv2d};

use super::super::value::Element;
use super::windows::{Windows, as_image, image, in_two};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Conv { windows: Windows::new(node)?, groups: groups(node)? }))
}

/// Groups of channels that do not see each other.
pub(super) fn groups(node: &Node) -> Result<usize, Reason> {
    let groups = node.int("group", 1)?;
    usize::try_from(groups).ok().filter(|groups| *groups > 0).ok_or_else(|| format!("group is {groups}"))
}

#[derive(Debug)]
struct Conv {
    windows: Windows,
    groups: usize,
}

impl Operator for Conv {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (input, weight) = (inputs.floats(0)?, inputs.floats(1)?);
        let bias = inputs.optional_floats(2)?;
        let ([batch, channels], sizes) = image(input)?;
        let [out_channels, of_group, kernel @ ..] = weight.dims.as_slice() else {
            return Err(format!("a weight of {:?}", weight.dims));
        };
        let windows = self.windows.over(sizes, Some(kernel))?;
        let fits = of_group.checked_mul(self.groups) == Some(channels) && out_channels % self.groups == 0;
        if !fits || bias.is_some_and(|bias| bias.dims != [*out_channels]) {
            return Err(format!(
                "a weight of {:?} and {} groups, with a bias of {:?}, for an input of {:?}",
                weight.dims,
                self.groups,
                bias.map(|bias| bias.dims.as_slice()).unwrap_or_default(),
                input.dims
            ));
        }
        let mut dims = vec![batch, *out_channels];
        dims.extend(windows.iter().map(|window| window.places));
        let places: usize = dims.iter().fold(1, |all, size| all.saturating_mul(*size));
        scope.spend(&[places, *of_group, kernel.iter().product()])?;
        let padded = windows.iter().map(|window| window.pads[0] + window.pads[1]);
        scope.admit(Element::Float, &[&[batch, channels], &added(sizes, padded)[..]].concat(), false)?;
        let output = scope.compute(Element::Float, &*dims, |device| {
            let [down, right] = in_two(&windows);
            let options = Conv2dOptions {
                stride: [down.stride, right.stride],
                padding: [down.pads[0], right.pads[0], down.pads[1], right.pads[1]],
                dilation: [down.dilation, right.dilation],
                groups: self.groups,
            };
            let bias = bias.map(|bias| bias.tensor(device).at::<1>());
            let (image, weight) =
                (as_image(input.tensor(device), &input.dims), as_image(weight.tensor(device), &weight.dims));
            let output = conv2d(image.at(), weight.at(), bias, options, Activation::None, None);
            super::super::any_rank::AnyRank::from(output).reshape(&dims)
        })?;
        Ok(vec![output])
    }
}

/// Sizes with what is added to each.
fn added(sizes: &[usize], more: impl Iterator<Item = usize>) -> Vec<usize> {
    sizes.iter().zip(more).map(|(size, more)| size + more).collect()
}
