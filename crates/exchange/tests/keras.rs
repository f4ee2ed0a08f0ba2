//! Keras both ways, against files that Keras itself saved (`fixtures/keras/make.py`).

#[path = "keras/export.rs"]
mod export;
#[path = "keras/hostile.rs"]
mod hostile;
#[path = "keras/import.rs"]
mod import;
#[path = "keras/shared.rs"]
mod shared;
