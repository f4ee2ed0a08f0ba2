//! A process on a host: this one, or one that a remote shell reaches.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::process::{Child, Command, Stdio};

use crate::error::CommandError;

/// What says in other ways which rank a process is: of the program that `launch` itself was started by.
const INHERITED: [&str; 12] = [
    "FIRECLAY_MASTER",
    "FIRECLAY_SHARED_KEY_FILE",
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "PMI_RANK",
    "PMI_SIZE",
    "MPI_LOCALNRANKS",
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_NTASKS",
    "TORCHELASTIC_RUN_ID",
];

/// A host with some of the ranks.
#[derive(Clone, Debug)]
pub struct Host {
    /// None is this one.
    pub name: Option<String>,
    pub ranks: usize,
}

/// A process to be started.
pub struct Process<'a> {
    pub arguments: &'a [OsString],
    pub variables: Vec<(&'static str, OsString)>,
    /// Whether it speaks for all ranks.
    pub is_first: bool,
}

impl Host {
    /// Starts a process. Its standard input stays open as long as this process lives: it ends when that ends.
    pub fn start(&self, process: Process, remote_shell: &str) -> Result<Child, CommandError> {
        let program = std::env::current_exe().map_err(|source| self.failed(source))?;
        let mut command = match &self.name {
            None => {
                let mut command = Command::new(&program);
                INHERITED.iter().for_each(|name| {
                    command.env_remove(name);
                });
                command
                    .args(process.arguments)
                    .envs(process.variables.iter().map(|(name, value)| (name, value)));
                command
            }
            Some(host) => {
                let mut words = remote_shell.split_whitespace();
                let mut command = Command::new(words.next().unwrap_or("ssh"));
                command.args(words).arg(host).args(["sh", "-s"]);
                command
            }
        };
        let for_first =
            |otherwise: fn() -> Stdio| if process.is_first { Stdio::inherit() } else { otherwise() };
        command.stdin(Stdio::piped()).stdout(for_first(Stdio::null)).stderr(for_first(Stdio::piped));
        // Ctrl-C in a terminal comes to this process alone, which passes it on once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|source| self.failed(source))?;
        if self.name.is_some()
            && let Some(stdin) = &mut child.stdin
        {
            // In the shell's input and not among its words, which others on that host could read: there is a secret in it.
            let script = script(program.as_os_str(), &process);
            match stdin.write_all(script.as_bytes()).and_then(|()| stdin.flush()) {
                // A shell that has ended already, as where its host is gone, says by its exit code why.
                Err(source) if source.kind() != ErrorKind::BrokenPipe => return Err(self.failed(source)),
                _ => {}
            }
        }
        Ok(child)
    }

    fn failed(&self, source: std::io::Error) -> CommandError {
        let host = self.name.clone().unwrap_or_else(|| "this host".into());
        CommandError::StartRank { host, source }
    }
}

/// What a shell reads that runs a process in the folder that this process is in.
fn script(program: &OsStr, process: &Process) -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let mut script = format!("cd {} || exit 1\nunset {}\n", word(folder.as_os_str()), INHERITED.join(" "));
    for (name, value) in &process.variables {
        script += &format!("export {name}={}\n", word(value));
    }
    script += &format!("exec {}", word(program));
    for argument in process.arguments {
        script += &format!(" {}", word(argument));
    }
    script + "\n"
}

/// A word as a shell reads it.
fn word(text: &OsStr) -> String {
    format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_words_as_they_were_given() {
        let arguments = ["train", "--run", "it's $HOME; \"one\"\n*"].map(OsString::from);
        let variables = vec![("KEY", OsString::from("a b"))];
        let process = Process { arguments: &arguments, variables, is_first: true };
        let script = script(OsStr::new("/usr/bin/printf"), &process).replace("'train'", r"'%s|%s|'");
        let shell = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&shell.stdout), "--run|it's $HOME; \"one\"\n*|");
    }

    #[test]
    fn a_shell_that_ends_before_it_has_read_is_waited_for_like_any_other() {
        // More than a pipe holds, so that something is left to be written when it ends.
        let arguments = [OsString::from("x".repeat(1 << 20))];
        let process = Process { arguments: &arguments, variables: Vec::new(), is_first: true };
        let host = Host { name: Some("nowhere".into()), ranks: 1 };
        let status = host.start(process, "false").unwrap().wait().unwrap();
        assert_eq!(status.code(), Some(1));
    }
}
