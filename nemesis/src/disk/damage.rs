//! Damage at rest: bits that flip, and ends of files that are missing, where something was written.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::node::read_up_to;

/// Files are searched for written parts in pieces of this size.
const PIECE: usize = 4096;

/// What was damaged, so that it can be told and repaired.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Bits that were flipped.
    pub flips: Vec<Flip>,
    /// Ends that were cut off.
    pub cuts: Vec<Cut>,
}

/// A flipped bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flip {
    /// The file, within the folder.
    pub file: PathBuf,
    /// The byte.
    pub offset: u64,
    /// The byte as it is now.
    pub now: u8,
    /// The byte as it was.
    pub before: u8,
}

/// A file whose end was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file, within the folder.
    pub file: PathBuf,
    /// Its length now.
    pub length: u64,
    /// What is missing.
    pub missing: Vec<u8>,
}

/// What became of damage when it was to be repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Repaired {
    /// It was still there, and is no more.
    pub repaired: u32,
    /// It was written over or removed meanwhile.
    pub overwritten: u32,
}

/// A piece of a file that is not all zeroes.
struct Piece {
    file: PathBuf,
    offset: u64,
    bytes: Vec<u8>,
}

impl Piece {
    /// Somewhere in it that is not zero.
    fn written_byte(&self, rng: &mut ChaCha8Rng) -> usize {
        let written: Vec<usize> = (0..self.bytes.len())
            .filter(|at| self.bytes[*at] != 0)
            .collect();
        written[rng.random_range(0..written.len())]
    }
}

pub(super) fn flip_bits(root: &Path, bits: u32, seed: u64) -> io::Result<Damage> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut damage = Damage::default();
    for _ in 0..bits {
        let Some(piece) = written_piece(root, &mut rng)? else {
            break;
        };
        let at = piece.written_byte(&mut rng);
        let flip = Flip {
            offset: piece.offset + at as u64,
            before: piece.bytes[at],
            now: piece.bytes[at] ^ 1 << rng.random_range(0..8),
            file: piece.file,
        };
        write(&root.join(&flip.file), flip.offset, &[flip.now])?;
        damage.flips.push(flip);
    }
    Ok(damage)
}

pub(super) fn truncate(root: &Path, seed: u64) -> io::Result<Damage> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let Some(piece) = written_piece(root, &mut rng)? else {
        return Ok(Damage::default());
    };
    let path = root.join(&piece.file);
    let length = piece.offset + piece.written_byte(&mut rng) as u64;
    let file = File::options().read(true).write(true).open(&path)?;
    let missing = file.metadata()?.len().saturating_sub(length);
    let mut bytes = vec![0; usize::try_from(missing).unwrap_or(0)];
    read_up_to(&file, length, &mut bytes)?;
    file.set_len(length)?;
    let cut = Cut {
        file: piece.file,
        length,
        missing: bytes,
    };
    Ok(Damage {
        flips: Vec::new(),
        cuts: vec![cut],
    })
}

pub(super) fn repair(root: &Path, damage: &Damage) -> io::Result<Repaired> {
    let mut repaired = Repaired::default();
    let mut count = |done: bool| match done {
        true => repaired.repaired += 1,
        false => repaired.overwritten += 1,
    };
    // Backwards: a byte may have been hit twice.
    for flip in damage.flips.iter().rev() {
        let path = root.join(&flip.file);
        let mut byte = [0];
        let there = File::open(&path).and_then(|file| file.read_exact_at(&mut byte, flip.offset));
        let same = there.is_ok() && byte[0] == flip.now;
        if same {
            write(&path, flip.offset, &[flip.before])?;
        }
        count(same);
    }
    for cut in &damage.cuts {
        let path = root.join(&cut.file);
        let same = fs::metadata(&path).is_ok_and(|found| found.len() == cut.length);
        if same {
            write(&path, cut.length, &cut.missing)?;
        }
        count(same);
    }
    Ok(repaired)
}

fn write(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.write_all_at(bytes, offset)
}

/// One written piece of all that there are, each as likely as any other.
fn written_piece(root: &Path, rng: &mut ChaCha8Rng) -> io::Result<Option<Piece>> {
    let mut chosen = None;
    let mut seen = 0u64;
    for name in files(root)? {
        let file = File::open(root.join(&name))?;
        let mut bytes = vec![0; PIECE];
        for offset in (0..file.metadata()?.len()).step_by(PIECE) {
            let filled = read_up_to(&file, offset, &mut bytes)?;
            if bytes[..filled].iter().all(|byte| *byte == 0) {
                continue;
            }
            seen += 1;
            if rng.random_range(0..seen) == 0 {
                chosen = Some(Piece {
                    file: name.clone(),
                    offset,
                    bytes: bytes[..filled].to_vec(),
                });
            }
        }
    }
    Ok(chosen)
}

/// Every regular file below a folder, in order.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(name),
                kind if kind.is_file() => files.push(name),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}
