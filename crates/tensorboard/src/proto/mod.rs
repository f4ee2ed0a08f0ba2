//! TensorBoard's messages, as far as they are written here: the fields, numbers and types of its `.proto` files.
//!
//! They are few and do not change, so they stand here by hand, and building needs no compiler for Protocol Buffers.

mod event;
mod graph;
mod hparams;
mod summary;
mod tensor;

pub use event::{Event, SESSION_START, SessionLog, What};
pub use graph::{Attr, AttrList, AttrValue, GraphDef, NodeDef, VersionDef};
pub use hparams::{
    Domain, Experiment, HParamInfo, HParamType, HParamsContent, HParamsData, Interval, ListValue, MetricInfo,
    MetricName, SessionEnd, SessionStart, Value, ValueKind,
};
pub use summary::{
    HISTOGRAMS, HPARAMS, IMAGES, Metadata, PR_CURVES, PrCurveContent, SCALARS, Summary, SummaryData,
    SummaryValue, TEXTS,
};
pub use tensor::{Tensor, TensorShape};
