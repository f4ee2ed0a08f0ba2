//! The program `imdb` from outside.
