//! What a model takes and gives, as tensors with names.

use std::borrow::Cow;
use std::fmt;

use fireclay_nn::{InputSpec, Network};
use fireclay_store::ModelCard;
use fireclay_tabular::{ColumnEncoding, ColumnKind, Encoding};
use fireclay_train::{Prediction, Predictor};

use super::question::Question;
use crate::refusal::Refusal;
use crate::tensor::{Cell, Datatype, Elements, Tensor, shortest};

/// The tensors that a model takes, and those that it gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// What it takes.
    pub inputs: Vec<TensorSpec>,
    /// What it gives.
    pub outputs: Vec<TensorSpec>,
}

/// A tensor of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub datatype: Datatype,
    /// Its shape; `None` stands for any number, which the first one, of the samples, is.
    pub shape: Vec<Option<usize>>,
}

impl TensorSpec {
    fn new(name: &str, datatype: Datatype, shape: &[usize]) -> Self {
        let shape = std::iter::once(None).chain(shape.iter().copied().map(Some)).collect();
        TensorSpec { name: name.to_owned(), datatype, shape }
    }

    /// The shape with -1 for any number.
    pub fn sizes(&self) -> Vec<i64> {
        self.shape.iter().map(|size| size.map_or(-1, |size| size as i64)).collect()
    }
}

impl fmt::Display for TensorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} of shape {:?})", self.name, self.datatype, self.sizes())
    }
}

/// What samples are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pictures, `[channels, height, width]`, whose numbers are from 0 to 1.
    Pictures([usize; 3]),
    /// Numbers in some shape, which may be pictures as well: the file does not say it.
    Values(Vec<usize>),
    /// Texts, which become as many tokens.
    Texts(usize),
    /// As many tokens.
    Tokens(usize),
    /// Rows of a table.
    Rows,
    /// Beginnings of texts, which the model goes on with.
    Writes,
}

/// The names of outputs.
pub(super) const CLASS: &str = "class";
pub(super) const PROBABILITIES: &str = "probabilities";
pub(super) const VALUE: &str = "value";
pub(super) const INTERVAL: &str = "interval";

/// The names of inputs; those of tables are the columns'.
const INPUT: &str = "input";
const TEXT: &str = "text";
const TOKENS: &str = "tokens";

impl Kind {
    pub(super) fn of(predictor: &Predictor, card: &ModelCard) -> Self {
        // One output at each token, and no classes that it would be of.
        let writes = predictor.text().is_some()
            && predictor.classes().is_empty()
            && card.spec.output_steps().is_ok_and(|steps| steps.is_some());
        if writes {
            return Kind::Writes;
        }
        match (&card.spec.input, card.spec.input.shape()) {
            (InputSpec::Tokens(length), _) if predictor.text().is_some() => Kind::Texts(*length),
            (InputSpec::Tokens(length), _) => Kind::Tokens(*length),
            _ if predictor.table().is_some() => Kind::Rows,
            (_, &[channels, height, width]) if card.pictures.is_some() => {
                Kind::Pictures([channels, height, width])
            }
            (_, shape) => Kind::Values(shape.to_vec()),
        }
    }

    /// A sample to try the model with.
    pub(super) fn example(&self, predictor: &Predictor) -> Question {
        match self {
            Kind::Pictures(shape) => Question::Pixels(vec![0; shape.iter().product()]),
            Kind::Values(shape) => Question::Values(vec![0.0; shape.iter().product()]),
            Kind::Texts(length) => Question::Tokens(match predictor.text() {
                Some(text) => text.tokens(""),
                None => vec![0; *length],
            }),
            Kind::Tokens(length) => Question::Tokens(vec![0; *length]),
            Kind::Writes => Question::Tokens(Vec::new()),
            Kind::Rows => {
                let mut encoded = Vec::new();
                if let Some(table) = predictor.table() {
                    table.encode(|_| "", &mut encoded);
                }
                Question::Values(encoded)
            }
        }
    }

    fn inputs(&self, predictor: &Predictor) -> Vec<TensorSpec> {
        match self {
            Kind::Pictures(shape) => vec![TensorSpec::new(INPUT, Datatype::Fp32, shape)],
            Kind::Values(shape) => vec![TensorSpec::new(INPUT, Datatype::Fp32, shape)],
            Kind::Texts(_) | Kind::Writes => vec![TensorSpec::new(TEXT, Datatype::Bytes, &[])],
            Kind::Tokens(length) => vec![TensorSpec::new(TOKENS, Datatype::Int64, &[*length])],
            Kind::Rows => {
                let columns = predictor.table().map(|table| table.columns.as_slice()).unwrap_or_default();
                columns.iter().map(|column| TensorSpec::new(&column.name, Datatype::Bytes, &[])).collect()
            }
        }
    }

