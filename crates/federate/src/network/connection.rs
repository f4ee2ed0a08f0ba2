//! Receiving from somebody who may be slow, and may be gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fireclay_distribute::GroupError;
use fireclay_distribute::channel::Receiver;

use super::SILENCE;

/// How often a wait looks whether it is to end.
const LOOK: Duration = Duration::from_millis(250);

/// A message that is there already.
///
/// # Errors
/// Those of the channel.
pub(super) fn receive_ready(receiver: &mut Receiver, limit: usize) -> Result<Option<Vec<u8>>, GroupError> {
    match receiver.receive(limit, Some(Instant::now() + Duration::from_millis(2))) {
        Ok(message) => Ok(Some(message)),
        Err(GroupError::Timeout { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for a message, as long as bytes of it or signs of life come at all; `None` if `stopped` became true.
///
/// # Errors
/// Those of the channel, and [`GroupError::Timeout`] if nothing came for [`SILENCE`].
pub(super) fn receive(
    receiver: &mut Receiver,
    limit: usize,
    stopped: &AtomicBool,
) -> Result<Option<Vec<u8>>, GroupError> {
    let (mut seen, mut last) = (receiver.received_bytes(), Instant::now());
    loop {
        if stopped.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let error = match receiver.receive(limit, Some(Instant::now() + LOOK)) {
            Ok(message) => return Ok(Some(message)),
            Err(GroupError::Timeout { peer, .. }) => GroupError::Timeout { peer, waited: last.elapsed() },
            Err(error) => return Err(error),
        };
        let now = receiver.received_bytes();
        if now != seen {
            (seen, last) = (now, Instant::now());
        } else if last.elapsed() >= SILENCE {
            return Err(error);
        }
    }
}
