//! Numbers that look random and are a function of their input: what every random stream of the workspace begins with.

/// SplitMix64's next output for a state ([Steele et al. 2014](https://doi.org/10.1145/2660193.2660195)): near inputs,
/// unrelated outputs. Seeds, streams and files depend on its exact values.
///
/// ```
/// use fireclay_kernels::mix;
///
/// assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF);
/// assert_ne!(mix(1) ^ mix(2), 1 ^ 2);
/// ```
#[inline(always)]
pub fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(MIX_STEP);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// What a SplitMix64 generator adds to its state before each number: `mix(state)` is the number, `state + MIX_STEP` the
/// state after it.
pub const MIX_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of the reference implementation for the seed 1234567.
    #[test]
    fn the_reference_values() {
        let mut state = 1_234_567u64;
        let drawn = [(); 5].map(|()| {
            let number = mix(state);
            state = state.wrapping_add(MIX_STEP);
            number
        });
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(drawn, expected);
    }
}