    pub(super) fn questions(
        &self,
        predictor: &Predictor,
        signature: &Signature,
        tensors: Vec<Tensor>,
    ) -> Result<Vec<Question>, Refusal> {
        let named = by_name(signature, tensors)?;
        match (self, named.as_slice()) {
            (Kind::Pictures(shape), [input]) => pictures(shape, input),
            // Of numbers from 0 to 255 or from 0 to 1 one would be wrong, and nobody would see it.
            (Kind::Values(shape), [input]) if shape.len() == 3 && input.datatype == Datatype::Uint8 => {
                Err(other_type(input, "FP32; its file does not say what bytes stand for"))
            }
            (Kind::Values(shape), [input]) => {
                Ok(values(shape, input)?.into_iter().map(Question::Values).collect())
            }
            (Kind::Texts(_), [input]) => texts(predictor, input),
            (Kind::Tokens(length), [input]) => tokens(predictor, *length, input),
            (Kind::Rows, columns) => rows(predictor, columns),
            (Kind::Writes, _) => {
                Err(Refusal::bad("the model writes text, which /v1/models/NAME/generate asks for"))
            }
            // `by_name` gives as many as the signature has.
            _ => Err(Refusal::bad("the model takes one input")),
        }
    }
}

impl Signature {
    /// Numbers and texts in the answer to a sample.
    pub(crate) fn numbers_of_sample(&self) -> usize {
        let width = |spec: &TensorSpec| spec.shape.iter().flatten().product::<usize>();
        self.outputs.iter().map(width).sum()
    }

    /// That of a model which writes text.
    pub(super) fn of_writer() -> Self {
        let text = || vec![TensorSpec::new(TEXT, Datatype::Bytes, &[])];
        Signature { inputs: text(), outputs: text() }
    }

    /// `steps` is how many outputs there are behind each other, of a model with one at each step.
    pub(super) fn of(kind: &Kind, predictor: &Predictor, example: &Prediction, steps: Option<usize>) -> Self {
        let inner: Vec<usize> = steps.into_iter().collect();
        let steps = steps.unwrap_or(1);
        let mut outputs = Vec::new();
        if let Some(probabilities) = example.probabilities() {
            if example.class_index().is_some() {
                // A single logit says yes or no of one label, which is no class.
                let classes = (probabilities.len() / steps).max(2);
                let named =
                    predictor.classes().len() >= classes && (inner.is_empty() || probabilities.len() > steps);
                let datatype = if named { Datatype::Bytes } else { Datatype::Int64 };
                outputs.push(TensorSpec::new(CLASS, datatype, &inner));
            }
            let shape = [inner.as_slice(), &[probabilities.len() / steps]].concat();
            outputs.push(TensorSpec::new(PROBABILITIES, Datatype::Fp32, &shape));
        } else {
            let shape = [inner.as_slice(), &[example.outputs().len() / steps]].concat();
            outputs.push(TensorSpec::new(VALUE, Datatype::Fp32, &shape));
            if example.interval().is_some() {
                outputs.push(TensorSpec::new(INTERVAL, Datatype::Fp32, &[2]));
            }
        }
        Signature { inputs: kind.inputs(predictor), outputs }
    }
}

/// The tensors in the order of the signature, all of as many samples.
fn by_name(signature: &Signature, tensors: Vec<Tensor>) -> Result<Vec<Tensor>, Refusal> {
    let takes = || signature.inputs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let Some(unknown) =
        tensors.iter().find(|tensor| signature.inputs.iter().all(|spec| spec.name != tensor.name))
    {
        return Err(Refusal::bad(format!(
            "the model takes no input {:?}; it takes {}",
            unknown.name,
            takes()
        )));
    }
    let mut tensors: Vec<Option<Tensor>> = tensors.into_iter().map(Some).collect();
    let mut named = Vec::with_capacity(signature.inputs.len());
    for spec in &signature.inputs {
        let mut of_name =
            tensors.iter_mut().filter(|tensor| tensor.as_ref().is_some_and(|t| t.name == spec.name));
        match (of_name.next().and_then(Option::take), of_name.next()) {
            (Some(tensor), None) => named.push(tensor),
            (Some(_), Some(_)) => return Err(Refusal::bad(format!("input {:?} is there twice", spec.name))),
            (None, _) => {
                return Err(Refusal::bad(format!("there is no input {spec}; the model takes {}", takes())));
            }
        }
    }
    let samples = named.first().map_or(0, Tensor::samples);
    if let Some(other) = named.iter().find(|tensor| tensor.samples() != samples) {
        return Err(Refusal::bad(format!(
            "input {:?} has {} samples and input {:?} has {samples}",
            other.name,
            other.samples(),
            named[0].name
        )));
    }
    match samples {
        0 => Err(Refusal::bad("there are no samples to answer: the first number of each shape is 0")),
        _ => Ok(named),
    }
}

