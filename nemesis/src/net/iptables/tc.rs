//! Running the host's `tc` inside a node's namespace.

use super::Place;
use super::tool::{look_for, output_of};
use crate::kernel;
use crate::net::NetError;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;

/// What kernels say of a qdisc that they do not have, if they do not say more.
const OLD_UNKNOWN: &str = "RTNETLINK answers: No such file or directory";

/// The installed `tc`.
#[derive(Clone, Debug)]
pub(in crate::net) struct Tc {
    program: PathBuf,
}

impl Tc {
    /// Finds `tc` in PATH or the folders for system programs.
    pub(in crate::net) fn find() -> Result<Tc, NetError> {
        let program = look_for("tc").ok_or(NetError::NoTc)?;
        Ok(Tc { program })
    }

    /// As it says itself: `iproute2-6.1.0`; empty where it does not say.
    pub(in crate::net) fn version(&self) -> String {
        let said = Command::new(&self.program).arg("-V").output();
        let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let words = said.unwrap_or_default();
        let version = words
            .split([' ', ',', '\n'])
            .find(|word| word.starts_with("iproute2"));
        version.unwrap_or_default().to_owned()
    }

    /// Does what these lines say, one after the other, until one fails.
    pub(super) fn batch(&self, place: Place<'_>, lines: &str) -> Result<(), NetError> {
        self.run(place, &["-batch", "-"], lines).map(drop)
    }

    /// Does of these lines what can be done.
    pub(super) fn force(&self, place: Place<'_>, lines: &str) {
        // It takes back what was done by halves, and the half that was not done cannot be taken back.
        let _ = self.run(place, &["-force", "-batch", "-"], lines);
    }

    /// What the classes of an interface have counted.
    pub(super) fn classes(&self, place: Place<'_>, device: &str) -> Result<String, NetError> {
        self.run(place, &["-s", "class", "show", "dev", device], "")
    }

    fn run(&self, place: Place<'_>, words: &[&str], lines: &str) -> Result<String, NetError> {
        let mut command = Command::new(&self.program);
        command.args(words);
        kernel::start_in_namespace(&mut command, place.namespace.as_fd());
        let failed = |why: String| failure(&words.join(" "), place.name(), lines, &why);
        match output_of(&mut command, lines) {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(output) => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// In a batch the last thing that is said is which line failed.
fn failure(words: &str, place: String, lines: &str, said: &str) -> NetError {
    let number = said
        .lines()
        .find_map(|line| line.strip_prefix("Command failed -:"));
    let failed = number.and_then(|number| {
        lines
            .lines()
            .nth(number.parse::<usize>().ok()?.checked_sub(1)?)
    });
    let command = failed.unwrap_or(words).to_owned();
    let why: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Command failed"))
        .collect();
    let why = why.join(", ");
    let unknown = ["qdisc kind is unknown", OLD_UNKNOWN];
    if command.contains(" netem ") && unknown.iter().any(|answer| why.contains(answer)) {
        return NetError::NoNetem;
    }
    NetError::Tc {
        command,
        place,
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "qdisc add dev eth0 root handle 1: htb default 0\n\
                         qdisc add dev eth0 parent 1:2 handle 2: netem limit 9 delay 5us\n";

    fn said(words: &str) -> NetError {
        failure("-batch -", " on n1".to_owned(), LINES, words)
    }

    #[test]
    fn the_line_that_failed_is_named_and_a_missing_netem_told_apart() {
        let no_htb = said("Error: Specified qdisc kind is unknown.\nCommand failed -:1\n");
        assert_eq!(
            no_htb.to_string(),
            "tc qdisc add dev eth0 root handle 1: htb default 0 failed on n1: Error: Specified qdisc kind is unknown.; use \
             --net switch, which needs neither tc nor queues of the kernel"
        );
        for words in ["Error: Specified qdisc kind is unknown.", OLD_UNKNOWN] {
            let no_netem = said(&format!("{words}\nCommand failed -:2\n"));
            assert!(matches!(no_netem, NetError::NoNetem), "{no_netem}");
        }
        let mixed = "Error: netem: cannot mix duplicating netems with other netems in tree.";
        let refused = said(&format!("{mixed}\nCommand failed -:2\n")).to_string();
        assert!(
            refused.contains("netem limit 9") && refused.contains(mixed),
            "{refused}"
        );
        let all = said("Killed").to_string();
        assert!(
            all.starts_with("tc -batch - failed on n1: Killed;"),
            "{all}"
        );
    }
}
