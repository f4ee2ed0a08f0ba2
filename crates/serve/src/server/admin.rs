//! The part of a server that changes it: on a port of its own, on this machine alone, for those who have the token.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{Router, get, post};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::refusing;
use crate::protocols::{ModelPath, body_of, json_of};
use crate::refusal::Refusal;
use crate::registry::Change;
use crate::state::Shared;

/// Bytes of a token that is made here, in hexadecimal digits.
const TOKEN_BYTES: usize = 24;

/// What may change a server, kept from messages.
#[derive(Clone)]
pub struct AdminToken(String);

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken")
    }
}

impl AdminToken {
    /// Fewer characters can be guessed.
    pub const SHORTEST: usize = 16;

    /// A token that was chosen; `None` if it has fewer than [`SHORTEST`](Self::SHORTEST) characters, or others than visible ASCII, which
    /// a header could not carry.
    pub fn new(token: &str) -> Option<Self> {
        let is_token = token.len() >= Self::SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| AdminToken(token.to_owned()))
    }

    /// A new token that nobody can guess.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = [0u8; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(AdminToken(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The token itself, to be told to who may have it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares all of it, so that the time says nothing about where it differs.
    fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

#[derive(Clone)]
struct Admin {
    shared: Arc<Shared>,
    token: AdminToken,
}

pub(super) fn router(shared: Arc<Shared>, token: AdminToken) -> Router {
    let admin = Admin { shared, token };
    let router = Router::new()
        .route("/models", get(models))
        .route("/models/{name}", get(model))
        .route("/models/{name}/load", post(load))
        .route("/models/{name}/canary", post(canary))
        .route("/models/{name}/promote", post(promote))
        .route("/models/{name}/roll-back", post(roll_back));
    refusing(router, "/models is where to begin")
        // Before it is known whether there is such a path.
        .layer(from_fn_with_state(admin.clone(), check_token))
        .with_state(admin)
}

async fn check_token(State(admin): State<Admin>, request: Request, next: Next) -> Result<Response, Refusal> {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match admin.token.is(token) {
        true => Ok(next.run(request).await),
        false => Err(Refusal::Unauthorized),
    }
}

/// A model as this part says it.
#[derive(Serialize)]
pub(crate) struct ModelReport {
    name: String,
    /// The share of the requests that the canary answers.
    canary_share: Option<f64>,
    versions: Vec<VersionReport>,
}

#[derive(Serialize)]
pub(crate) struct VersionReport {
    version: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

fn report(shared: &Shared, name: &str) -> Result<ModelReport, Refusal> {
    let versions = shared.registry.versions_on_disk(name)?.into_iter().map(|status| VersionReport {
        version: status.version,
        state: status.state.name(),
        label: status.label,
        problem: status.state.problem().map(str::to_owned),
    });
    let canary_share = shared.registry.canary_share(name)?;
    Ok(ModelReport { name: name.to_owned(), canary_share, versions: versions.collect() })
}

/// Does what reads files on a thread that may take its time.
async fn on_disk<T: Send + 'static>(
    admin: Admin,
    work: impl FnOnce(&Shared) -> Result<T, Refusal> + Send + 'static,
) -> Result<Json<T>, Refusal> {
    let done = tokio::task::spawn_blocking(move || work(&admin.shared));
    Ok(Json(done.await.unwrap_or(Err(Refusal::Failed))?))
}

async fn models(State(admin): State<Admin>) -> Result<Json<Value>, Refusal> {
    let reports = |shared: &Shared| {
        let reports = shared.registry.names().map(|name| report(shared, name));
        Ok(json!({ "models": reports.collect::<Result<Vec<_>, Refusal>>()? }))
    };
    on_disk(admin, reports).await
}

async fn model(State(admin): State<Admin>, path: ModelPath) -> Result<Json<ModelReport>, Refusal> {
    on_disk(admin, move |shared| report(shared, path.name())).await
}

/// Makes a change, and says where the versions stand then.
async fn change(admin: Admin, path: ModelPath, change: Change) -> Result<Json<ModelReport>, Refusal> {
    let made = move |shared: &Shared| {
        shared.registry.change(path.name(), change)?;
        report(shared, path.name())
    };
    on_disk(admin, made).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadRequest {
    version: u64,
}

async fn load(
    State(admin): State<Admin>,
    path: ModelPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ModelReport>, Refusal> {
    let LoadRequest { version } = read(&admin, &headers, body, "{\"version\": N}").await?;
    change(admin, path, Change::Load { version }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanaryRequest {
    #[serde(default)]
    version: Option<u64>,
    share: f64,
}

async fn canary(
    State(admin): State<Admin>,
    path: ModelPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ModelReport>, Refusal> {
    let asked = match read(&admin, &headers, body, "{\"version\": N, \"share\": 0.1}").await? {
        CanaryRequest { version: Some(version), share } => Change::Canary { version, share },
        CanaryRequest { version: None, share } => Change::Share { share },
    };
    change(admin, path, asked).await
}

/// A body as `what` it is to be.
async fn read<T: DeserializeOwned>(
    admin: &Admin,
    headers: &HeaderMap,
    body: Body,
    what: &str,
) -> Result<T, Refusal> {
    let body = body_of(headers, body, &admin.shared).await?;
    body.read(&admin.shared, |body| json_of(body, what)).await
}

async fn promote(State(admin): State<Admin>, path: ModelPath) -> Result<Json<ModelReport>, Refusal> {
    change(admin, path, Change::Promote).await
}

async fn roll_back(State(admin): State<Admin>, path: ModelPath) -> Result<Json<ModelReport>, Refusal> {
    change(admin, path, Change::RollBack).await
}
