//! A picture to draw into: rectangles, enlarged images, and text in bitmap fonts.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, iso_8859_1};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{DrawTarget, Drawable};
use embedded_graphics::text::{Baseline, Text};
use image::{Rgb, RgbImage};

use crate::inspect::readable::cut;

/// Light enough for dark images, and not as white as light ones.
pub(super) const PAPER: [u8; 3] = [248, 247, 243];
/// Names.
pub(super) const INK: [u8; 3] = [38, 38, 44];
/// Small print.
pub(super) const GREY: [u8; 3] = [118, 116, 112];
/// A line around each image.
pub(super) const EDGE: [u8; 3] = [208, 205, 198];

/// A size of letters.
#[derive(Clone, Copy)]
pub(super) struct Letters(&'static MonoFont<'static>);

impl Letters {
    pub(super) const TITLE: Letters = Letters(&iso_8859_1::FONT_10X20);
    pub(super) const LABEL: Letters = Letters(&iso_8859_1::FONT_8X13_BOLD);
    pub(super) const NOTE: Letters = Letters(&iso_8859_1::FONT_8X13);
    pub(super) const CAPTION: Letters = Letters(&iso_8859_1::FONT_6X10);

    pub(super) fn width(self) -> usize {
        self.0.character_size.width as usize
    }

    pub(super) fn height(self) -> usize {
        self.0.character_size.height as usize
    }

    /// Pixels that `text` takes.
    pub(super) fn length(self, text: &str) -> usize {
        text.chars().count() * self.width()
    }

    /// The text in characters that the fonts have, cut to `most` pixels.
    pub(super) fn fit(self, text: &str, most: usize) -> String {
        cut(&writable(text), most / self.width())
    }
}

/// The text with the characters of ISO 8859-1, which the fonts have; a question mark for others.
pub(super) fn writable(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' | '\u{a0}'..='\u{ff}' => written.push(character),
            '\u{2018}' | '\u{2019}' => written.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' => written.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => written.push('-'),
            '\u{2026}' => written.push_str("..."),
            '\u{2192}' => written.push_str("->"),
            '\n' | '\r' | '\t' => written.push(' '),
            _ => written.push('?'),
        }
    }
    written
}

/// A picture that is being drawn.
pub(super) struct Canvas(RgbImage);

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Canvas(RgbImage::from_pixel(width as u32, height as u32, Rgb(PAPER)))
    }

    pub(super) fn into_image(self) -> RgbImage {
        self.0
    }

    /// One line of text, its upper left corner at `x`, `y`.
    pub(super) fn write(&mut self, letters: Letters, colour: [u8; 3], x: usize, y: usize, text: &str) {
        let style = MonoTextStyle::new(letters.0, Rgb888::new(colour[0], colour[1], colour[2]));
        let text = writable(text);
        let Ok(_) =
            Text::with_baseline(&text, Point::new(x as i32, y as i32), style, Baseline::Top).draw(self);
    }

    pub(super) fn fill(&mut self, colour: [u8; 3], x: usize, y: usize, width: usize, height: usize) {
        for row in y..y + height {
            for column in x..x + width {
                self.set(column, row, Rgb(colour));
            }
        }
    }

    /// Each pixel of `image` as a square of `factor` pixels.
    pub(super) fn place(&mut self, image: &RgbImage, factor: usize, x: usize, y: usize) {
        for (column, row, pixel) in image.enumerate_pixels() {
            let (left, top) = (x + column as usize * factor, y + row as usize * factor);
            for row in top..top + factor {
                for column in left..left + factor {
                    self.set(column, row, *pixel);
                }
            }
        }
    }

    fn set(&mut self, x: usize, y: usize, pixel: Rgb<u8>) {
        if let Some(at) = self.0.get_pixel_mut_checked(x as u32, y as u32) {
            *at = pixel;
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, colour) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) {
                self.set(x, y, Rgb([colour.r(), colour.g(), colour.b()]));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fonts_lack_is_replaced() {
        assert_eq!(writable("été ‘a’ – b…\n漢\u{7}"), "été 'a' - b... ??");
        assert_eq!(Letters::LABEL.fit("sunflowers", 64), "sunfl...");
    }
}
