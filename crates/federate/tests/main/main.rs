//! Whole federations, of clients in this process and of others.

mod aggregation;
mod network;
mod optimisers;
mod privacy;
mod refusals;
mod resuming;
mod rounds;
mod secure;
mod support;
