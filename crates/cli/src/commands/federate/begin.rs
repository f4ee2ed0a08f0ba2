//! A network that is not trained yet, with the data that it is for.

use std::sync::Arc;

use clap::Args;
use fireclay::nn::Model;
use fireclay::prelude::{Dataset, ModelSpec};

use crate::device::DeviceArgs;
use crate::exit::UsageError;
use crate::limit::Limit;
use crate::model_args::ModelArgs;
use crate::output::Output;
use crate::program::{DataSpec, ModelName, Program};
use crate::recipe::TrainingArgs;
use crate::setup::{Prepared, SetupArgs};

/// Flags that say model and data.
#[derive(Args, Debug)]
pub struct BeginArgs<P: Program> {
    #[command(flatten)]
    model: ModelArgs<P>,
    #[command(flatten)]
    source: P::SourceArgs,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    preprocessing: P::Preprocessing,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// What a federation begins with.
pub struct Beginning {
    /// The network's name.
    pub name: String,
    pub spec: ModelSpec,
    pub network: Model,
    pub train: Dataset,
    pub test: Dataset,
    pub device: DeviceArgs,
}

impl<P: Program> BeginArgs<P> {
    /// Loads the data and builds the network; the seed is that of its weights.
    pub fn begin(self, seed: u64, output: &Arc<Output>) -> anyhow::Result<Beginning> {
        let device = self.device.open()?;
        let own_spec = self.model.own_spec()?;
        let setup = SetupArgs::<P> {
            model: self.model,
            source: self.source,
            limit: self.limit,
            preprocessing: self.preprocessing,
            training: TrainingArgs::default(),
            device: self.device,
        };
        let Prepared { train, test, chosen, .. } = setup.prepare(own_spec.as_ref(), output)?;
        let (name, spec) = match own_spec {
            Some(spec) => ("your own".to_owned(), spec),
            None => (chosen.name(), chosen.spec(&DataSpec::of(&train))),
        };
        let network = spec.build_seeded(seed, &device).map_err(UsageError::of)?;
        Ok(Beginning { name, spec, network, train, test, device: setup.device })
    }
}
