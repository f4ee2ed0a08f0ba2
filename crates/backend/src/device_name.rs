//! Device names as people type them: `flex`, `wgpu`, `cuda:1`.
//!
//! A name always parses, whether or not this build has the device, so that the error can say which feature to add.
//! [`DeviceName::open`] and the table above it have one line for each backend.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
use burn::tensor::DeviceType;

use crate::{BackendError, Precision};

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
    /// A GPU without an index is the one that its runtime thinks best. With an index it is one of those that the runtime
    /// finds, counted from 0; for `wgpu` and its graphics APIs discrete GPUs come first, then integrated ones, virtual ones
    /// and drivers that compute on the CPU.
    ///
    /// # Errors
    /// - [`BackendError::FeatureMissing`] if this build lacks the backend
    /// - [`BackendError::NoSuchDevice`] if this machine has fewer GPUs than the index says
    /// - [`BackendError::Open`] if no driver answers
    /// - [`BackendError::Instructions`] if the environment variable `FIRECLAY_SIMD` (`avx512`, `avx2`, `neon` or `plain`) asks
    ///   the CPU for instructions that it lacks
    ///
    /// ```
    /// # #[cfg(feature = "flex")] {
    /// use fireclay_backend::{DeviceName, reads_at_once};
    /// let device = DeviceName::default().open()?;
    /// assert!(reads_at_once(&device) && !device.is_autodiff());
    /// # }
    /// # Ok::<(), fireclay_backend::BackendError>(())
    /// ```
    pub fn open(&self) -> Result<Device, BackendError> {
        match self.kind {
            #[cfg(feature = "flex")]
            Kind::Flex => crate::instructions::path().map(|_| Device::flex()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated, reason = "kept as a feature as long as Burn has it")]
            Kind::NdArray => Ok(Device::ndarray()),
            #[cfg(feature = "wgpu")]
            Kind::Wgpu => self.open_wgpu(DeviceType::Wgpu, Device::wgpu),
            #[cfg(feature = "vulkan")]
            Kind::Vulkan => self.open_wgpu(DeviceType::Vulkan, Device::vulkan),
            #[cfg(feature = "metal")]
            Kind::Metal => self.open_wgpu(DeviceType::Metal, Device::metal),
            #[cfg(feature = "webgpu")]
            Kind::Webgpu => self.open_wgpu(DeviceType::WebGpu, Device::webgpu),
            #[cfg(feature = "cuda")]
            Kind::Cuda => self.open_gpu(DeviceType::Cuda, Device::cuda(0), |found| found),
            #[cfg(feature = "rocm")]
            Kind::Rocm => self.open_gpu(DeviceType::Rocm, Device::rocm(0), |found| found),
            #[allow(unreachable_patterns, reason = "reachable in builds without some feature")]
            _ => Err(BackendError::FeatureMissing {
                name: self.to_string(),
                available: list(DeviceName::available()),
                feature: self.word(),
            }),
        }
    }

    #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
    fn open_gpu(
        &self,
        kind: DeviceType,
        default: Device,
        order: impl Fn(Vec<Device>) -> Vec<Device>,
    ) -> Result<Device, BackendError> {
        let asked = crate::gpu::Asked {
            name: self.to_string(),
            index: self.index,
            available: list(DeviceName::available()),
            names: &|count| list((0..count).map(|index| self.with_index(index)).collect()),
        };
        crate::gpu::open(asked, kind, default, order)
    }

    #[cfg(feature = "wgpu")]
    fn open_wgpu(&self, kind: DeviceType, device: fn(DeviceKind) -> Device) -> Result<Device, BackendError> {
        self.open_gpu(kind, device(DeviceKind::DefaultDevice), |found| {
            let all = 0..found.len();
            let known: Vec<Device> = (all.clone().map(DeviceKind::DiscreteGpu))
                .chain(all.clone().map(DeviceKind::IntegratedGpu))
                .chain(all.map(DeviceKind::VirtualGpu))
                .chain([DeviceKind::Cpu])
                .map(device)
                .collect();
            // Kinds that cannot be asked for by name come last.
            let rank = |one: &Device| known.iter().position(|known| known == one).unwrap_or(known.len());
            let mut ordered = found;
            ordered.sort_by_key(rank);
            ordered
        })
    }

    /// The same backend with this index.
    #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
    fn with_index(self, index: usize) -> Self {
        DeviceName { index: Some(index), ..self }
    }

    #[cfg(test)]
    fn takes_index(&self) -> bool {
        KINDS.iter().any(|&(kind, _, indexed, _)| kind == self.kind && indexed)
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

/// Whether products on a device can be made in a precision. `bf16` takes a CPU with the instructions `avx512_bf16`, such as AMD's
/// from Zen 4 on and Intel's Xeons from Cooper Lake on, or a GPU with bfloat16 or `f16`.
///
/// ```
/// use fireclay_backend::{DeviceName, Precision, supports};
/// assert!(supports(&DeviceName::default().open()?, Precision::F32));
/// # Ok::<(), fireclay_backend::BackendError>(())
/// ```
pub fn supports(device: &Device, precision: Precision) -> bool {
    if precision == Precision::F32 {
        return true;
    }
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return crate::instructions::has_bf16();
    }
    #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
    if !reads_at_once(device) {
        return crate::precision::half(|dtype| device.supports_dtype(dtype)).is_some();
    }
    let _ = device;
    false
}

/// Whether products on a device that [`supports`] a precision are faster in it than in `f32`. Of a CPU it is measured, once, within a
/// few milliseconds: the instructions for `bf16` of AMD's Zen 5 are faster than those for `f32`, those of an Intel Xeon of family 6, model
/// 207, are not. A GPU is taken to be faster.
///
/// ```
/// use fireclay_backend::{DeviceName, Precision, speeds_up};
/// assert!(!speeds_up(&DeviceName::default().open()?, Precision::F32));
/// # Ok::<(), fireclay_backend::BackendError>(())
/// ```
pub fn speeds_up(device: &Device, precision: Precision) -> bool {
    if precision == Precision::F32 || !supports(device, precision) {
        return false;
    }
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return crate::instructions::is_bf16_faster();
    }
    true
}

fn list(names: Vec<DeviceName>) -> String {
    match names.is_empty() {
        true => "no device at all".to_string(),
        false => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
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

    /// Every GPU backend of the build, on a machine that may have none.
    #[test]
    #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
    fn an_index_that_no_gpu_has_is_an_error_that_lists_those_there_are() {
        for name in DeviceName::available().into_iter().filter(|name| name.takes_index()) {
            for index in [99, usize::MAX] {
                let message = name.with_index(index).open().unwrap_err().to_string();
                let listed =
                    message.contains(&format!("only {name}:0")) || message.contains("no GPU with a driver");
                assert!(listed && message.contains(&format!("'{name}:{index}'")), "{message}");
            }
        }
    }

    #[test]
    fn a_device_opens_from_several_threads_at_once() {
        let names = DeviceName::available();
        std::thread::scope(|scope| {
            let open = |name: DeviceName| name.open().map(drop).map_err(|error| error.to_string());
            let opening: Vec<_> = names
                .iter()
                .flat_map(|&name| [name; 4])
                .map(|name| scope.spawn(move || open(name)))
                .collect();
            for (opened, name) in opening.into_iter().zip(names.iter().flat_map(|name| [name; 4])) {
                let outcome = opened.join().expect("no panic");
                assert!(outcome.is_ok() || name.takes_index(), "{outcome:?}");
            }
        });
    }
}
