//! Names that stand for parameters.

use fireclay_nn::NnError;

/// The names that one stands for: itself, or those that begin with it and a dot or a slash.
pub(super) fn covered<'a>(
    name: &str,
    known: impl Iterator<Item = &'a String> + Clone,
) -> Result<Vec<String>, NnError> {
    let is_covered = |known: &str| {
        known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
    };
    let covered: Vec<String> = known.clone().filter(|known| is_covered(known)).cloned().collect();
    match covered.is_empty() {
        true => Err(NnError::UnknownLayer { name: name.to_owned(), known: known.cloned().collect() }),
        false => Ok(covered),
    }
}
