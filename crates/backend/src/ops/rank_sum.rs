//! Sums over the processes of a training, in the middle of a network: what batch norm needs whose statistics are those of a whole
//! batch, of which each process has a part.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData, read_sync};

use super::fallback::is_supported;
use super::gradient::run_backward;
use super::run_reference_on_other_devices;

/// Replaces numbers by their sums over all ranks.
pub type RankSum = Rc<dyn Fn(&mut [f32])>;

thread_local! {
    static SUM: RefCell<Option<RankSum>> = const { RefCell::new(None) };
}

/// How ranks are summed over; it ends when this is dropped.
#[must_use = "it ends when this is dropped"]
pub struct RankSumScope {
    before: Option<RankSum>,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Lets [`sum_over_ranks`] in this thread sum by a function, which all ranks call in the same order.
pub fn rank_sums_by(sum: Option<RankSum>) -> RankSumScope {
    RankSumScope { before: SUM.replace(sum), thread: PhantomData }
}

/// Whether [`sum_over_ranks`] sums over anything in this thread.
pub fn sums_over_ranks() -> bool {
    SUM.with_borrow(Option::is_some)
}

impl Drop for RankSumScope {
    fn drop(&mut self) {
        SUM.set(self.before.take());
    }
}

/// The sum of a tensor over all ranks, each of which has one of the same shape; the tensor itself where there are none
/// ([`rank_sums_by`]). Its gradient is the sum of the ranks' gradients, so that the loss is the sum of their losses; the backward
/// pass must run in the same scope.
///
/// ```
/// use std::rc::Rc;
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{rank_sums_by, sum_over_ranks};
///
/// let input = Tensor::<1>::from_floats([1.0, 2.0], &Device::default().autodiff()).require_grad();
/// // Another rank has the same numbers.
/// let _scope = rank_sums_by(Some(Rc::new(|values: &mut [f32]| values.iter_mut().for_each(|value| *value *= 2.0))));
/// let sum = sum_over_ranks(input.clone());
/// assert_eq!(sum.to_data().to_vec::<f32>().unwrap(), [2.0, 4.0]);
/// let gradient = input.grad(&sum.sum().backward()).unwrap();
/// assert_eq!(gradient.into_data().to_vec::<f32>().unwrap(), [2.0, 2.0]);
/// ```
pub fn sum_over_ranks<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let input = input.into_dispatch();
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::rank_sum(input),
        false => summed::<Dispatch>(input),
    })
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait RankSumOp: Backend {
    /// See [`sum_over_ranks`].
    fn rank_sum(input: FloatTensor<Self>) -> FloatTensor<Self> {
        summed::<Self>(input)
    }
}

#[cfg(feature = "flex")]
impl RankSumOp for burn::backend::Flex {}

run_reference_on_other_devices!(RankSumOp);

fn summed<B: Backend>(input: FloatTensor<B>) -> FloatTensor<B> {
    let Some(sum) = SUM.with_borrow(Clone::clone) else { return input };
    let (shape, device, dtype) = (input.shape(), input.device(), input.dtype());
    let data =
        read_sync(B::float_into_data(input)).expect("numbers can be read from a device").convert::<f32>();
    let mut values = data.try_into_vec::<f32>().expect("converted just now");
    sum(&mut values);
    B::float_from_data(TensorData::new(values, shape).convert_dtype(dtype), &device)
}

#[derive(Debug)]
struct Sum;

impl<B: RankSumOp> Backward<B, 1> for Sum {
    type State = ();

    fn backward(self, ops: Ops<(), 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |(), gradient, _| [Some(B::rank_sum(gradient))]);
    }
}

impl<B: RankSumOp, C: CheckpointStrategy> RankSumOp for Autodiff<B, C> {
    fn rank_sum(input: FloatTensor<Self>) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        let output = B::rank_sum(input);
        match Sum.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(output),
            OpsKind::Tracked(prep) => prep.finish((), output),
        }
    }
}
