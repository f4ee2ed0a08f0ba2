//! Reads a place from the variables of the usual launchers.

use super::{Place, node_list};
use crate::GroupError;
use crate::channel::SharedKey;

type LookUp<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Variables in which a launcher says which rank a process is, and of how many.
struct Launcher {
    rank: &'static str,
    /// The first that is set counts.
    sizes: &'static [&'static str],
    /// How many ranks are on this host.
    local_size: &'static str,
}

const BY_HAND: Launcher = Launcher { rank: "RANK", sizes: &["WORLD_SIZE"], local_size: "LOCAL_WORLD_SIZE" };
const OPEN_MPI: Launcher = Launcher {
    rank: "OMPI_COMM_WORLD_RANK",
    sizes: &["OMPI_COMM_WORLD_SIZE"],
    local_size: "OMPI_COMM_WORLD_LOCAL_SIZE",
};
const MPICH: Launcher = Launcher { rank: "PMI_RANK", sizes: &["PMI_SIZE"], local_size: "MPI_LOCALNRANKS" };
const SLURM: Launcher = Launcher {
    rank: "SLURM_PROCID",
    sizes: &["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"],
    // The list of hosts says it.
    local_size: "",
};

pub fn read(look_up: &LookUp) -> Result<Option<Place>, GroupError> {
    // A variable that is empty is a variable that somebody wanted to be rid of.
    let look_up =
        |name: &str| look_up(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let mut found = None;
    for launcher in [BY_HAND, OPEN_MPI, MPICH, SLURM] {
        if let Some((rank, size)) = launcher.read(&look_up)? {
            agree(&look_up, &launcher, rank)?;
            found = Some((launcher, rank, size));
            break;
        }
    }
    let Some((launcher, rank, size)) = found.filter(|(_, _, size)| *size > 1) else { return Ok(None) };
    let address = address(&look_up, &launcher, size)?;
    Ok(Some(Place { rank, size, address, key: key(&look_up)? }))
}

impl Launcher {
    fn read(&self, look_up: &LookUp) -> Result<Option<(usize, usize)>, GroupError> {
        // The script of a job has the number 0 of as many tasks as the job may start; only what srun starts is one of them.
        if self.rank == SLURM.rank && look_up("SLURM_STEP_ID").is_none() {
            return Ok(None);
        }
        let rank = number(look_up, self.rank)?;
        let size = self.sizes.iter().find(|name| look_up(name).is_some()).copied();
        let Some(rank) = rank else {
            return match size {
                // An allocation knows its size long before anything is started in it.
                Some(name) if self.rank != SLURM.rank => Err(missing(self.rank, format!("{name} is"))),
                _ => Ok(None),
            };
        };
        let name = size.unwrap_or(self.sizes[self.sizes.len() - 1]);
        let size = number(look_up, name)?.ok_or_else(|| missing(name, format!("{} is", self.rank)))?;
        if size == 0 {
            return Err(wrong(name, "0", "a number of ranks, 1 or more"));
        }
        if rank >= size {
            return Err(GroupError::Contradiction {
                first: format!("{} is {rank}", self.rank),
                second: format!("{name} is {size}"),
                expected: "a rank is below the number of ranks",
            });
        }
        Ok(Some((rank, size)))
    }
}

/// Refuses `RANK` of one kind beside a rank of another. torchrun may itself be what `mpirun` or `srun` has started.
fn agree(look_up: &LookUp, launcher: &Launcher, rank: usize) -> Result<(), GroupError> {
    if launcher.rank != BY_HAND.rank || look_up("TORCHELASTIC_RUN_ID").is_some() {
        return Ok(());
    }
    for other in [OPEN_MPI, MPICH] {
        if let Some((found, _)) = other.read(look_up)?
            && found != rank
        {
            return Err(GroupError::Contradiction {
                first: format!("{} is {rank}", launcher.rank),
                second: format!("{} is {found}", other.rank),
                expected: "both must be the same, or one of them unset",
            });
        }
    }
    Ok(())
}

fn address(look_up: &LookUp, launcher: &Launcher, size: usize) -> Result<String, GroupError> {
    let port = match number(look_up, "MASTER_PORT")? {
        None => None,
        Some(port) => {
            let held_by_torchrun = look_up("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|held| held == "True");
            let port = u16::try_from(port + usize::from(held_by_torchrun)).ok().filter(|port| *port > 0);
            let found = look_up("MASTER_PORT").unwrap_or_default();
            Some(port.ok_or_else(|| wrong("MASTER_PORT", &found, "a port from 1 to 65535"))?)
        }
    };
    let join = |host: &str, port: u16| match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    if let Some(master) = look_up("FIRECLAY_MASTER") {
        let (host, port) = split_address("FIRECLAY_MASTER", &master, Some(port.unwrap_or(Place::PORT)))?;
        return Ok(join(&host, port));
    }
    if let Some(host) = look_up("MASTER_ADDR") {
        // An address of IPv6 has more colons than one.
        let has_port = match host.rsplit_once(']') {
            Some((_, rest)) => !rest.is_empty(),
            None => host.matches(':').count() == 1,
        };
        if has_port {
            return Err(wrong("MASTER_ADDR", &host, "a host alone, whose port is in MASTER_PORT,"));
        }
        let port = port.ok_or_else(|| missing("MASTER_PORT", "MASTER_ADDR is".into()))?;
        return Ok(join(&host, port));
    }
    if launcher.rank == SLURM.rank {
        let nodes =
            ["SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"].into_iter().find(|name| look_up(name).is_some());
        let nodes = nodes.ok_or_else(|| missing("SLURM_STEP_NODELIST", format!("{} is", launcher.rank)))?;
        let list = look_up(nodes).unwrap_or_default();
        let host = node_list::first_host(&list);
        let host = host.ok_or_else(|| wrong(nodes, &list, "a list of hosts, such as gpu[01-04]"))?;
        // Two jobs on one host should not meet.
        let job = number(look_up, "SLURM_JOB_ID")?.unwrap_or(0) % 1000;
        return Ok(join(&host, port.unwrap_or(Place::PORT + job as u16)));
    }
    let local = number(look_up, launcher.local_size)?;
    if local == Some(size) {
        return Ok(join("127.0.0.1", port.unwrap_or(Place::PORT)));
    }
    let because = match local {
        Some(local) => format!(
            "only {local} of {size} ranks are on this host, so the others cannot know where rank 0 is"
        ),
        None => format!("{} is, and nothing says where rank 0 is", launcher.rank),
    };
    Err(missing("MASTER_ADDR", because))
}

/// The host and the port of an address; without a port, this one.
pub fn split_address(name: &str, address: &str, port: Option<u16>) -> Result<(String, u16), GroupError> {
    let refused = || wrong(name, address, "host:port, or [address]:port for IPv6");
    let (host, after) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or_else(refused)?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(refused)?) })
        }
        None => match address.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => return Err(refused()),
            Some((host, after)) => (host, Some(after)),
            None => (address, None),
        },
    };
    let port = match after {
        Some(after) => after.parse().ok().filter(|port| *port > 0),
        None => port,
    };
    if host.is_empty() {
        return Err(refused());
    }
    Ok((host.to_owned(), port.ok_or_else(refused)?))
}

