//! The leads of each profile as they were last read, kept on disk so that the next start shows them at once.
//!
//! One file a profile: a magic word, the blocks of [`stored`](crate::domain::leads::stored), then a trailer that says
//! whose leads they are, where each block lies and what its checksum is. A file that is damaged, of another format or
//! of another place is as good as none. It is written beside the old one and renamed, so there is always a whole one.

use std::fs::{DirBuilder, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use crate::domain::leads::LeadTable;
use crate::domain::leads::stored::{self, Restoring, StoredSegment};
use crate::domain::{Person, VendorKind};

const MAGIC: &[u8; 8] = b"SWBLEADS";
/// The trailer's length and checksum, at the very end.
const END: u64 = 16;
/// No trailer is that long; a longer one is damage.
const LONGEST_TRAILER: u64 = 64 << 20;

/// Leads of fewer segments are all there before a frame is over.
const MANY: usize = 4;

/// Where a profile's leads are kept.
#[derive(Clone, Debug)]
pub struct Cache {
    file: PathBuf,
    place: Place,
}

/// Whose leads they are. Leads of another place must never be shown as this profile's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    vendor: VendorKind,
    base_url: String,
    context: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Trailer {
    format: u32,
    place: Place,
    people: Vec<Person>,
    head: Block,
    /// Of each the folded text and the rest.
    segments: Vec<[Block; 2]>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Block {
    offset: u64,
    length: u64,
    checksum: u64,
}

/// What was kept.
pub struct Kept {
    pub table: LeadTable,
    pub people: Vec<Person>,
}

impl Cache {
    /// The cache of a profile in the data folder.
    pub fn of(desk: &Desk, data_folder: &Path) -> Self {
        let name = utf8_percent_encode(desk.name.as_str(), NON_ALPHANUMERIC);
        let place = Place { vendor: desk.kind, base_url: desk.base_url.clone(), context: desk.vendor.context() };
        Self { file: data_folder.join("cache").join(format!("leads-{name}")), place }
    }

    /// Reads what is kept, if it is whole and of this place. Uses all processors.
    pub fn load(&self) -> Option<Kept> {
        let file = File::open(&self.file).ok()?;
        let kept = self.read(&file);
        if kept.is_none() {
            tracing::info!(file = %self.file.display(), "the kept leads cannot be used");
        }
        kept
    }

    /// The first of many leads that are kept, which are there long before all of them, and how many those are. `None`
    /// where all are there soon enough, or cannot be used.
    pub fn load_beginning(&self) -> Option<(LeadTable, usize)> {
        let file = File::open(&self.file).ok()?;
        let (trailer, end) = self.trailer(&file)?;
        if trailer.segments.len() < MANY {
            return None;
        }
        let head = trailer.head.read(&file, end)?;
        let restoring = Restoring::default();
        let [folded, rest] = trailer.segments.first()?;
        let first = restoring.segment(folded.read(&file, end)?, &rest.read(&file, end)?)?;
        restoring.beginning(&head, vec![first])
    }

    fn read(&self, file: &File) -> Option<Kept> {
        let (trailer, end) = self.trailer(file)?;
        let head = trailer.head.read(file, end)?;
        let restoring = Restoring::default();
        let read = |memory: &mut Vec<u8>, [folded, rest]: &[Block; 2]| {
            let rest = rest.read_into(memory, file, end)?;
            restoring.segment(folded.read(file, end)?, rest)
        };
        let segments: Option<Vec<StoredSegment>> = trailer.segments.par_iter().map_init(Vec::new, read).collect();
        Some(Kept { table: restoring.table(&head, segments?)?, people: trailer.people })
    }

    /// What says where everything lies, if it is of this place, and where the blocks end.
    fn trailer(&self, file: &File) -> Option<(Trailer, u64)> {
        let size = file.metadata().ok()?.len();
        let mut magic = [0; 8];
        file.read_exact_at(&mut magic, 0).ok()?;
        let mut end = [0; END as usize];
        file.read_exact_at(&mut end, size.checked_sub(END)?).ok()?;
        let (length, checksum) = end.split_at(8);
        let length = u64::from_le_bytes(length.try_into().ok()?);
        let checksum = u64::from_le_bytes(checksum.try_into().ok()?);
        if magic != *MAGIC || length > LONGEST_TRAILER {
            return None;
        }
        let offset = size.checked_sub(END)?.checked_sub(length)?;
        let trailer = Block { offset, length, checksum }.read(file, offset + length)?;
        let trailer: Trailer = serde_json::from_slice(&trailer).ok()?;
        (trailer.format == stored::FORMAT && trailer.place == self.place).then_some((trailer, offset))
    }

    /// Keeps a table. Nobody waits for the disk: a file that a crash of the machine spoils is found out when it is read.
    pub fn save(&self, table: &LeadTable, people: &[Person]) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Private from the moment it exists.
        let temporary = tempfile::Builder::new().prefix(".leads-").tempfile_in(folder)?;
        let mut out = Out { file: BufWriter::with_capacity(1 << 20, temporary.as_file()), at: 0 };
        out.raw(MAGIC)?;
        let head = out.block(&table.stored_head())?;
        let segments = (0..table.stored_segments())
            .map(|number| {
                let (folded, rest) = table.stored_segment(number);
                Ok([out.block(folded)?, out.block(&rest)?])
            })
            .collect::<std::io::Result<_>>()?;
        let place = self.place.clone();
        let trailer = Trailer { format: stored::FORMAT, place, people: people.to_vec(), head, segments };
        let trailer = serde_json::to_vec(&trailer)?;
        out.block(&trailer)?;
        out.raw(&(trailer.len() as u64).to_le_bytes())?;
        out.raw(&checksum(&trailer).to_le_bytes())?;
        out.file.flush()?;
        drop(out);
        temporary.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }
}

struct Out<'a> {
    file: BufWriter<&'a File>,
    at: u64,
}

