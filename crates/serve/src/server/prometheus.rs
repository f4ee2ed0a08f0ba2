//! Metrics as Prometheus reads them: its text format, version 0.0.4.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write;

use crate::drift::DriftReport;
use crate::metrics::Histogram;
use crate::process::{open_files, resident_bytes};
use crate::registry::Counted;
use crate::state::Shared;

/// Histograms have an edge at each power of two: seconds from 15 µs to 32 s, samples from 1 to 65,536.
const SECONDS: (usize, usize) = (4, 25);
const SAMPLES: (usize, usize) = (20, 36);

/// One of the histograms of a version.
type Of = fn(&Counted) -> &Histogram;

/// All that there is, one family behind the other.
pub(super) fn text(shared: &Shared) -> String {
    let mut out = String::new();
    let models: Vec<(&str, Vec<Counted>)> =
        shared.registry.names().map(|name| (name, shared.registry.counted(name))).collect();
    let of_versions = || {
        models.iter().flat_map(|(name, counted)| {
            counted
                .iter()
                .map(move |counted| (format!("model=\"{name}\",version=\"{}\"", counted.version), counted))
        })
    };

    family(
        &mut out,
        "requests_total",
        "counter",
        "Requests that have ended, by status; 499 is a client that left.",
    );
    for (labels, counted) in of_versions() {
        for (code, count) in counted.metrics.requests() {
            line(&mut out, "requests_total", &format!("{labels},code=\"{code}\""), count as f64);
        }
    }
    for (code, count) in shared.elsewhere.requests() {
        line(&mut out, "requests_total", &format!("model=\"\",version=\"\",code=\"{code}\""), count as f64);
    }
    family(&mut out, "samples_total", "counter", "Samples that were computed.");
    for (labels, counted) in of_versions() {
        line(&mut out, "samples_total", &labels, counted.metrics.samples() as f64);
    }
    family(&mut out, "queue_samples", "gauge", "Samples that wait for the model.");
    for (labels, counted) in of_versions() {
        if let Some(served) = &counted.served {
            line(&mut out, "queue_samples", &labels, served.waiting() as f64);
        }
    }
    let histograms: [(&str, &str, (usize, usize), Of); 4] = [
        ("request_seconds", "Seconds from a request's headers to its answer.", SECONDS, |counted| {
            counted.metrics.latency()
        }),
        ("queue_seconds", "Seconds that requests waited for the model.", SECONDS, |counted| {
            counted.metrics.waits()
        }),
        ("compute_seconds", "Seconds that the model took for a batch.", SECONDS, |counted| {
            counted.metrics.computing()
        }),
        ("batch_samples", "Samples that were computed together.", SAMPLES, |counted| {
            counted.metrics.batches()
        }),
    ];
    for (name, help, edges, of) in histograms {
        family(&mut out, name, "histogram", help);
        for (labels, counted) in of_versions() {
            histogram(&mut out, name, &labels, of(counted), edges);
        }
    }
    family(
        &mut out,
        "drift_psi",
        "gauge",
        "How far inputs and predictions are from the training's: the population stability index.",
    );
    let drifts: Vec<(String, DriftReport)> = of_versions()
        .filter_map(|(labels, counted)| Some((labels, counted.served.as_ref()?.drift()?)))
        .collect();
    for (labels, drift) in &drifts {
        for measured in &drift.inputs {
            let labels = format!("{labels},of=\"input\",name=\"{}\"", escaped(&measured.name));
            line(&mut out, "drift_psi", &labels, measured.psi);
        }
        let classes = drift.predictions.iter().map(|classes| ("classes", classes.psi));
        let answers = drift.confidence.iter().map(|measured| (measured.name.as_str(), measured.psi));
        for (name, psi) in classes.chain(answers) {
            line(
                &mut out,
                "drift_psi",
                &format!("{labels},of=\"prediction\",name=\"{}\"", escaped(name)),
                psi,
            );
        }
    }
    family(&mut out, "drift_samples", "gauge", "Samples that the index is of, the last ones.");
    for (labels, drift) in &drifts {
        line(&mut out, "drift_samples", labels, drift.samples as f64);
    }
    family(&mut out, "drift_warning", "gauge", "1 if an index of enough samples is above 0.25.");
    for (labels, drift) in &drifts {
        line(&mut out, "drift_warning", labels, f64::from(u8::from(drift.warning)));
    }
    family(&mut out, "version_loaded", "gauge", "1 for each version that is loaded, with its label.");
    for (name, _) in &models {
        for status in shared.registry.versions(name).unwrap_or_default() {
            if let Some(label) = status.label {
                let labels = format!("model=\"{name}\",version=\"{}\",label=\"{label}\"", status.version);
                line(&mut out, "version_loaded", &labels, 1.0);
            }
        }
    }
    family(&mut out, "ready", "gauge", "1 while the server says that it is ready.");
    line(&mut out, "ready", "", f64::from(u8::from(shared.is_ready())));
    family(&mut out, "uptime_seconds", "gauge", "Seconds since the server began.");
    line(&mut out, "uptime_seconds", "", shared.begun.elapsed().as_secs_f64());
    // By the names that Prometheus's own clients give them.
    if let Some(bytes) = resident_bytes() {
        let _ = writeln!(out, "# HELP process_resident_memory_bytes Resident memory size in bytes.");
        let _ = writeln!(
            out,
            "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}"
        );
    }
    if let Some(files) = open_files() {
        let _ = writeln!(out, "# HELP process_open_fds Number of open file descriptors.");
        let _ = writeln!(out, "# TYPE process_open_fds gauge\nprocess_open_fds {files}");
    }
    out
}

/// A label's value as it stands in quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

// Writing to a text cannot fail.
fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP fireclay_{name} {help}\n# TYPE fireclay_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = match labels {
        "" => writeln!(out, "fireclay_{name} {value}"),
        labels => writeln!(out, "fireclay_{name}{{{labels}}} {value}"),
    };
}

fn histogram(out: &mut String, name: &str, labels: &str, values: &Histogram, (from, to): (usize, usize)) {
    let count = values.count();
    for (edge, at_most) in values.cumulative(from, to) {
        // A value may have come between the two.
        line(out, &format!("{name}_bucket"), &format!("{labels},le=\"{edge}\""), at_most.min(count) as f64);
    }
    line(out, &format!("{name}_bucket"), &format!("{labels},le=\"+Inf\""), count as f64);
    line(out, &format!("{name}_sum"), labels, values.sum());
    line(out, &format!("{name}_count"), labels, count as f64);
}
