//! What is printed of a federation while it runs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fireclay::federate::{ClientMetrics, FederationEvent, FederationOptions, Metrics, RoundRecord, Step};
use serde::Serialize;

use super::goal::Goal;
use crate::format::{bytes, count, seconds};
use crate::objective::measure;
use crate::output::Output;

/// Prints what happens, and ends the federation when its goal is reached.
pub struct Shown {
    output: Arc<Output>,
    rounds: u64,
    /// Whether nobody may learn who is in a round, nor what one of them measured.
    hides_samples: bool,
    goal: Option<Goal>,
    ended: Arc<AtomicBool>,
}

/// A round that is over.
#[derive(Serialize)]
#[serde(tag = "type", rename = "round")]
struct RoundLine<'a> {
    /// Counted from 1.
    round: u64,
    rounds: u64,
    lost: Option<&'a str>,
    asked: Vec<&'a str>,
    answered: Vec<&'a str>,
    refused: Vec<Answer<'a>>,
    dropped: Vec<Answer<'a>>,
    failed_attempts: usize,
    clipped_values: u64,
    metrics: &'a Metrics,
    test: &'a Metrics,
    clients: BTreeMap<&'a str, &'a ClientMetrics>,
    update_norm: f64,
    epsilon: Option<f64>,
    received_bytes: u64,
    sent_bytes: u64,
    seconds: f64,
}

/// Of whom, and why.
#[derive(Serialize)]
struct Answer<'a> {
    client: &'a str,
    reason: String,
}

impl Shown {
    /// Prints on an output; the flag ends the federation.
    pub fn new(
        output: &Arc<Output>,
        options: &FederationOptions,
        goal: Option<Goal>,
        ended: Arc<AtomicBool>,
    ) -> Self {
        let hides_samples = options.privacy.is_some();
        Shown { output: output.clone(), rounds: options.rounds, hides_samples, goal, ended }
    }

    pub fn event(&mut self, event: &FederationEvent) {
        let output = &self.output;
        let of_sample =
            matches!(event, FederationEvent::AnswerRefused { .. } | FederationEvent::ClientDropped { .. });
        if self.hides_samples && of_sample {
            return;
        }
        match event {
            FederationEvent::ClientJoined { client } => output.note(format!("{client} is there")),
            FederationEvent::ClientLost { client, reason } => {
                output.note(format!("{client} is gone: {reason}"));
            }
            FederationEvent::ConnectionRefused { peer, reason } => {
                output.warn(format!("a connection from {peer} was refused: {reason}"));
            }
            FederationEvent::WaitingForClients { expected, found } => {
                output.note(format!("waiting for clients: {found} of {expected} are there"));
            }
            FederationEvent::AnswerRefused { round, client, refusal } => {
                output.warn(format!("round {}: the answer of {client} is refused: {refusal}", round + 1));
            }
            FederationEvent::ClientDropped { round, client, step, reason } => {
                let step = if *step == Step::Training { String::new() } else { format!(", {step}") };
                output.warn(format!("round {}{step}: no answer of {client}: {reason}", round + 1));
            }
            FederationEvent::AttemptFailed { round, attempt, error } => {
                output.warn(format!("round {}, attempt {}: {error}", round + 1, attempt + 1));
            }
            FederationEvent::RoundEnded { record, .. } => self.round(record),
            _ => {}
        }
    }

    fn round(&self, record: &RoundRecord) {
        let record = &match self.hides_samples {
            false => Cow::Borrowed(record),
            // What noise is to hide is not printed beside it.
            true => Cow::Owned(RoundRecord {
                asked: Vec::new(),
                answered: Vec::new(),
                refused: Vec::new(),
                dropped: Vec::new(),
                metrics: Metrics::new(),
                client_metrics: BTreeMap::new(),
                ..record.clone()
            }),
        };
        if record.clipped_values > 0 {
            self.output.warn(format!(
                "round {}: {} values lay outside of what sums under masks have room for, and were cut",
                record.round + 1,
                count(record.clipped_values)
            ));
        }
        self.output.progress_line(self.line(record));
        let reason = |client, reason: &dyn ToString| Answer { client, reason: reason.to_string() };
        self.output.record(&RoundLine {
            round: record.round + 1,
            rounds: self.rounds,
            lost: record.lost.as_deref(),
            asked: record.asked.iter().map(|client| client.as_str()).collect(),
            answered: record.answered.iter().map(|client| client.as_str()).collect(),
            refused: (record.refused.iter())
                .map(|refused| reason(refused.client.as_str(), &refused.refusal))
                .collect(),
            dropped: (record.dropped.iter())
                .map(|dropped| reason(dropped.client.as_str(), &dropped.reason))
                .collect(),
            failed_attempts: record.failed_attempts.len(),
            clipped_values: record.clipped_values,
            metrics: &record.metrics,
            test: &record.test_metrics,
            clients: (record.client_metrics.iter())
                .map(|(client, metrics)| (client.as_str(), metrics))
                .collect(),
            update_norm: record.update_norm,
            epsilon: record.epsilon,
            received_bytes: record.bytes_in,
            sent_bytes: record.bytes_out,
            seconds: record.seconds,
        });
        if let Some(goal) = &self.goal
            && goal.is_reached(&record.test_metrics)
        {
            self.ended.store(true, Ordering::Relaxed);
        }
    }

    fn line(&self, record: &RoundRecord) -> String {
        let mut parts = vec![format!("round {}/{}", record.round + 1, self.rounds)];
        if let Some(reason) = &record.lost {
            parts.push(format!("lost: {reason}"));
            return parts.join("  ");
        }
        match record.answered.len() == record.asked.len() {
            _ if self.hides_samples => {}
            true => parts.push(clients(record.asked.len())),
            false => parts.push(format!("{} of {}", record.answered.len(), clients(record.asked.len()))),
        }
        parts.extend(record.metrics.iter().map(|(name, value)| format!("{name} {}", measure(name, *value))));
        let test = record.test_metrics.iter();
        parts.extend(test.map(|(name, value)| format!("test {name} {}", measure(name, *value))));
        parts.extend(record.epsilon.map(|epsilon| format!("epsilon {epsilon:.2}")));
        parts.push(format!("{} received", bytes(record.bytes_in)));
        parts.push(seconds(record.seconds));
        parts.join("  ")
    }
}

/// `10 clients`
pub fn clients(number: usize) -> String {
    if number == 1 { "1 client".into() } else { format!("{} clients", count(number as u64)) }
}
