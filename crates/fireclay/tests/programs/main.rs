//! Short programs as a user would write them, one for each thing that people come for. Each asserts its result.

mod autoencoder;
mod callback_of_ones_own;
mod cross_validation;
mod fine_tuning;
mod fine_tuning_onnx;
mod imbalanced_binary;
mod label_for_each_step;
mod loss_of_ones_own;
mod metric_of_ones_own;
mod multi_label;
mod optimizer_from_burn;
mod prediction_in_threads;
mod stop_and_resume;
mod streaming_source;
mod table_regression;
mod three_parts;
mod two_inputs;

/// Numbers from 0 to 1 that look random, the same in every run.
fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32
    }
}
