//! Contact sheets: images of every class side by side, with names: what a model will learn from.

mod canvas;
mod layout;
mod picture;
mod tile;

use crate::error::InspectProblem;
pub use picture::Picture;
pub use tile::{Tile, TileRow};

use std::path::Path;

use fireclay_data::{Batch, BatchTargets, Dataset, Source, TargetKind};

use super::choose::choose;
use super::readable::{count, counted, number, shape};
use crate::DatasetsError;

/// Most columns, and most rows for each class.
const MOST_COUNT: usize = 64;

/// With more classes than this, several share a line.
const MOST_LABELLED_ROWS: usize = 20;

/// Images of a sheet where there are no classes, in lines of [`ContactSheet::columns`].
const LINES_WITHOUT_CLASSES: usize = 8;

/// In a sheet of many classes, about as many images in all, and at least one for each class.
const IMAGES_OF_MANY_CLASSES: usize = 300;

/// A sheet of images by class, or of rows of images chosen by the caller.
///
/// Images are enlarged by whole factors, or made smaller by whole factors where they are large; grey images stay
/// grey. With many classes several share a line; where targets are numbers, each image has its numbers below.
///
/// ```
/// use fireclay_datasets::{ContactSheet, DrawnDigits};
///
/// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("digits.png");
/// let (train, _) = DrawnDigits::new(0).train_and_test(100, 0);
/// let sheet = ContactSheet::of(&train).columns(8).seed(7);
/// let picture = sheet.draw()?;
/// assert!(picture.width() > 8 * 2 * 28 && picture.height() > 10 * 2 * 28);
/// sheet.write_png(&path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ContactSheet {
    content: Content,
    columns: usize,
    rows_per_class: usize,
    seed: u64,
}

#[derive(Clone, Debug)]
enum Content {
    Dataset(Dataset),
    Rows { title: String, detail: String, rows: Vec<TileRow> },
}

impl ContactSheet {
    /// A sheet of a dataset's images, as many of each class.
    pub fn of(dataset: &Dataset) -> Self {
        Self::new(Content::Dataset(dataset.clone()))
    }

    /// A sheet of rows chosen by the caller, such as right and wrong predictions, under a title and a line of detail.
    /// [`rows_per_class`](Self::rows_per_class) and [`seed`](Self::seed) say nothing then.
    ///
    /// ```
    /// use fireclay_datasets::{ContactSheet, Tile, TileRow};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let tile = Tile::new(&[1, 2, 2], &[0, 255, 255, 0])?.with_caption("cat -> dog 0.62").with_frame([200, 60, 50]);
    /// let rows = vec![TileRow { label: "cat".into(), note: "1 of 10 wrong".into(), tiles: vec![tile] }];
    /// let picture = ContactSheet::of_rows("animals, test", "what the model got wrong", rows).draw()?;
    /// assert_eq!(picture.rgb().len(), 3 * picture.width() * picture.height());
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_rows(title: impl Into<String>, detail: impl Into<String>, rows: Vec<TileRow>) -> Self {
        Self::new(Content::Rows { title: title.into(), detail: detail.into(), rows })
    }

    fn new(content: Content) -> Self {
        ContactSheet { content, columns: 12, rows_per_class: 1, seed: 0 }
    }

    /// How many images stand side by side, 1 to 64; 12 unless said.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    /// How many rows of images each class has, 1 to 64; 1 unless said. Where targets are numbers, the sheet has as
    /// many rows; 8 for 1.
    pub fn rows_per_class(mut self, rows: usize) -> Self {
        self.rows_per_class = rows;
        self
    }

