//! Attributions over the picture that they are of.

use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoTextStyle, iso_8859_1::FONT_8X13};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{DrawTarget, Drawable};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::colour::{faded, mixed};
use crate::check::{check_picture, length};
use crate::data::Picture;
use crate::error::ReportError;
use crate::format::number_like;

/// Of all attributions this share lies within the scale, so that a few large ones do not hide the rest.
const WITHIN: f64 = 0.95;

/// Pixels on the longer side of a picture in a file of its own, at least.
const SIDE: usize = 280;
/// How much of a colour the strongest attribution has, so that the picture is seen under it.
const STRENGTH: f32 = 0.85;

const MARGIN: usize = 16;
const BAR: usize = 12;
const LINE: usize = 18;
const PAPER: [u8; 3] = [0xfb, 0xf9, 0xf6];
const INK: [u8; 3] = [0x23, 0x1f, 0x1b];

/// A picture with its attributions.
pub struct Overlay<'a> {
    picture: &'a Picture,
    values: &'a [f32],
    pub signed: bool,
    /// The attribution that has the whole colour.
    pub scale: f32,
}

impl<'a> Overlay<'a> {
    /// # Errors
    /// If there are not as many attributions as pixels, or not as many bytes.
    pub fn new(
        picture: &'a Picture,
        values: &'a [f32],
        signed: bool,
        what: &str,
    ) -> Result<Self, ReportError> {
        check_picture(picture, what.into())?;
        length(format!("attributions of {what}"), picture.width * picture.height, values.len())?;
        let mut sizes: Vec<f32> = values.iter().map(|value| value.abs()).filter(|size| *size > 0.0).collect();
        sizes.sort_by(f32::total_cmp);
        let last = (sizes.len() as f64 * WITHIN) as usize;
        let scale = sizes.get(last.min(sizes.len().saturating_sub(1))).copied().unwrap_or(0.0);
        Ok(Overlay { picture, values, signed, scale })
    }

    /// A pixel of grey under the colour of an attribution.
    fn coloured(&self, ground: [u8; 3], value: f32) -> [u8; 3] {
        let share = if self.scale > 0.0 { (value / self.scale).clamp(-1.0, 1.0) } else { 0.0 };
        mixed(faded(ground), STRENGTH * share)
    }

    /// The picture without its colours, under those of the attributions.
    pub fn painted(&self) -> Picture {
        let pixels =
            self.values.iter().enumerate().map(|(at, value)| self.coloured(pixel(self.picture, at), *value));
        Picture { width: self.picture.width, height: self.picture.height, bytes: pixels.flatten().collect() }
    }

    /// What stands below the scale: its ends and its middle.
    pub fn ends(&self) -> [String; 3] {
        let end = |share: f32| match self.scale > 0.0 && share != 0.0 {
            true => number_like(f64::from(share * self.scale), f64::from(self.scale)),
            false => "0".to_owned(),
        };
        match self.signed {
            true => [end(-1.0), end(0.0), format!("+{}", end(1.0))],
            false => [end(0.0), String::new(), format!("+{}", end(1.0))],
        }
    }

    /// The colour at a place of the scale, from 0 at its left end to 1.
    pub fn along(&self, place: f32) -> [u8; 3] {
        let share = if self.signed { 2.0 * place - 1.0 } else { place };
        mixed(faded([128; 3]), STRENGTH * share)
    }

    /// The picture, the picture under its attributions, and the scale below.
    pub fn sheet(&self, caption: &str) -> Picture {
        let (width, height) = (self.picture.width, self.picture.height);
        let factor = SIDE.div_ceil(width.max(height).max(1)).max(1);
        let (wide, high) = (width * factor, height * factor);
        let sheet_width = (3 * MARGIN + 2 * wide).max(2 * MARGIN + SIDE);
        let mut sheet = Sheet::new(sheet_width, 3 * MARGIN + high + BAR + 2 * LINE);
        let painted = self.painted();
        let most = (sheet_width - 2 * MARGIN) / 8;
        let caption: String = caption.chars().take(most).collect();
        sheet.write(MARGIN, MARGIN - 6, Alignment::Left, &caption);
        let top = MARGIN + LINE;
        sheet.place(self.picture, factor, MARGIN, top);
        sheet.place(&painted, factor, 2 * MARGIN + wide, top);
        let (left, long) = match wide >= SIDE / 2 {
            true => (2 * MARGIN + wide, wide),
            false => (MARGIN, sheet_width - 2 * MARGIN),
        };
        let bar = top + high + MARGIN / 2;
        for column in 0..long {
            let colour = self.along(column as f32 / (long - 1).max(1) as f32);
            (0..BAR).for_each(|row| sheet.set(left + column, bar + row, colour));
        }
        let [low, middle, high] = self.ends();
        let below = bar + BAR + 4;
        sheet.write(left, below, Alignment::Left, &low);
        sheet.write(left + long / 2, below, Alignment::Center, &middle);
        sheet.write(left + long, below, Alignment::Right, &high);
        sheet.0
    }
}

