//! `Attention`: scaled products of queries and keys, a softmax, and the values by its shares
//! ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).

use burn::tensor::{Bool, Device, Tensor, activation};

use super::super::any_rank::AnyRank;
use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

/// The score of what is not to be seen: finite, so that a step that sees nothing gives no NaN.
const HIDDEN: f32 = -1e30;

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if (1..4).any(|place| node.output(place).is_some()) || (4..7).any(|place| node.input(place).is_some()) {
        return Err("keys and values from before, and scores as an output, are not supported".to_owned());
    }
    let softcap = node.float("softcap", 0.0)?;
    if softcap < 0.0 {
        return Err(format!("softcap is {softcap}; expected 0 or more"));
    }
    Ok(Box::new(Attention {
        causal: node.flag("is_causal", false)?,
        scale: node.attributes.contains_key("scale").then(|| node.float("scale", 1.0)).transpose()?,
        heads: [node.int("q_num_heads", 0)?, node.int("kv_num_heads", 0)?],
        softcap,
    }))
}

#[derive(Debug)]
struct Attention {
    /// Whether a step sees none that come after it.
    causal: bool,
    /// `1 / sqrt(head size)` if it is not said.
    scale: Option<f32>,
    /// Of the queries, and of keys and values; 0 if the inputs' sizes say it.
    heads: [i64; 2],
    /// What scores stay below; 0 for nothing.
    softcap: f32,
}

impl Operator for Attention {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let parts = [inputs.floats(0)?, inputs.floats(1)?, inputs.floats(2)?];
        let mut sizes = [[0; 4]; 3];
        for (place, part) in parts.iter().enumerate() {
            sizes[place] = by_heads(&part.dims, self.heads[place.min(1)])?;
        }
        let [[batch, heads, steps, width], [_, of_keys, seen, _], [_, _, _, of_values]] = sizes;
        let fits = sizes[1] == [batch, of_keys, seen, width]
            && sizes[2] == [batch, of_keys, seen, of_values]
            && parts.iter().all(|part| part.rank() == parts[0].rank())
            && heads.checked_rem(of_keys) == Some(0);
        if !fits {
            return Err(format!("queries, keys and values of {sizes:?} by batch, heads, steps and width"));
        }
        let mask = inputs.optional(3).filter(|mask| mask.count() > 0);
        let scores = [batch, heads, steps, seen];
        if let Some(mask) = mask
            && (mask.element == Element::Int || host::broadcast(&mask.dims, &scores)? != scores)
        {
            return Err(format!("a mask of {:?} for scores of {scores:?}", mask.dims));
        }
        scope.spend(&[batch, heads, steps, seen, width.saturating_add(of_values)])?;
        scope.admit(Element::Float, &scores, false)?;
        let dims = match parts[0].rank() {
            3 => vec![batch, steps, heads * of_values],
            _ => vec![batch, heads, steps, of_values],
        };
        let output = scope.compute(Element::Float, &*dims, |device| {
            let part = |place: usize| head_by_head(parts[place], sizes[place], heads, device);
            let factor = self.scale.unwrap_or(1.0 / (width as f32).sqrt());
            let mut products = part(0).matmul(part(1).swap_dims(2, 3)) * factor;
            if self.softcap > 0.0 {
                products = (products / self.softcap).tanh() * self.softcap;
            }
            if self.causal {
                let later = Tensor::<2, Bool>::tril_mask([steps, seen], 0, device);
                products = products.mask_fill(later.unsqueeze::<4>().expand(scores), HIDDEN);
            }
            if let Some(mask) = mask {
                let wide: Tensor<4> =
                    mask.tensor(device).reshape(&host::widened(&mask.dims, 4)).expand(&scores).at();
                products = match mask.element {
                    Element::Bool => products.mask_fill(wide.lower_scalar(0.5), HIDDEN),
                    _ => products + wide.clamp_min(HIDDEN),
                };
            }
            let output = activation::softmax(products, 3).matmul(part(2));
            match dims.len() {
                3 => AnyRank::from(output.swap_dims(1, 2)).reshape(&dims),
                _ => output.into(),
            }
        })?;
        Ok(vec![output])
    }
}

/// Batch, heads, steps and the width of a head.
fn by_heads(dims: &[usize], heads: i64) -> Result<[usize; 4], Reason> {
    match (dims, usize::try_from(heads)) {
        (&[batch, heads, steps, width], _) => Ok([batch, heads, steps, width]),
        (&[batch, steps, width], Ok(heads)) if heads > 0 && width % heads == 0 => {
            Ok([batch, heads, steps, width / heads])
        }
        _ => Err(format!("an input of {dims:?} in {heads} heads")),
    }
}

/// `[batch, heads, steps, width]`; heads of keys and values that several queries share are repeated.
fn head_by_head(value: &Value, sizes: [usize; 4], heads: usize, device: &Device) -> Tensor<4> {
    let [batch, own, steps, width] = sizes;
    let tensor = value.tensor(device);
    let tensor: Tensor<4> = match value.rank() {
        3 => tensor.reshape(&[batch, steps, own, width]).permute(&[0, 2, 1, 3]).at(),
        _ => tensor.at(),
    };
    match own == heads {
        true => tensor,
        false => {
            let repeated = tensor.unsqueeze_dim::<5>(2).expand([batch, own, heads / own, steps, width]);
            repeated.reshape([batch, heads, steps, width])
        }
    }
}
