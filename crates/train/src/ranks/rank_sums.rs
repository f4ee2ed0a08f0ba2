//! Sums over the ranks in the middle of a network, for batch norm that sees the whole batch.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use fireclay_backend::ops::RankSum;
use fireclay_backend::{Device, RandomTurn, seeded};
use fireclay_distribute::GroupError;

use super::Ranks;
use crate::error::TrainError;

/// Sums over ranks, which cannot fail where they are made: the first error is kept.
pub(crate) struct RankSums {
    sum: RankSum,
    error: Rc<RefCell<Option<GroupError>>>,
    turn: Rc<RefCell<Option<RandomTurn>>>,
    seed: Rc<Cell<u64>>,
    device: Device,
}

impl RankSums {
    pub(crate) fn new(ranks: &Arc<Ranks>, device: &Device) -> Self {
        let error = Rc::new(RefCell::new(None));
        let turn = Rc::new(RefCell::new(None));
        let seed = Rc::new(Cell::new(0u64));
        let (ranks, first, held, next) = (ranks.clone(), error.clone(), turn.clone(), seed.clone());
        let of_device = device.clone();
        let sum: RankSum = Rc::new(move |values: &mut [f32]| {
            let mut first = first.borrow_mut();
            if first.is_some() {
                return;
            }
            // A rank that is another thread draws before it comes here. Afterwards numbers go on from a seed of their own.
            let gives_way = held.borrow().is_some() && ranks.shares_process();
            if gives_way {
                held.replace(None);
            }
            *first = ranks.group().sum(values).err();
            if gives_way {
                next.set(next.get().wrapping_add(1));
                held.replace(Some(seeded(&of_device, next.get())));
            }
        });
        RankSums { sum, error, turn, seed, device: device.clone() }
    }

    pub(crate) fn sum(&self) -> RankSum {
        self.sum.clone()
    }

    /// Begins a turn at the random numbers, which gives way while ranks are waited for that are threads of this process.
    pub(crate) fn begin_turn(&self, seed: u64) {
        self.seed.set(seed);
        self.turn.replace(Some(seeded(&self.device, seed)));
    }

    pub(crate) fn end_turn(&self) {
        self.turn.replace(None);
    }

    /// The error of a sum, if there was one.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        match self.error.borrow_mut().take() {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }
}
