//! What can go wrong in a command, besides what the libraries report.

use std::path::PathBuf;

use fireclay::nn::InputSpec;

/// A command that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The checkpoint was written by another program.
    #[error("{path} is a checkpoint of '{found}', not of {expected}")]
    OtherProgram {
        /// The checkpoint.
        path: PathBuf,
        /// This program.
        expected: &'static str,
        /// The program that wrote it.
        found: String,
    },
    /// A federation that ended by an error and can go on.
    #[error("{failure}; resume with: {resume}")]
    FederationFailed {
        /// Why it ended.
        failure: String,
        /// The command.
        resume: String,
    },
    /// A checkpoint of a federation that cannot be used.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Noise on what must not be negative.
    #[error(
        "the network has running statistics ({tensor}), which noise makes useless; use a network without batch norm with --client-noise"
    )]
    NoisyStatistics {
        /// One of them.
        tensor: String,
    },
    /// A client has other classes than the model that it is to train.
    #[error(
        "the model file tells these classes apart: {}; and the samples of this client have: {}; name their folders or values alike", expected.join(", "), found.join(", ")
    )]
    ClientClasses {
        /// The classes of the model.
        expected: Vec<String>,
        /// Those of the samples.
        found: Vec<String>,
    },
    /// A flag of a federation is out of its range.
    #[error("{flag} is {found}; expected {expected}")]
    Federation {
        /// The flag.
        flag: String,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Two flags that exclude each other.
    #[error("{first} and {second} do not go together: {reason}; leave one of them out")]
    Together {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// Why not.
        reason: &'static str,
    },
    /// A federation between processes without a key.
    #[error(
        "server and clients need a key that they share; name its file with --key-file, the same for all: `openssl rand -hex 32 > key` makes one"
    )]
    NoKey,
    /// A command of classifiers was given another model.
    #[error("{} gives samples no classes; {command} is of models that give each sample one of several classes", path.display())]
    NoClassifier {
        /// The model.
        path: PathBuf,
        /// The command.
        command: &'static str,
    },
    /// A flag of a part that is not measured.
    #[error("{flag} is of the part '{part}', which --only leaves out; add it there, or leave {flag} out")]
    PartLeftOut {
        /// The flag.
        flag: &'static str,
        /// The part.
        part: &'static str,
    },
    /// Groups are to be compared, and none are named.
    #[error("fairness compares groups; name a column of the table with --group COLUMN")]
    NoGroup,
    /// Groups of what is no table.
    #[error("{} reads no table, whose column --group could name", path.display())]
    GroupsOfTables {
        /// The model.
        path: PathBuf,
    },
    /// A column with too many values.
    #[error("the column '{column}' makes {groups} groups; expected at most {limit}")]
    TooManyGroups {
        /// The column.
        column: String,
        /// How many there are.
        groups: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A class that the model does not have.
    #[error("there is no class '{found}'; expected one of {}", known.join(", "))]
    NoSuchClass {
        /// The class that was asked for.
        found: String,
        /// The classes.
        known: Vec<String>,
    },
    /// A model whose temperature is not known.
    #[error("no temperature for {} fits these samples better than all others, as too few answers are wrong, so --calibrated has nothing to write", path.display())]
    NoTemperature {
        /// The model.
        path: PathBuf,
    },
    /// A model that would be written over the one that it is made of.
    #[error("{} is the model to begin with, which stays as it is; name another file with {flag}", path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
        /// The flag that names it.
        flag: &'static str,
    },
    /// Two outputs in one file.
    #[error("--report and --calibrated both name {}; name two files", path.display())]
    SameOutputs {
        /// The file.
        path: PathBuf,
    },
    /// A student that sees samples otherwise than its teacher.
    #[error(
        "{} and its teacher {} have not the same {what}; a student is a model of the same data, prepared alike, or a description in TOML or JSON of a network with the teacher's input and outputs",
        student.display(), teacher.display()
    )]
    OtherTeacher {
        /// The student's file.
        student: PathBuf,
        /// The teacher's.
        teacher: PathBuf,
        /// `input`, `number of outputs`, `classes` or `preprocessing`.
        what: &'static str,
    },
    /// Channels are to be a multiple where none are taken away.
    #[error("--multiple-of says what --narrow leaves; give --narrow SHARE as well, or leave both out")]
    NotNarrowed,
    /// A model file was given where a checkpoint is expected.
    #[error(
        "{path} is a finished model: its training has ended and cannot go on; train anew with more epochs, `{program} train --epochs N`, and the flags of that training"
    )]
    Finished {
        /// The model file.
        path: PathBuf,
        /// How the program is called.
        program: String,
    },
    /// A run that was stopped before there was anything to go on from.
    #[error(
        "the run {} was stopped before its first checkpoint, so there is nothing to go on from; begin anew (its settings are in {}), and sooner checkpoints come with `{program} train --checkpoint-every 10m`",
        path.display(),
        path.join("config.toml").display()
    )]
    NoCheckpoint {
        /// The folder of the run.
        path: PathBuf,
        /// How the program is called.
        program: String,
    },
    /// One run alone cannot be compared.
    #[error(
        "one run alone cannot be compared: name two or more, or none to list all; a run's own page is report.html in its folder"
    )]
    OneRun,
    /// The dashboard was left out of this build.
    #[error("this build has no dashboard; build again with `--features dashboard`, or leave out --dashboard")]
    NoDashboard,
    /// There is no such run.
    #[error("there is no run {name:?}; there are {}", known.join(", "))]
    NoRun {
        /// Its name.
        name: String,
        /// The names of those that there are.
        known: Vec<String>,
    },
    /// The optimizer is not built in.
    #[error(
        "{path} was written with the optimizer '{name}', which this program does not have; resume it in the program that wrote it"
    )]
    OwnOptimizer {
        /// The checkpoint.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// Flags contradict what the checkpoint says about preprocessing.
    #[error("{path} says how the data is prepared; leave out the flags that say it in another way")]
    OtherPreprocessing {
        /// The checkpoint.
        path: PathBuf,
    },
    /// A file cannot be written where it should be.
    #[error("cannot write {path}: {problem}; choose another {flag}")]
    Out {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
        /// The flag that names it.
        flag: &'static str,
    },
    /// Several devices where one computes.
    #[error("'{found}' are several devices, and one computes; `train --check` tries each of them")]
    SeveralDevices {
        /// Their names.
        found: String,
    },
    /// A path that should be a file is something else.
    #[error("{path} is not a file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// All training samples are of one class.
    #[error(
        "all {samples} training samples are of one class, {class:?}, and one class cannot be learnt; add samples of another class, or name another column of classes"
    )]
    OneClass {
        /// The class.
        class: String,
        /// How many there are.
        samples: usize,
    },
    /// Data whose result would mean nothing.
    #[error("{problem}; give other test samples, or training samples of several classes")]
    Data {
        /// What is wrong.
        problem: String,
    },
    /// The model was trained on data that the program does not find by itself.
    #[error(
        "{model} was trained on data of your own, {dataset}; say where to find it, with the flags that `train` had"
    )]
    OwnData {
        /// The model file.
        model: PathBuf,
        /// The data's name.
        dataset: String,
    },
    /// Nothing is left to measure the model on.
    #[error(
        "the model was trained on all {samples} of these samples, so they do not show what it does with others; name data that it has not seen"
    )]
    AllSeen {
        /// How many there are.
        samples: usize,
    },
    /// The data has other classes than the model.
    #[error(
        "the model tells {expected_classes} classes apart ({expected}), and this data has {found_classes} ({found}); \
         evaluate it on data with its own classes"
    )]
    Classes {
        /// How many classes the model has.
        expected_classes: usize,
        /// The first of them.
        expected: String,
        /// How many classes the data has.
        found_classes: usize,
        /// The first of them.
        found: String,
    },
    /// The model does not take images of the expected kind.
    #[error("{path} takes {found} as input; expected images, [{channels}, height, width]")]
    NoImages {
        /// The model file.
        path: PathBuf,
        /// What it takes.
        found: InputSpec,
        /// The numbers of channels that the program reads.
        channels: String,
    },
    /// A file of settings that cannot be used.
    #[error("{path}: {problem}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A loss that is not finite, where there is a checkpoint to go on from.
    #[error(
        "{message}; or go on from the last checkpoint with finite weights, {checkpoint} ({place}), with lower learning rates: {resume}"
    )]
    Diverged {
        /// What the training said.
        message: String,
        /// The checkpoint.
        checkpoint: String,
        /// Where the training was then.
        place: String,
        /// The command that goes on from it.
        resume: String,
    },
    /// Flags of `launch` that make no sense together.
    #[error("launch: {problem}")]
    Launch {
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A rank cannot be started.
    #[error("a rank cannot be started on {host}: {source}")]
    StartRank {
        /// Where.
        host: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another rank of the training is lost or ended before its time.
    #[error("{failure}; {}", resume.as_ref().map_or("start again, as no checkpoint was written yet".to_string(), |resume| format!("resume with: {resume}")))]
    RankLost {
        /// Which, and how.
        failure: String,
        /// The command that goes on, if there is a checkpoint.
        resume: Option<String>,
    },
    /// A factor of learning rates that cannot be.
    #[error("learning_rate_factor is {found}; expected more than 0 and finite")]
    LearningRateFactor {
        /// The factor.
        found: f64,
    },
    /// Weights for classes where there are none.
    #[error("--class-weights balanced is for classes, and this data has none to tell apart; leave it out")]
    NoClasses,
    /// A value that cannot say which epoch is best.
    #[error("{problem}; --monitor takes loss too")]
    Monitor {
        /// Why not.
        problem: String,
    },
    /// A value that should say which epoch is kept, where none is.
    #[error(
        "--monitor says which epoch is kept, and --keep-best=false keeps the last; leave one of them out"
    )]
    NothingToMonitor,
    /// A setting that cannot be searched.
    #[error("{path}: {name:?} cannot be searched; the settings are {known}")]
    NoSetting {
        /// The file of the space.
        path: PathBuf,
        /// What it has.
        name: String,
        /// What it may have.
        known: String,
    },
    /// Bounds that cannot be searched.
    #[error("{path}: {name} has bounds that cannot be searched; expected {expected}")]
    Bounds {
        /// The file of the space.
        path: PathBuf,
        /// The setting.
        name: String,
        /// What it needs.
        expected: String,
    },
    /// A flag that a search has no use for.
    #[error("{flag} has no part in a search, which holds out samples of its own; leave it out")]
    NotInSearch {
        /// The flag.
        flag: &'static str,
    },
    /// All trials failed.
    #[error(
        "every trial of {journal} failed: its loss was no number any more; lower the bounds of learning_rate with --space, and name another --journal"
    )]
    NoTrial {
        /// The journal.
        journal: PathBuf,
    },
    /// The model reads no texts.
    #[error("the model does not read texts; choose one that was trained on texts")]
    NoTexts,
    /// A delimiter that is no single character.
    #[error(
        "{found:?} cannot stand between fields; expected one character, or one of comma, semicolon, tab, bar"
    )]
    Delimiter {
        /// What was given.
        found: String,
    },
    /// N-grams have no table of words.
    #[error(
        "n-grams are stored as hashes, so no table of words can be written; leave out --vocabulary or --ngrams"
    )]
    NoVocabulary,
}
