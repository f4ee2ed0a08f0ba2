//! Single samples: what it got wrong, and what augmentation makes of pictures.

use maud::{Markup, html};

use super::frame::Section;
use crate::attributed::{Overlay, coloured, greatest, words};
use crate::data::{Attributed, Content, Example, RunReport, Task};
use crate::error::ReportError;
use crate::format::{counted, percent};
use crate::picture::data_uri;
use crate::words::{shortened, without_middle};

/// No more are shown, and pictures have no more pixels on a side, so that a page of colour photographs stays below 1 MB.
const MISTAKES: usize = 24;
const MISTAKE_SIDE: usize = 72;
const AUGMENTED: usize = 6;
const AUGMENTED_SIDE: usize = 48;
/// Of a text that many characters, and of a row that many columns.
const TEXT: usize = 900;
const COLUMNS: usize = 24;

pub fn mistakes(report: &RunReport) -> Result<Option<Section>, ReportError> {
    if report.mistakes.is_empty() {
        return Ok(None);
    }
    let numbers = matches!(report.task, Some(Task::Regression(_)));
    let labels = matches!(report.task, Some(Task::MultiLabel(_)));
    let percentages = report.mistakes.iter().any(|example| example.probability.is_some());
    let title = if numbers { "Largest errors" } else { "Most confident mistakes" };
    let wide =
        report.mistakes.iter().any(|example| matches!(example.content, Content::Text(_) | Content::Row(_)));
    let shown: Vec<&Example> = report.mistakes.iter().take(MISTAKES).collect();
    let is_explained = shown.iter().any(|example| example.attributed.is_some());
    let cards = shown.iter().enumerate().map(|(number, example)| card(example, number + 1));
    let cards: Vec<Markup> = cards.collect::<Result<_, _>>()?;
    let body = html! {
        p {
            @if numbers { "The samples where predictions are furthest off, the worst first." } @else {
                "What the network got wrong although it was sure, the surest first. Look for samples with a wrong label, for pictures or texts \
                     that people could not tell either, and for what these samples have in common."
            }
            @if percentages && !numbers {
                @if labels {
                    " The percentage is how sure it was of the label that it got most wrong."
                } @else {
                    " The percentage is the probability that it gave its answer."
                }
            }
            @if shown.len() < report.mistakes.len() {
                " "
                (shown.len())
                " of "
                (counted(report.mistakes.len(), "sample"))
                " are shown."
            }
        }
        @if is_explained {
            ul.key {
                li {
                    span.for {}
                    @if numbers { "raised the prediction" } @else { "spoke for the wrong answer" }
                }
                li {
                    span.against {}
                    @if numbers { "lowered it" } @else { "spoke against it" }
                }
            }
            p.caption {
                "What the network went by"
                @if let Some(method) = &report.explanation_method {
                    ", by "
                    (method)
                }
                "; where that is beside the point, such as a background, the data may have taught it."
            }
        }
        div.cards.wide[wide].explained[is_explained && !wide] {
            @for card in &cards { (card) }
        }
    };
    Ok(Some(Section::new("mistakes", title, body)))
}

fn card(example: &Example, number: usize) -> Result<Markup, ReportError> {
    let picture = match &example.content {
        Content::Picture(picture) => Some(data_uri(picture, MISTAKE_SIDE, &format!("mistake {number}"))?),
        Content::Nothing | Content::Text(_) | Content::Row(_) => None,
    };
    let painted = match (&example.content, &example.attributed) {
        (Content::Picture(_), Some(Attributed::Picture { picture, values, signed })) => {
            let what = format!("mistake {number}");
            Some(data_uri(&Overlay::new(picture, values, *signed, &what)?.painted(), MISTAKE_SIDE, &what)?)
        }
        _ => None,
    };
    let alternative = format!(
        "a sample of {}, taken for {}",
        shortened(&example.truth, 80),
        shortened(&example.predicted, 80)
    );
    Ok(html! {
        figure.card {
            @match &example.content {
                Content::Picture(shown) => {
                    // Pixels are told apart where they are the sample's own.
                    @let smooth = shown.width.max(shown.height) > MISTAKE_SIDE;
                    div.pictures {
                        @if let Some(picture) = picture {
                            img.smooth[smooth] src=(picture) alt=(alternative);
                        }
                        @if let Some(painted) = painted {
                            img.smooth[smooth] src=(painted) alt={ "what decided: " (alternative) };
                        }
                    }
                }
                Content::Text(text) => {
                    blockquote { (without_middle(text, TEXT)) }
                    @if let Some(Attributed::Words(all)) = &example.attributed {
                        details {
                            summary { "What decided" }
                            p.attributed { (words(all)) }
                        }
                    }
                }
                Content::Row(columns) => {
                    dl.row {
                        @for (column, value) in columns.iter().take(COLUMNS) {
                            div {
                                dt { (shortened(column, 60)) }
                                dd {
                                    @match attribution(example, column) {
                                        Some((part, most)) if value.is_empty() => (coloured(part, most, "(empty)")),
                                        Some((part, most)) => (coloured(part, most, &shortened(value, 120))),
                                        None => (shortened(value, 120)),
                                    }
                                }
                            }
                        }
                    }
                    @if columns.len() > COLUMNS {
                        p.caption { "and " (counted(columns.len() - COLUMNS, "column")) " more" }
                    }
                }
                Content::Nothing => {}
            }
            figcaption {
                dl {
                    div {
                        dt { "truth" }
                        dd {
                            b { (shortened(&example.truth, 80)) }
                        }
                    }
                    div.said {
                        dt { "predicted" }
                        dd {
                            b { (shortened(&example.predicted, 80)) }
                            @if let Some(probability) = {
                                example
                                    .probability
                                    .filter(|probability| probability.is_finite())
                            } {
                                " "
                                span.number { (percent(probability)) }
                            }
                        }
                    }
                }
                @if let Some(name) = &example.name {
                    p.file title=(shortened(name, 300)) { (shortened(name, 60)) }
                }
            }
        }
    })
}

/// The attribution of a column, and the greatest of all.
fn attribution(example: &Example, name: &str) -> Option<(f32, f32)> {
    let Some(Attributed::Columns(columns)) = &example.attributed else { return None };
    let column = columns.iter().find(|column| column.column == name)?;
    Some((column.value, greatest(columns.iter().map(|column| column.value))))
}

pub fn augmented(report: &RunReport) -> Result<Option<Section>, ReportError> {
    if report.augmented.is_empty() {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for (number, sample) in report.augmented.iter().take(AUGMENTED).enumerate() {
        let what = format!("augmented sample {}", number + 1);
        let before = data_uri(&sample.before, AUGMENTED_SIDE, &what)?;
        let after = sample.after.iter().take(4).map(|picture| data_uri(picture, AUGMENTED_SIDE, &what));
        rows.push((
            sample.label.as_deref().unwrap_or("a picture"),
            before,
            after.collect::<Result<Vec<_>, _>>()?,
        ));
    }
    let body = html! {
        p {
            "Training pictures are changed a little each time that the network sees them, so that it learns what does not matter. On the left \
             each picture as it is, beside it what became of it."
        }
        div.augmented {
            @for (label, before, after) in &rows {
                figure {
                    img.before src=(before) alt={ (label) " as it is" };
                    @for picture in after {
                        img src=(picture) alt={ (label) ", changed" };
                    }
                    figcaption { (shortened(label, 40)) }
                }
            }
        }
    };
    Ok(Some(Section::new("augmentation", "What augmentation does", body)))
}
