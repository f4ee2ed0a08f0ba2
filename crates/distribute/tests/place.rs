//! What launchers say, and what makes no sense.

use fireclay_distribute::{GroupError, Place};

fn read(variables: &str) -> Result<Option<Place>, GroupError> {
    let set: Vec<(&str, &str)> =
        variables.split_whitespace().map(|pair| pair.split_once('=').unwrap()).collect();
    Place::of_variables(|name| {
        set.iter().find(|(found, _)| *found == name).map(|(_, value)| value.to_string())
    })
}

#[track_caller]
fn found(variables: &str) -> (usize, usize, String) {
    let place = read(variables).unwrap().unwrap();
    (place.rank, place.size, place.address)
}

#[test]
fn the_usual_launchers_are_understood() {
    for (variables, expected) in [
        ("RANK=1 WORLD_SIZE=4 MASTER_ADDR=node1 MASTER_PORT=29500", (1, 4, "node1:29500")),
        ("RANK=1 WORLD_SIZE=4 MASTER_ADDR=fd00::1 MASTER_PORT=29500", (1, 4, "[fd00::1]:29500")),
        ("RANK=1 WORLD_SIZE=4 LOCAL_WORLD_SIZE=4 MASTER_PORT=5", (1, 4, "127.0.0.1:5")),
        // torchrun's own store listens at the port.
        (
            "RANK=1 WORLD_SIZE=4 MASTER_ADDR=node1 MASTER_PORT=29500 TORCHELASTIC_RUN_ID=a TORCHELASTIC_USE_AGENT_STORE=True",
            (1, 4, "node1:29501"),
        ),
        (
            "SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=3 SLURM_JOB_NODELIST=gpu[07-09] SLURM_JOB_ID=12345",
            (2, 3, "gpu07:29762"),
        ),
        (
            "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NODELIST=b2,b3 SLURM_JOB_NODELIST=b[1-9]",
            (0, 2, "b2:29417"),
        ),
        ("SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=3 MASTER_ADDR=other MASTER_PORT=7", (2, 3, "other:7")),
        (
            "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_SIZE=2",
            (1, 2, "127.0.0.1:29417"),
        ),
        ("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 FIRECLAY_MASTER=head:9", (1, 2, "head:9")),
        ("PMI_RANK=0 PMI_SIZE=2 FIRECLAY_MASTER=[::1]", (0, 2, "[::1]:29417")),
        // mpirun in an allocation of Slurm.
        (
            "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=8 OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 FIRECLAY_MASTER=head",
            (3, 4, "head:29417"),
        ),
    ] {
        let (rank, size, address) = expected;
        assert_eq!(found(variables), (rank, size, address.to_string()), "{variables}");
    }
}

#[test]
fn alone_means_no_group() {
    for variables in [
        "",
        "RANK=0 WORLD_SIZE=1",
        "SLURM_NTASKS=4",
        "SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_JOB_NODELIST=a[1-8]",
        "RANK= WORLD_SIZE=",
        "MASTER_ADDR=a",
    ] {
        assert!(read(variables).unwrap().is_none(), "{variables}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_its_name() {
    for (variables, expected) in [
        ("RANK=0", "the variable WORLD_SIZE is not set, though RANK is"),
        ("WORLD_SIZE=2", "the variable RANK is not set, though WORLD_SIZE is"),
        ("PMI_RANK=0", "the variable PMI_SIZE is not set, though PMI_RANK is"),
        ("SLURM_STEP_ID=0 SLURM_PROCID=0", "the variable SLURM_NTASKS is not set, though SLURM_PROCID is"),
        (
            "RANK=0 WORLD_SIZE=2 MASTER_ADDR=node1:29500 MASTER_PORT=5",
            "the variable MASTER_ADDR is \"node1:29500\", and a host alone, whose port is in MASTER_PORT, is expected",
        ),
        (
            "RANK=0 WORLD_SIZE=2 MASTER_ADDR=[::1]:5",
            "the variable MASTER_ADDR is \"[::1]:5\", and a host alone, whose port is in MASTER_PORT, is expected",
        ),
        ("RANK=two WORLD_SIZE=2", "the variable RANK is \"two\", and a whole number is expected"),
        ("RANK=-1 WORLD_SIZE=2", "the variable RANK is \"-1\", and a whole number is expected"),
        (
            "RANK=0 WORLD_SIZE=0",
            "the variable WORLD_SIZE is \"0\", and a number of ranks, 1 or more is expected",
        ),
        ("RANK=2 WORLD_SIZE=2", "RANK is 2, and WORLD_SIZE is 2; a rank is below the number of ranks"),
        (
            "RANK=0 WORLD_SIZE=2",
            "the variable MASTER_ADDR is not set, though RANK is, and nothing says where rank 0 is",
        ),
        (
            "RANK=0 WORLD_SIZE=4 LOCAL_WORLD_SIZE=2",
            "the variable MASTER_ADDR is not set, though only 2 of 4 ranks are on this host, so the others cannot know where rank 0 is",
        ),
        ("RANK=0 WORLD_SIZE=2 MASTER_ADDR=a", "the variable MASTER_PORT is not set, though MASTER_ADDR is"),
        (
            "RANK=0 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=65536",
            "the variable MASTER_PORT is \"65536\", and a port from 1 to 65535 is expected",
        ),
        (
            "RANK=0 WORLD_SIZE=2 FIRECLAY_MASTER=a:b",
            "the variable FIRECLAY_MASTER is \"a:b\", and host:port, or [address]:port for IPv6 is expected",
        ),
        (
            "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_JOB_NODELIST=gpu[",
            "the variable SLURM_JOB_NODELIST is \"gpu[\", and a list of hosts, such as gpu[01-04] is expected",
        ),
        (
            "RANK=0 WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2",
            "RANK is 0, and OMPI_COMM_WORLD_RANK is 1; both must be the same, or one of them unset",
        ),
        (
            "RANK=0 WORLD_SIZE=2 FIRECLAY_MASTER=a FIRECLAY_SHARED_KEY=short",
            "the shared key has 5 bytes, and 16 or more are needed; make one with `openssl rand -hex 32`",
        ),
        (
            "RANK=0 WORLD_SIZE=2 FIRECLAY_MASTER=a FIRECLAY_SHARED_KEY=x FIRECLAY_SHARED_KEY_FILE=/y",
            "FIRECLAY_SHARED_KEY is set, and FIRECLAY_SHARED_KEY_FILE is /y; one of them must be unset",
        ),
    ] {
        assert_eq!(read(variables).unwrap_err().to_string(), expected, "{variables}");
    }
}

#[test]
fn the_key_comes_from_the_environment_and_is_not_shown() {
    let place = read("RANK=0 WORLD_SIZE=2 FIRECLAY_MASTER=a FIRECLAY_SHARED_KEY=0123456789abcdef").unwrap();
    let shown = format!("{place:?}");
    assert!(shown.contains("SharedKey(hidden)") && !shown.contains("0123456789"), "{shown}");
}
