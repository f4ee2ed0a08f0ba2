//! A training as one of several ranks: which one this process is, and what the ranks must have in common before they train.

mod launched;

use std::io::Write;
use std::path::{Path, PathBuf};

use fireclay::distribute::{Engine, Group, GroupError, Options, Place, connect};

use crate::exit::UsageError;
pub(crate) use launched::{RESUME_FROM, TellsLauncher, is_launched, mind_the_launcher, variables};

/// The engine, in the environment.
pub(crate) const ENGINE: &str = "FIRECLAY_ENGINE";

/// The threads of a rank, in the environment of those that `launch` starts.
pub(crate) const THREADS: &str = "FIRECLAY_THREADS_OF_RANK";

/// This process among the ranks of a training.
pub(crate) struct Rank {
    group: Box<dyn Group>,
}

impl Rank {
    /// What started this process says in the environment which rank it is; none if it was started alone.
    ///
    /// # Errors
    /// A [`UsageError`] if that makes no sense; another error if the other ranks do not come.
    pub(crate) fn of_environment() -> anyhow::Result<Option<Self>> {
        let place = Place::of_environment().map_err(UsageError::of)?;
        let Some(place) = place.filter(|place| place.size > 1) else { return Ok(None) };
        let engine = match std::env::var(ENGINE) {
            Ok(engine) if !engine.is_empty() => engine.parse().map_err(UsageError::of)?,
            _ => Engine::default(),
        };
        match connect(&place, &Options { engine, ..Options::default() }) {
            Ok(group) => Ok(Some(Rank { group })),
            Err(error @ (GroupError::NoKey | GroupError::NoEngine { .. })) => Err(UsageError::of(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it is rank 0, which speaks for all.
    pub(crate) fn is_first(&self) -> bool {
        self.group.rank() == 0
    }

    pub(crate) fn size(&self) -> usize {
        self.group.size()
    }

    /// The numbers of rank 0.
    pub(crate) fn numbers_of_first<const N: usize>(&mut self, own: [f64; N]) -> Result<[f64; N], GroupError> {
        let mut numbers = if self.is_first() { own } else { [0.0; N] };
        self.group.sum_f64(&mut numbers)?;
        Ok(numbers)
    }

    /// The text of rank 0.
    pub(crate) fn text_of_first(&mut self, own: &str) -> Result<String, GroupError> {
        let mut bytes = own.as_bytes().to_vec();
        self.group.broadcast(0, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file that rank 0 has, for another rank as a copy in the temporary folder, as that one may be on another host.
    ///
    /// # Errors
    /// If it cannot be read or written, or the ranks are not there any more.
    pub(crate) fn file_of_first(&mut self, path: &Path) -> anyhow::Result<FileOfFirst> {
        let own = if self.is_first() { Some(std::fs::read(path)) } else { None };
        let mut bytes = match own {
            Some(Err(error)) => {
                self.group.leave(&format!("{} cannot be read: {error}", path.display()));
                return Err(anyhow::Error::new(error).context(format!("cannot read {}", path.display())));
            }
            Some(Ok(bytes)) => bytes,
            None => Vec::new(),
        };
        self.group.broadcast(0, &mut bytes)?;
        if self.is_first() {
            return Ok(FileOfFirst { path: path.to_path_buf(), copy: None });
        }
        let mut copy = tempfile::NamedTempFile::with_prefix("fireclay-rank-0-")?;
        copy.write_all(&bytes)?;
        Ok(FileOfFirst { path: copy.path().to_path_buf(), copy: Some(copy) })
    }

    /// The group, for the trainer.
    pub(crate) fn into_group(self) -> Box<dyn Group> {
        self.group
    }

    /// Lets the other ranks know that this one ends, and why.
    pub(crate) fn leave(&mut self, error: &anyhow::Error) {
        self.group.leave(&format!("{error:#}"));
    }
}

/// A file of rank 0; a copy goes when this is dropped.
pub(crate) struct FileOfFirst {
    pub(crate) path: PathBuf,
    #[expect(dead_code, reason = "it is kept until this is dropped")]
    copy: Option<tempfile::NamedTempFile>,
}

/// The threads of a rank, where nobody says it: the cores of its host are shared by the ranks that are there, as far as what started them says how
/// many these are.
pub(crate) fn threads_of_rank() -> Option<usize> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<usize>().ok().filter(|number| *number > 0);
    if let Some(threads) = number(THREADS) {
        return Some(threads);
    }
    let on_host =
        ["LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"].into_iter().find_map(number)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (on_host > 1).then(|| (cores / on_host).max(1))
}
