//! `models`: which versions a server answers with, and changes of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use fireclay_cli::{Command, Exit, Output, UsageError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::AppError;
use crate::serve::{TOKEN_VARIABLE, token_of_file};

/// Loading a large model takes its time.
const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes of an answer that are read.
const LONGEST: u64 = 16 << 20;

/// Shows and changes which versions of its models a running server answers with.
#[derive(Args, Debug)]
pub struct Models {
    /// What to do; without, all models are shown.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// The server's port for this, which `serve --admin-port` opens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8001", global = true)]
    pub url: String,
    /// File with the server's token; without, it is taken from the variable FIRECLAY_ADMIN_TOKEN
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
}

/// A change.
#[derive(Subcommand, Debug)]
pub enum Action {
    /// Show all models and their versions
    List,
    /// Load a version, try it, and let it answer all requests
    Load {
        /// Name of the model
        name: String,
        /// Number of the version, the name of its folder
        version: u64,
    },
    /// Load a version, try it, and let it answer a share of the requests; without a version, change the canary's share
    Canary {
        /// Name of the model
        name: String,
        /// Number of the version
        version: Option<u64>,
        /// Share of the requests, more than 0 and less than 1
        #[arg(long, value_name = "SHARE")]
        share: f64,
    },
    /// Let the canary answer all requests
    Promote {
        /// Name of the model
        name: String,
    },
    /// Take the canary away; without one, go back to the version that answered before
    RollBack {
        /// Name of the model
        name: String,
    },
}

/// What a server says of a model, and `--json` prints of each.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename = "served_model")]
struct ServedModel {
    name: String,
    canary_share: Option<f64>,
    versions: Vec<Version>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Version {
    version: u64,
    state: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    problem: Option<String>,
}

impl Command for Models {
    const NAME: &'static str = "models";
    const ABOUT: &'static str = "Show and change which versions a running server answers with";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let token = match &self.token_file {
            Some(path) => token_of_file(path)?,
            None => std::env::var(TOKEN_VARIABLE).map_err(|_| UsageError::of(AppError::NoToken))?,
        };
        let server = AdminClient { url: self.url.trim_end_matches('/').to_owned(), token };
        let answer = match &self.action {
            None | Some(Action::List) => server.get("/models")?,
            Some(Action::Load { name, version }) => {
                server.post(&format!("/models/{}/load", segment(name)?), &json!({ "version": version }))?
            }
            Some(Action::Canary { name, version, share }) => server.post(
                &format!("/models/{}/canary", segment(name)?),
                &json!({ "version": version, "share": share }),
            )?,
            Some(Action::Promote { name }) => {
                server.post(&format!("/models/{}/promote", segment(name)?), &Value::Null)?
            }
            Some(Action::RollBack { name }) => {
                server.post(&format!("/models/{}/roll-back", segment(name)?), &Value::Null)?
            }
        };
        let answer = match answer {
            Value::Object(mut object) if object.contains_key("models") => {
                object.remove("models").unwrap_or_default()
            }
            model => Value::Array(vec![model]),
        };
        let models: Vec<ServedModel> = serde_json::from_value(answer)
            .map_err(|source| AppError::OtherServer { url: self.url.clone(), problem: source.to_string() })?;
        for model in &models {
            show(model, output);
            output.record(model);
        }
        Ok(Exit::Done)
    }
}

/// A name as part of a path: a server has no others.
fn segment(name: &str) -> anyhow::Result<&str> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(allowed) {
        true => Ok(name),
        false => Err(UsageError::of(AppError::NoSuchName { name: name.to_owned() })),
    }
}

fn show(model: &ServedModel, output: &Output) {
    output.line(&model.name);
    for version in &model.versions {
        let mut said = match &version.label {
            Some(label) => label.clone(),
            None => version.state.clone(),
        };
        if let Some(share) = model.canary_share.filter(|_| said == "canary") {
            said.push_str(&format!(", {:.3} % of the requests", share * 100.0).replace(".000", ""));
        }
        if let Some(problem) = &version.problem {
            said.push_str(&format!(": {problem}"));
        }
        output.line(format!("  {}  {said}", version.version));
    }
}

struct AdminClient {
    url: String,
    token: String,
}

impl AdminClient {
    fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(path, |agent, url| agent.get(url).header("Authorization", self.header()).call())
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = body.to_string();
        self.ask(path, |agent, url| {
            let request = agent.post(url).header("Authorization", self.header());
            request.header("Content-Type", "application/json").send(body)
        })
    }

    fn header(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn ask(
        &self,
        path: &str,
        send: impl FnOnce(&ureq::Agent, String) -> Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.url);
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        // The server is on this machine, and no proxy is to see the token.
        let agent = config.proxy(None).build().new_agent();
        let unreachable =
            |source: ureq::Error| AppError::Unreachable { url: self.url.clone(), source: Box::new(source) };
        let mut response = send(&agent, url).map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(LONGEST).read_to_string().map_err(unreachable)?;
        let answer: Value = serde_json::from_str(&body)
            .map_err(|error| AppError::OtherServer { url: self.url.clone(), problem: error.to_string() })?;
        match (status, answer.get("error").and_then(Value::as_str)) {
            (200, _) => Ok(answer),
            (401, _) => Err(AppError::OtherToken { url: self.url.clone() }.into()),
            (_, Some(why)) => Err(AppError::Refused { why: why.to_owned() }.into()),
            (_, None) => {
                Err(AppError::OtherServer { url: self.url.clone(), problem: format!("status {status}") }
                    .into())
            }
        }
    }
}