    /// What decides which images are shown; 0 unless said.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Draws the sheet.
    ///
    /// # Errors
    /// [`DatasetsError::Inspect`] if the samples are not images, or if there would be no columns or rows, or more pixels
    /// than 32 million.
    pub fn draw(&self) -> Result<Picture, DatasetsError> {
        for (what, found) in [("columns", self.columns), ("rows for each class", self.rows_per_class)] {
            if !(1..=MOST_COUNT).contains(&found) {
                return Err(InspectProblem::Count { what, found, most: MOST_COUNT }.into());
            }
        }
        match &self.content {
            Content::Dataset(dataset) => self.draw_dataset(dataset),
            Content::Rows { title, detail, rows } => {
                let most_tiles = rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0).max(1);
                let in_a_row = match rows.len() > MOST_LABELLED_ROWS {
                    true => self.columns.min(most_tiles),
                    false => self.columns,
                };
                self.page(title, detail, in_a_row).draw(rows)
            }
        }
    }

    /// Draws the sheet and writes it as PNG, whole or not at all.
    ///
    /// # Errors
    /// As [`draw`](Self::draw), and [`DatasetsError::Inspect`] with the path if it cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<(), DatasetsError> {
        self.draw()?.write_png(path)
    }

    fn page<'a>(&self, title: &'a str, detail: &'a str, in_a_row: usize) -> layout::Page<'a> {
        layout::Page { title, detail, columns: self.columns, in_a_row }
    }

    fn draw_dataset(&self, dataset: &Dataset) -> Result<Picture, DatasetsError> {
        let size = tile::image_size(dataset.shape());
        let (true, Some((_, height, width))) = (dataset.is_empty() || dataset.raw_u8(0).is_some(), size)
        else {
            let bytes = dataset.raw_u8(0).is_some();
            return Err(InspectProblem::NotImages { shape: dataset.shape().to_vec(), bytes }.into());
        };
        let provenance = dataset.provenance();
        let title = match provenance.split.is_empty() {
            true => provenance.name.clone(),
            false => format!("{}, {}", provenance.name, provenance.split),
        };
        let mut detail =
            format!("{} of {}", counted(dataset.len(), "image", "images"), shape(&[height, width]),);
        let Some(classes) = dataset.num_classes() else {
            let lines = if self.rows_per_class > 1 { self.rows_per_class } else { LINES_WITHOUT_CLASSES };
            let wanted = self.columns * lines;
            layout::check_tiles(wanted.min(dataset.len()), self.columns, height, width)?;
            let chosen = choose((0..dataset.len()).map(|_| 0), &[dataset.len()], wanted, self.seed);
            let tiles: Result<Vec<Tile>, DatasetsError> =
                chosen.iter().flatten().map(|index| tile_with_values(dataset, *index)).collect();
            let tiles = tiles?;
            detail.push_str(&format!("; {} picked by seed {}", tiles.len(), self.seed));
            let rows = [TileRow { label: String::new(), note: String::new(), tiles }];
            return self.page(&title, &detail, self.columns).draw(&rows);
        };

        let counts = dataset.class_counts();
        detail.push_str(&format!(", {}", counted(classes, "class", "classes")));
        let many = classes > MOST_LABELLED_ROWS;
        let in_a_row = match many {
            true => (IMAGES_OF_MANY_CLASSES / classes).clamp(1, self.columns.div_ceil(2)),
            false => self.columns,
        };
        let wanted = in_a_row * self.rows_per_class;
        // Of many classes, those without images are only counted, and the sheet ends where it is full.
        let with_images = counts.iter().filter(|count| **count > 0).count();
        let shown: Vec<usize> = match many {
            true => (0..classes)
                .filter(|class| counts[*class] > 0)
                .take(layout::most_classes(in_a_row, self.rows_per_class, height, width))
                .collect(),
            false => (0..classes).collect(),
        };
        let tiles: usize = shown.iter().map(|class| counts[*class].min(wanted)).sum();
        layout::check_tiles(tiles, self.columns, height, width)?;
        let most = shown.iter().map(|class| counts[*class].min(wanted)).max().unwrap_or(0);
        if most > 0 {
            let up_to = if shown.iter().all(|class| counts[*class] >= most) { "" } else { "up to " };
            detail.push_str(&format!("; {up_to}{most} of each, picked by seed {}", self.seed));
        }
        if many && with_images < classes {
            detail.push_str(&format!("; {} classes have no images", count(classes - with_images)));
        }
        if many && shown.len() < with_images {
            detail.push_str(&format!("; {} more classes are not shown", count(with_images - shown.len())));
        }

        let groups = (0..dataset.len()).filter_map(|index| dataset.label(index)).map(|label| label as usize);
        let chosen = choose(groups, &counts, wanted, self.seed);
        let mut rows = Vec::new();
        for class in shown {
            let tiles: Result<Vec<Tile>, DatasetsError> =
                chosen[class].iter().map(|index| tile_of(dataset, *index)).collect();
            let note = if many { count(counts[class]) } else { counted(counts[class], "image", "images") };
            rows.push(TileRow { label: dataset.class_names()[class].clone(), note, tiles: tiles? });
        }
        self.page(&title, &detail, in_a_row).draw(&rows)
    }
}

fn tile_of(dataset: &Dataset, index: usize) -> Result<Tile, DatasetsError> {
    Tile::new(dataset.shape(), dataset.raw_u8(index).unwrap_or(&[]))
}

fn tile_with_values(dataset: &Dataset, index: usize) -> Result<Tile, DatasetsError> {
    let mut batch = Batch::default();
    if let TargetKind::Values { .. } = dataset.target_kind() {
        dataset.gather(&[index as u32], &mut batch);
    }
    let values = match &batch.targets {
        BatchTargets::Values { values, .. } => values.as_slice(),
        _ => &[],
    };
    let mut caption: Vec<String> = values.iter().take(3).map(|value| number(f64::from(*value))).collect();
    if values.len() > 3 {
        caption.push("...".into());
    }
    Ok(tile_of(dataset, index)?.with_caption(caption.join(" ")))
}
