//! Variables of the environment: a line for each.
#![no_main]

use fireclay_distribute::Place;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // The key's file is read, and is no text of ours.
    let lines = || text.lines().filter(|line| !line.starts_with("FIRECLAY_SHARED_KEY_FILE"));
    let look_up =
        |name: &str| lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    if let Ok(Some(place)) = Place::of_variables(look_up) {
        assert!(place.rank < place.size && place.size > 1 && place.address.contains(':'));
    }
});
