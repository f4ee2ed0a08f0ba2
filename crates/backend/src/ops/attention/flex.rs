//! Self-attention on Flex.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::{self as kernels, Values};

use super::{AttentionGradient, AttentionKept, AttentionOp, AttentionSettings, reference};
use crate::flex_tensor::{all_f32, contiguous, contiguous_ints, from_values, in_order};
use crate::instructions::cpu;
use crate::ops::dropout::{DropoutSeed, draw_seed};
use crate::ops::maybe::MaybeInt;
use crate::ops::stored::StoresActivations;

impl AttentionOp for Flex {
    fn self_attention(
        projected: FloatTensor<Self>,
        lengths: MaybeInt<Self>,
        settings: AttentionSettings,
    ) -> FloatTensor<Self> {
        match Self::attention_has_kernel(&projected) {
            true => attend(projected, lengths.into_option(), settings, |projected| projected).output,
            false => reference::forward::<Self>(projected, lengths.into_option(), settings),
        }
    }
}

impl AttentionGradient for Flex {
    fn attention_has_kernel(projected: &FloatTensor<Self>) -> bool {
        all_f32([projected])
    }

    fn attention_for_training(
        projected: FloatTensor<Self>,
        lengths: Option<IntTensor<Self>>,
        settings: AttentionSettings,
    ) -> (FloatTensor<Self>, AttentionKept<Self>) {
        let mut stored = None;
        // What the backward pass is going to see.
        let as_stored = |projected| Self::restore(stored.insert(Self::store(projected)).clone());
        let Attended { output, log_sums, lengths, seed } = attend(projected, lengths, settings, as_stored);
        let projected = stored.expect("it was projected");
        let kept_output = Self::store(output.clone());
        let kept = AttentionKept { projected, output: kept_output, log_sums, lengths, seed, settings };
        (output, kept)
    }

    fn attention_backward(kept: AttentionKept<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let AttentionKept { projected, output, log_sums, lengths, seed, settings } = kept;
        let (projected, output) = (Self::restore(projected), Self::restore(output));
        let shape = projected.shape();
        let sizes = sizes(shape.dims(), &settings, seed, lengths.as_deref());
        let mut by_projected = Values::unspecified(shape.num_elements());
        let [projected, output, log_sums, gradient] = [projected, output, log_sums, gradient].map(contiguous);
        kernels::self_attention_gradient(
            cpu(),
            &sizes,
            &projected,
            &output,
            &log_sums,
            &gradient,
            &mut by_projected,
        );
        if settings.rotary {
            kernels::rotate_positions(cpu(), &sizes, true, &mut by_projected);
        }
        from_values(by_projected, shape)
    }
}

/// What attention gives.
struct Attended {
    output: FlexTensor,
    log_sums: FlexTensor,
    lengths: Option<Vec<u32>>,
    seed: DropoutSeed,
}

/// Attention; `pass` is given what came in, with queries and keys turned if they are, and gives what is attended to.
fn attend(
    projected: FlexTensor,
    lengths: Option<FlexTensor>,
    settings: AttentionSettings,
    pass: impl FnOnce(FlexTensor) -> FlexTensor,
) -> Attended {
    let lengths: Option<Vec<u32>> = lengths.map(|lengths| {
        let known = |&length: &i64| u32::try_from(length).expect("a length is not negative");
        contiguous_ints(lengths).iter().map(known).collect()
    });
    let seed = if settings.dropout > 0.0 { draw_seed() } else { DropoutSeed::default() };
    let sizes = sizes(projected.shape().dims(), &settings, seed, lengths.as_deref());
    let projected = match settings.rotary {
        true => turned(projected, &sizes),
        false => contiguous(projected).into_tensor(),
    };
    let (heads, steps) = (sizes.num_heads, sizes.keys);
    let width = heads * sizes.dim;
    let mut output = Values::unspecified(sizes.batch * steps * width);
    let mut log_sums = Values::unspecified(sizes.batch * heads * steps);
    let values = contiguous(pass(projected));
    kernels::self_attention(cpu(), &sizes, &values, &mut output, &mut log_sums);
    let output = from_values(output, [sizes.batch, steps, width]);
    let log_sums = from_values(log_sums, [sizes.batch, heads, steps]);
    Attended { output, log_sums, lengths, seed }
}

fn sizes<'a>(
    [batch, steps, width]: [usize; 3],
    settings: &AttentionSettings,
    seed: DropoutSeed,
    key_lengths: Option<&'a [u32]>,
) -> kernels::Attention<'a> {
    let dim = width / 3 / settings.num_heads;
    let rate = settings.dropout as f32;
    kernels::Attention {
        batch,
        num_heads: settings.num_heads,
        queries: steps,
        keys: steps,
        dim,
        scale: 1.0 / (dim as f32).sqrt(),
        causal: settings.causal,
        key_lengths,
        dropout: (rate > 0.0).then(|| seed.of(rate, batch * settings.num_heads * steps)),
    }
}

/// Queries and keys turned by their positions, in place where nobody else holds the tensor.
fn turned(projected: FloatTensor<Flex>, sizes: &kernels::Attention<'_>) -> FloatTensor<Flex> {
    let mut values = in_order(projected, &[0, 1, 2]);
    kernels::rotate_positions(cpu(), sizes, false, values.values_mut());
    values.into_tensor()
}
