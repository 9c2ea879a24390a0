//! Running the iptables programs of the host inside a node's namespace, and what `tc` shares with them.

use super::Place;
use crate::kernel;
use crate::net::NetError;
use std::ffi::OsString;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where Debian keeps it; an ordinary user's PATH often lacks these.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// The installed iptables.
#[derive(Clone, Debug)]
pub(in crate::net) struct Tool {
    iptables: PathBuf,
    restore: PathBuf,
    /// As it says itself: `iptables v1.8.9 (nf_tables)`.
    pub(in crate::net) version: String,
}

impl Tool {
    /// Finds iptables in PATH or the folders for system programs.
    pub(in crate::net) fn find() -> Result<Tool, NetError> {
        let iptables = look_for("iptables").ok_or(NetError::NoIptables)?;
        let restore = look_for("iptables-restore").ok_or(NetError::NoIptables)?;
        let version = text_of(
            Command::new(&iptables).arg("--version"),
            &Place::NOWHERE,
            "",
        )?;
        Ok(Tool {
            iptables,
            restore,
            version: version.trim().to_owned(),
        })
    }

    /// Runs `iptables -w` with these arguments and gives its output.
    pub(super) fn run(&self, place: Place<'_>, arguments: &[&str]) -> Result<String, NetError> {
        let mut command = Command::new(&self.iptables);
        command.arg("-w").args(arguments);
        kernel::start_in_namespace(&mut command, place.namespace.as_fd());
        text_of(&mut command, &place.name(), "")
    }

    /// Runs `iptables-restore` on these rules, which leaves all other chains alone.
    pub(super) fn restore(&self, place: Place<'_>, rules: &str) -> Result<(), NetError> {
        let mut command = Command::new(&self.restore);
        command.args(["-w", "--noflush"]);
        kernel::start_in_namespace(&mut command, place.namespace.as_fd());
        text_of(&mut command, &place.name(), rules).map(drop)
    }
}

impl Place<'_> {
    const NOWHERE: String = String::new();

    pub(super) fn name(&self) -> String {
        self.node
            .map(|node| format!(" on {node}"))
            .unwrap_or_default()
    }
}

/// The packets that one line of `iptables -v -S` has counted: 12 for `-A ADRASTEIA -s 10.99.0.2/32 -c 12 720 -j DROP`.
pub(super) fn parse_count(line: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == "-c")?;
    words.next()?.parse().ok()
}

pub(super) fn look_for(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from));
    folders
        .map(|folder| folder.join(program))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok() && file.is_file()
}

fn text_of(command: &mut Command, place: &str, input: &str) -> Result<String, NetError> {
    let failed = |why: String, command: &Command| NetError::Iptables {
        command: command_line(command),
        place: place.to_owned(),
        why,
    };
    match output_of(command, input) {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let why = if why.is_empty() {
                output.status.to_string()
            } else {
                why
            };
            Err(failed(why, command))
        }
        Err(error) => Err(failed(error.to_string(), command)),
    }
}

pub(super) fn output_of(command: &mut Command, input: &str) -> std::io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("stdin was asked to be a pipe");
    // A program that fails before it has read everything explains itself on stderr.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output()
}

fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words: Vec<OsString> = std::iter::once(name)
        .chain(command.get_args())
        .map(Into::into)
        .collect();
    words.join(" ".as_ref()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_rules_are_read_as_printed() {
        let rule = "-A ADRASTEIA -s 10.99.0.2/32 -c 12 720 -j DROP";
        assert_eq!(parse_count(rule), Some(12));
        assert_eq!(parse_count("-N ADRASTEIA"), None);
        assert_eq!(parse_count("-A ADRASTEIA -s 10.99.0.2/32 -j DROP"), None);
    }
}
