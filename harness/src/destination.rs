//! Files that are written at the end of long work, looked at before it begins.

use std::fs::OpenOptions;
use std::path::Path;

use tempfile::NamedTempFile;

/// Checks, without changing anything, that a file can be written at `path`.
///
/// # Errors
/// What is in the way, after the name of the option.
pub(crate) fn check_file(path: &Path, option: &str) -> Result<(), String> {
    let tried = if path.exists() {
        OpenOptions::new().write(true).open(path).map(drop)
    } else {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map(drop)
    };
    tried.map_err(|error| {
        let path = path.display();
        format!(
            "{option} {path} cannot be written: {error}; choose a file in a folder you may write to"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_and_an_old_one_can_be_written_and_a_folder_cannot() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.html");
        assert_eq!(check_file(&file, "--report"), Ok(()));
        assert!(!file.exists());
        std::fs::write(&file, "old").unwrap();
        assert_eq!(check_file(&file, "--report"), Ok(()));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
        for bad in [
            folder.path().to_owned(),
            folder.path().join("none/page.html"),
        ] {
            let refused = check_file(&bad, "--report").unwrap_err();
            assert!(refused.starts_with("--report "), "{refused}");
        }
    }
}
