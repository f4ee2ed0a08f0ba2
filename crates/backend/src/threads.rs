//! How many threads compute on a CPU: a setting made once, before the first tensor.

use crate::BackendError;

/// More than any machine has cores for, and few enough for every system to start.
const MOST_THREADS: usize = 1024;

/// Sets the number of threads that CPU devices compute with, for the whole process.
///
/// Results on a CPU are the same bytes for the same seed and the same number of threads.
///
/// # Errors
/// [`BackendError::Threads`] for 0 or more than 1,024, and [`BackendError::ThreadsAlreadySet`] if the pool already runs with
/// another number.
///
/// ```
/// fireclay_backend::set_threads(1)?;
/// assert_eq!(fireclay_backend::threads(), 1);
/// assert!(fireclay_backend::set_threads(0).is_err());
/// # Ok::<(), fireclay_backend::BackendError>(())
/// ```
pub fn set_threads(threads: usize) -> Result<(), BackendError> {
    if threads == 0 || threads > MOST_THREADS {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        return Err(BackendError::Threads { asked: threads, most: MOST_THREADS, cores });
    }
    if rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().is_ok() {
        return Ok(());
    }
    match rayon::current_num_threads() {
        running if running == threads => Ok(()),
        running => Err(BackendError::ThreadsAlreadySet { running, asked: threads }),
    }
}

/// The number of threads that CPU devices compute with: what [`set_threads`] said, or all cores.
pub fn threads() -> usize {
    rayon::current_num_threads()
}
