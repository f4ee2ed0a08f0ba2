//! Device names as people type them: `flex`, `wgpu`, `cuda:1`.
//!
//! A name always parses, whether or not this build has the device, so that the error can say which feature to add.
//! Only [`DeviceName::open`] contains `cfg(feature)`: one line for each backend, in one table.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use burn::tensor::{Device, Tensor};

use crate::BackendError;

/// The name of a device: a backend, and for GPUs which one.
///
/// ```
/// use fireclay_backend::DeviceName;
/// let name: DeviceName = "cuda:1".parse()?;
/// assert_eq!(name.to_string(), "cuda:1");
/// assert!("cudo".parse::<DeviceName>().unwrap_err().to_string().contains("no device is called 'cudo'"));
/// # Ok::<(), fireclay_backend::BackendError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceName {
    kind: Kind,
    index: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Cuda,
    Rocm,
    Metal,
    Vulkan,
    Webgpu,
    Wgpu,
    Flex,
    NdArray,
}

/// Every backend: its word (which is its feature too), whether it takes an index, whether this build has it.
const KINDS: [(Kind, &str, bool, bool); 8] = [
    (Kind::Flex, "flex", false, cfg!(feature = "flex")),
    (Kind::NdArray, "ndarray", false, cfg!(feature = "ndarray")),
    (Kind::Wgpu, "wgpu", true, cfg!(feature = "wgpu")),
    (Kind::Vulkan, "vulkan", true, cfg!(feature = "vulkan")),
    (Kind::Metal, "metal", true, cfg!(feature = "metal")),
    (Kind::Webgpu, "webgpu", true, cfg!(feature = "webgpu")),
    (Kind::Cuda, "cuda", true, cfg!(feature = "cuda")),
    (Kind::Rocm, "rocm", true, cfg!(feature = "rocm")),
];

impl DeviceName {
    /// The devices that this build has, CPU first.
    ///
    /// A GPU is listed when its backend is compiled in; whether a driver is there shows when it is opened.
    pub fn available() -> Vec<DeviceName> {
        KINDS
            .iter()
            .filter(|(.., built)| *built)
            .map(|&(kind, ..)| DeviceName { kind, index: None })
            .collect()
    }

    /// Opens the device, without gradients; `device.autodiff()` adds them, and the trainer does that by itself.
    ///
    /// # Errors
    /// [`BackendError::FeatureMissing`] if this build lacks the backend, [`BackendError::Open`] if no driver or no
    /// such device answers, [`BackendError::Instructions`] if the environment variable `FIRECLAY_SIMD` (`avx512`, `avx2`,
    /// `neon` or `plain`) asks the CPU for instructions that it lacks.
    pub fn open(&self) -> Result<Device, BackendError> {
        let device = self.device()?;
        // GPU runtimes start lazily and panic where no adapter answers, so a first small tensor is made here.
        let started = quietly(|| {
            Tensor::<1>::zeros([1], &device)
                .try_into_scalar::<f32>()
                .map(drop)
                .map_err(|error| format!("{error:?}"))
        });
        match started {
            Ok(()) => Ok(device),
            Err(reason) => Err(BackendError::Open {
                name: self.to_string(),
                reason,
                available: list(DeviceName::available()),
            }),
        }
    }

    fn device(&self) -> Result<Device, BackendError> {
        match self.kind {
            #[cfg(feature = "flex")]
            Kind::Flex => crate::instructions::path().map(|_| Device::flex()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated, reason = "kept as a feature as long as Burn has it")]
            Kind::NdArray => Ok(Device::ndarray()),
            #[cfg(feature = "wgpu")]
            Kind::Wgpu => Ok(Device::wgpu(self.gpu())),
            #[cfg(feature = "vulkan")]
            Kind::Vulkan => Ok(Device::vulkan(self.gpu())),
            #[cfg(feature = "metal")]
            Kind::Metal => Ok(Device::metal(self.gpu())),
            #[cfg(feature = "webgpu")]
            Kind::Webgpu => Ok(Device::webgpu(self.gpu())),
            #[cfg(feature = "cuda")]
            Kind::Cuda => Ok(Device::cuda(self.index.unwrap_or(0))),
            #[cfg(feature = "rocm")]
            Kind::Rocm => Ok(Device::rocm(self.index.unwrap_or(0))),
            #[allow(unreachable_patterns, reason = "reachable in builds without some feature")]
            _ => Err(BackendError::FeatureMissing {
                name: self.to_string(),
                available: list(DeviceName::available()),
                feature: self.word(),
            }),
        }
    }

    #[cfg(feature = "wgpu")]
    fn gpu(&self) -> burn::tensor::DeviceKind {
        use burn::tensor::DeviceKind;
        self.index.map_or(DeviceKind::DefaultDevice, DeviceKind::DiscreteGpu)
    }

    fn word(&self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self.kind).map_or("", |(_, word, ..)| word)
    }
}