impl Out<'_> {
    fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.at += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn block(&mut self, bytes: &[u8]) -> std::io::Result<Block> {
        let block = Block { offset: self.at, length: bytes.len() as u64, checksum: checksum(bytes) };
        self.raw(bytes)?;
        Ok(block)
    }
}

/// What is read and summed up in one go: stays close to the processor from the one to the other. Little in tests, so
/// that small blocks have several.
const PIECE: usize = if cfg!(test) { 64 } else { 256 << 10 };

impl Block {
    /// Reads a block that lies before `end`, if it is what was written.
    fn read(self, file: &File, end: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.length_before(end)?];
        self.fill(&mut bytes, file)?;
        Some(bytes)
    }

    /// The same in memory that is used again.
    fn read_into<'a>(self, memory: &'a mut Vec<u8>, file: &File, end: u64) -> Option<&'a [u8]> {
        let length = self.length_before(end)?;
        memory.resize(memory.len().max(length), 0);
        let bytes = &mut memory[..length];
        self.fill(bytes, file)?;
        Some(bytes)
    }

    fn length_before(self, end: u64) -> Option<usize> {
        self.offset.checked_add(self.length).filter(|block_end| *block_end <= end)?;
        usize::try_from(self.length).ok()
    }

    fn fill(self, bytes: &mut [u8], file: &File) -> Option<()> {
        let mut sum = Checksum::default();
        let mut at = self.offset;
        for piece in bytes.chunks_mut(PIECE) {
            file.read_exact_at(piece, at).ok()?;
            at += piece.len() as u64;
            sum.add(piece);
        }
        (sum.end() == self.checksum).then_some(())
    }
}

/// A checksum against damage, not against malice: several gigabytes a second, and every bit counts.
struct Checksum {
    lanes: [u64; 4],
    rest: u64,
    length: u64,
}

impl Default for Checksum {
    fn default() -> Self {
        Self { lanes: [1, 2, 3, 4], rest: 0, length: 0 }
    }
}

impl Checksum {
    /// Adds a piece; all but the last are of a multiple of 32 bytes.
    fn add(&mut self, piece: &[u8]) {
        let (blocks, rest) = piece.as_chunks::<32>();
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            for (lane, word) in self.lanes.iter_mut().zip(words) {
                *lane = Self::mix(*lane, u64::from_le_bytes(*word));
            }
        }
        self.length += piece.len() as u64;
        self.rest = rest.iter().fold(self.rest, |sum, byte| Self::mix(sum, u64::from(*byte)));
    }

    fn end(self) -> u64 {
        self.lanes.into_iter().fold(Self::mix(self.rest, self.length), Self::mix)
    }

    fn mix(lane: u64, word: u64) -> u64 {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        (lane ^ word).wrapping_mul(FACTOR).rotate_left(29)
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = Checksum::default();
    sum.add(bytes);
    sum.end()
}

