//! Every fused operation against the same function of ordinary tensor operations, on every device of this build.

mod attention;
mod conv2d;
mod conv2d_batch_norm;
mod cross_entropy;
mod dense;
mod dense_cross_entropy;
mod dropout;
mod embedding;
mod feed_forward;
mod gelu;
mod harness;
mod norm;
mod optimizer;
mod pool2d;
mod precision;
mod recurrent;
mod saturating;