/// The first device of [`DeviceName::available`]: `flex` unless the build was made without it.
impl Default for DeviceName {
    fn default() -> Self {
        DeviceName::available().first().copied().unwrap_or(DeviceName { kind: Kind::Flex, index: None })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}:{index}", self.word()),
            None => f.write_str(self.word()),
        }
    }
}

impl FromStr for DeviceName {
    type Err = BackendError;

    fn from_str(name: &str) -> Result<Self, BackendError> {
        let (word, index) = match name.split_once(':') {
            Some((word, index)) => (word, Some(index)),
            None => (name, None),
        };
        let Some(&(kind, _, indexed, _)) = KINDS.iter().find(|(_, known, ..)| *known == word) else {
            return Err(BackendError::UnknownDevice {
                name: name.to_string(),
                available: list(DeviceName::available()),
                known: KINDS.map(|(_, word, ..)| word).join(", "),
            });
        };
        let index = match index {
            None => None,
            Some(text) => {
                let wrong = |expected| BackendError::Index {
                    name: name.to_string(),
                    index: text.to_string(),
                    expected,
                };
                if !indexed {
                    return Err(wrong("no index, since a CPU device is all of the CPU"));
                }
                Some(text.parse().map_err(|_| wrong("a whole number such as 0 or 1"))?)
            }
        };
        Ok(DeviceName { kind, index })
    }
}

/// Whether values of a device can be read at once, without waiting for a queue of work: on a CPU.
pub fn reads_at_once(device: &Device) -> bool {
    let cpus: &[Device] = &[
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated, reason = "kept as a feature as long as Burn has it")]
        Device::ndarray(),
    ];
    cpus.contains(device)
}

fn list(names: Vec<DeviceName>) -> String {
    match names.is_empty() {
        true => "no device at all".to_string(),
        false => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Runs `start`, turning a panic of a GPU runtime into its message; the panic itself is not printed.
fn quietly(start: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(start));
    std::panic::set_hook(hook);
    outcome.unwrap_or_else(|panic| {
        Err(panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_else(|| "the driver gave no reason".to_string()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_prints_as_it_parses() {
        for name in ["flex", "ndarray", "wgpu", "wgpu:1", "vulkan:0", "metal", "webgpu", "cuda:3", "rocm"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn an_unknown_word_lists_what_this_build_has() {
        let message = "gpu".parse::<DeviceName>().unwrap_err().to_string();
        assert!(message.contains("no device is called 'gpu'"), "{message}");
        assert!(message.contains("cuda"), "{message}");
    }

    #[test]
    fn a_cpu_takes_no_index_and_a_gpu_wants_a_number() {
        let message = "flex:1".parse::<DeviceName>().unwrap_err().to_string();
        assert!(message.contains("expected no index"), "{message}");
        let message = "cuda:x".parse::<DeviceName>().unwrap_err().to_string();
        assert!(message.contains("a whole number"), "{message}");
    }

    #[test]
    #[cfg(not(feature = "rocm"))]
    fn a_device_of_another_build_names_the_feature_to_add() {
        let name: DeviceName = "rocm".parse().unwrap();
        let message = name.open().unwrap_err().to_string();
        assert!(message.contains("build again with `--features rocm`"), "{message}");
    }

    #[test]
    #[cfg(feature = "flex")]
    fn flex_is_the_default_and_opens() {
        assert_eq!(DeviceName::default().to_string(), "flex");
        DeviceName::default().open().unwrap();
    }

    #[test]
    fn a_panic_while_opening_becomes_its_message() {
        let reason = quietly(|| panic!("no adapter")).unwrap_err();
        assert_eq!(reason, "no adapter");
    }
}
