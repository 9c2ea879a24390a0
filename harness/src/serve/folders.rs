//! Which folders are runs, and which files a run has.
//!
//! A run is a folder named after the time it began, as `run` names it, or one that holds what a run leaves. Below a run
//! there are no others. Links, such as `latest`, are not followed.

use std::fs::{DirEntry, FileType};
use std::path::Path;
use std::time::SystemTime;

use reports::site::StoredFile;

/// How deep below the folder runs are looked for.
const RUN_DEPTH: usize = 6;
/// How deep below a run files are, and how many are listed.
const FILE_DEPTH: usize = 4;
const MAX_FILES: usize = 2_000;
/// What makes a folder a run, whatever its name.
const MARKS: [&str; 2] = ["result.json", "history.jsonl"];

/// A folder, or what stands in the place of one, that is a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its path below the folder that is served.
    pub id: String,
    /// When it began, in RFC 3339.
    pub started: String,
    pub place: Place,
}

/// What is found where a run is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Folder,
    /// It is none, for this reason.
    Broken(String),
}

/// Every run below `root`.
pub(super) fn runs(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    below(root, "", RUN_DEPTH, &mut found);
    found
}

fn below(folder: &Path, id: &str, depth: usize, found: &mut Vec<Found>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten(),
        Err(error) if !id.is_empty() && error.kind() != std::io::ErrorKind::NotFound => {
            let place = Place::Broken(format!("the folder cannot be read: {error}"));
            return found.push(Found {
                id: id.to_owned(),
                started: modified(folder),
                place,
            });
        }
        Err(_) => return,
    };
    for entry in entries {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_symlink() {
            continue;
        }
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            found.extend(unnameable(&entry, kind, id));
            continue;
        };
        let id = match id {
            "" => name.clone(),
            id => format!("{id}/{name}"),
        };
        match (began(&name), kind.is_dir()) {
            (Some(started), true) => found.push(Found {
                id,
                started,
                place: Place::Folder,
            }),
            (Some(started), false) => {
                let place =
                    Place::Broken("a file stands where the folder of a run is expected".to_owned());
                found.push(Found { id, started, place });
            }
            (None, true) => {
                let path = entry.path();
                if MARKS
                    .iter()
                    .any(|mark| path.join(mark).symlink_metadata().is_ok())
                {
                    found.push(Found {
                        id,
                        started: modified(&path),
                        place: Place::Folder,
                    });
                } else if depth > 0 {
                    below(&path, &id, depth - 1, found);
                }
            }
            (None, false) => {}
        }
    }
}

/// A folder whose name no address can hold.
fn unnameable(entry: &DirEntry, kind: FileType, id: &str) -> Option<Found> {
    kind.is_dir().then(|| Found {
        id: format!("{id}/{}", entry.file_name().to_string_lossy()),
        started: modified(&entry.path()),
        place: Place::Broken("the folder's name is not Unicode: rename it".to_owned()),
    })
}

/// `2026-11-21T14:07:54.034Z`, of a folder named `20261121T140754.034Z`.
fn began(name: &str) -> Option<String> {
    const SHAPE: &[u8] = b"00000000T000000.000Z";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte == *shape,
    };
    let is_time = name.len() == SHAPE.len() && name.bytes().zip(SHAPE).all(fits);
    is_time.then(|| {
        let part = |from: usize, to: usize| &name[from..to];
        format!(
            "{}-{}-{}T{}:{}:{}",
            part(0, 4),
            part(4, 6),
            part(6, 8),
            part(9, 11),
            part(11, 13),
            part(13, 20)
        )
    })
}

/// When something in the folder changed last.
fn modified(folder: &Path) -> String {
    let time = folder
        .symlink_metadata()
        .and_then(|metadata| metadata.modified());
    humantime::format_rfc3339_millis(time.unwrap_or(SystemTime::UNIX_EPOCH)).to_string()
}

/// The files of a run, those at its top first.
pub(super) fn files(run: &Path) -> Vec<StoredFile> {
    let mut found = Vec::new();
    files_below(run, "", FILE_DEPTH, &mut found);
    found.sort_by_key(|file| (file.name.matches('/').count(), file.name.clone()));
    found
}

fn files_below(folder: &Path, name: &str, depth: usize, found: &mut Vec<StoredFile>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (Ok(metadata), file_name) = (entry.metadata(), entry.file_name()) else {
            continue;
        };
        let Some(file_name) = file_name.to_str() else {
            continue;
        };
        if found.len() == MAX_FILES {
            return;
        }
        let name = match name {
            "" => file_name.to_owned(),
            name => format!("{name}/{file_name}"),
        };
        if metadata.is_file() {
            found.push(StoredFile {
                name,
                bytes: metadata.len(),
            });
        } else if metadata.is_dir() && depth > 0 {
            files_below(&entry.path(), &name, depth - 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_the_time_it_began() {
        let rows = [
            ("20261121T140754.034Z", Some("2026-11-21T14:07:54.034Z")),
            ("20261121T140754Z", None),
            ("20261121T140754.034Zx", None),
            ("2026112xT140754.034Z", None),
            ("é261121T140754.034Z", None),
            ("", None),
        ];
        for (name, expected) in rows {
            assert_eq!(began(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn runs_are_found_at_any_depth_and_nothing_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let time = "20261121T140754.034Z";
        let make = |name: &str| std::fs::create_dir_all(root.path().join(name)).unwrap();
        make(&format!("register-none-1/{time}/data/n1"));
        make(&format!("matrix/bug/register-none-1/{time}"));
        make(time);
        make("by-hand");
        std::fs::write(root.path().join("by-hand/result.json"), "").unwrap();
        make("empty/folders");
        std::fs::write(root.path().join("empty/20261121T140754.035Z"), "").unwrap();
        std::fs::write(root.path().join("notes.txt"), "").unwrap();
        std::os::unix::fs::symlink("register-none-1", root.path().join("latest")).unwrap();
        let mut found: Vec<(String, bool)> = runs(root.path())
            .into_iter()
            .map(|run| (run.id, run.place == Place::Folder))
            .collect();
        found.sort();
        let expected = [
            (time.to_owned(), true),
            ("by-hand".to_owned(), true),
            ("empty/20261121T140754.035Z".to_owned(), false),
            (format!("matrix/bug/register-none-1/{time}"), true),
            (format!("register-none-1/{time}"), true),
        ];
        assert_eq!(found, expected);
    }
}