fn key(look_up: &LookUp) -> Result<Option<SharedKey>, GroupError> {
    match (look_up("FIRECLAY_SHARED_KEY"), look_up("FIRECLAY_SHARED_KEY_FILE")) {
        (None, None) => Ok(None),
        (Some(text), None) => SharedKey::new(&text).map(Some),
        (None, Some(path)) => SharedKey::read(path).map(Some),
        (Some(_), Some(path)) => Err(GroupError::Contradiction {
            first: "FIRECLAY_SHARED_KEY is set".into(),
            second: format!("FIRECLAY_SHARED_KEY_FILE is {path}"),
            expected: "one of them must be unset",
        }),
    }
}

fn number(look_up: &LookUp, name: &str) -> Result<Option<usize>, GroupError> {
    let Some(found) = look_up(name) else { return Ok(None) };
    // Nobody has a thousand million ranks, and sums of such numbers stay numbers.
    let number = found.parse().ok().filter(|number| *number <= 1_000_000_000);
    number.map(Some).ok_or_else(|| wrong(name, &found, "a whole number"))
}

fn wrong(name: &str, found: &str, expected: &'static str) -> GroupError {
    GroupError::Variable { name: name.into(), found: found.into(), expected }
}

fn missing(name: &'static str, because: String) -> GroupError {
    GroupError::MissingVariable { name, because }
}
