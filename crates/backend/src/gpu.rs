//! Opening GPUs. Burn's runtimes start lazily, on a thread of their own, and panic where no driver or no such GPU
//! answers; here that becomes an error before anybody holds the device.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

use burn::tensor::{Device, DeviceType, Tensor};

use crate::BackendError;

/// A GPU as it was asked for, in words for messages.
pub(crate) struct Asked<'a> {
    /// `wgpu:1`
    pub(crate) name: String,
    pub(crate) index: Option<usize>,
    /// The devices of this build.
    pub(crate) available: String,
    /// The names of the first so many GPUs of the kind.
    pub(crate) names: &'a dyn Fn(usize) -> String,
}

/// Opens the GPU with this index among those of the kind, or the default, and waits until it has answered. `order` puts
/// those that were found in the order of their indices.
pub(crate) fn open(
    asked: Asked,
    kind: DeviceType,
    default: Device,
    order: impl Fn(Vec<Device>) -> Vec<Device>,
) -> Result<Device, BackendError> {
    let Asked { name, index, available, names } = asked;
    let failed = |reason| BackendError::Open { name: name.clone(), reason, available: available.clone() };
    let found = quietly(|| Ok(Device::enumerate(kind).to_vec())).map(order).map_err(failed)?;
    if found.is_empty() {
        return Err(failed("no GPU with a driver for it was found".to_string()));
    }
    let device = match index {
        None => default,
        Some(index) => found.get(index).cloned().ok_or_else(|| BackendError::NoSuchDevice {
            name: name.clone(),
            found: names(found.len()),
            available: available.clone(),
        })?,
    };
    let answer = || Tensor::<1>::zeros([1], &device).try_into_scalar::<f32>();
    quietly(|| answer().map(drop).map_err(|error| format!("{error:?}"))).map_err(failed)?;
    Ok(device)
}

/// Device threads of Burn's runtimes are called so, with numbers behind.
const DEVICE_THREADS: [&str; 2] = ["DSU-", "DSD-"];

/// Runs `start` and turns a panic, its own or that of a device's thread, into the message. These panics are not printed;
/// those of other threads are.
fn quietly<T>(start: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // The hook belongs to the whole process: two that open devices at once must not save each other's.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let first_message = Arc::new(Mutex::new(None));
    let before: Arc<PanicHook> = Arc::from(std::panic::take_hook());
    std::panic::set_hook(Box::new({
        let (before, first_message, opener) =
            (before.clone(), first_message.clone(), std::thread::current().id());
        move |panic| match is_of_device(opener) {
            true => {
                first_message
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert_with(|| panic.payload_as_str().map(str::to_string));
            }
            false => before(panic),
        }
    }));
    let outcome = catch_unwind(AssertUnwindSafe(start));
    std::panic::set_hook(Box::new(move |panic| before(panic)));
    outcome.unwrap_or_else(|_| {
        let message = first_message.lock().unwrap_or_else(PoisonError::into_inner).take().flatten();
        Err(message.unwrap_or_else(|| "the driver gave no reason".to_string()))
    })
}

type PanicHook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

fn is_of_device(opener: ThreadId) -> bool {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    thread.id() == opener || DEVICE_THREADS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_opening_becomes_its_message() {
        assert_eq!(quietly::<()>(|| panic!("no adapter")).unwrap_err(), "no adapter");
    }

    #[test]
    fn a_panic_of_the_devices_thread_is_the_reason_and_not_what_follows_from_it() {
        let reason = quietly::<()>(|| {
            let runner = std::thread::Builder::new().name("DSU-0-7".to_string());
            let ended = runner.spawn(|| panic!("no adapter 7")).unwrap().join();
            ended.expect("the thread sent nothing");
            Ok(())
        });
        assert_eq!(reason.unwrap_err(), "no adapter 7");
    }
}
