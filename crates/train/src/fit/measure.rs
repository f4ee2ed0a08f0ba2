//! The network at the end of an epoch: averaged if that is asked for, measured, and kept.

use std::sync::Arc;

use fireclay_data::Loader;
use fireclay_nn::Network;

use super::{Plan, Run, Trained};
use crate::averaging::{WeightAveraging, has_running_statistics};
use crate::error::TrainError;
use crate::evaluate::Measures;
use crate::history::EpochRecord;
use crate::objective::has_perplexity;
use crate::trainer::Trainer;
use crate::upload::upload;

impl<N: Network> Trainer<N> {
    /// Measures the network at the end of an epoch and keeps it.
    pub(super) fn measure_epoch(
        &mut self,
        run: &mut Run<N>,
        plan: &Plan,
        trained: &Trained,
    ) -> Result<EpochRecord, TrainError> {
        let network = self.finite(run, plan)?;
        let network = self.averaged(network, run, plan)?;
        let mut values = Vec::new();
        let sums = trained.sums.sums();
        values.extend(sums.mean_loss().map(|loss| ("loss".to_string(), loss)));
        values.extend(sums.accuracy().map(|accuracy| ("accuracy".to_string(), accuracy)));
        let perplexity = sums.mean_loss().filter(|_| has_perplexity(&*self.loss, plan.task)).map(f64::exp);
        values.extend(perplexity.map(|perplexity| ("perplexity".to_string(), perplexity)));
        if let Some(privacy) = &plan.privacy {
            let spent = privacy.spent((run.state.epoch * plan.steps) as u64);
            values.push(("epsilon".to_string(), spent.epsilon));
        }
        if let Some(validation) = plan.validation {
            let measures = Measures {
                ranks: self.ranks.as_deref(),
                loss: &*self.loss,
                metrics: &self.metrics,
                task: plan.task,
                threshold: None,
            };
            let measurement = measures.measure(&network, validation, &self.device)?;
            fireclay_backend::forget_ordered_weights();
            if !measurement.loss.is_finite() {
                return Err(self.diverged(run, None, measurement.loss, 0, plan));
            }
            values.push(("val_loss".to_string(), measurement.loss));
            values
                .extend(measurement.metrics.into_iter().map(|(name, value)| (format!("val_{name}"), value)));
        }
        self.network = network;
        let samples_per_s = trained.samples as f64 / trained.seconds.max(1e-9);
        let record = EpochRecord { epoch: run.state.epoch, values, seconds: trained.seconds, samples_per_s };
        match &self.ranks {
            None => Ok(record),
            // Its times are those of one rank.
            Some(ranks) => ranks.record_of_first(&record),
        }
    }

    /// The network to measure and keep at the end of an epoch: the average of its weights, if that is asked for and there is one.
    fn averaged(&self, network: N, run: &mut Run<N>, plan: &Plan) -> Result<N, TrainError> {
        let options = &plan.settings.options;
        match options.averaging {
            None => Ok(network),
            Some(WeightAveraging::Exponential { .. }) => Ok(match &run.average {
                // `valid` and not `clone`: clones share their running statistics.
                Some(average) => average.valid(),
                None => network,
            }),
            Some(WeightAveraging::Stochastic { from_epoch }) if run.state.epoch < from_epoch => Ok(network),
            Some(WeightAveraging::Stochastic { .. }) => {
                run.average_with(&network, 1.0 / (run.state.averaged + 1) as f64);
                match &run.average {
                    Some(average) if has_running_statistics(average) => {
                        self.with_new_statistics(average.valid(), plan, run.state.epoch)
                    }
                    Some(average) => Ok(average.valid()),
                    None => Ok(network),
                }
            }
        }
    }

    /// A network whose weights were averaged, with the running statistics of batch norm that belong to them: measured in a pass
    /// over the training samples.
    fn with_new_statistics(&self, network: N, plan: &Plan, epoch: usize) -> Result<N, TrainError> {
        let network = network.train();
        let pass = plan.settings.options.pass(epoch);
        let batches = Loader::for_training(Arc::clone(plan.train), pass, plan.batch_size, 0);
        for (index, batch) in batches.enumerate() {
            let input = upload(batch?, &**plan.train, &self.device).input.autodiff();
            let turn = fireclay_backend::seeded(&self.device, pass.step_seed(index + 1));
            network.forward(input);
            drop(turn);
        }
        Ok(network.valid())
    }
}
