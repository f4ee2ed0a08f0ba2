//! The server: it listens, answers with the models of a registry, and ends without losing a request.

mod admin;
mod connections;
mod observe;
mod prometheus;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;

pub use self::admin::AdminToken;

use crate::error::ServeError;
use crate::page;
use crate::phase::{self, ServerHandle};
use crate::protocols::{classify, explain, generate, open_inference, tensorflow};
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::state::{Limits, Shared};

/// What a server is set up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it takes.
    pub limits: Limits,
    /// Threads that read and write, and compute what takes less than a millisecond; each model has one besides for the rest, which
    /// computes with those of the CPU's kernels. At least 1.
    pub threads: usize,
    /// How long it goes on as usual after it was told to end, saying that it is not ready, so that a load balancer sends no more.
    pub grace: Duration,
    /// How long requests that are under way may take after that.
    pub drain: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            address: SocketAddr::from(([127, 0, 0, 1], 8000)),
            limits: Limits::default(),
            threads: 2,
            grace: Duration::from_secs(5),
            drain: Duration::from_secs(30),
        }
    }
}

/// A server that listens already, and answers once it runs.
#[derive(Debug)]
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    admin: Option<(std::net::TcpListener, AdminToken)>,
    shared: Arc<Shared>,
    options: ServerOptions,
}

fn listen(address: SocketAddr, flag: &'static str) -> Result<std::net::TcpListener, ServeError> {
    let wrong = |source| ServeError::Listen { address, flag, source };
    let listener = std::net::TcpListener::bind(address).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    Ok(listener)
}

impl Server {
    /// Listens at the address.
    ///
    /// # Errors
    /// [`ServeError::Listen`] if it cannot be had.
    pub fn bind(registry: Registry, options: ServerOptions) -> Result<Self, ServeError> {
        let listener = listen(options.address, "--port")?;
        let address = listener.local_addr().map_err(|source| ServeError::System { source })?;
        let shared = Arc::new(Shared::new(registry, options.limits));
        Ok(Server { listener, address, admin: None, shared, options })
    }

    /// Lets those who have the token change which versions answer, on a port of this machine's loopback address; 0 is any that is free.
    /// The answer says where.
    ///
    /// # Errors
    /// [`ServeError::Listen`] if the port cannot be had.
    pub fn administer(&mut self, port: u16, token: AdminToken) -> Result<SocketAddr, ServeError> {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], port)), "--admin-port")?;
        let address = listener.local_addr().map_err(|source| ServeError::System { source })?;
        self.admin = Some((listener, token));
        Ok(address)
    }

    /// Says of each request how it ended, a line of JSON: `time` in seconds since 1970, `id`, `method`, `path`, `status`, `ms`, and
    /// `model` and `version` if one answered.
    pub fn log(&mut self, log: impl Fn(&str) + Send + Sync + 'static) {
        // Nothing shares it before the server runs.
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.log = Some(Box::new(log));
        }
    }

    /// Where it listens; of port 0 the one that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The models that it serves.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// What answers requests, without connections: for tests of what they may hold.
    #[doc(hidden)]
    pub fn router(&self) -> Router {
        router(self.shared.clone())
    }

    /// What changes versions, likewise.
    #[doc(hidden)]
    pub fn admin_router(&self, token: AdminToken) -> Router {
        admin::router(self.shared.clone(), token)
    }

    /// What ends it, from another thread.
    pub fn handle(&self) -> ServerHandle {
        self.shared.phases.handle()
    }

    /// Answers requests until it is told to end: by its [handle](Self::handle), and with `signals` by `SIGTERM` and Ctrl-C. Of the
    /// first of them it goes on for the grace period, of Ctrl-C it ends after the requests under way, of a second one at once.
    /// Says whether all requests that it had accepted were answered. Before the first it calls `begun`.
    ///
    /// # Errors
    /// [`ServeError::System`] if there are no threads or signals to be had.
    pub fn run(self, signals: bool, begun: impl FnOnce()) -> Result<bool, ServeError> {
        let system = |source| ServeError::System { source };
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime
            .worker_threads(self.options.threads.max(1))
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(system)?;
        let drain = self.options.drain;
        let answered = runtime.block_on(async {
            if signals {
                phase::listen_for_signals(self.handle()).map_err(system)?;
            }
            let listener = tokio::net::TcpListener::from_std(self.listener).map_err(system)?;
            let ending = phase::end(self.shared.phases.handle(), self.options.grace);
            tokio::spawn(ending);
            let router = router(self.shared.clone());
            if let Some((listener, token)) = self.admin {
                let listener = tokio::net::TcpListener::from_std(listener).map_err(system)?;
                let (router, shared) = (admin::router(self.shared.clone(), token), self.shared.clone());
                // A change that is under way at the end has nobody to answer.
                tokio::spawn(async move { connections::serve(listener, router, &shared, drain).await });
            }
            begun();
            Ok::<_, ServeError>(connections::serve(listener, router, &self.shared, drain).await)
        })?;
        // Whoever is still connected by now is not waited for.
        runtime.shutdown_background();
        Ok(answered)
    }
}

/// All paths that there are, as OpenAPI describes them.
const OPENAPI: &str = include_str!("../openapi.json");

fn router(shared: Arc<Shared>) -> Router {
    let router = Router::new()
        .merge(open_inference::routes())
        .merge(tensorflow::routes())
        .merge(classify::routes())
        .merge(explain::routes())
        .merge(page::routes())
        .merge(generate::routes())
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], OPENAPI)));
    refusing(router, "/openapi.json has all that there are")
        .layer(from_fn_with_state(shared.clone(), observe::observe))
        .with_state(shared)
}

/// Refuses the paths and methods that a router has none for; `hint` is where those are that it has.
fn refusing<S: Clone + Send + Sync + 'static>(router: Router<S>, hint: &'static str) -> Router<S> {
    router
        .fallback(async move |uri: Uri| {
            let path: String = uri.path().chars().take(100).collect();
            Refusal::Unknown(format!("there is no path {path:?}; {hint}"))
        })
        .method_not_allowed_fallback(async |method: Method| Refusal::Method(method.to_string()))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], prometheus::text(&shared))
}
