//! `summary.proto`, and what plugins keep in the metadata of a tag.

use crate::proto::Tensor;

/// The values of an event.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SummaryValue {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(oneof = "SummaryData", tags = "2, 8")]
    pub data: Option<SummaryData>,
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum SummaryData {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(message, tag = "8")]
    Tensor(Tensor),
}

/// `SummaryMetadata`: which plugin shows the values of a tag.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub plugin_data: Option<PluginData>,
    /// Markdown.
    #[prost(string, tag = "3")]
    pub summary_description: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PluginData {
    #[prost(string, tag = "1")]
    pub plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
}

pub const SCALARS: &str = "scalars";
pub const HISTOGRAMS: &str = "histograms";
pub const IMAGES: &str = "images";
pub const TEXTS: &str = "text";
pub const PR_CURVES: &str = "pr_curves";
pub const HPARAMS: &str = "hparams";

/// `PrCurvePluginData`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PrCurveContent {
    #[prost(uint32, tag = "2")]
    pub num_thresholds: u32,
}

impl Metadata {
    pub fn new(plugin: &str, content: Vec<u8>) -> Self {
        let plugin_data = PluginData { plugin_name: plugin.to_owned(), content };
        Self { plugin_data: Some(plugin_data), summary_description: String::new() }
    }
}
