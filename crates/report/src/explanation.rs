//! The page about what decided some answers, and single pictures of it.

use maud::{Markup, html};

use crate::attributed::{Overlay, greatest, signed, words};
use crate::data::{Attributed, AttributedColumn, Explanation, ExplanationReport, Picture};
use crate::error::ReportError;
use crate::format::{counted, fixed, number_like};
use crate::page::{Section, page, scroll};
use crate::picture::data_uri;
use crate::words::shortened;

/// Pictures on the page have no more pixels on a side.
const SIDE: usize = 160;
/// Of a row so many columns are shown.
const COLUMNS: usize = 30;

impl ExplanationReport {
    /// The page as one HTML file.
    ///
    /// # Errors
    /// [`ReportError::Picture`] for pictures that have not as many bytes as pixels, [`ReportError::Length`] for those that have not as many
    /// attributions.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let mut sections = vec![Section::new("reading", "How to read it", reading(self))];
        let shown: Result<Vec<Markup>, ReportError> = self
            .explanations
            .iter()
            .enumerate()
            .map(|(index, explanation)| shown(explanation, index + 1))
            .collect();
        let body = html! {
            @for shown in shown? { (shown) }
        };
        if !self.explanations.is_empty() {
            sections.push(Section::new("explanations", "What decided", body));
        }
        sections.extend(randomized(self));
        let opening = html! {
            @if !self.summary.is_empty() {
                p.lead { (self.summary) }
            }
            @for note in &self.notes {
                p.notice { (note) }
            }
        };
        Ok(page(&self.title, "What decided", &self.program, opening, &sections))
    }
}

impl Explanation {
    /// A picture beside itself under its attributions, with their scale, as the bytes of a PNG file; `None` for other samples.
    ///
    /// # Errors
    /// As [`ExplanationReport::to_html`].
    pub fn to_png(&self) -> Result<Option<Vec<u8>>, ReportError> {
        let Attributed::Picture { picture, values, signed } = &self.attributed else { return Ok(None) };
        let overlay = Overlay::new(picture, values, *signed, &self.name)?;
        let caption = match self.explained.is_empty() {
            true => self.answer.clone(),
            false => format!("{}: why {}", self.answer, self.explained),
        };
        overlay.sheet(&caption).to_png().map(Some)
    }

    /// A picture under its attributions, of the picture's size; `None` for other samples.
    ///
    /// # Errors
    /// As [`ExplanationReport::to_html`].
    pub fn painted(&self) -> Result<Option<Picture>, ReportError> {
        let Attributed::Picture { picture, values, signed } = &self.attributed else { return Ok(None) };
        Ok(Some(Overlay::new(picture, values, *signed, &self.name)?.painted()))
    }
}

fn reading(report: &ExplanationReport) -> Markup {
    let has_against = report.explanations.iter().any(|explanation| match &explanation.attributed {
        Attributed::Picture { values, .. } => values.iter().any(|value| *value < 0.0),
        Attributed::Words(words) => words.iter().any(|(_, value)| *value < 0.0),
        Attributed::Columns(columns) => columns.iter().any(|column| column.value < 0.0),
    });
    let colour = match report.colour.is_empty() {
        true => "speaks for the answer that is explained",
        false => &report.colour,
    };
    html! {
        @if !report.meaning.is_empty() {
            p { (report.meaning) }
        }
        ul.key {
            li {
                span.for {}
                (colour)
            }
            @if has_against {
                li {
                    span.against {}
                    "speaks against it"
                }
            }
        }
        p {
            "This is what the network went by. It does not say that the answer is right, nor that one thing in the world causes another: a network may \
             have learnt to go by a watermark, or by who tends to write such a sentence. Where that is what you see, the data need a look."
        }
    }
}

fn shown(explanation: &Explanation, number: usize) -> Result<Markup, ReportError> {
    let what =
        if explanation.name.is_empty() { format!("explanation {number}") } else { explanation.name.clone() };
    Ok(html! {
        article.explanation {
            h3 { (shortened(&what, 120)) }
            p {
                strong { (shortened(&explanation.answer, 200)) }
                @if !explanation.explained.is_empty() {
                    " "
                    small { "why " (shortened(&explanation.explained, 200)) }
                }
            }
            @match &explanation.attributed {
                Attributed::Picture { picture, values, signed } => {
                    (of_picture(&Overlay::new(picture, values, *signed, &what)?, picture, &what)?)
                }
                Attributed::Words(all) => (of_words(all)),
                Attributed::Columns(columns) => (of_columns(columns, &what)),
            }
            @if !explanation.sum.is_empty() {
                p.caption { (explanation.sum) }
            }
        }
    })
}

