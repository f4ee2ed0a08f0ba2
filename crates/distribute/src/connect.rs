//! Starts a group with the engine that fits.

use crate::mpi;
use crate::shared::{Shared, SharedMemoryGroup};
use crate::{Engine, Group, GroupError, Options, Place, TcpGroup};

/// Finds the other ranks, and starts the engine of the [`Options`].
///
/// ```
/// use fireclay_distribute::channel::SharedKey;
/// use fireclay_distribute::{Options, Place, connect};
///
/// # let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
/// let rank = |rank| {
///     let key = Some(SharedKey::new("6b54f1a09be77d0c24")?);
///     let place = Place { rank, size: 2, address: free.clone(), key };
///     let mut group = connect(&place, &Options::default())?;
///     let mut values = [rank as f32 + 1.0];
///     group.sum(&mut values)?;
///     Ok::<_, fireclay_distribute::GroupError>(values)
/// };
/// std::thread::scope(|scope| {
///     let other = scope.spawn(|| rank(1));
///     assert_eq!(rank(0)?, [3.0]);
///     assert_eq!(other.join().unwrap()?, [3.0]);
///     Ok::<_, fireclay_distribute::GroupError>(())
/// })?;
/// # Ok::<(), fireclay_distribute::GroupError>(())
/// ```
///
/// # Errors
/// See [`TcpGroup::start`] and [`SharedMemoryGroup::start`]; [`GroupError::NoEngine`] if this build or this machine does not have the engine.
pub fn connect(place: &Place, options: &Options) -> Result<Box<dyn Group>, GroupError> {
    match options.engine {
        Engine::Tcp => Ok(Box::new(TcpGroup::start(place, options)?)),
        Engine::SharedMemory => Ok(Box::new(SharedMemoryGroup::start(place, options)?)),
        Engine::Auto => {
            let group = TcpGroup::start(place, options)?;
            Ok(match SharedMemoryGroup::of_tcp(group)? {
                Shared::Together(group) => Box::new(group),
                Shared::Apart { group, .. } => Box::new(group),
            })
        }
        Engine::Mpi => mpi::start(place),
    }
}
