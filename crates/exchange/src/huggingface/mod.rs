//! Folders of Hugging Face's libraries.
