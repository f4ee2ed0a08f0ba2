//! Datasets of tables.

use fireclay_data::{Dataset, Provenance};

use crate::{Frame, TablePreprocessing, TabularError, TargetColumn};

/// Datasets of tables: functions of [`Dataset`] that know what a table is. They need this trait in scope.
///
/// A dataset keeps how its rows became numbers ([`Dataset::with_preprocessing`]), and so does a model that is trained on it.
pub trait TableDataset: Sized {
    /// A dataset of a table's rows, `[features]` numbers each. Numbers to predict stay in their own units;
    /// [`Dataset::with_standardized_targets`] lets a network learn them on a better scale.
    ///
    /// See the [crate's documentation](crate) for an example.
    ///
    /// # Errors
    /// If a column is missing, or a row has no target.
    fn from_frame(
        frame: &Frame,
        preprocessing: &TablePreprocessing,
        target: &TargetColumn,
        provenance: Provenance,
    ) -> Result<Self, TabularError>;

    /// How the rows became numbers; `None` for a dataset that was not made from a table.
    fn table_preprocessing(&self) -> Option<&TablePreprocessing>;
}

impl TableDataset for Dataset {
    fn from_frame(
        frame: &Frame,
        preprocessing: &TablePreprocessing,
        target: &TargetColumn,
        provenance: Provenance,
    ) -> Result<Self, TabularError> {
        let width = preprocessing.width();
        let places = preprocessing.columns.iter().map(|column| frame.find(&column.name));
        let places: Vec<usize> = places.collect::<Result<_, _>>()?;
        let mut values = Vec::with_capacity(frame.len() * width);
        for row in 0..frame.len() {
            for (column, place) in preprocessing.columns.iter().zip(&places) {
                column.encoding.encode(frame.cell(row, *place), &mut values);
            }
        }
        let targets = target.of(frame)?;
        let dataset = Dataset::from_f32(&[width], values, targets, provenance)?;
        Ok(dataset.with_preprocessing(preprocessing.clone()))
    }

    fn table_preprocessing(&self) -> Option<&TablePreprocessing> {
        self.preprocessing()
    }
}