/// Saves away from the async threads; a cache that cannot be written is only missed at the next start.
pub fn save_in_background(cache: Cache, table: LeadTable, people: Option<Arc<Vec<Person>>>) {
    tokio::task::spawn_blocking(move || {
        let people = people.as_deref().map_or(&[][..], Vec::as_slice);
        if let Err(error) = cache.save(&table, people) {
            tracing::warn!(file = %cache.file.display(), %error, "the leads could not be kept for the next start");
        }
    });
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::domain::leads::segment::SEGMENT_ROWS;
    use crate::domain::{Assignment, LeadRecord, OwnerRef};

    fn cache(folder: &Path, base_url: &str) -> Cache {
        let place = Place {
            vendor: VendorKind::Kenbun,
            base_url: base_url.to_owned(),
            context: serde_json::json!({"unit": "u1"}),
        };
        Cache { file: folder.join("cache").join("leads-demo"), place }
    }

    fn table(leads: usize) -> LeadTable {
        let lead = |n: usize| LeadRecord {
            id: format!("lead_{n}").into(),
            name: format!("Zoë {n}").as_str().into(),
            score: Some(n as i32),
            owner: Assignment::Owner(OwnerRef::named(format!("Owner {}", n % 5))),
            ..LeadRecord::default()
        };
        LeadTable::default().with_leads(&(0..leads).map(lead).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_kept_comes_back_private_and_only_to_its_own_place() {
        let folder = tempfile::tempdir().unwrap();
        let here = cache(folder.path(), "https://a.example");
        assert!(here.load().is_none());
        let people = vec![Person { id: "p1".into(), ..Person::default() }];
        here.save(&table(100), &people).unwrap();
        here.save(&table(70), &people).unwrap();
        let kept = here.load().unwrap();
        assert_eq!((kept.table.len(), kept.people), (70, people));
        assert_eq!(kept.table.record(69), table(70).record(69));
        assert_eq!(kept.table.owners().iter().map(|(_, n)| n).sum::<usize>(), 70);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&here.file), mode(here.file.parent().unwrap())), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(here.file.parent().unwrap()).unwrap().count(), 1, "no litter");
        assert!(cache(folder.path(), "https://b.example").load().is_none());
    }

    #[test]
    fn the_first_of_many_are_there_before_all() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), "https://a.example");
        assert!(cache.load_beginning().is_none());
        cache.save(&table(SEGMENT_ROWS * (MANY - 1)), &[]).unwrap();
        assert!(cache.load_beginning().is_none(), "all are there as soon");
        cache.save(&table(SEGMENT_ROWS * MANY), &[]).unwrap();
        let (first, all) = cache.load_beginning().unwrap();
        assert_eq!((first.len(), all), (SEGMENT_ROWS, SEGMENT_ROWS * MANY));
        assert_eq!(first.owners().iter().map(|(_, n)| n).sum::<usize>(), SEGMENT_ROWS);
        let last = SEGMENT_ROWS as u32 - 1;
        assert_eq!(first.record(last), cache.load().unwrap().table.record(last));
        assert_eq!(first.row_of(first.id(last).as_str()), Some(last));
        // Damage is found out in what is read.
        let mut bytes = std::fs::read(&cache.file).unwrap();
        bytes[MAGIC.len() + 300] ^= 1;
        std::fs::write(&cache.file, bytes).unwrap();
        assert!(cache.load_beginning().is_none());
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), "https://a.example");
        cache.save(&table(80), &[]).unwrap();
        let whole = std::fs::read(&cache.file).unwrap();
        let spoiled = |bytes: &[u8]| {
            std::fs::write(&cache.file, bytes).unwrap();
            cache.load().is_none()
        };
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            assert!(spoiled(&bytes), "a bit at {at} of {}", whole.len());
        }
        for length in (0..whole.len()).step_by(7) {
            assert!(spoiled(&whole[..length]), "cut at {length}");
        }
        assert!(spoiled(&[&whole[..], b"x"].concat()));
        assert!(!spoiled(&whole));
    }
}
