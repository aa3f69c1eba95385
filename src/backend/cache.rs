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
use crate::domain::leads::stored::{self, StoredSegment};
use crate::domain::{Person, VendorKind};

const MAGIC: &[u8; 8] = b"SWBLEADS";
/// The trailer's length and checksum, at the very end.
const END: u64 = 16;
/// No trailer is that long; a longer one is damage.
const LONGEST_TRAILER: u64 = 64 << 20;

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
    segments: Vec<Block>,
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

    fn read(&self, file: &File) -> Option<Kept> {
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
        if trailer.format != stored::FORMAT || trailer.place != self.place {
            return None;
        }
        let head = trailer.head.read(file, offset)?;
        let segments: Option<Vec<StoredSegment>> =
            trailer.segments.par_iter().map(|block| StoredSegment::read(&block.read(file, offset)?)).collect();
        Some(Kept { table: LeadTable::restore(&head, segments?)?, people: trailer.people })
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
            .map(|number| out.block(&table.stored_segment(number)))
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

impl Block {
    /// Reads a block that lies before `end`, if it is what was written.
    fn read(self, file: &File, end: u64) -> Option<Vec<u8>> {
        self.offset.checked_add(self.length).filter(|block_end| *block_end <= end)?;
        let mut bytes = vec![0; usize::try_from(self.length).ok()?];
        file.read_exact_at(&mut bytes, self.offset).ok()?;
        (checksum(&bytes) == self.checksum).then_some(bytes)
    }
}

/// A checksum against damage, not against malice: several gigabytes a second, and every bit counts.
fn checksum(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |lane: u64, word: u64| (lane ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let mut lanes = [1_u64, 2, 3, 4];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let rest = rest.iter().fold(bytes.len() as u64, |sum, byte| mix(sum, u64::from(*byte)));
    lanes.into_iter().fold(rest, mix)
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
