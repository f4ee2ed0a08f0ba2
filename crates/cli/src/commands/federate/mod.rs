//! `federate`: clients train one network together, and their samples stay where they are.
//!
//! `init` writes the model file that server and clients begin with, `server` and `client` are the real thing, `simulate` all of it in one
//! process. `round`, `weights` and `apply` are one client's part for a federation that others run, such as Flower's.

mod args;
mod begin;
mod client;
mod goal;
mod init;
mod local;
mod outcome;
mod problem;
mod round;
mod server;
mod show;
mod simulate;
mod weights;

use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::command::Command;
use crate::exit::Exit;
use crate::output::Output;
use crate::program::Program;

/// Federated learning.
#[derive(Args, Debug)]
pub struct Federate<P: Program> {
    #[command(subcommand)]
    action: Action<P>,
}

#[derive(Subcommand, Debug)]
enum Action<P: Program> {
    /// Try it in one process: training data is split among clients
    Simulate(Box<simulate::Simulate<P>>),
    /// Write the model file that a server and its clients begin with
    Init(Box<init::Init<P>>),
    /// Ask clients to train, round by round, and average what they learnt
    Server(Box<server::ServerArgs<P>>),
    /// Train for a server on samples that stay here
    Client(Box<client::Client<P>>),
    /// Train once from weights in a safetensors file, as a client of a federation that others run
    Round(Box<round::Round<P>>),
    /// Write the weights of a model file as safetensors
    Weights(weights::Weights),
    /// Write a model file with other weights, from safetensors
    Apply(weights::Apply),
}

impl<P: Program> Command for Federate<P> {
    const NAME: &'static str = "federate";
    const ABOUT: &'static str = "Train one network with clients whose samples stay where they are";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        match self.action {
            Action::Simulate(simulate) => simulate.run(output),
            Action::Init(init) => init.run(output),
            Action::Server(server) => server.run(output),
            Action::Client(client) => client.run(output),
            Action::Round(round) => round.run(output),
            Action::Weights(weights) => weights.run(output),
            Action::Apply(apply) => apply.run(output),
        }
    }
}
