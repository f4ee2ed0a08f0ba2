//! Figures as SVG, which `maud` writes as it does the rest of the page: a library for plots would give whole pixels, no classes for a
//! style sheet to colour by, and no words for a mark that a mouse is over.
//!
//! Colours, dashes and fonts are those of `style.css`, so that one figure suits light, dark and paper. All figures are about as wide as a
//! telephone, so that their letters are read there; wider windows show several side by side.

mod axis;
mod curves;
mod dots;
mod hexbin;
mod histogram;
mod legend;
mod plot;
mod reliability;
mod strip;

pub use axis::Axis;
pub use curves::{Curves, Series, Style, Whisker};
pub use dots::{Dot, dots};
pub use hexbin::Scatter;
pub use histogram::{Bars, shapes};
pub use legend::legend;
pub use plot::{Plot, figure};
pub use reliability::reliability;
pub use strip::{Strip, strip};
