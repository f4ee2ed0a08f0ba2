//! The network, layer by layer.

use maud::html;

use super::frame::{Section, scroll};
use crate::data::RunReport;
use crate::format::{count, number};
use crate::words::shortened;

pub fn section(report: &RunReport) -> Option<Section> {
    let layers = &report.layers;
    if layers.is_empty() {
        return None;
    }
    let sum = layers.iter().map(|layer| layer.parameters).fold(0, u64::saturating_add);
    let work = layers.iter().any(|layer| layer.mflop.is_some());
    let total: f64 = layers.iter().filter_map(|layer| layer.mflop).sum();
    let share = |parameters: u64| parameters as f64 / sum.max(1) as f64 * 100.0;
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Layer" }
                    th scope="col" { "Kind" }
                    th scope="col" { "Output" }
                    th.number scope="col" { "Parameters" }
                    @if work {
                        th.number scope="col" { "MFLOP" }
                    }
                }
            }
            tbody {
                @for layer in layers {
                    tr {
                        th scope="row" { (shortened(&layer.name, 60)) }
                        td { (layer.kind) }
                        td { (layer.output) }
                        td.number.bar style={ "--v:" (format!("{:.1}%", share(layer.parameters))) } {
                            (count(layer.parameters))
                        }
                        @if work {
                            td.number {
                                @if let Some(work) = layer.mflop { (number(work)) }
                            }
                        }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" { "all" }
                    td {}
                    td {}
                    td.number { (count(sum)) }
                    @if work {
                        td.number { (number(total)) }
                    }
                }
            }
        }
    };
    let body = html! {
        p {
            "What a sample passes through, from top to bottom. Output is its shape behind the layer"
            @if work { ", MFLOP are the millions of floating-point operations that one sample takes" }
            "."
        }
        div.tall { (scroll("Layers", table)) }
    };
    Some(Section::new("model", "The network", body))
}
