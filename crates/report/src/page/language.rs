//! The next token: perplexity, bits, and what the network writes.

use maud::html;

use super::frame::Section;
use super::training::{Family, families, named_curves};
use crate::charts::{Series, Style, figure};
use crate::data::{Epoch, Generated, Language, Unit};
use crate::format::{count, number};
use crate::words::capitalised;

pub fn section(task: &Language, epochs: &[Epoch]) -> Option<Section> {
    let token = if task.token.is_empty() { "token" } else { &task.token };
    let loss = task.loss.filter(|loss| loss.is_finite());
    let curves = families(epochs).into_iter().find(|family| family.name == "loss");
    if loss.is_none() && curves.is_none() && task.generated.is_empty() {
        return None;
    }
    let draw = |of: fn(f64) -> f64, label: String| {
        let parts = curves.iter().flat_map(Family::parts);
        let series: Vec<Series> = parts
            .filter_map(|(name, style, points)| {
                let points = points.as_ref()?.iter().map(|(epoch, loss)| (*epoch, of(*loss))).collect();
                Some(Series { name: name.into(), points, style: Style::Line(style) })
            })
            .collect();
        named_curves(format!("{label} over epochs"), ("epoch", ""), series, &Unit::Number, None)
    };
    let bits = |loss: f64| loss / std::f64::consts::LN_2;
    let body = html! {
        p {
            "A language model gives each possible next "
            (token)
            " a probability. Its perplexity says among how many equally likely ones it \
             seems to choose; bits per "
            (token)
            " say the same as a logarithm. Lower is better."
            @if let Some(vocabulary) = task.vocabulary {
                " Guessing among all "
                (count(vocabulary as u64))
                " would have a perplexity of that many."
            }
        }
        @if let Some(loss) = loss {
            dl.tiles.small {
                div {
                    dt { "Perplexity" }
                    dd {
                        strong { (number(loss.exp())) }
                    }
                }
                div {
                    dt { "Bits per " (token) }
                    dd {
                        strong { (number(bits(loss))) }
                    }
                }
                @if let Some(tokens) = task.tokens {
                    div {
                        dt { "Test " (token) "s" }
                        dd {
                            strong { (count(tokens)) }
                        }
                    }
                }
            }
        }
        @if curves.is_some() {
            div.figures {
                ({
                    figure(
                        "Perplexity",
                        draw(f64::exp, "perplexity".into()),
                        html! {},
                        "",
                    )
                })
                ({
                    figure(
                        &format!("Bits per {token}"),
                        draw(bits, format!("bits per {token}")),
                        html! {},
                        "",
                    )
                })
            }
        }
        @if !task.generated.is_empty() {
            h3 { "What it writes" }
            p {
                "The model that was saved goes on from some beginnings, which are bold. Each next "
                (token)
                " is drawn by the probabilities that it gives: with a temperature below 1 probable ones are drawn more often than it says, \
                 above 1 less often. Texts that read well do not show that what they say is true."
            }
            @for written in &task.generated {
                figure.written {
                    blockquote {
                        b { (written.prompt) }
                        (written.text)
                    }
                    @let settings = settings(written);
                    @if !settings.is_empty() {
                        figcaption.caption { (capitalised(&settings.join(", "))) }
                    }
                }
            }
        }
    };
    Some(Section::new("language", "How well it knows the language", body))
}

/// With what a text was drawn.
fn settings(written: &Generated) -> Vec<String> {
    let beginning = written.prompt.trim().is_empty().then(|| "from the beginning of a text".to_owned());
    let temperature = written.temperature.map(|temperature| format!("temperature {}", number(temperature)));
    beginning.into_iter().chain(temperature).chain(written.sampling.clone()).collect()
}
