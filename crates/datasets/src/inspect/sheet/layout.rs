//! Where everything on a sheet stands, and its drawing.

use super::MOST_LABELLED_ROWS;
use super::canvas::{Canvas, EDGE, GREY, INK, Letters, writable};
use super::picture::Picture;
use super::tile::{Tile, TileRow, enlargement, tile_size};
use crate::inspect::readable::wrap;
use crate::{DatasetsError, InspectProblem};

/// Most pixels of a sheet: 96 MiB of memory.
const MOST_PIXELS: usize = 32 << 20;

/// Around the whole sheet.
const MARGIN: usize = 20;
/// Between images.
const GAP: usize = 4;
/// Between images where there are frames.
const FRAMED_GAP: usize = 10;
/// Around an image.
const FRAME: usize = 3;
/// Between groups, and between a name and its images.
const GROUP_GAP: usize = 12;
/// Between two lines of text.
const LEADING: usize = 4;
/// Longer names and captions are cut.
const MOST_LABEL: usize = 200;
const MOST_CAPTION: usize = 128;
/// Room for a name above a single image, and for the heading of a sheet with few images.
const LEAST_GROUP: usize = 120;
const LEAST_WIDTH: usize = 400;

/// A sheet's heading, and how its rows are laid out.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) detail: &'a str,
    /// Images side by side on the sheet.
    pub(super) columns: usize,
    /// Images side by side in one row's part of it, where several rows share a line.
    pub(super) in_a_row: usize,
}

/// Sizes that all tiles share.
struct Sizes {
    /// What a tile's pixels are enlarged by.
    factor: usize,
    tile_height: usize,
    /// Room for an image with its caption.
    cell_height: usize,
    cell_width: usize,
    gap: usize,
    /// Between lines: a caption stands nearer to its own image than to the next.
    line_gap: usize,
}

/// A row's place.
struct Group<'a> {
    row: &'a TileRow,
    x: usize,
    y: usize,
    /// Upper left corner of its first image.
    tiles_x: usize,
    tiles_y: usize,
}

/// Refuses sheets whose images alone are more than a sheet may hold, before an image is copied.
pub(super) fn check_tiles(
    tiles: usize,
    columns: usize,
    height: usize,
    width: usize,
) -> Result<(), DatasetsError> {
    let (height, width) = tile_size(height, width);
    let factor = enlargement(height.max(width));
    let lines = tiles.div_ceil(columns.max(1));
    check_size(columns.min(tiles) * width * factor, lines * height * factor)
}

/// How many classes a sheet of many has room for.
pub(super) fn most_classes(in_a_row: usize, rows: usize, height: usize, width: usize) -> usize {
    let (height, width) = tile_size(height, width);
    let factor = enlargement(height.max(width));
    let group_width = (in_a_row * (width * factor + GAP)).max(LEAST_GROUP) + GROUP_GAP;
    let group_height = rows * (height * factor + GAP) + Letters::LABEL.height() + GROUP_GAP;
    (MOST_PIXELS / 2 / (group_width * group_height)).max(1)
}

fn check_size(width: usize, height: usize) -> Result<(), DatasetsError> {
    if width.saturating_mul(height) > MOST_PIXELS {
        return Err(InspectProblem::TooLarge { width, height, most_pixels: MOST_PIXELS }.into());
    }
    Ok(())
}

impl Page<'_> {
    pub(super) fn draw(&self, rows: &[TileRow]) -> Result<Picture, DatasetsError> {
        let sizes = Sizes::of(rows);
        let many = rows.len() > MOST_LABELLED_ROWS;
        let label_width = if many { 0 } else { label_width(rows) };
        let most_tiles = rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0);
        let group_columns = self.in_a_row.min(most_tiles).max(1);
        let group_width = match many {
            true => sizes.across(group_columns).max(LEAST_GROUP),
            false => label_width + sizes.across(group_columns),
        };
        let (per_line, group_gap) = match many {
            true => ((self.columns / group_columns).max(1), 2 * GROUP_GAP),
            false => (1, if group_columns < most_tiles { 2 * GROUP_GAP } else { GROUP_GAP }),
        };
        let per_line = per_line.min(rows.len().max(1));
        let body_width = (per_line * (group_width + group_gap) - group_gap).max(LEAST_WIDTH);

        // The heading.
        let title = Letters::TITLE.fit(self.title, body_width);
        let detail = wrap(&writable(self.detail), body_width / Letters::NOTE.width());
        let detail_top = MARGIN + Letters::TITLE.height() + LEADING;
        let line = Letters::NOTE.height() + LEADING;
        let mut y = detail_top + detail.len() * line + GROUP_GAP;

        // The rows, line by line.
        let above = if many { Letters::CAPTION.height() + LEADING } else { 0 };
        let least_height = if label_width > 0 { Letters::LABEL.height() + line } else { 0 };
        let line_gap = if many { GROUP_GAP + LEADING } else { group_gap };
        let mut groups = Vec::new();
        for in_line in rows.chunks(per_line) {
            let most = in_line.iter().map(|row| row.tiles.len()).max().unwrap_or(0);
            for (place, row) in in_line.iter().enumerate() {
                let x = MARGIN + place * (group_width + group_gap);
                groups.push(Group { row, x, y, tiles_x: x + label_width, tiles_y: y + above });
            }
            let height = above + sizes.down(most.div_ceil(group_columns)).max(least_height);
            y = y.saturating_add(height + line_gap);
        }
        let height = y.saturating_add(MARGIN) - if rows.is_empty() { GROUP_GAP } else { line_gap };
        let width = body_width + 2 * MARGIN;
        check_size(width, height)?;

        let mut canvas = Canvas::new(width, height);
        canvas.write(Letters::TITLE, INK, MARGIN, MARGIN, &title);
        for (index, text) in detail.iter().enumerate() {
            canvas.write(Letters::NOTE, GREY, MARGIN, detail_top + index * line, text);
        }
        for group in &groups {
            match many {
                true => write_above(&mut canvas, group, group_width),
                false => write_beside(&mut canvas, group, sizes.tile_height),
            }
            for (index, tile) in group.row.tiles.iter().enumerate() {
                let x = group.tiles_x + index % group_columns * (sizes.cell_width + sizes.gap);
                let y = group.tiles_y + index / group_columns * (sizes.cell_height + sizes.line_gap);
                sizes.draw(&mut canvas, tile, x, y);
            }
        }
        Ok(Picture::new(canvas.into_image()))
    }
}

