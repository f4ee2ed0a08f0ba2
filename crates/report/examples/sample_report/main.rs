//! Writes a page for each kind of task, one that compares runs, one about a learning rate range test, and one of an audit, from made-up data:
//! `cargo run -p fireclay-report --example sample_report FOLDER`.

#![allow(clippy::print_stdout, reason = "the names of the files are what it is run for")]

mod audit;
mod common;
mod digits;
mod language;
mod learning_rate;
mod rows;
mod tags;

use std::path::PathBuf;

use fireclay_report::{ComparedRun, Comparison, RunReport};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/sample_reports".into()));
    std::fs::create_dir_all(&folder)?;
    let digits = digits::report(10, 10_000, 4.6, 1);
    let pages: [(&str, RunReport); 6] = [
        ("digits", digits.clone()),
        ("many_classes", digits::report(100, 5_000, 3.2, 2)),
        ("churn", rows::two_classes()),
        ("houses", rows::numbers()),
        ("tags", tags::report()),
        ("language", language::report()),
    ];
    for (name, report) in pages {
        let begun = std::time::Instant::now();
        let page = report.to_html()?;
        let path = folder.join(format!("{name}.html"));
        println!("{}: {} KB after {} ms", path.display(), page.len() / 1000, begun.elapsed().as_millis());
        std::fs::write(path, page)?;
    }
    let comparison = Comparison {
        title: "Three ways to train on drawn digits".into(),
        program: common::PROGRAM.into(),
        runs: vec![
            ComparedRun::new("adam 3e-3", digits),
            ComparedRun::new("adam 1e-2", digits::report(10, 10_000, 4.55, 3)),
            ComparedRun::new("sgd", digits::report(10, 10_000, 3.6, 4)),
        ],
    };
    std::fs::write(folder.join("comparison.html"), comparison.to_html()?)?;
    println!("{}", folder.join("comparison.html").display());
    std::fs::write(folder.join("learning_rate.html"), learning_rate::report().to_html()?)?;
    println!("{}", folder.join("learning_rate.html").display());
    std::fs::write(folder.join("audit.html"), audit::report().to_html()?)?;
    println!("{}", folder.join("audit.html").display());
    Ok(())
}
