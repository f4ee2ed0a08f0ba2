//! Synthetic data where the usual data is neither on the machine nor to be downloaded.

use fireclay::data::DatasetsError;

use crate::output::Output;
use crate::program::{Program, SourceOf};

/// Loads data, and says where it came from. Without files and without a network synthetic data is used instead, with a
/// warning; data that was named must be there.
///
/// # Errors
/// What is wrong with the data.
pub fn load_or_fall_back<P: Program, T>(
    source: SourceOf<P>,
    output: &Output,
    load: impl Fn(&SourceOf<P>) -> Result<T, DatasetsError>,
) -> anyhow::Result<(T, SourceOf<P>)> {
    match load(&source) {
        Ok(data) => Ok((data, source)),
        Err(error) if error.is_offline() => {
            let Some(fallback) = P::fallback() else {
                return Err(error.into());
            };
            output.warn(format!(
                "{} is not on this machine and there is no network to fetch it from.",
                fallback.missing
            ));
            output.warn(format!(
                "Going on with {}, which are synthetic; {}.",
                fallback.dataset, fallback.remedy
            ));
            Ok((load(&fallback.source)?, fallback.source))
        }
        Err(error) => Err(error.into()),
    }
}
