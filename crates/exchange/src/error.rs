//! What can go wrong between our models and those of other tools.

use std::fmt;
use std::path::PathBuf;

use fireclay_nn::NnError;
use fireclay_store::StoreError;

use crate::format::FileFormat;

/// Why a model could not be taken over from another tool's file, or written as one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// One of our own files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A pipe, a device or a folder where a file was expected.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is of no kind that is known here.
    #[error(
        "{} is no model that is known here: {found}; expected one of {}",
        path.display(),
        FileFormat::listed()
    )]
    UnknownFormat {
        /// The file or folder.
        path: PathBuf,
        /// How it begins, in words.
        found: String,
    },
    /// The bytes are not what the format says they should be.
    #[error("{} is damaged or not {format}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it was read as.
        format: FileFormat,
        /// What was found where, and what was expected.
        problem: String,
    },
    /// The file says that it holds more than is taken from one file.
    #[error("{}: {what} is {found}; the most that is read is {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What of it.
        what: String,
        /// As the file says.
        found: u64,
        /// The most.
        limit: u64,
    },
    /// Parts of the network for which there is nothing here. All of them are listed.
    #[error("{} cannot be taken over{}", path.display(), listed(.items))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What they are.
        items: Vec<Unsupported>,
    },
    /// Parts of one of our networks for which the other format has nothing. All of them are listed.
    #[error("the model cannot be written as {format}{}", listed(.items))]
    NotExpressible {
        /// What it was to be written as.
        format: FileFormat,
        /// What they are.
        items: Vec<Unsupported>,
    },
    /// The architecture cannot be built, or the weights do not fit it.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: NnError,
    },
    /// A network in memory whose description or tensors do not fit.
    #[error(transparent)]
    Network(#[from] NnError),
    /// A pickle that names something other than tensors, storages and dictionaries.
    #[error(
        "{} calls {function}, and nothing that a file holds is executed here; expected tensors in a dictionary, as torch.save(model.state_dict(), FILE) writes them",
        path.display()
    )]
    Executes {
        /// The file.
        path: PathBuf,
        /// What Python would call: `posix.system`, `__main__.Network`.
        function: String,
    },
    /// There are no weights where they were expected, or in several places.
    #[error("{}: {problem}", path.display())]
    NoWeights {
        /// The file.
        path: PathBuf,
        /// What there is instead.
        problem: String,
    },
    /// A tensor that cannot be read.
    #[error("{}: tensor '{name}': {problem}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What was found and expected.
        problem: String,
    },
    /// Several weights would fit several layers, and neither names nor order tell them apart.
    #[error(
        "{}: names and order do not tell which weights belong where; say it by rules such as FROM=TO{}",
        path.display(),
        candidates(.layers, .offered)
    )]
    AmbiguousWeights {
        /// The file.
        path: PathBuf,
        /// The layers of the network that are alike, each with the shapes of its tensors.
        layers: Vec<(String, String)>,
        /// Names in the file that would fit each of them, with shapes.
        offered: Vec<(String, String)>,
    },
    /// A rule for names that is none.
    #[error("'{rule}' is no rule for names: {problem}; expected FROM=TO, such as backbone.=features.")]
    Rule {
        /// The rule as given.
        rule: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An ONNX file has no output of this name.
    #[error("{} has no output called '{name}'; it has {}", path.display(), known.join(", "))]
    NoOutput {
        /// The file.
        path: PathBuf,
        /// The name as given.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A batch that a graph of another tool does not take.
    #[error("{} does not run on a batch of {found}: {problem}", path.display())]
    Batch {
        /// The file that the graph is from.
        path: PathBuf,
        /// The batch's sizes.
        found: String,
        /// What does not fit, and where.
        problem: String,
    },
    /// The file holds weights alone.
    #[error(
        "{} holds weights without their architecture, as save_weights of Keras writes them; save the whole model in Keras, model.save(\"model.keras\"), and take that over",
        path.display()
    )]
    WeightsOnly {
        /// The file.
        path: PathBuf,
    },
}

/// A part of a network that cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Its place among the layers or nodes, counted from 1; inside a block `4.2` is the second of the fourth.
    pub position: String,
    /// What the file calls it; empty where it has no name.
    pub name: String,
    /// What it is, in the words of its tool: `Conv3D`, `GridSample`.
    pub kind: String,
    /// Why it cannot be taken, and what to do where that is known.
    pub reason: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unsupported { position, name, kind, reason } = self;
        match name.is_empty() {
            true => write!(f, "{position} ({kind}): {reason}"),
            false => write!(f, "{position} '{name}' ({kind}): {reason}"),
        }
    }
}

/// The items after a colon: one on the same line, several on a line each.
fn listed(items: &[Unsupported]) -> String {
    /// More are counted rather than listed.
    const SHOWN: usize = 40;
    match items {
        [] => String::new(),
        [item] => format!(": {item}"),
        _ => {
            let mut text = ":".to_owned();
            for item in items.iter().take(SHOWN) {
                text.push_str(&format!("\n  {item}"));
            }
            if items.len() > SHOWN {
                text.push_str(&format!("\n  and {} more", items.len() - SHOWN));
            }
            text
        }
    }
}

/// Both sides, and of each layer the name in the file that is most like its own.
fn candidates(layers: &[(String, String)], offered: &[(String, String)]) -> String {
    const SHOWN: usize = 20;
    let mut text = String::new();
    for (name, shapes) in layers.iter().take(SHOWN) {
        text.push_str(&format!("\n  network  {name} {shapes}"));
        let likeness = |other: &str| strsim::jaro_winkler(name, other);
        let near = offered.iter().max_by(|(a, _), (b, _)| likeness(a).total_cmp(&likeness(b)));
        if let Some((near, _)) = near.filter(|(near, _)| likeness(near) > 0.7) {
            text.push_str(&format!(" (is it '{near}'?)"));
        }
    }
    for (name, shapes) in offered.iter().take(SHOWN) {
        text.push_str(&format!("\n  file     {name} {shapes}"));
    }
    match layers.len().max(offered.len()).saturating_sub(SHOWN) {
        0 => text,
        hidden => format!("{text}\n  and {hidden} more"),
    }
}
