//! What the JSON files of a folder say.

use std::path::Path;

use fireclay_nn::FeedForwardActivation;
use serde_json::Value;

use super::{MAX_CONFIG, Pooling};
use crate::{ExchangeError, FileFormat, Unsupported, file};

/// The sizes of an encoder, whatever its family calls them.
pub(super) struct Config {
    pub(super) is_distilled: bool,
    pub(super) vocabulary_size: usize,
    pub(super) hidden_size: usize,
    pub(super) num_layers: usize,
    pub(super) num_heads: usize,
    pub(super) intermediate_size: usize,
    pub(super) max_positions: usize,
    pub(super) activation: FeedForwardActivation,
    pub(super) dropout: f64,
    pub(super) epsilon: f64,
    pub(super) padding: Option<usize>,
    pub(super) classes: Vec<String>,
}

impl Config {
    pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Self, ExchangeError> {
        let json = parse(path, bytes)?;
        let unsupported = |kind: String, reason: &str| {
            let (name, reason) = (String::new(), reason.to_owned());
            let items = vec![Unsupported { position: "config.json".into(), name, kind, reason }];
            ExchangeError::Unsupported { path: path.to_path_buf(), items }
        };
        let model_type = json["model_type"].as_str().unwrap_or_default();
        let is_distilled = match model_type {
            "bert" => false,
            "distilbert" => true,
            other => {
                let kind = crate::words::short(if other.is_empty() { "no model_type" } else { other });
                return Err(unsupported(kind, "the kinds that are read are bert and distilbert"));
            }
        };
        if json["is_decoder"] == true || json["add_cross_attention"] == true {
            return Err(unsupported("is_decoder".into(), "only encoders are read"));
        }
        match json["position_embedding_type"].as_str() {
            None | Some("absolute") => {}
            Some(other) => {
                let kind = format!("position_embedding_type {}", crate::words::short(other));
                return Err(unsupported(kind, "only absolute positions are read"));
            }
        }
        if json["sinusoidal_pos_embds"] == true && !is_distilled {
            return Err(unsupported("sinusoidal_pos_embds".into(), "only distilbert has them"));
        }
        let key = |bert: &'static str, distilled: &'static str| if is_distilled { distilled } else { bert };
        let activation = match json[key("hidden_act", "activation")].as_str() {
            Some("gelu") | None => FeedForwardActivation::Gelu,
            Some("relu") => FeedForwardActivation::Relu,
            Some(other) => {
                let kind = format!("activation {}", crate::words::short(other));
                return Err(unsupported(kind, "the activations that are read are gelu and relu"));
            }
        };
        let size = |name: &str| {
            json[name].as_u64().and_then(|size| usize::try_from(size).ok()).ok_or_else(|| {
                let found = crate::words::short(&json[name].to_string());
                malformed(path, format!("{name} is {found}, expected a whole number"))
            })
        };
        let number = |name: &str, default: f64| json[name].as_f64().unwrap_or(default);
        Ok(Config {
            is_distilled,
            vocabulary_size: size("vocab_size")?,
            hidden_size: size(key("hidden_size", "dim"))?,
            num_layers: size(key("num_hidden_layers", "n_layers"))?,
            num_heads: size(key("num_attention_heads", "n_heads"))?,
            intermediate_size: size(key("intermediate_size", "hidden_dim"))?,
            max_positions: size("max_position_embeddings")?,
            activation,
            dropout: number(key("hidden_dropout_prob", "dropout"), 0.1),
            epsilon: if is_distilled { 1e-12 } else { number("layer_norm_eps", 1e-12) },
            padding: match &json["pad_token_id"] {
                Value::Null => Some(0),
                other => other.as_u64().and_then(|padding| usize::try_from(padding).ok()),
            },
            classes: classes(&json["id2label"]),
        })
    }
}

/// The names of the classes in the order of their numbers; none if a number is missing.
fn classes(labels: &Value) -> Vec<String> {
    let count = labels.as_object().map_or(0, |labels| labels.len());
    let name = |number: usize| labels[number.to_string().as_str()].as_str().map(str::to_owned);
    (0..count).map(name).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// What the folder of a sentence encoder says about its vectors, if it is one.
pub(super) fn pooling(folder: &Path) -> Result<Option<Pooling>, ExchangeError> {
    let path = folder.join("1_Pooling").join("config.json");
    let Some(json) = optional(&path)? else { return Ok(None) };
    let is = |name: &str| json[name] == true;
    let words = json["pooling_mode"].as_str().unwrap_or_default();
    let others = [
        "pooling_mode_max_tokens",
        "pooling_mode_mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens",
        "pooling_mode_lasttoken",
    ];
    match (is("pooling_mode_mean_tokens") || words == "mean", is("pooling_mode_cls_token") || words == "cls")
    {
        (true, false) if !others.iter().any(|other| is(other)) => Ok(Some(Pooling::Mean)),
        (false, true) if !others.iter().any(|other| is(other)) => Ok(Some(Pooling::First)),
        _ => {
            let (position, name) = ("1_Pooling/config.json".to_owned(), String::new());
            let reason = "the kinds that are read are the mean and the first token; choose one".to_owned();
            let items = vec![Unsupported { position, name, kind: "pooling".into(), reason }];
            Err(ExchangeError::Unsupported { path, items })
        }
    }
}

/// The most tokens that a sentence encoder was made for.
pub(super) fn max_tokens(folder: &Path) -> Result<Option<usize>, ExchangeError> {
    let json = optional(&folder.join("sentence_bert_config.json"))?;
    let most = json.as_ref().and_then(|json| json["max_seq_length"].as_u64());
    Ok(most.and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0))
}

/// Whether a sentence encoder's last module brings vectors to length 1.
pub(super) fn normalises(folder: &Path) -> Result<bool, ExchangeError> {
    let json = optional(&folder.join("modules.json"))?;
    let modules = json.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(modules.iter().any(|module| module["type"].as_str().is_some_and(|kind| kind.ends_with("Normalize"))))
}

fn optional(path: &Path) -> Result<Option<Value>, ExchangeError> {
    match path.exists() {
        true => parse(path, &file::read(path, MAX_CONFIG)?).map(Some),
        false => Ok(None),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value, ExchangeError> {
    serde_json::from_slice(bytes).map_err(|error| malformed(path, error.to_string()))
}

fn malformed(path: &Path, problem: String) -> ExchangeError {
    ExchangeError::Malformed { path: path.to_path_buf(), format: FileFormat::HuggingFace, problem }
}