fn of_picture(overlay: &Overlay, picture: &Picture, what: &str) -> Result<Markup, ReportError> {
    let smooth = picture.width.max(picture.height) > SIDE;
    let alternative = shortened(what, 80);
    let stops: Vec<String> = (0..=8)
        .map(|step| {
            let [r, g, b] = overlay.along(step as f32 / 8.0);
            format!("rgb({r} {g} {b})")
        })
        .collect();
    Ok(html! {
        div.overlay {
            img.smooth[smooth] src=(data_uri(picture, SIDE, what)?) alt=(alternative);
            figure {
                img.smooth[smooth] src=(data_uri(&overlay.painted(), SIDE, what)?) alt={ "What decided " (alternative) };
                div.scale style={ "background:linear-gradient(to right," (stops.join(",")) ")" } {}
                div.ends {
                    @for end in overlay.ends() {
                        span { (end) }
                    }
                }
            }
        }
    })
}

fn of_words(all: &[(String, f32)]) -> Markup {
    let most = greatest(all.iter().map(|(_, value)| *value));
    html! {
        p.attributed { (words(all)) }
        @if most > 0.0 {
            p.caption { "The strongest colour stands for " (number_like(most.into(), most.into())) "; point at a word for its number." }
        }
    }
}

fn of_columns(columns: &[AttributedColumn], what: &str) -> Markup {
    let most = greatest(columns.iter().map(|column| column.value));
    let mut ordered: Vec<&AttributedColumn> = columns.iter().collect();
    ordered.sort_by(|one, other| other.value.abs().total_cmp(&one.value.abs()));
    let rest: f32 = ordered.iter().skip(COLUMNS).map(|column| column.value).sum();
    let table = html! {
        table.columns {
            thead {
                tr {
                    th scope="col" { "Column" }
                    th scope="col" { "Value" }
                    th.number scope="col" { "Part in the answer" }
                    th {}
                }
            }
            tbody {
                @for column in ordered.iter().take(COLUMNS) {
                    tr {
                        th scope="row" { (shortened(&column.column, 60)) }
                        td { (shortened(&column.cell, 60)) }
                        td.number { (signed(column.value, most)) }
                        td.sides {
                            @let share = if most > 0.0 { column.value.abs() / most * 50.0 } else { 0.0 };
                            span.for[column.value > 0.0].against[column.value < 0.0] style={ "--v:" (format!("{share:.1}%")) } {}
                        }
                    }
                }
            }
        }
    };
    html! {
        (scroll(&format!("Part of each column in the answer for {what}"), table))
        @if columns.len() > COLUMNS {
            p.caption { (counted(columns.len() - COLUMNS, "column")) " more, " (signed(rest, most)) " together." }
        }
    }
}

fn randomized(report: &ExplanationReport) -> Option<Section> {
    if report.randomized.is_empty() {
        return None;
    }
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Weights by chance from this layer on" }
                    th.number scope="col" { "Spearman's correlation" }
                }
            }
            tbody {
                @for layer in &report.randomized {
                    tr {
                        th scope="row" { (shortened(&layer.layer, 60)) }
                        td.number {
                            @match layer.correlation {
                                Some(correlation) => (fixed(correlation, 3)),
                                None => "not defined",
                            }
                        }
                    }
                }
            }
        }
    };
    let body = html! {
        p {
            "Do the explanations depend on what the network has learnt? Layers get weights by chance, from the last one to the first, and the same \
             answers are explained again. Near 0 the explanations are others, as they must be; near 1 they are of the samples rather than of the \
             network, and say nothing about what it went by. It is the mean over "
            (counted(report.randomized_samples, "answer"))
            "; of samples with few parts it is mostly chance."
        }
        (scroll("Correlation with the explanations of the trained network", table))
    };
    Some(Section::new("check", "Do they depend on the network?", body))
}
