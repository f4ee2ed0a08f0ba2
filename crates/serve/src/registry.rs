//! Which models are served, each with its queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fireclay_backend::{Precision, in_precision};
use fireclay_nn::Device;
use fireclay_train::Prediction;

use crate::error::ServeError;
use crate::model::{Question, ServedModel};
use crate::queue::{Queue, QueueOptions};
use crate::refusal::Refusal;
use crate::tensor::Tensor;

/// Characters of a model's name at most.
const LONGEST_NAME: usize = 100;

/// Numbers of an answer at most.
const MOST_NUMBERS: usize = 1 << 21;

/// A model that is to be served: its name, and its file or the folder of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSource {
    /// By what name clients ask for it.
    pub name: String,
    /// A model file, or a folder with one in each of its folders `1`, `2`, ..., of which the highest is served.
    pub path: PathBuf,
}

impl ModelSource {
    /// Reads `NAME=PATH`, or a path alone, whose file's or folder's name without its ending is the model's.
    ///
    /// ```
    /// use fireclay_serve::ModelSource;
    ///
    /// let source = ModelSource::parse("digits=runs/mlp-1/model.fireclay")?;
    /// assert_eq!((source.name.as_str(), source.path.to_str()), ("digits", Some("runs/mlp-1/model.fireclay")));
    /// assert_eq!(ModelSource::parse("models/mnist.fireclay")?.name, "mnist");
    /// assert!(ModelSource::parse("a b=mnist.fireclay").is_err());
    /// # Ok::<(), fireclay_serve::ServeError>(())
    /// ```
    ///
    /// # Errors
    /// [`ServeError::Name`] if the name cannot stand in a path of the protocols.
    pub fn parse(text: &str) -> Result<Self, ServeError> {
        let (name, path) = match text.split_once('=') {
            // A path may hold one, behind a folder.
            Some((name, path)) if !name.contains(['/', '\\']) => (name.to_owned(), PathBuf::from(path)),
            _ => {
                let path = PathBuf::from(text);
                let name = match path.is_dir() {
                    true => path.file_name(),
                    false => path.file_stem(),
                };
                (name.unwrap_or_default().to_string_lossy().into_owned(), path)
            }
        };
        let allowed = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
        match !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.chars().all(allowed)
            && !name.starts_with('.')
        {
            true => Ok(ModelSource { name, path }),
            false => Err(ServeError::Name { name }),
        }
    }

    /// The highest version and its file; a file that is named is version 1.
    fn newest(&self) -> Result<(u64, PathBuf), ServeError> {
        if !self.path.is_dir() {
            return Ok((1, self.path.clone()));
        }
        let number =
            |path: &PathBuf| path.file_name()?.to_str()?.parse::<u64>().ok().filter(|_| path.is_dir());
        let versions = entries(&self.path)?.into_iter().filter_map(|path| Some((number(&path)?, path)));
        let newest = versions.max_by_key(|(number, _)| *number);
        let (number, folder) = newest.ok_or_else(|| ServeError::NoVersions { path: self.path.clone() })?;
        let is_model = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "fireclay");
        let mut files: Vec<PathBuf> = entries(&folder)?.into_iter().filter(is_model).collect();
        match (files.pop(), files.len()) {
            (Some(file), 0) => Ok((number, file)),
            (found, more) => {
                Err(ServeError::ModelFiles { path: folder, found: more + usize::from(found.is_some()) })
            }
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ServeError> {
    let wrong = |source| ServeError::ReadFolder { path: folder.to_path_buf(), source };
    let entries = std::fs::read_dir(folder).map_err(wrong)?;
    entries.map(|entry| Ok(entry.map_err(wrong)?.path())).collect()
}

/// How models answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryOptions {
    /// How requests are gathered.
    pub queue: QueueOptions,
    /// In what numbers products are made.
    pub precision: Precision,
}

/// The models that are served.
#[derive(Debug)]
pub struct Registry {
    served: Vec<Arc<Served>>,
}

/// A version of a model, with the requests that wait for it.
#[derive(Debug)]
pub struct Served {
    name: String,
    version: u64,
    path: PathBuf,
    model: Arc<ServedModel>,
    queue: Queue<Question, Prediction>,
}

impl Registry {
    /// Loads the models, the highest version of each, and tries them.
    ///
    /// # Errors
    /// If one cannot be loaded, two have one name, or requests would wait for others beyond their deadline.
    pub fn load(
        sources: &[ModelSource],
        device: &Device,
        options: RegistryOptions,
    ) -> Result<Self, ServeError> {
        let QueueOptions { max_delay, deadline, .. } = options.queue;
        if max_delay >= deadline {
            return Err(ServeError::Delay { max_delay, deadline });
        }
        let mut served: Vec<Arc<Served>> = Vec::new();
        for source in sources {
            if served.iter().any(|other| other.name == source.name) {
                return Err(ServeError::SameName { name: source.name.clone() });
            }
            let (version, path) = source.newest()?;
            let model = Arc::new(ServedModel::load(&path, device)?);
            let answering = model.clone();
            let answer = move |questions: &[&Question]| {
                let _precision = in_precision(options.precision);
                answering.answer(questions)
            };
            let queue =
                Queue::start(options.queue, answer).map_err(|source| ServeError::System { source })?;
            served.push(Arc::new(Served { name: source.name.clone(), version, path, model, queue }));
        }
        Ok(Registry { served })
    }

    /// All that are served.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.served.iter()
    }

    /// A model by its name, and by the version if one is asked for.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if there is none such, with those that are there.
    pub fn find(&self, name: &str, version: Option<&str>) -> Result<Arc<Served>, Refusal> {
        let short = |text: &str| text.chars().take(LONGEST_NAME).collect::<String>();
        let Some(served) = self.served.iter().find(|served| served.name == name) else {
            let known: Vec<&str> = self.served().map(|served| served.name()).collect();
            return Err(Refusal::Unknown(format!(
                "no model is called {:?}; there is {}",
                short(name),
                known.join(", ")
            )));
        };
        match version {
            Some(version) if version != served.version.to_string() => Err(Refusal::Unknown(format!(
                "model {name:?} has no version {:?}; it has {}",
                short(version),
                served.version
            ))),
            _ => Ok(served.clone()),
        }
    }
}

impl Served {
    /// By what name clients ask for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What answers.
    pub fn model(&self) -> &ServedModel {
        &self.model
    }

    /// The samples that tensors hold, checked and prepared, if there are not too many for the queue and their answer.
    ///
    /// # Errors
    /// If there are, or they are not what the model takes.
    pub fn questions(&self, tensors: Vec<Tensor>) -> Result<Vec<Question>, Refusal> {
        // Before they are prepared, which may take many times as much memory.
        let samples = tensors.iter().map(Tensor::samples).max().unwrap_or(0);
        self.queue.check_size(samples)?;
        let numbers = samples.saturating_mul(self.model.signature().numbers_of_sample());
        if numbers > MOST_NUMBERS {
            return Err(Refusal::bad(format!(
                "the answer to {samples} samples would have {numbers} numbers, and at most {MOST_NUMBERS} are given at once; ask about \
                 fewer"
            )));
        }
        self.model.questions(tensors)
    }

    /// Answers to samples, once it is their turn. Dropping this calls them off.
    ///
    /// # Errors
    /// If too many wait, they waited too long, or the model failed.
    pub async fn ask(&self, questions: Vec<Question>) -> Result<Vec<Prediction>, Refusal> {
        self.queue.submit(questions)?.await.unwrap_or(Err(Refusal::Failed))
    }
}
