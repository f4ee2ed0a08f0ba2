//! Colours that can be read on light and on dark terminals, or none.

use ratatui::style::{Color, Modifier, Style};

use crate::output::colours_are_unwanted;

/// Colours from the palette of 256, whose tones are the same on every terminal; the first 16 are what its user made of them.
const TRAINING: u8 = 33;
const VALIDATION: u8 = 166;
const WARNING: u8 = 160;

/// How parts of the screen are told apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Theme {
    /// What was measured in training.
    pub training: Style,
    /// What was measured on validation samples.
    pub validation: Style,
    /// Warnings.
    pub warning: Style,
    /// What is chosen, and titles.
    pub strong: Style,
}

impl Theme {
    /// Without colours where `NO_COLOR` is set to anything.
    pub fn of_environment() -> Self {
        match colours_are_unwanted() {
            true => Theme::plain(),
            false => Theme::coloured(),
        }
    }

    /// Whether there are no colours.
    pub fn is_plain(&self) -> bool {
        self.training.fg.is_none()
    }

    pub(super) fn coloured() -> Self {
        let colour = |index| Style::new().fg(Color::Indexed(index));
        Theme {
            training: colour(TRAINING),
            validation: colour(VALIDATION),
            warning: colour(WARNING),
            strong: Style::new().add_modifier(Modifier::BOLD),
        }
    }

    fn plain() -> Self {
        let strong = Style::new().add_modifier(Modifier::BOLD);
        Theme { warning: strong, strong, ..Theme::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of a colour of the cube of 6 by 6 by 6, as <https://www.w3.org/TR/WCAG21/#dfn-relative-luminance> has it.
    fn luminance(index: u8) -> f64 {
        let level = |step: u8| if step == 0 { 0.0 } else { f64::from(55 + 40 * step) / 255.0 };
        let linear = |value: f64| {
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let cube = index - 16;
        let [red, green, blue] = [cube / 36, cube / 6 % 6, cube % 6].map(|step| linear(level(step)));
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// 3 to 1 is what WCAG asks of graphics.
    #[test]
    fn colours_stand_out_on_black_and_on_white() {
        for colour in [TRAINING, VALIDATION, WARNING] {
            let luminance = luminance(colour);
            let (on_black, on_white) = ((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05));
            assert!(on_black >= 3.0 && on_white >= 3.0, "{colour}: {on_black:.1}, {on_white:.1}");
        }
    }

    #[test]
    fn without_colours_there_are_none() {
        let Theme { training, validation, warning, strong } = Theme::plain();
        assert!([training, validation, warning, strong].iter().all(|style| style.fg.is_none()));
    }
}
