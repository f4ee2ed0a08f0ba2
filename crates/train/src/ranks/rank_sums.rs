//! Sums over the ranks in the middle of a network, for batch norm that sees the whole batch.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use fireclay_backend::ops::RankSum;
use fireclay_distribute::GroupError;

use super::Ranks;
use crate::error::TrainError;

/// Sums over ranks, which cannot fail where they are made: the first error is kept.
pub(crate) struct RankSums {
    sum: RankSum,
    error: Rc<RefCell<Option<GroupError>>>,
}

impl RankSums {
    pub(crate) fn new(ranks: &Arc<Ranks>) -> Self {
        let error = Rc::new(RefCell::new(None));
        let (ranks, first) = (ranks.clone(), error.clone());
        let sum: RankSum = Rc::new(move |values: &mut [f32]| {
            let mut first = first.borrow_mut();
            if first.is_none() {
                *first = ranks.group().sum(values).err();
            }
        });
        RankSums { sum, error }
    }

    pub(crate) fn sum(&self) -> RankSum {
        self.sum.clone()
    }

    /// The error of a sum, if there was one.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        match self.error.borrow_mut().take() {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }
}
