//! What a program does where its data is neither on the machine nor to be had.

use std::sync::Arc;

use fireclay::data::DataError;

use crate::Output;
use crate::program::{ChoiceOf, Program};

/// Loads data. Without files and without a network built-in data stands in, said aloud; data that was named must be
/// there.
///
/// # Errors
/// What is wrong with the data.
pub fn load_or_stand_in<P: Program, T>(
    choice: ChoiceOf<P>,
    output: &Arc<Output>,
    load: impl Fn(&ChoiceOf<P>) -> Result<T, DataError>,
) -> anyhow::Result<(T, ChoiceOf<P>)> {
    match load(&choice) {
        Ok(data) => Ok((data, choice)),
        Err(error) if error.is_offline() => {
            let stand_in = P::stand_in(&choice);
            output.warn(format!(
                "{} is not on this machine and there is no network to fetch it from.",
                stand_in.missing
            ));
            output.warn(format!("Going on with {}; {}.", stand_in.instead, stand_in.remedy));
            Ok((load(&stand_in.choice)?, stand_in.choice))
        }
        Err(error) => Err(error.into()),
    }
}
