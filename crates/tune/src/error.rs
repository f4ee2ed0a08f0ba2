//! What can go wrong in a search.

use std::path::PathBuf;

use thiserror::Error;

/// What can be wrong with a space, options, outcomes and journals.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TuneError {
    /// A space that is not TOML, or not of the form of a space.
    #[error("the search space cannot be read; each parameter is a table with low and high, or with values")]
    Toml(#[from] toml::de::Error),
    /// A table with the wrong fields.
    #[error("parameter {parameter:?} {problem}")]
    Fields {
        /// The parameter.
        parameter: String,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// A space without parameters.
    #[error("the search space has no parameters; write a table for each one, such as [learning_rate]")]
    NoParameters,
    /// Two parameters of one name.
    #[error("two parameters are called {name:?}; rename one of them")]
    SameName {
        /// The name.
        name: String,
    },
    /// A bound, or the range between them, that is not finite.
    #[error("parameter {parameter:?}: low, high and their difference must be finite, found {found}")]
    NotFinite {
        /// The parameter.
        parameter: String,
        /// The bound or the difference.
        found: f64,
    },
    /// Bounds in the wrong order.
    #[error("parameter {parameter:?}: low is {low}, which is not below high, {high}; exchange them")]
    Bounds {
        /// The parameter.
        parameter: String,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// A log scale that does not begin above 0.
    #[error(
        "parameter {parameter:?}: a log scale needs low above 0, found {low}; raise low or leave out log"
    )]
    LogOfNonPositive {
        /// The parameter.
        parameter: String,
        /// The lower bound.
        low: f64,
    },
    /// A whole number that is too large to be computed with.
    #[error("parameter {parameter:?}: whole numbers go from -{limit} to {limit}, found {found}")]
    IntegerTooLarge {
        /// The parameter.
        parameter: String,
        /// The bound.
        found: i64,
        /// The largest whole number.
        limit: i64,
    },
    /// A choice without values.
    #[error("parameter {parameter:?} has no values to choose from; list one at least")]
    NoValues {
        /// The parameter.
        parameter: String,
    },
    /// A choice with a value twice.
    #[error("parameter {parameter:?} has the value {value:?} twice; leave one of them out")]
    SameValue {
        /// The parameter.
        parameter: String,
        /// The value.
        value: String,
    },
    /// Settings without one of the parameters.
    #[error("the settings have no value for parameter {parameter:?}")]
    Missing {
        /// The parameter.
        parameter: String,
    },
    /// Settings with something that is not a parameter.
    #[error("the settings have a value for {parameter:?}, which is not a parameter; there are {}", names.join(", "))]
    Unknown {
        /// The name.
        parameter: String,
        /// The parameters.
        names: Vec<String>,
    },
    /// A value that is outside of what its parameter may be.
    #[error("parameter {parameter:?}: expected {expected}, found {found}")]
    Outside {
        /// The parameter.
        parameter: String,
        /// What it may be.
        expected: String,
        /// The value.
        found: String,
    },
    /// An option that makes no search.
    #[error("search option {option}: expected {expected}, found {found}")]
    Option {
        /// The option.
        option: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// An outcome of a trial that does not wait for one.
    #[error(
        "trial {trial} does not wait for an outcome at rung {rung}, both counted from 0; report each trial once"
    )]
    NotReady {
        /// The trial.
        trial: usize,
        /// The rung.
        rung: usize,
    },
    /// A duration that is none.
    #[error("a trial took {found} s; expected a finite number that is not below 0")]
    Seconds {
        /// The duration.
        found: f64,
    },
    /// A time budget that is none.
    #[error("the time budget is {found} s; give a number of seconds above 0")]
    Budget {
        /// The budget.
        found: f64,
    },
    /// A plan before the first bracket is done, by which it is made.
    #[error(
        "the number of brackets is planned by the time that the first one takes, and that is not done yet"
    )]
    TooEarly,
    /// Another plan than the one that was made.
    #[error("the search was planned for {planned} s, not for {found} s; give the same time budget")]
    OtherPlan {
        /// The budget of the plan.
        planned: f64,
        /// The budget that was given.
        found: f64,
    },
    /// A journal that cannot be opened, read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What failed: `open`, `lock`, `read`, `write` or `shorten`.
        action: &'static str,
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A journal that another process has open.
    #[error("{path} is being written by another search; wait until it ends, or name another file")]
    Locked {
        /// The journal.
        path: PathBuf,
    },
    /// A file that is too large for a journal.
    #[error("{path} has {found} bytes, and a journal {limit} at most; is it the right file?")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The largest size in bytes.
        limit: u64,
    },
    /// A file that is not a journal.
    #[error("{path}, line 1: this is not a journal of a search; name another file")]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// A journal of another version of this program.
    #[error(
        "{path}, line 1: the journal has format version {found}, this program reads {expected}; name another file"
    )]
    Version {
        /// The journal.
        path: PathBuf,
        /// The version that is read.
        expected: u64,
        /// The version of the file.
        found: String,
    },
    /// A journal of another search.
    #[error("{path} belongs to another search: {}; name another file", differences.join("; "))]
    OtherSearch {
        /// The journal.
        path: PathBuf,
        /// What differs, such as `options.seed is 1 in the file and now 2`.
        differences: Vec<String>,
    },
    /// A line that cannot be read.
    #[error("{path}, line {line}: the journal is damaged; mend the line, or name another file")]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it; its "line 1" is the line itself.
        #[source]
        source: serde_json::Error,
    },
    /// A line that can be read, but does not fit to those before it.
    #[error(
        "{path}, line {line}: the journal is damaged, because this line does not follow from those before; name another file"
    )]
    Inconsistent {
        /// The journal.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: Box<TuneError>,
    },
    /// A second header.
    #[error("a header belongs into line 1 alone")]
    SecondHeader,
    /// A second plan.
    #[error("there is a plan before")]
    SecondPlan,
    /// A plan that the first bracket does not give.
    #[error("a plan of {expected} brackets follows from the first bracket, found {found}")]
    PlanCount {
        /// The number of brackets that follows.
        expected: usize,
        /// The number in the file.
        found: usize,
    },
    /// A trial with other settings than this program proposes for it.
    #[error(
        "trial {trial} ran with {found}, where {expected} is proposed; an older version of this program may have written it"
    )]
    OtherSettings {
        /// The trial.
        trial: usize,
        /// What is proposed.
        expected: String,
        /// What is in the file.
        found: String,
    },
}
