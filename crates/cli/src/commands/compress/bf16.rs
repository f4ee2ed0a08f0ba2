//! `compress --bf16`.

use fireclay::compress::{CompressError, to_bf16};
use fireclay::store::ModelFile;

use super::Compress;
use crate::exit::UsageError;
use crate::format::shown;
use crate::output::Output;
use crate::program::Program;
use crate::records::CompressionDetails;

/// Makes and saves the new model.
pub fn run<P: Program>(
    flags: &Compress<P>,
    file: &ModelFile,
    output: &Output,
) -> anyhow::Result<CompressionDetails> {
    let small = to_bf16(file).map_err(|error| match error {
        CompressError::AlreadyInt8 => UsageError::of(error),
        other => other.into(),
    })?;
    small.save(&flags.out)?;
    output.line(format!("{} with weights in bf16; it computes in f32 as before", shown(&flags.from)));
    Ok(CompressionDetails::Bf16 {})
}
