//! A trial of a network's forward pass, which turns its panic into an error.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::NnError;
use crate::network::Network;
use crate::tensor::AnyTensor;

/// Applies a network to a batch, outside of training, and gives the shape of its output, `[batch, outputs]`. A network of
/// one's own whose layers do not fit the data panics in its forward pass; here that is an error with the network's name. The
/// panic's own message still goes to standard error, or wherever the program's panic hook sends it.
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor};
/// use fireclay_nn::{AnyTensor, Network, check_forward};
///
/// #[derive(Module, Debug)]
/// struct Mine {
///     output: Linear,
/// }
///
/// impl Network for Mine {
///     fn forward(&self, input: AnyTensor) -> Tensor<2> {
///         self.output.forward(input.rows())
///     }
/// }
///
/// let device = Device::flex();
/// let mine = Mine { output: LinearConfig::new(4, 3).init(&device) };
/// assert_eq!(check_forward(&mine, Tensor::<2>::ones([1, 4], &device).into())?, [1, 3]);
/// let message = check_forward(&mine, Tensor::<2>::ones([1, 5], &device).into()).unwrap_err().to_string();
/// assert!(message.starts_with("network Mine does not take a batch of [1, 5]: "), "{message}");
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
///
/// # Errors
/// [`NnError::Forward`] with the network's type, the batch's sizes and the panic's message.
pub fn check_forward<N: Network>(network: &N, input: AnyTensor) -> Result<[usize; 2], NnError> {
    let (network, dims) = (network.valid(), input.dims());
    // Nothing of the network is used after a panic.
    let output = catch_unwind(AssertUnwindSafe(|| network.forward(input).dims()));
    output.map_err(|panic| NnError::Forward {
        network: short_type_name::<N>().to_string(),
        input: dims,
        reason: message(&*panic),
    })
}

/// `Mine` for `my_crate::networks::Mine`; a type with parameters in full.
fn short_type_name<N>() -> &'static str {
    let name = std::any::type_name::<N>();
    match name.contains('<') {
        true => name,
        false => name.rsplit("::").next().unwrap_or(name),
    }
}

/// The text of a panic, on one line.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked without a message");
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
