//! How many threads compute on a CPU: a setting made once, before the first tensor.

use crate::BackendError;

/// Sets the number of threads that CPU devices compute with, for the whole process.
///
/// Results on a CPU are the same bytes for the same seed and the same number of threads.
///
/// # Errors
/// [`BackendError::ZeroThreads`] for 0, and [`BackendError::ThreadsAlreadySet`] if the pool already runs with
/// another number.
///
/// ```
/// fireclay_backend::set_threads(1)?;
/// assert_eq!(fireclay_backend::threads(), 1);
/// assert!(fireclay_backend::set_threads(0).is_err());
/// # Ok::<(), fireclay_backend::BackendError>(())
/// ```
pub fn set_threads(threads: usize) -> Result<(), BackendError> {
    if threads == 0 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        return Err(BackendError::ZeroThreads { cores });
    }
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    let running = rayon::current_num_threads();
    if built.is_err() && running != threads {
        return Err(BackendError::ThreadsAlreadySet { running, asked: threads });
    }
    Ok(())
}

/// The number of threads that CPU devices compute with: what [`set_threads`] said, or all cores.
pub fn threads() -> usize {
    rayon::current_num_threads()
}
