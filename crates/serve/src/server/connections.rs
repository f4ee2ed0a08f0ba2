//! Connections: accepted up to a limit, each with its time for headers, and ended without losing a request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::phase::Phase;
use crate::state::{Limits, Shared};

/// Headers of a request at most, and the bytes of all of them.
const MOST_HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 << 10;

/// How long nothing is accepted after the system could not give a connection, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the server drains, and waits for the requests under way. Says whether all were answered.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    shared: &Arc<Shared>,
    drain: Duration,
) -> bool {
    let phases = &shared.phases;
    let room = Arc::new(Semaphore::new(shared.limits.max_connections));
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            // Never closed.
            let Ok(place) = room.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = connection(stream, router.clone(), shared.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
            // Those that have ended.
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accepting => {}
        () = phases.reached(Phase::Draining) => {}
    }
    // Nobody else is let in.
    drop(listener);
    let answered = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        biased;
        () = answered => true,
        () = phases.reached(Phase::Ended) => false,
        () = tokio::time::sleep(drain) => false,
    }
}

/// Answers the requests of a connection.
async fn connection(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    let Limits { header_time, .. } = shared.limits;
    // An answer that is small is to go at once; where that cannot be set it goes later.
    let _ = stream.set_nodelay(true);
    // A client that reads nothing of its answer is let go; other systems than Linux have no such time.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(header_time));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_headers(MOST_HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // A connection that fails has nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shared.phases.reached(Phase::Draining) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
