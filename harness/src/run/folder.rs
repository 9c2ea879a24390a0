//! The folder that holds everything about one run.

use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use nemesis::NodeName;

/// `OUT/<workload>-<nemesis>-<seed>/<time>/`, made new for one run.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    out: PathBuf,
    /// The path from `out` to the folder, for the relative `latest` link.
    below_out: PathBuf,
}

impl Folder {
    /// Makes the folder and points `OUT/latest` at it.
    pub(crate) fn create(out: &Path, name: &str, now: SystemTime) -> Result<Self> {
        let time = humantime::format_rfc3339_millis(now)
            .to_string()
            .replace(['-', ':'], "");
        let below_out = Path::new(name).join(time);
        let path = out.join(&below_out);
        std::fs::create_dir_all(&path).with_context(|| {
            format!(
                "cannot create {}; choose another folder with --out",
                path.display()
            )
        })?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot resolve {}", path.display()))?;
        let folder = Self {
            path,
            out: out.to_owned(),
            below_out,
        };
        folder.point_latest()?;
        Ok(folder)
    }

    /// A file of the run by its name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What the node wrote to its standard output and error.
    pub(crate) fn log(&self, node: &NodeName) -> PathBuf {
        self.path.join(format!("{node}.log"))
    }

    /// The node's disk.
    pub(crate) fn data(&self, node: &NodeName) -> PathBuf {
        self.path.join("data").join(node.as_str())
    }

    /// The shortest name of `file` a reader can open: through `latest`, as long as no other run follows.
    pub(crate) fn through_latest(&self, file: &str) -> PathBuf {
        self.out.join("latest").join(file)
    }

    /// Writes a file of the run, and makes the folder it is in.
    pub(crate) fn write(&self, name: &str, contents: &str) -> Result<()> {
        let path = self.file(name);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder
            .and_then(|()| std::fs::write(&path, contents))
            .with_context(|| {
                let path = path.display();
                format!(
                    "cannot write {path}; free space there, or choose another folder with --out"
                )
            })
    }

    fn point_latest(&self) -> Result<()> {
        let link = self.out.join("latest");
        match std::fs::remove_file(&link) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot replace the link {}", link.display()));
            }
        }
        symlink(&self.below_out, &link)
            .with_context(|| format!("cannot create the link {}", link.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_leads_to_the_newest_run() {
        let out = tempfile::tempdir().unwrap();
        for second in [1, 2] {
            let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
            let folder = Folder::create(out.path(), "register-none-1", now).unwrap();
            folder.write("result.json", &second.to_string()).unwrap();
            assert_eq!(
                std::fs::read_to_string(folder.through_latest("result.json")).unwrap(),
                second.to_string()
            );
        }
        assert_eq!(
            std::fs::read_dir(out.path().join("register-none-1"))
                .unwrap()
                .count(),
            2
        );
    }
}
