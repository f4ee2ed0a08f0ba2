//! Where a process stands in its group: which rank it is, and where rank 0 listens.

mod node_list;
mod variables;

use crate::GroupError;
use crate::channel::SharedKey;

/// Where a process stands in its group.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which rank it is, from 0.
    pub rank: usize,
    /// How many ranks there are.
    pub size: usize,
    /// Where rank 0 listens: `host:port`, or `[address]:port` for IPv6.
    pub address: String,
    /// The secret of the group. MPI alone needs none.
    pub key: Option<SharedKey>,
}

impl Place {
    /// The port of rank 0 where nothing says another.
    pub const PORT: u16 = 29417;

    /// The place that what started this process has given it, in variables of the environment; `None` if it was started alone.
    ///
    /// | Started by | Rank and size |
    /// |---|---|
    /// | torchrun, Kubernetes, or by hand | `RANK`, `WORLD_SIZE` |
    /// | OpenMPI's `mpirun` | `OMPI_COMM_WORLD_RANK`, `OMPI_COMM_WORLD_SIZE` |
    /// | MPICH's `mpirun`, or Slurm with PMI | `PMI_RANK`, `PMI_SIZE` |
    /// | Slurm's `srun`, which sets `SLURM_STEP_ID` | `SLURM_PROCID`, `SLURM_STEP_NUM_TASKS` or `SLURM_NTASKS` |
    ///
    /// The first of these that is set counts. Rank 0 listens at `FIRECLAY_MASTER` (`host` or `host:port`), else at `MASTER_ADDR` and
    /// `MASTER_PORT`, else on the first host of `SLURM_STEP_NODELIST` or `SLURM_JOB_NODELIST`, else at 127.0.0.1 where the launcher
    /// says that all ranks are on one host (`LOCAL_WORLD_SIZE`, `OMPI_COMM_WORLD_LOCAL_SIZE` or `MPI_LOCALNRANKS`). Without a
    /// port it is [`PORT`](Self::PORT), and for Slurm 0 to 999 more, by the job's number. torchrun listens at `MASTER_PORT` itself,
    /// so it is one more there. The secret is in `FIRECLAY_SHARED_KEY`, or in the file `FIRECLAY_SHARED_KEY_FILE`.
    ///
    /// # Errors
    /// [`GroupError::Variable`], [`GroupError::MissingVariable`] or [`GroupError::Contradiction`] for variables that make no sense,
    /// and those of [`SharedKey::new`] and [`SharedKey::read`].
    pub fn of_environment() -> Result<Option<Self>, GroupError> {
        Self::of_variables(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    /// The same for variables that a function looks up.
    ///
    /// ```
    /// use fireclay_distribute::Place;
    ///
    /// let variables = [("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "node7"), ("MASTER_PORT", "4000")];
    /// let look_up = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.to_string());
    /// let place = Place::of_variables(look_up)?.unwrap();
    /// assert_eq!((place.rank, place.size, &*place.address), (1, 2, "node7:4000"));
    /// # Ok::<(), fireclay_distribute::GroupError>(())
    /// ```
    ///
    /// # Errors
    /// As [`of_environment`](Self::of_environment).
    pub fn of_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, GroupError> {
        variables::read(&look_up)
    }

    /// The host and the port of rank 0.
    pub(crate) fn host_and_port(&self) -> Result<(String, u16), GroupError> {
        variables::split_address("the address of rank 0", &self.address, None)
    }
}
