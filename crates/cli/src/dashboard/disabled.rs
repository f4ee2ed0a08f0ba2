//! In the place of the dashboard in a build without it.

use std::sync::Arc;

use fireclay::train::{Callback, CallbackContext, Event, TrainError};

use super::DashboardInfo;
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::interrupt::InterruptOnCtrlC;
use crate::output::Output;

/// A dashboard that this build does not have.
#[derive(Debug)]
pub enum Dashboard {}

impl Dashboard {
    /// Refuses it.
    ///
    /// # Errors
    /// A [`UsageError`] that names the feature.
    pub fn check(_: &Output) -> anyhow::Result<bool> {
        Err(UsageError::of(CommandError::NoDashboard))
    }

    /// Never called, since [`check`](Self::check) comes first.
    pub fn new(_: DashboardInfo, _: Arc<Output>, _: InterruptOnCtrlC) -> Self {
        unreachable!("`check` refuses it")
    }
}

impl Callback for Dashboard {
    fn on_event(&mut self, _: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        match *self {}
    }
}
