//! What a program does where its data is neither on the machine nor to be had.

use std::sync::Arc;

use fireclay::data::DatasetsError;

use crate::Output;
use crate::program::{PlaceOf, Program};

/// Loads data. Without files and without a network built-in data stands in, said aloud; data that was named must be
/// there.
///
/// # Errors
/// What is wrong with the data.
pub fn load_or_stand_in<P: Program, T>(
    place: PlaceOf<P>,
    output: &Arc<Output>,
    load: impl Fn(&PlaceOf<P>) -> Result<T, DatasetsError>,
) -> anyhow::Result<(T, PlaceOf<P>)> {
    match load(&place) {
        Ok(data) => Ok((data, place)),
        Err(error) if error.is_offline() => {
            let stand_in = P::stand_in();
            output.warn(format!(
                "{} is not on this machine and there is no network to fetch it from.",
                stand_in.missing
            ));
            output
                .warn(format!("Going on with {}, made on the spot; {}.", stand_in.dataset, stand_in.remedy));
            Ok((load(&stand_in.place)?, stand_in.place))
        }
        Err(error) => Err(error.into()),
    }
}
