//! CIFAR-10's records: the input is one of the files, the others are whole.
#![no_main]

use fireclay_datasets::{Cifar10, DataDir};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let folder = std::env::temp_dir().join(format!("fireclay-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    let names =
        ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"];
    for (place, name) in names.iter().enumerate() {
        let whole = [3; 3073];
        let content = if usize::from(*which) % names.len() == place { bytes } else { &whole };
        std::fs::write(folder.join(format!("{name}.bin")), content).expect("the folder can be written");
    }
    let _ = Cifar10::load(&DataDir::named(&folder));
});