/// Room for the longest name or note, and the gap after it; 0 if there is none.
fn label_width(rows: &[TileRow]) -> usize {
    let length = |row: &TileRow| {
        let label = Letters::LABEL.length(&writable(&row.label));
        label.max(Letters::NOTE.length(&writable(&row.note)))
    };
    match rows.iter().map(length).max().unwrap_or(0) {
        0 => 0,
        longest => longest.min(MOST_LABEL) + GROUP_GAP,
    }
}

/// Name and note to the left, half-way down the first line of images.
fn write_beside(canvas: &mut Canvas, group: &Group<'_>, tile_height: usize) {
    let both = Letters::LABEL.height() + LEADING + Letters::NOTE.height();
    let y = group.y + tile_height.saturating_sub(both) / 2;
    canvas.write(Letters::LABEL, INK, group.x, y, &Letters::LABEL.fit(&group.row.label, MOST_LABEL));
    let note = Letters::NOTE.fit(&group.row.note, MOST_LABEL);
    canvas.write(Letters::NOTE, GREY, group.x, y + Letters::LABEL.height() + LEADING, &note);
}

/// Name and note in one line.
fn write_above(canvas: &mut Canvas, group: &Group<'_>, width: usize) {
    let letters = Letters::CAPTION;
    let note = letters.fit(&group.row.note, width / 2);
    let label = letters.fit(&group.row.label, width.saturating_sub(letters.length(&note) + letters.width()));
    canvas.write(letters, INK, group.x, group.y, &label);
    canvas.write(letters, GREY, group.x + letters.length(&label) + letters.width(), group.y, &note);
}

impl Sizes {
    fn of(rows: &[TileRow]) -> Self {
        let tiles = || rows.iter().flat_map(|row| &row.tiles);
        let height = tiles().map(|tile| tile.image.height() as usize).max().unwrap_or(1);
        let width = tiles().map(|tile| tile.image.width() as usize).max().unwrap_or(1);
        let factor = enlargement(height.max(width));
        let (tile_height, tile_width) = (height * factor, width * factor);
        let caption =
            tiles().map(|tile| Letters::CAPTION.length(&writable(&tile.caption))).max().unwrap_or(0);
        let framed = tiles().any(|tile| tile.frame.is_some());
        let below = match (caption, framed) {
            (0, _) => 0,
            (_, false) => Letters::CAPTION.height() + LEADING,
            (_, true) => Letters::CAPTION.height() + LEADING + FRAME,
        };
        Sizes {
            factor,
            tile_height,
            cell_height: tile_height + below,
            cell_width: tile_width.max(caption.min(MOST_CAPTION)),
            gap: if framed { FRAMED_GAP } else { GAP },
            line_gap: if framed || caption > 0 { FRAMED_GAP } else { GAP },
        }
    }

    /// Pixels that so many columns take.
    fn across(&self, columns: usize) -> usize {
        (columns * (self.cell_width + self.gap)).saturating_sub(self.gap)
    }

    /// Pixels that so many lines take.
    fn down(&self, lines: usize) -> usize {
        (lines.saturating_mul(self.cell_height + self.line_gap)).saturating_sub(self.line_gap)
    }

    fn draw(&self, canvas: &mut Canvas, tile: &Tile, x: usize, y: usize) {
        let (width, height) = (tile.image.width() as usize, tile.image.height() as usize);
        let (width, height) = (width * self.factor, height * self.factor);
        let (colour, edge) = match tile.frame {
            Some(colour) => (colour, FRAME),
            None => (EDGE, 1),
        };
        canvas.fill(colour, x - edge, y - edge, width + 2 * edge, height + 2 * edge);
        canvas.place(&tile.image, self.factor, x, y);
        if !tile.caption.is_empty() {
            let below = self.cell_height - Letters::CAPTION.height();
            let caption = Letters::CAPTION.fit(&tile.caption, self.cell_width);
            canvas.write(Letters::CAPTION, GREY, x, y + below, &caption);
        }
    }
}