/// Whether a tensor has a shape behind its samples; that of a sequence of numbers may also lie flat.
fn check_shape(tensor: &Tensor, shape: &[usize]) -> Result<(), Refusal> {
    match tensor.shape.get(1..) {
        Some(found) if found == shape || (shape.is_empty() && found == [1]) => Ok(()),
        _ => {
            let expected: Vec<i64> =
                std::iter::once(-1).chain(shape.iter().map(|size| *size as i64)).collect();
            Err(Refusal::bad(format!(
                "input {:?} has shape {:?}; the model takes {expected:?}, -1 being any number of samples",
                tensor.name, tensor.shape
            )))
        }
    }
}

fn other_type(tensor: &Tensor, expected: &str) -> Refusal {
    Refusal::bad(format!("input {:?} is {}; the model takes {expected}", tensor.name, tensor.datatype))
}

/// The numbers of each sample.
fn values(shape: &[usize], tensor: &Tensor) -> Result<Vec<Vec<f32>>, Refusal> {
    check_shape(tensor, shape)?;
    let numbers: Cow<'_, [f32]> = match &tensor.elements {
        Elements::Floats(values) => values.into(),
        Elements::Doubles(values) => values.iter().map(|value| *value as f32).collect(),
        Elements::Integers(values) => values.iter().map(|value| *value as f32).collect(),
        Elements::Bytes(values) => values.iter().map(|value| f32::from(*value)).collect(),
        Elements::Texts(_) | Elements::Cells(_) => return Err(other_type(tensor, "numbers, such as FP32")),
    };
    // All are looked at, so that many are at once.
    if numbers.iter().fold(false, |any, number| any | number.is_infinite()) {
        return Err(Refusal::bad(format!("a value of input {:?} is too large for FP32", tensor.name)));
    }
    Ok(numbers.chunks_exact(shape.iter().product::<usize>().max(1)).map(<[f32]>::to_vec).collect())
}

fn pictures(shape: &[usize; 3], tensor: &Tensor) -> Result<Vec<Question>, Refusal> {
    match &tensor.elements {
        Elements::Bytes(bytes) => {
            check_shape(tensor, shape)?;
            let pixels = bytes.chunks_exact(shape.iter().product::<usize>().max(1));
            Ok(pixels.map(|pixels| Question::Pixels(pixels.to_vec())).collect())
        }
        _ => {
            let values = values(shape, tensor)?;
            let is_outside = |value: &&f32| !(0.0..=1.0).contains(*value);
            let has_outside =
                |sample: &Vec<f32>| sample.iter().fold(false, |any, value| any | is_outside(&value));
            let outside = values.iter().find(|sample| has_outside(sample));
            match outside.and_then(|sample| sample.iter().find(is_outside)) {
                Some(value) => Err(Refusal::bad(format!(
                    "input {:?} holds {value}; a picture's numbers are from 0 to 1, or from 0 to 255 in a tensor of UINT8",
                    tensor.name
                ))),
                None => Ok(values.into_iter().map(Question::Values).collect()),
            }
        }
    }
}

fn texts(predictor: &Predictor, tensor: &Tensor) -> Result<Vec<Question>, Refusal> {
    let Some(preprocessing) = predictor.text() else {
        return Err(Refusal::bad("the model reads no texts"));
    };
    let tokens = |cell: Cell| match cell {
        Cell::Text(text) => Ok(Question::Tokens(preprocessing.tokens(&text))),
        Cell::Missing | Cell::Number(_) | Cell::Flag(_) => Err(other_type(tensor, "texts, as BYTES")),
    };
    cells(tensor)?.into_iter().map(tokens).collect()
}

fn tokens(predictor: &Predictor, length: usize, tensor: &Tensor) -> Result<Vec<Question>, Refusal> {
    check_shape(tensor, &[length])?;
    let known = predictor.model().vocabulary_size().unwrap_or(usize::MAX);
    let numbers: Vec<i128> = match &tensor.elements {
        Elements::Integers(values) => values.clone(),
        Elements::Bytes(values) => values.iter().map(|value| (*value).into()).collect(),
        _ => return Err(other_type(tensor, "whole numbers, such as INT64")),
    };
    let token = |number: &i128| match u32::try_from(*number) {
        Ok(token) if (token as usize) < known => Ok(token),
        _ => Err(Refusal::bad(format!(
            "input {:?} holds the token {number}; the model knows those from 0 to {}",
            tensor.name,
            known - 1
        ))),
    };
    let tokens = numbers.iter().map(token).collect::<Result<Vec<u32>, _>>()?;
    Ok(tokens.chunks_exact(length.max(1)).map(|tokens| Question::Tokens(tokens.to_vec())).collect())
}

