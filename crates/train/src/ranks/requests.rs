//! What callbacks ask for, of which rank 0 decides.

use serde::{Deserialize, Serialize};

use super::Ranks;
use super::tensors::{from_bytes, to_bytes};
use crate::callback::ControlRequests;
use crate::error::TrainError;
use crate::history::EpochRecord;

/// What rank 0 decides, but for weights.
#[derive(Default, Serialize, Deserialize)]
struct Decided {
    stop: Option<String>,
    restore_weights: bool,
    remember_weights: bool,
    /// As bits, since not every number is JSON.
    learning_rate_scale: Option<u64>,
    weights: bool,
}

impl Ranks {
    /// What is done on all ranks: what the callbacks of rank 0 asked for, and a break or a checkpoint if any rank's did.
    pub(crate) fn agree(&self, own: ControlRequests) -> Result<ControlRequests, TrainError> {
        let ControlRequests { stop, restore_weights, remember_weights, interrupt, checkpoint, .. } = &own;
        let decides = stop.is_some()
            || *restore_weights
            || *remember_weights
            || own.learning_rate_scale.is_some()
            || own.weights.is_some();
        let flag = |is: bool| f64::from(u8::from(is));
        let mut flags = [flag(*interrupt), flag(*checkpoint), flag(decides && self.rank == 0)];
        self.group().sum_f64(&mut flags)?;
        let [interrupt, checkpoint, decides] = flags.map(|flag| flag > 0.0);
        if !decides {
            return Ok(ControlRequests { interrupt, checkpoint, ..ControlRequests::default() });
        }
        let weights = own.weights.is_some();
        let ControlRequests { stop, restore_weights, remember_weights, .. } = own;
        let learning_rate_scale = own.learning_rate_scale.map(f64::to_bits);
        let decided = Decided { stop, restore_weights, remember_weights, learning_rate_scale, weights };
        let Decided { stop, restore_weights, remember_weights, learning_rate_scale, weights } =
            self.of_first(&decided)?;
        let weights = match weights {
            false => None,
            true => {
                let mut bytes = own.weights.as_deref().map_or_else(Vec::new, to_bytes);
                self.group().broadcast(0, &mut bytes)?;
                Some(from_bytes(&bytes).ok_or(TrainError::RankMessage)?)
            }
        };
        Ok(ControlRequests {
            stop,
            restore_weights,
            remember_weights,
            interrupt,
            checkpoint,
            learning_rate_scale: learning_rate_scale.map(f64::from_bits),
            weights,
        })
    }

    /// The record of an epoch that rank 0 has. Its numbers travel as bits, since not every number is JSON.
    pub(crate) fn record_of_first(&self, own: &EpochRecord) -> Result<EpochRecord, TrainError> {
        let EpochRecord { epoch, values, seconds, samples_per_s } = own;
        let values: Vec<(&str, u64)> =
            values.iter().map(|(name, value)| (name.as_str(), value.to_bits())).collect();
        let own = (*epoch, values, seconds.to_bits(), samples_per_s.to_bits());
        let bytes = serde_json::to_vec(&own).map_err(|_| TrainError::RankMessage)?;
        let (epoch, values, seconds, samples_per_s): (usize, Vec<(String, u64)>, u64, u64) =
            serde_json::from_slice(&self.bytes_of_first(bytes)?).map_err(|_| TrainError::RankMessage)?;
        Ok(EpochRecord {
            epoch,
            values: values.into_iter().map(|(name, value)| (name, f64::from_bits(value))).collect(),
            seconds: f64::from_bits(seconds),
            samples_per_s: f64::from_bits(samples_per_s),
        })
    }

    fn bytes_of_first(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>, TrainError> {
        self.group().broadcast(0, &mut bytes)?;
        Ok(bytes)
    }

    /// What rank 0 has.
    fn of_first<T: Serialize + for<'a> Deserialize<'a>>(&self, own: &T) -> Result<T, TrainError> {
        let bytes = serde_json::to_vec(own).map_err(|_| TrainError::RankMessage)?;
        serde_json::from_slice(&self.bytes_of_first(bytes)?).map_err(|_| TrainError::RankMessage)
    }
}
