//! The few file operations that logs and snapshots need, so that other disks can be put under them.
//!
//! | disk | for |
//! |---|---|
//! | `real` | a folder of the file system |
//! | `power_loss` | a folder that a kill leaves as a power cut would |
//! | `sim` | tests: forgets, tears, fails and flips bits |

mod names;
mod power_loss;
mod real;
#[cfg(test)]
pub(crate) mod sim;

pub(crate) use power_loss::{PowerLossDisk, Unsynced};
pub(crate) use real::RealDisk;

use std::io;

/// A folder of files. What was written survives a crash only once it was synced; so do names.
///
/// A clone is another handle on the same folder.
pub(crate) trait Disk: Clone {
    /// The names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Bytes of a file.
    fn size(&self, name: &str) -> io::Result<u64>;
    /// Reads from an offset on, perhaps less than there is room for; nothing only at the end of the file.
    fn read_at(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Writes at an offset; makes the file when there is none.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content of a file durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file another name, taking that from the file that had it.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes the names in the folder durable.
    fn sync_names(&mut self) -> io::Result<()>;

    /// Reads from an offset on until there is no more room, or no more file.
    fn fill(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match self.read_at(name, offset + filled as u64, &mut into[filled..]) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// A whole file.
    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.size(name)?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size];
        let filled = self.fill(name, 0, &mut bytes)?;
        bytes.truncate(filled);
        Ok(bytes)
    }
}
