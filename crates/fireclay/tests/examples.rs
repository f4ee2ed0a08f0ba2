//! The examples run and reach what they claim: each asserts it in its `main`.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

/// Each example as a module.
macro_rules! examples {
    ($($name:ident = $path:literal),+ $(,)?) => {$(
        #[path = $path]
        mod $name;

        #[test]
        fn $name() -> Result<(), Box<dyn Error>> {
            // Random weights come from one generator for the whole process, so examples take turns.
            let _turn = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
            $name::main()
        }
    )+};
}

static TURNS: Mutex<()> = Mutex::new(());

examples! {
    linear_regression = "../examples/linear_regression.rs",
    logistic_regression = "../examples/logistic_regression.rs",
    lstm_regression = "../examples/lstm_regression.rs",
    own_module = "../examples/own_module.rs",
    transfer = "../examples/transfer.rs",
}