fn pixel(picture: &Picture, at: usize) -> [u8; 3] {
    match picture.bytes.len() == picture.width * picture.height {
        true => [picture.bytes[at]; 3],
        false => [0, 1, 2].map(|channel| picture.bytes[3 * at + channel]),
    }
}

/// A picture in colour that is drawn into.
struct Sheet(Picture);

impl Sheet {
    fn new(width: usize, height: usize) -> Self {
        Sheet(Picture { width, height, bytes: PAPER.repeat(width * height) })
    }

    fn set(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        if x < self.0.width && y < self.0.height {
            self.0.bytes[3 * (y * self.0.width + x)..][..3].copy_from_slice(&colour);
        }
    }

    /// Each pixel as a square.
    fn place(&mut self, picture: &Picture, factor: usize, left: usize, top: usize) {
        for row in 0..picture.height * factor {
            for column in 0..picture.width * factor {
                let at = row / factor * picture.width + column / factor;
                self.set(left + column, top + row, pixel(picture, at));
            }
        }
    }

    /// A line of text; a question mark stands for letters that the font does not have.
    fn write(&mut self, x: usize, y: usize, alignment: Alignment, text: &str) {
        let text: String = text
            .chars()
            .map(|letter| match letter {
                ' '..='~' | '\u{a1}'..='\u{ff}' => letter,
                '\u{2212}' | '\u{2010}'..='\u{2015}' => '-',
                _ if letter.is_whitespace() => ' ',
                _ => '?',
            })
            .collect();
        let style = MonoTextStyle::new(&FONT_8X13, Rgb888::new(INK[0], INK[1], INK[2]));
        let place = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Top).build();
        let Ok(_) = Text::with_text_style(&text, Point::new(x as i32, y as i32), style, place).draw(self);
    }
}

impl OriginDimensions for Sheet {
    fn size(&self) -> Size {
        Size::new(self.0.width as u32, self.0.height as u32)
    }
}

impl DrawTarget for Sheet {
    type Color = Rgb888;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(Point { x, y }, colour) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) {
                self.set(x, y, [colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_for_an_answer_and_against_it_has_its_colour() {
        let picture = Picture { width: 2, height: 2, bytes: vec![0, 255, 100, 100] };
        let overlay = Overlay::new(&picture, &[3.0, -3.0, 0.0, 0.0], true, "it").unwrap();
        let painted = overlay.painted();
        let [black, white] = [0, 255].map(|byte| faded([byte; 3]));
        assert_eq!(painted.bytes[..3], mixed(black, STRENGTH));
        assert_eq!(painted.bytes[3..6], mixed(white, -STRENGTH));
        assert_eq!(painted.bytes[6..9], faded([100; 3]));
        assert_eq!(overlay.ends(), ["\u{2212}3.00", "0", "+3.00"]);
        let sheet = overlay.sheet("a caption");
        assert_eq!(sheet.bytes.len(), 3 * sheet.width * sheet.height);
        let has = |colour: [u8; 3]| sheet.bytes.chunks(3).any(|pixel| pixel == colour);
        assert!(has(overlay.along(0.0)) && has(overlay.along(1.0)) && has(INK));
    }

    #[test]
    fn a_few_large_attributions_do_not_hide_the_rest_and_none_are_no_colour() {
        let picture = Picture { width: 200, height: 1, bytes: vec![90; 200] };
        let mut values = vec![1.0; 200];
        values[7] = 1000.0;
        assert_eq!(Overlay::new(&picture, &values, false, "it").unwrap().scale, 1.0);
        let nothing = Overlay::new(&picture, &[0.0; 200], true, "it").unwrap();
        assert_eq!((nothing.scale, nothing.ends()[2].as_str()), (0.0, "+0"));
        assert!(nothing.painted().bytes.chunks(3).all(|pixel| pixel == faded([90; 3])));
        assert!(Overlay::new(&picture, &[0.0; 199], true, "it").is_err());
    }
}
