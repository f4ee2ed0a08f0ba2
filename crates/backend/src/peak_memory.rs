//! How much memory the process has taken.

/// The most bytes of memory that this process has had resident so far, on a CPU; `None` where the system does not say so: it is
/// read from Linux's `/proc`.
///
/// ```
/// if let Some(bytes) = fireclay_backend::peak_memory_bytes() {
///     assert!(bytes > 100_000);
/// }
/// ```
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
