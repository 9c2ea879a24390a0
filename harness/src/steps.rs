//! Files of steps: those of users, and those that come with this program.

use nemesis::NodeName;
use nemesis::schedule::steps::Story;

use crate::config::UsageError;

/// A file that comes with this program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bundled {
    pub name: &'static str,
    pub text: &'static str,
}

/// Steps that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Steps {
    /// What names them on a command line, wherever that is typed.
    pub named: String,
    pub text: String,
    pub story: Story,
}

macro_rules! bundled {
    ($($name:literal),+ $(,)?) => {
        [$(Bundled {
            name: $name,
            text: include_str!(concat!("../../examples/steps/", $name, ".toml")),
        }),+]
    };
}

impl Bundled {
    pub(crate) const ALL: [Self; 21] = bundled![
        "figure-8",
        "leader-left-behind",
        "second-successor",
        "late-orders",
        "late-answers",
        "long-naps",
        "slow-first-entry",
        "voters-restart",
        "votes-twice",
        "blackout-behind-slow-disks",
        "failing-syncs",
        "damaged-voter",
        "restart-between-tries",
        "overtaken-appends",
        "lost-requests",
        "lost-disk",
        "two-joiners",
        "two-changes",
        "deaf-leader",
        "deaf-follower",
        "returning-follower",
    ];

    /// What it is about: the first line of its comment.
    pub(crate) fn about(self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches(['#', ' '])
    }
}

impl Steps {
    /// Reads the steps of this name, or of this file, for a cluster of these nodes.
    pub(crate) fn read(named: &str, cluster: &[NodeName]) -> Result<Self, UsageError> {
        let refused =
            |error: &dyn std::fmt::Display| UsageError(format!("--steps {named}: {error}"));
        let bundled = Bundled::ALL.into_iter().find(|steps| steps.name == named);
        let (named, text) = match bundled {
            Some(steps) => (steps.name.to_owned(), steps.text.to_owned()),
            None => {
                let text = std::fs::read_to_string(named).map_err(|error| {
                    refused(&format!("{error}; name a file, or one of: list steps"))
                })?;
                let path = std::path::Path::new(named).canonicalize();
                (
                    path.map_err(|error| refused(&error))?.display().to_string(),
                    text,
                )
            }
        };
        let story = Story::parse(&text, cluster).map_err(|error| refused(&error))?;
        Ok(Self { named, text, story })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_file_is_a_story_and_says_what_it_is_about() {
        let cluster = NodeName::first(5);
        for steps in Bundled::ALL {
            let read = Steps::read(steps.name, &cluster);
            assert!(read.is_ok(), "{read:?}");
            assert!(steps.about().len() > 20, "{}", steps.name);
            assert!(!read.unwrap().story.kinds().is_empty());
        }
    }

    #[test]
    fn mistakes_are_named_with_file_line_and_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[[step]]\ndo = \"kill n9\"\nfor = \"1s\"\n").unwrap();
        let named = file.path().display().to_string();
        let UsageError(message) = Steps::read(&named, &NodeName::first(3)).unwrap_err();
        for part in [&named, "line 2", "\"n9\"", "--nodes"] {
            assert!(message.contains(part), "{message}");
        }
        let UsageError(message) = Steps::read("no-such", &[]).unwrap_err();
        assert!(message.contains("list steps"), "{message}");
    }
}
