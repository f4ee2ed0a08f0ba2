//! What can go wrong in this program, besides what it shares with the others.

use std::path::PathBuf;

/// A command that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Classes of a model that has none.
    #[error("{path} has no classes, and {flag} names one; leave it out")]
    NoClasses {
        /// The model file.
        path: PathBuf,
        /// The flag.
        flag: &'static str,
    },
    /// A class that the model does not have.
    #[error("{flag} is {found:?}, which is no class of {path}; choose one of {known}")]
    UnknownClass {
        /// The model file.
        path: PathBuf,
        /// The flag.
        flag: &'static str,
        /// The class as given.
        found: String,
        /// The classes that there are.
        known: String,
    },
    /// A class is not explained by the difference from itself.
    #[error("--class and --rather-than are both {class:?}; choose another class for one of them")]
    SameClass {
        /// The class.
        class: String,
    },
    /// A flag for models of pictures.
    #[error("{flag} is for models of pictures, and {path} takes {found}; leave it out")]
    ForPictures {
        /// The flag.
        flag: &'static str,
        /// The model file.
        path: PathBuf,
        /// What it takes.
        found: String,
    },
    /// A baseline of a method that compares with nothing.
    #[error(
        "--baseline is for --method integrated-gradients and occlusion, and {method} compares with nothing; leave it out"
    )]
    ComparesNothing {
        /// The method.
        method: &'static str,
    },
    /// A mean that is not known.
    #[error(
        "{path} takes pictures as they are, so that the mean colour of its training data is not known; choose --baseline black or white"
    )]
    NoMean {
        /// The model file.
        path: PathBuf,
    },
    /// A flag of one method.
    #[error("--layer is for --method grad-cam; leave it out")]
    ForGradCam,
    /// A network without attention.
    #[error(
        "{path} reads no texts by attention layers, which --method attention-rollout looks at; choose another method"
    )]
    NoAttention {
        /// The model file.
        path: PathBuf,
    },
    /// A flag of classes where all have the same explanation.
    #[error(
        "{flag} does not go with --method attention-rollout, which is the same for all classes; leave it out"
    )]
    SameForClasses {
        /// The flag.
        flag: &'static str,
    },
    /// A network that cannot be derived by what it reads.
    #[error(
        "{path} reads no embedding of single words, which {method} needs; explain it with --method occlusion"
    )]
    NoGradients {
        /// The model file.
        path: PathBuf,
        /// The method that was asked for.
        method: &'static str,
    },
    /// An ending that stands for no form of explanations.
    #[error("--out is {path}; expected a page (.html), a picture (.png), or a folder that is there")]
    ExplanationOut {
        /// The file.
        path: PathBuf,
    },
    /// Several explanations for one picture.
    #[error(
        "--out {path} is one picture, and more than one answer is explained; name a folder that is there, or a page (.html)"
    )]
    OnePicture {
        /// The file.
        path: PathBuf,
    },
    /// No picture can be made of texts and rows.
    #[error(
        "{path} would be a picture, and texts and rows are explained on a page; choose an --out that ends in .html"
    )]
    NoPictures {
        /// The file.
        path: PathBuf,
    },
    /// No data was named.
    #[error("say what to learn from: `{program} train DATA`, or `{program} train --resume CHECKPOINT`")]
    NoData {
        /// How the program is called.
        program: String,
    },
    /// A network that reads other data.
    #[error("the model {name} does not read such data; choose one of {known}, or leave out --model")]
    OtherNetwork {
        /// What was asked for.
        name: &'static str,
        /// Those that do.
        known: String,
    },
    /// A flag that says nothing of such data.
    #[error(
        "{flag} is for {for_what}, and {path} is {kind}; leave it out, or say what the data is with --kind"
    )]
    OtherFlag {
        /// The flag.
        flag: String,
        /// What it is for.
        for_what: &'static str,
        /// The data.
        path: PathBuf,
        /// What that is.
        kind: &'static str,
    },
    /// A file of settings that is there already.
    #[error("{path} is there already; --force writes it anew")]
    ConfigExists {
        /// The file.
        path: PathBuf,
    },
    /// A flag of trainings.
    #[error("{flag} is for train and tune; leave it out, and name what to measure on: `evaluate MODEL DATA`")]
    ForTraining {
        /// The flag.
        flag: &'static str,
    },
    /// A column of which hardly any value is a group.
    #[error(
        "{column:?} makes {groups} groups, and {limit} at most are measured; choose a column with fewer different values"
    )]
    TooManyGroups {
        /// The column.
        column: String,
        /// Its groups.
        groups: usize,
        /// The most.
        limit: usize,
    },
    /// Groups of what is no table.
    #[error(
        "{path} was not trained on a table of numbers and categories, and {flag} is of the rows of one; leave it out"
    )]
    OfTables {
        /// The model file.
        path: PathBuf,
        /// The flag.
        flag: &'static str,
    },
    /// Several measures, of which one is looked at.
    #[error("--importance is by one measure, and --metrics names {found}; name one")]
    OneMeasure {
        /// How many were named.
        found: usize,
    },
    /// A measure that does not exist for the rows.
    #[error(
        "{measure} does not exist for these rows, of which there are too few or all have one answer; choose another one with --metrics"
    )]
    NoMeasure {
        /// The measure.
        measure: String,
    },
    /// No rows to group.
    #[error("say which table to measure: `evaluate {path} TABLE.csv {flag}`")]
    NoTableToMeasure {
        /// The model file.
        path: PathBuf,
        /// The flag.
        flag: &'static str,
    },
    /// A flag of ONNX files.
    #[error("{flag} is for --format onnx; leave it out")]
    ForOnnx {
        /// The flag.
        flag: &'static str,
    },
    /// A flag for files with weights alone.
    #[error(
        "{flag} is for files that hold weights alone, and {path} is {kind}, which holds the network as well; leave it out"
    )]
    ForWeights {
        /// The flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: String,
    },
    /// One of our own files.
    #[error("{path} is a Fireclay model already: predict, evaluate and export take it as it is")]
    OursAlready {
        /// The file.
        path: PathBuf,
    },
    /// A training that has not ended.
    #[error(
        "{path} is a checkpoint of a training and no model; `train --resume {path}` ends it, and writes one"
    )]
    CheckpointIsNoModel {
        /// The file.
        path: PathBuf,
    },
    /// Python in the place of the weights that belong to it.
    #[error(
        "--format pytorch writes Python to --out and weights to {path} beside it; choose an --out that ends in .py"
    )]
    SourceIsWeights {
        /// The file.
        path: PathBuf,
    },
    /// Weights without their network.
    #[error(
        "{path} holds weights and not the network that they belong to; give that with --spec FILE, a description in TOML or JSON (`summary --toml` prints one to copy) or a model file of the same architecture"
    )]
    NeedsSpec {
        /// The file.
        path: PathBuf,
    },
    /// Names for other classes than there are.
    #[error("--classes has {found} names, and the network has {outputs} outputs")]
    ClassCount {
        /// Names.
        found: usize,
        /// Outputs.
        outputs: usize,
    },
    /// Answers in the place of what they are about.
    #[error("--out would replace {path}, which is read; choose another --out")]
    OutIsInput {
        /// The file.
        path: PathBuf,
    },
    /// A file of settings that cannot be written.
    #[error("cannot write {path}: {source}")]
    WriteConfig {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Data in the place of a model.
    #[error(
        "{path} is {kind} and no model file; the model comes first in `evaluate MODEL DATA` and `explain MODEL INPUT`, and after --from in `predict`"
    )]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// Not one table.
    #[error(
        "{model} was trained on a table, so it answers one table at a time; name one, and nothing beside it"
    )]
    OneTable {
        /// The model file.
        model: PathBuf,
    },
    /// Texts for a model that reads none.
    #[error(
        "{path} does not read texts; leave out --text and name what it was trained on: pictures, or a table"
    )]
    NoTexts {
        /// The model file.
        path: PathBuf,
    },
    /// A model that reads neither pictures, texts nor tables.
    #[error("{path} takes {found}; expected a model that was trained on pictures, texts or a table")]
    OtherInput {
        /// The model file.
        path: PathBuf,
        /// What it takes.
        found: String,
    },
    /// A language model, which has no classes.
    #[error("{path} is a language model, which has no classes; `imdb generate --from {path}` lets it write")]
    LanguageModel {
        /// The model file.
        path: PathBuf,
    },
    /// No column of texts.
    #[error("{path} has several columns ({}), and none is called text; name it with --text-column", found.join(", "))]
    NoTextColumn {
        /// The table.
        path: PathBuf,
        /// The columns that it has.
        found: Vec<String>,
    },
    /// A folder that cannot be read.
    #[error("cannot read the folder {path}")]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder without anything to ask about.
    #[error("the folder {path} holds no files that end in .{endings}")]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// The endings that are looked for.
        endings: String,
    },
    /// The answers cannot be written.
    #[error("cannot write {path}; choose another --out")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The model does not read tables.
    #[error("{path} was not trained on a table, so it cannot read one; use the program that trained it")]
    NoTable {
        /// The model file.
        path: PathBuf,
    },
    /// The table lacks columns that the model learnt from.
    #[error(
        "{path} has no column {missing:?}, which the model learnt from; it has {}. Give the column that name, or leave it empty in each row",
        found.join(", ")
    )]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The first column that is missing.
        missing: String,
        /// The columns that it has.
        found: Vec<String>,
    },
    /// A model that nobody has signed.
    #[error(
        "{path} has no signature in it, and there is no {detached} beside it; ask who made it for a signed one, or name a signature with --signature"
    )]
    NotSigned {
        /// The model file.
        path: PathBuf,
        /// Where another signature was looked for.
        detached: PathBuf,
    },
    /// Data that a model was not trained on.
    #[error(
        "{data} is not the data that {path} was trained on: its SHA-256 is {found}, and the file says {expected}"
    )]
    OtherData {
        /// The data.
        data: PathBuf,
        /// The model file.
        path: PathBuf,
        /// The digest of the data.
        found: String,
        /// The digest in the file.
        expected: String,
    },
    /// Data that lacks samples which a model was trained on.
    #[error(
        "{data} is not the data that {path} was trained on, or not all of it: of the {expected} different samples whose digests are in the file it has {found}"
    )]
    MissingSamples {
        /// The data.
        data: PathBuf,
        /// The model file.
        path: PathBuf,
        /// How many of them are there.
        found: usize,
        /// How many there were.
        expected: usize,
    },
    /// A model file without a digest of its data.
    #[error(
        "{path} has no digest of the data that it was trained on, so {data} cannot be compared with it; leave out --data"
    )]
    NoDataDigest {
        /// The model file.
        path: PathBuf,
        /// The data.
        data: PathBuf,
    },
    /// A file that holds no audit of a model.
    #[error("{} is no audit for this card: {problem}; `fireclay audit MODEL --json > audit.json` makes one", path.display())]
    NoAudit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Measures of another model.
    #[error(
        "{run} is the record of another model: the weights of {found} are not those of {path}; name the run that made it, or leave out --report"
    )]
    OtherRun {
        /// The folder of the run.
        run: PathBuf,
        /// Its model.
        found: PathBuf,
        /// The model file.
        path: PathBuf,
    },
    /// No token for a server.
    #[error(
        "there is no token; `serve --admin-port` says it when it begins, and FIRECLAY_ADMIN_TOKEN or --token-file hands it on"
    )]
    NoToken,
    /// A token that a server cannot have.
    #[error(
        "{from} is no token: expected at least {shortest} visible ASCII characters",
        shortest = fireclay::serve::AdminToken::SHORTEST
    )]
    NotToken {
        /// The file or variable.
        from: String,
    },
    /// A file with a token that cannot be read.
    #[error("cannot read the token file {path}")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The token of another server.
    #[error("{url} does not know this token; `serve --admin-port` says its own when it begins")]
    OtherToken {
        /// The server.
        url: String,
    },
    /// A name that no model has.
    #[error("no model is called {name:?}; `models list` shows those that there are")]
    NoSuchName {
        /// What was asked for.
        name: String,
    },
    /// A server that does not answer.
    #[error(
        "cannot reach {url}; `fireclay serve MODEL --admin-port 8001` listens there, and --url names another"
    )]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What went wrong.
        #[source]
        source: Box<ureq::Error>,
    },
    /// Something else listens there.
    #[error("{url} does not answer as `fireclay serve --admin-port` does: {problem}")]
    OtherServer {
        /// Where it listens.
        url: String,
        /// What is wrong with its answer.
        problem: String,
    },
    /// A change that the server did not make.
    #[error("{why}")]
    Refused {
        /// What it says.
        why: String,
    },
}
