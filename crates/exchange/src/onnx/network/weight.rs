//! Parameters of any rank.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::any_rank::AnyRank;
use super::value::{Element, Value};

/// A parameter: Burn's have their rank in their type.
#[derive(Module, Debug)]
pub(super) enum Weight {
    One(Param<Tensor<1>>),
    Two(Param<Tensor<2>>),
    Three(Param<Tensor<3>>),
    Four(Param<Tensor<4>>),
    Five(Param<Tensor<5>>),
    Six(Param<Tensor<6>>),
}

impl Weight {
    /// Puts a parameter onto a device; one that is frozen gets no gradients.
    ///
    /// # Panics
    /// If it has no dimensions, or more than a value may have.
    pub(super) fn new(values: Vec<f32>, dims: &[usize], frozen: bool, device: &Device) -> Self {
        let data = TensorData::new(values, dims.to_vec());
        macro_rules! parameter {
            ($variant:ident) => {
                Weight::$variant(Param::from_data(data, device).set_require_grad(!frozen))
            };
        }
        match dims.len() {
            1 => parameter!(One),
            2 => parameter!(Two),
            3 => parameter!(Three),
            4 => parameter!(Four),
            5 => parameter!(Five),
            6 => parameter!(Six),
            rank => unreachable!("a parameter of rank {rank} was refused before"),
        }
    }

    pub(super) fn value(&self) -> Value {
        fn of<const D: usize>(parameter: &Param<Tensor<D>>) -> Value {
            let tensor = parameter.val();
            Value::device(Element::Float, tensor.dims(), AnyRank::from(tensor))
        }
        match self {
            Weight::One(parameter) => of(parameter),
            Weight::Two(parameter) => of(parameter),
            Weight::Three(parameter) => of(parameter),
            Weight::Four(parameter) => of(parameter),
            Weight::Five(parameter) => of(parameter),
            Weight::Six(parameter) => of(parameter),
        }
    }
}
