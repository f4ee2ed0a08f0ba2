//! Answers as a table, as JSON Lines, or as lines for people.

use std::io::{self, Write};

use fireclay::train::{Prediction, Predictor};
use fireclay_cli::{Output, beginning, percent};
use serde_json::{Map, Value};

use crate::inputs::{Inputs, Question};

/// Classes that a line for people shows.
const SHOWN: usize = 3;

/// The answers to all questions.
pub struct Answers<'a> {
    predictor: &'a Predictor,
    pub inputs: Inputs,
    pub answered: u64,
}

impl<'a> Answers<'a> {
    /// No answers yet.
    pub fn new(predictor: &'a Predictor, inputs: Inputs) -> Self {
        Answers { predictor, inputs, answered: 0 }
    }

    /// The next questions with their answers; none at the end.
    fn next(&mut self, output: &Output) -> anyhow::Result<Vec<(Question, Prediction)>> {
        let questions = self.inputs.next(self.predictor, output)?;
        self.answered += questions.len() as u64;
        let answers =
            self.predictor.predict_batch(questions.iter().map(|question| question.asked.sample()))?;
        Ok(questions.into_iter().zip(answers).collect())
    }

    /// The names of the columns of answers; one that the table has already, as predictions of another model in it may, gets a number.
    fn names(&self) -> Vec<String> {
        let known = self.inputs.names();
        let free = |name: String| {
            let numbered = (2..).map(|number| format!("{name} ({number})"));
            let mut names = std::iter::once(name.clone()).chain(numbered);
            names.find(|name| !known.contains(name)).unwrap_or(name)
        };
        self.usual_names().into_iter().map(free).collect()
    }

    fn usual_names(&self) -> Vec<String> {
        let what = match self.predictor.table() {
            Some(table) if table.labels.is_some() => "labels",
            Some(table) => table.target.as_str(),
            None if self.predictor.classes().is_empty() => "value",
            None => "class",
        };
        let mut names = vec![format!("predicted {what}")];
        names.extend(self.predictor.classes().iter().map(|class| format!("probability of {class}")));
        names.extend(self.predictor.intervals().into_iter().flat_map(|intervals| {
            let share = format!("{} %", 100.0 * intervals.share);
            ["lower", "upper"].map(|end| format!("{end} end of {share} interval"))
        }));
        names
    }

    /// All of them as CSV.
    pub fn write_csv(&mut self, out: &mut dyn Write, output: &Output) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        let header = self.inputs.names();
        writer.write_record(header.iter().chain(&self.names())).map_err(io_error)?;
        loop {
            let answers = self.next(output)?;
            if answers.is_empty() || output.is_closed() {
                break;
            }
            for (question, prediction) in answers {
                let answer = answer_of(&prediction);
                let numbers = prediction.probabilities().unwrap_or_default().iter().copied();
                let numbers = numbers.chain(prediction.interval().into_iter().flatten());
                let record = question.cells.into_iter().chain([answer]);
                writer.write_record(record.chain(numbers.map(|n| n.to_string()))).map_err(io_error)?;
            }
        }
        Ok(writer.flush()?)
    }

    /// All of them as JSON Lines.
    pub fn write_json(&mut self, output: &Output) -> anyhow::Result<()> {
        let names = self.inputs.names();
        loop {
            let answers = self.next(output)?;
            if answers.is_empty() || output.is_closed() {
                return Ok(());
            }
            for (question, prediction) in answers {
                let mut record = Map::new();
                record.insert("type".into(), "prediction".into());
                let mut cells = names.iter().cloned().zip(question.cells.into_iter().map(Value::from));
                match self.inputs.is_table() {
                    true => drop(record.insert("row".into(), Value::Object(cells.collect()))),
                    false => record.extend(cells.by_ref()),
                }
                match prediction.class() {
                    Some(class) => record.insert("class".into(), class.into()),
                    None if prediction.probabilities().is_some() => {
                        record.insert("labels".into(), prediction.labels(0.5).into())
                    }
                    None => record.insert("value".into(), prediction.value().into()),
                };
                if let Some(probabilities) = prediction.probabilities() {
                    let classes = self.predictor.classes().iter().cloned();
                    let of = classes.zip(probabilities.iter().map(|p| Value::from(*p)));
                    record.insert("probabilities".into(), Value::Object(of.collect()));
                }
                if let Some(interval) = prediction.interval() {
                    record.insert("interval".into(), interval.to_vec().into());
                }
                if !question.notes.is_empty() {
                    record.insert("notes".into(), question.notes.into());
                }
                output.record(&record);
            }
        }
    }

    /// All of them as lines for people.
    pub fn write_lines(&mut self, output: &Output) -> anyhow::Result<()> {
        loop {
            let answers = self.next(output)?;
            if answers.is_empty() || output.is_closed() {
                return Ok(());
            }
            for (question, prediction) in answers {
                let asked = beginning(&question.cells.join("  "));
                let mut top = prediction.top(SHOWN);
                // With a threshold it may not be the most probable one.
                if let Some(place) =
                    top.iter().position(|(name, _)| Some(name.as_str()) == prediction.class())
                {
                    top[..=place].rotate_right(1);
                }
                let shown: Vec<String> = top
                    .iter()
                    .map(|(class, probability)| format!("{class} {:>8}", percent(f64::from(*probability))))
                    .collect();
                match shown.is_empty() {
                    true => output.line(format!("{asked}  {}", answer_of(&prediction))),
                    false => output.line(format!("{asked}  {}", shown.join("   "))),
                }
                question.notes.iter().for_each(|note| output.note(format!("  {note}")));
            }
        }
    }
}

/// A class, labels, or a number.
fn answer_of(prediction: &Prediction) -> String {
    match (prediction.class(), prediction.probabilities()) {
        (Some(class), _) => class.to_owned(),
        (None, Some(_)) => prediction.labels(0.5).join(";"),
        (None, None) => prediction.value().to_string(),
    }
}

/// What went wrong in writing, as the system says it.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
