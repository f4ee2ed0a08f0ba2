//! `graph.proto`, `node_def.proto` and `attr_value.proto`.

use std::collections::BTreeMap;

use crate::proto::TensorShape;

#[derive(Clone, PartialEq, prost::Message)]
pub struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeDef>,
    #[prost(message, optional, tag = "4")]
    pub versions: Option<VersionDef>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct VersionDef {
    #[prost(int32, tag = "1")]
    pub producer: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeDef {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub op: String,
    #[prost(string, repeated, tag = "3")]
    pub input: Vec<String>,
    #[prost(btree_map = "string, message", tag = "5")]
    pub attr: BTreeMap<String, AttrValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AttrValue {
    #[prost(oneof = "Attr", tags = "1, 2, 3, 4, 5, 7")]
    pub value: Option<Attr>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Attr {
    #[prost(message, tag = "1")]
    List(AttrList),
    #[prost(bytes = "vec", tag = "2")]
    Bytes(Vec<u8>),
    #[prost(int64, tag = "3")]
    Integer(i64),
    #[prost(float, tag = "4")]
    Float(f32),
    #[prost(bool, tag = "5")]
    Bool(bool),
    #[prost(message, tag = "7")]
    Shape(TensorShape),
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AttrList {
    #[prost(message, repeated, tag = "7")]
    pub shape: Vec<TensorShape>,
}
