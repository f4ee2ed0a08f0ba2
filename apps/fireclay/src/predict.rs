//! `predict`: a table in, the same table with answers out.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::{TablePreprocessing, TableRows, write_atomically};
use fireclay::train::{Prediction, Predictor, Sample};
use fireclay_cli::{Command, DeviceArgs, Exit, Output, UsageError, check_output, count};
use serde_json::{Map, Value};

use crate::error::AppError;
use crate::source::TableArgs;

/// Rows that are answered together.
const AT_ONCE: usize = 4096;

/// Asks a model about the rows of a table, which may be larger than memory.
#[derive(Args, Debug)]
pub struct Predict {
    /// Which table.
    #[command(flatten)]
    pub source: TableArgs,
    /// Model file to use
    #[arg(long, value_name = "MODEL", default_value = "model.fireclay")]
    pub from: PathBuf,
    /// Table to write: all columns, the answer and the probability of each class [default: standard output]
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub out: Option<PathBuf>,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl Command for Predict {
    const NAME: &'static str = "predict";
    const ABOUT: &'static str =
        "Predict the target of each row of a table, and write the table with the answers";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let Some(path) = &self.source.path else {
            return Err(UsageError::of(AppError::NoTableNamed));
        };
        if let Some(out) = &self.out {
            check_output(out, "--out")?;
        }
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        let predictor = Predictor::load(&self.from, &device)?;
        let Some(table) = predictor.table() else {
            return Err(AppError::NoTable { path: self.from.clone() }.into());
        };
        let rows = TableRows::open(path, &self.source.format.options())?;
        let places = places(table, rows.names(), path)?;
        let mut answers = Answers { predictor: &predictor, table, places, rows, answered: 0 };
        match &self.out {
            Some(out) => {
                let mut failure = None;
                let written = write_atomically(out, |file| {
                    answers.write_csv(file, output).map_err(|error| {
                        error.downcast::<io::Error>().unwrap_or_else(|error| {
                            failure = Some(error);
                            io::Error::other("the answers could not be computed")
                        })
                    })
                });
                if let Some(failure) = failure {
                    return Err(failure);
                }
                written.map_err(|source| AppError::Write { path: out.clone(), source })?;
                output.note(format!("{} rows answered in {}", count(answers.answered), out.display()));
            }
            None if output.is_json() => answers.write_json(output)?,
            None => match answers.write_csv(&mut io::stdout().lock(), output) {
                Err(error) if is_closed(&error) => {}
                written => written?,
            },
        }
        Ok(Exit::Done)
    }
}

/// Whether nobody reads standard output any more.
fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Where the columns of the model are in the table.
fn places(table: &TablePreprocessing, names: &[String], path: &Path) -> Result<Vec<usize>, AppError> {
    let place = |column: &str| names.iter().position(|name| name == column);
    let missing = |missing: &str| AppError::NoColumn {
        path: path.to_path_buf(),
        missing: missing.to_owned(),
        found: names.to_vec(),
    };
    let columns = table.columns.iter();
    columns.map(|column| place(&column.name).ok_or_else(|| missing(&column.name))).collect()
}

/// The answers to a table's rows.
struct Answers<'a> {
    predictor: &'a Predictor,
    table: &'a TablePreprocessing,
    /// Where each column of the model is.
    places: Vec<usize>,
    rows: TableRows<File>,
    answered: u64,
}

impl Answers<'_> {
    /// The next rows with their answers; none at the end.
    fn next(&mut self) -> anyhow::Result<Vec<(Vec<String>, Prediction)>> {
        let (mut cells, mut samples): (Vec<Vec<String>>, Vec<Sample>) = (Vec::new(), Vec::new());
        while cells.len() < AT_ONCE {
            let (columns, places) = (&self.table.columns, &self.places);
            let more = self.rows.read(|row| {
                let mut encoded = Vec::new();
                for (column, place) in columns.iter().zip(places) {
                    column.encoding.encode(row.get(*place).copied().unwrap_or_default(), &mut encoded);
                }
                samples.push(encoded.into());
                cells.push(row.iter().map(|cell| (*cell).to_owned()).collect());
            })?;
            if !more {
                break;
            }
        }
        self.answered += cells.len() as u64;
        Ok(cells.into_iter().zip(self.predictor.predict_batch(samples)?).collect())
    }

    /// The names of the columns of answers: the target's, and one for each class.
    fn names(&self) -> (String, Vec<String>) {
        let target = &self.table.target;
        let classes = self.predictor.classes().iter().map(|class| format!("probability of {class}"));
        (format!("predicted {target}"), classes.collect())
    }

    fn write_csv(&mut self, out: &mut dyn Write, output: &Output) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        let (answer, classes) = self.names();
        let header = self.rows.names().to_vec();
        writer.write_record(header.iter().chain([&answer]).chain(&classes)).map_err(io::Error::from)?;
        loop {
            let rows = self.next()?;
            if rows.is_empty() || output.is_closed() {
                break;
            }
            for (cells, prediction) in rows {
                let answer = answer_of(&prediction);
                let probabilities = prediction.probabilities().unwrap_or_default().iter().map(f32::to_string);
                let record = cells.into_iter().chain([answer]).chain(probabilities);
                writer.write_record(record).map_err(io::Error::from)?;
            }
        }
        Ok(writer.flush()?)
    }

    fn write_json(&mut self, output: &Output) -> anyhow::Result<()> {
        let names = self.rows.names().to_vec();
        loop {
            let rows = self.next()?;
            if rows.is_empty() || output.is_closed() {
                return Ok(());
            }
            for (cells, prediction) in rows {
                let row = names.iter().cloned().zip(cells.into_iter().map(Value::from));
                let answer = match prediction.class() {
                    Some(class) => Value::from(class),
                    None => Value::from(prediction.value()),
                };
                let mut record = Map::new();
                record.insert("type".into(), "prediction".into());
                record.insert("row".into(), Value::Object(row.collect()));
                record.insert(if prediction.class().is_some() { "class" } else { "value" }.into(), answer);
                if let Some(probabilities) = prediction.probabilities() {
                    let of = self
                        .predictor
                        .classes()
                        .iter()
                        .cloned()
                        .zip(probabilities.iter().map(|p| Value::from(*p)));
                    record.insert("probabilities".into(), Value::Object(of.collect()));
                }
                output.record(&record);
            }
        }
    }
}

/// A class, or a number.
fn answer_of(prediction: &Prediction) -> String {
    prediction.class().map_or_else(|| prediction.value().to_string(), str::to_owned)
}
