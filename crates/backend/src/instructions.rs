//! Which CPU instructions the kernels use: the best there are, or what `FIRECLAY_SIMD` says.

use std::sync::OnceLock;
use std::time::Instant;

use fireclay_kernels::{Cpu, Path, multiply_and_add};

use crate::precision::{Precision, precision};
use crate::{BackendError, threads};

/// The variable that names the instructions: `avx512`, `avx2`, `neon` or `plain`.
const VARIABLE: &str = "FIRECLAY_SIMD";

/// How the speed of bf16 is measured: trials, rounds of each, and what it must gain over f32.
const TRIALS: usize = 5;
const ROUNDS: u64 = 50_000;
const GAIN: f64 = 1.25;

/// What kernels run on.
///
/// # Panics
/// If `FIRECLAY_SIMD` asks for what this CPU lacks; `DeviceName::open` reports that as an error before.
pub(crate) fn cpu() -> Cpu {
    let path = path().unwrap_or_else(|error| panic!("{error}"));
    let precision = match precision() {
        Precision::Bf16 if path.has_bf16() => fireclay_kernels::Precision::Bf16,
        _ => fireclay_kernels::Precision::F32,
    };
    Cpu { path, threads: threads(), precision }
}

/// Whether the CPU has instructions for products in bf16.
pub(crate) fn has_bf16() -> bool {
    path().is_ok_and(Path::has_bf16)
}

/// Whether a CPU with instructions for bf16 multiplies faster in it than in f32, measured once: they may do as few multiplications a
/// second as those for f32, or fewer.
pub(crate) fn is_bf16_faster() -> bool {
    static FASTER: OnceLock<bool> = OnceLock::new();
    *FASTER.get_or_init(|| {
        let Ok(path) = path() else { return false };
        let rate = |precision| {
            let start = Instant::now();
            let operations = multiply_and_add(Cpu { path, threads: 1, precision }, ROUNDS);
            operations as f64 / start.elapsed().as_secs_f64()
        };
        // The best of a few trials in turn, each of some tenths of a millisecond: a core may have other work as well.
        let (mut f32, mut bf16) = (0.0f64, 0.0f64);
        for _ in 0..TRIALS {
            f32 = f32.max(rate(fireclay_kernels::Precision::F32));
            bf16 = bf16.max(rate(fireclay_kernels::Precision::Bf16));
        }
        bf16 > GAIN * f32
    })
}

/// The instructions to use. The variable is read once; empty, it says nothing.
pub(crate) fn path() -> Result<Path, BackendError> {
    static ASKED: OnceLock<Option<String>> = OnceLock::new();
    static CHOSEN: OnceLock<Path> = OnceLock::new();
    if let Some(path) = CHOSEN.get() {
        return Ok(*path);
    }
    let asked =
        ASKED.get_or_init(|| std::env::var_os(VARIABLE).map(|word| word.to_string_lossy().into_owned()));
    let path = choose(asked.as_deref())?;
    Ok(*CHOSEN.get_or_init(|| path))
}

fn choose(asked: Option<&str>) -> Result<Path, BackendError> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(Path::best());
    };
    let mut available = Path::ALL.into_iter().filter(|path| path.is_available());
    available.clone().find(|path| path.name() == asked).ok_or_else(|| BackendError::Instructions {
        asked: asked.to_string(),
        reason: match Path::ALL.iter().any(|path| path.name() == asked) {
            true => "this CPU does not have them",
            false => "there is no such name",
        },
        available: {
            let first = available.next().map_or("", Path::name).to_string();
            available.fold(first, |names, path| names + ", " + path.name())
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_name_is_taken_and_none_means_the_best() {
        assert_eq!(choose(None).unwrap(), Path::best());
        assert_eq!(choose(Some("")).unwrap(), Path::best());
        for path in Path::ALL.into_iter().filter(|path| path.is_available()) {
            assert_eq!(choose(Some(path.name())).unwrap(), path);
        }
    }

    #[test]
    fn a_wrong_name_lists_what_this_cpu_has() {
        let message = choose(Some("sse9")).unwrap_err().to_string();
        assert!(message.starts_with("FIRECLAY_SIMD=sse9: there is no such name"), "{message}");
        assert!(message.contains("plain"), "{message}");
        if let Some(path) = Path::ALL.into_iter().find(|path| !path.is_available()) {
            let message = choose(Some(path.name())).unwrap_err().to_string();
            assert!(message.contains("this CPU does not have them"), "{message}");
        }
    }
}
