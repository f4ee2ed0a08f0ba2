//! From serving to the end: not ready any more, then no new connections, then no more at all.

use std::time::Duration;

use tokio::sync::watch;

/// Where a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Requests are answered.
    Serving,
    /// As before, and the server says that it is not ready.
    Grace,
    /// Requests under way are answered, and connections end.
    Draining,
    /// Nothing is answered any more.
    Ended,
}

/// Where a server stands, to be changed and waited for.
#[derive(Debug)]
pub(crate) struct Phases(watch::Sender<Phase>);

impl Default for Phases {
    fn default() -> Self {
        Phases(watch::Sender::new(Phase::Serving))
    }
}

impl Phases {
    pub(crate) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until a phase has come.
    pub(crate) async fn reached(&self, phase: Phase) {
        // The sender is here, so that it does not go before.
        let _ = self.0.subscribe().wait_for(|now| *now >= phase).await;
    }

    pub(crate) fn handle(&self) -> ServerHandle {
        ServerHandle(self.0.clone())
    }
}

/// What ends a server.
#[derive(Clone, Debug)]
pub struct ServerHandle(watch::Sender<Phase>);

impl ServerHandle {
    /// Lets the server end: after its grace period, and after requests that are under way; if it ends already, at once.
    pub fn shut_down(&self) {
        self.go_on(|now| if now == Phase::Serving { Phase::Grace } else { Phase::Ended });
    }

    /// Lets the server end after the requests that are under way; if it does so already, at once.
    pub fn shut_down_now(&self) {
        self.go_on(|now| if now < Phase::Draining { Phase::Draining } else { Phase::Ended });
    }

    fn go_on(&self, next: impl Fn(Phase) -> Phase) {
        self.0.send_modify(|now| *now = next(*now).max(*now));
    }
}

/// Ends the grace period once it was begun.
pub(crate) async fn end(handle: ServerHandle, grace: Duration) {
    let mut phases = handle.0.subscribe();
    if phases.wait_for(|now| *now >= Phase::Grace).await.is_ok() {
        tokio::time::sleep(grace).await;
        handle.go_on(|now| now.max(Phase::Draining));
    }
}

/// Passes `SIGTERM` and Ctrl-C on to a server.
pub(crate) fn listen_for_signals(handle: ServerHandle) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = term.recv() => handle.shut_down(),
                    _ = interrupt.recv() => handle.shut_down_now(),
                }
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            handle.shut_down_now();
        }
    });
    Ok(())
}