/// Rows, from a tensor for each column.
fn rows(predictor: &Predictor, columns: &[Tensor]) -> Result<Vec<Question>, Refusal> {
    let Some(table) = predictor.table() else {
        return Err(Refusal::bad("the model reads no table"));
    };
    let columns_of_cells = columns.iter().map(cells).collect::<Result<Vec<_>, _>>()?;
    let row = |row: usize| {
        let mut encoded = Vec::new();
        for (column, cells) in table.columns.iter().zip(&columns_of_cells) {
            match &cells[row] {
                Cell::Number(number) if (*number as f32).is_infinite() => {
                    return Err(Refusal::bad(format!("{number} in column {:?} is too large", column.name)));
                }
                Cell::Number(number) if column.encoding.kind() == ColumnKind::Number => {
                    column.encoding.encode_number(*number, &mut encoded);
                }
                Cell::Number(number) => {
                    encode(column, &spelling(column, number_spellings(*number))?, &mut encoded)?
                }
                Cell::Flag(flag) => encode(column, &spelling(column, flag_spellings(*flag))?, &mut encoded)?,
                Cell::Text(text) => encode(column, text, &mut encoded)?,
                Cell::Missing => encode(column, "", &mut encoded)?,
            }
        }
        Ok(Question::Values(encoded))
    };
    (0..columns.first().map_or(0, Tensor::samples)).map(row).collect()
}

/// Of the ways to write a value the one that the training rows had, where they had some values only.
fn spelling(column: &ColumnEncoding, spellings: Vec<String>) -> Result<String, Refusal> {
    let known = |text: &&String| match &column.encoding {
        Encoding::Category(category) => category.values.contains(text),
        _ => true,
    };
    spellings.iter().find(known).cloned().ok_or_else(|| {
        Refusal::bad(format!(
            "{} in column {:?} is no value that the training rows had; send one that they did not have as text",
            spellings[0], column.name
        ))
    })
}

fn number_spellings(number: f64) -> Vec<String> {
    let spellings = [number.to_string(), format!("{number:.1}"), format!("{number:.2}")];
    spellings.into_iter().filter(|text| text.parse() == Ok(number)).collect()
}

fn flag_spellings(flag: bool) -> Vec<String> {
    let spellings =
        if flag { ["true", "True", "TRUE", "1", "yes"] } else { ["false", "False", "FALSE", "0", "no"] };
    spellings.map(String::from).into()
}

/// Appends the numbers of a cell. One that cannot be read would count as missing, which its sender should know.
fn encode(column: &ColumnEncoding, cell: &str, encoded: &mut Vec<f32>) -> Result<(), Refusal> {
    let what = match column.encoding.kind() {
        ColumnKind::Number => "number",
        ColumnKind::Date => "date",
        _ => "",
    };
    if !what.is_empty() && !column.encoding.reads(cell) {
        let cell: String = cell.chars().take(40).collect();
        return Err(Refusal::bad(format!(
            "{cell:?} in column {:?} is no {what} as the training rows wrote them; a missing value is null or an empty text",
            column.name
        )));
    }
    column.encoding.encode(cell, encoded);
    Ok(())
}

/// The cells of a column.
fn cells(tensor: &Tensor) -> Result<Vec<Cell>, Refusal> {
    check_shape(tensor, &[])?;
    let text = |text: &Option<Vec<u8>>| match text {
        None => Ok(Cell::Missing),
        Some(text) => String::from_utf8(text.clone())
            .map(Cell::Text)
            .map_err(|_| Refusal::bad(format!("a cell of input {:?} is not UTF-8", tensor.name))),
    };
    Ok(match (&tensor.elements, tensor.datatype) {
        (Elements::Integers(values), Datatype::Bool) => {
            values.iter().map(|value| Cell::Flag(*value == 1)).collect()
        }
        (Elements::Integers(values), _) => values.iter().map(|value| Cell::integer(*value)).collect(),
        (Elements::Bytes(values), _) => values.iter().map(|value| Cell::Number((*value).into())).collect(),
        (Elements::Floats(values), _) => values.iter().map(|value| Cell::Number(shortest(*value))).collect(),
        (Elements::Doubles(values), _) => values.iter().map(|value| Cell::Number(*value)).collect(),
        (Elements::Texts(texts), _) => texts.iter().map(text).collect::<Result<_, _>>()?,
        (Elements::Cells(cells), _) => cells.clone(),
    })
}
