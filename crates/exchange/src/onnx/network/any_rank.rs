//! A tensor whose rank is known only at run time: what flows between the nodes of a graph.
//!
//! Burn's [`Tensor`] has its rank in its type. What lies under it has not, so a value is kept as that, and `by_rank` gives it
//! a type where an operation wants one.

use burn::tensor::{Device, DispatchTensor, Int, Tensor, TensorData};

/// The most dimensions that a value has here: those of attention over windows of an image.
pub(super) const MAX_RANK: usize = 6;

/// Runs an expression with the rank as a constant. A value without dimensions is carried in one.
macro_rules! by_rank {
    ($rank:expr, $D:ident => $body:expr) => {
        match $rank {
            0 | 1 => {
                const $D: usize = 1;
                $body
            }
            2 => {
                const $D: usize = 2;
                $body
            }
            3 => {
                const $D: usize = 3;
                $body
            }
            4 => {
                const $D: usize = 4;
                $body
            }
            5 => {
                const $D: usize = 5;
                $body
            }
            6 => {
                const $D: usize = 6;
                $body
            }
            rank => unreachable!("a value of rank {rank} was refused before"),
        }
    };
}
pub(super) use by_rank;

/// Numbers on a device.
#[derive(Clone, Debug)]
pub(super) struct AnyRank {
    tensor: DispatchTensor,
    rank: usize,
}

impl<const D: usize> From<Tensor<D>> for AnyRank {
    fn from(tensor: Tensor<D>) -> Self {
        AnyRank { tensor: tensor.into_dispatch(), rank: D }
    }
}

impl AnyRank {
    /// Puts numbers onto a device.
    pub(super) fn upload(values: Vec<f32>, dims: &[usize], device: &Device) -> Self {
        let dims = carried(dims);
        let rank = dims.len();
        let data = TensorData::new(values, dims);
        by_rank!(rank, D => Tensor::<D>::from_data(data, device).into())
    }

    /// How many dimensions carry it: at least one.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// The tensor with its rank in its type.
    ///
    /// # Panics
    /// If it has another rank.
    pub(super) fn at<const D: usize>(self) -> Tensor<D> {
        assert_eq!(self.rank, D, "the rank was checked before");
        Tensor::from_dispatch(self.tensor)
    }

    /// The same numbers, row by row, under other sizes.
    pub(super) fn reshape(self, dims: &[usize]) -> Self {
        let dims = carried(dims);
        by_rank!(self.rank, D => {
            let tensor = self.at::<D>();
            match tensor.dims()[..] == dims[..] {
                true => tensor.into(),
                false => by_rank!(dims.len(), E => tensor.reshape(sizes::<E>(&dims)).into()),
            }
        })
    }

    /// Dimensions in another order.
    pub(super) fn permute(self, order: &[usize]) -> Self {
        if order.len() < 2 {
            return self;
        }
        by_rank!(self.rank, D => {
            let order: [isize; D] = std::array::from_fn(|axis| order[axis] as isize);
            self.at::<D>().permute(order).into()
        })
    }

    /// Repeats dimensions of size 1; the rank stays.
    pub(super) fn expand(self, dims: &[usize]) -> Self {
        let dims = carried(dims);
        by_rank!(self.rank, D => {
            let tensor = self.at::<D>();
            match tensor.dims()[..] == dims[..] {
                true => tensor.into(),
                false => tensor.expand(sizes::<D>(&dims)).into(),
            }
        })
    }

    /// The places from `start` on of one dimension.
    pub(super) fn narrow(self, axis: usize, start: usize, length: usize) -> Self {
        by_rank!(self.rank, D => self.at::<D>().narrow(axis, start, length).into())
    }

    /// Those places of one dimension, in that order.
    pub(super) fn select(self, axis: usize, places: &[usize]) -> Self {
        let places: Vec<i32> = places.iter().map(|place| *place as i32).collect();
        by_rank!(self.rank, D => {
            let tensor = self.at::<D>();
            let count = places.len();
            let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &tensor.device());
            tensor.select(axis, places).into()
        })
    }

    /// One behind another along a dimension; all have the same rank.
    pub(super) fn cat(parts: Vec<Self>, axis: usize) -> Self {
        let rank = parts.first().map_or(1, |part| part.rank);
        by_rank!(rank, D => Tensor::cat(parts.into_iter().map(AnyRank::at::<D>).collect(), axis).into())
    }

    /// The numbers, read back.
    pub(super) fn read(self) -> Vec<f32> {
        by_rank!(self.rank, D => self.at::<D>().into_data().iter::<f32>().collect())
    }
}

/// A value without dimensions lies in one of size 1.
pub(super) fn carried(dims: &[usize]) -> Vec<usize> {
    if dims.is_empty() { vec![1] } else { dims.to_vec() }
}

fn sizes<const D: usize>(dims: &[usize]) -> [usize; D] {
    std::array::from_fn(|axis| dims[axis])
}
