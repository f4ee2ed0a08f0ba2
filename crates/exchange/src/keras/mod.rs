//! Keras: whole models from `.keras` and `.h5`, and out as `.keras`.
