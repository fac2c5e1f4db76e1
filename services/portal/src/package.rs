//! A dossier as one file: folders 01 to 09 with the originals, and a list with the hash of each. Packed while it is sent; no
//! file is in memory or on disk as a whole. Source: ui, section 10.

use std::{collections::BTreeMap, fmt::Write as _, io::Write as _};

use bytes::Bytes;
use proto::documents::{File, Revision};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    format, invoice,
    labels::{CATEGORIES, SLOTS},
    pipe::{self, Pipe},
};

/// The list of what is inside.
pub const INDEX: &str = "00-清单.txt";
/// Letters of a name inside a package; some programs refuse long paths.
const NAME_CHARS: usize = 60;

/// A file that belongs into the package.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Folder and name.
    pub path: String,
    /// Slot in which it stands, e.g. M3a.
    pub slot: &'static str,
    /// The file.
    pub file: File,
}

/// What the thread that packs is told, in this order: files with their bytes, then the list.
pub enum Part {
    /// A file begins.
    File(String),
    /// Some of its bytes.
    Bytes(Bytes),
    /// The list, and nothing after it.
    Index(String),
    /// The rest cannot be read.
    Broken(String),
}

/// Every file of a revision, in the order of the dossier. Names are those of people: what a system could take for a way or a
/// command is taken out of them.
pub fn entries(revision: &Revision) -> Vec<Entry> {
    let mut taken = BTreeMap::new();
    let mut entries = Vec::new();
    for (slot, name) in SLOTS {
        let placed = revision.slots.iter().filter(|one| one.slot == slot).flat_map(|one| &one.files);
        for file in placed {
            entries.push(entry(&mut taken, slot, name, file));
        }
        if slot == "M9" {
            for one in &revision.invoices {
                let number = invoice::number(&one.code, &one.number);
                entries.extend(one.file.iter().map(|file| entry(&mut taken, slot, &number, file)));
            }
        }
    }
    entries
}

fn entry(taken: &mut BTreeMap<&'static str, usize>, slot: &'static str, what: &str, file: &File) -> Entry {
    let number = taken.entry(slot).or_default();
    *number += 1;
    let (id, category) =
        CATEGORIES.into_iter().find(|(id, _)| slot.starts_with(id)).unwrap_or((slot, "其他"));
    let folder = format!("0{}-{}", id.trim_start_matches('M'), safe(category));
    let path = format!("{folder}/{slot}-{number}-{}-{}", safe(what), safe(&file.file_name));
    Entry { path, slot, file: file.clone() }
}

/// A name without anything that a file system, an archive program or a reader could misunderstand.
pub fn safe(name: &str) -> String {
    let harmless = |letter: char| match letter {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        letter => letter,
    };
    // Marks that turn the direction of reading make an ending look like another.
    let hidden = |letter: &char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let letters: Vec<char> = name.chars().filter(|letter| !hidden(letter)).map(harmless).collect();
    // The end says what kind of file it is.
    let letters: String = letters[letters.len().saturating_sub(NAME_CHARS)..].iter().collect();
    let name = letters.trim_matches([' ', '.']);
    if name.is_empty() { "未命名".to_owned() } else { name.to_owned() }
}

/// The list of what is inside, as `sha256sum -c` reads it; `left_out` says why something is not inside.
pub fn index(head: &[(&str, String)], inside: &[(String, String)], left_out: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, words) in head {
        let _ = writeln!(text, "# {name}：{}", words.replace(['\r', '\n'], " "));
    }
    let _ =
        writeln!(text, "# 文件 {} 个，每行为 SHA-256 与路径；可用 sha256sum -c {INDEX} 核对", inside.len());
    for (path, hash) in inside {
        let _ = writeln!(text, "{hash}  {path}");
    }
    for (path, why) in left_out {
        let _ = writeln!(text, "# 未包含 {path}：{why}");
    }
    text
}

/// Packs what comes until the list has come. A package without its list is not whole, and the browser is told so.
pub fn pack(mut from: mpsc::Receiver<Part>, to: Pipe) {
    if let Err(error) = packed(&mut from, to) {
        pipe::broke_off(&error);
    }
}

fn packed(from: &mut mpsc::Receiver<Part>, to: Pipe) -> std::io::Result<()> {
    // Pictures and documents do not get smaller.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new_stream(to);
    loop {
        match from.blocking_recv() {
            Some(Part::File(path)) => zip.start_file(path, options)?,
            Some(Part::Bytes(bytes)) => zip.write_all(&bytes)?,
            Some(Part::Index(text)) => {
                zip.start_file(INDEX, options)?;
                zip.write_all(text.as_bytes())?;
                return zip.finish()?.into_inner().close();
            }
            Some(Part::Broken(why)) => return Err(std::io::Error::other(why)),
            None => return Err(std::io::Error::other("whoever reads the files has stopped")),
        }
    }
}

/// Hash of bytes as they pass.
#[derive(Default)]
pub struct Passing(Sha256);

impl Passing {
    /// Some more.
    pub fn see(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash, in hex.
    pub fn hash(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// Where in a package a file that nobody named would be.
pub fn title(number: &str, station: &str) -> String {
    let number = if number == format::EMPTY { "" } else { number };
    safe(&format!("{number} {station} 申报材料"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::body;
    use proto::documents::{InvoiceUse, Slot};

    use super::*;
    use crate::pipe::pipe;

    fn file(name: &str) -> File {
        File { file_name: name.to_owned(), ..File::default() }
    }

    #[test]
    fn folders_are_numbered_and_a_hostile_name_stays_inside_its_folder() {
        let slot = |slot: &str, names: &[&str]| Slot {
            slot: slot.to_owned(),
            files: names.iter().map(|name| file(name)).collect(),
            ..Slot::default()
        };
        let used = InvoiceUse {
            number: "25410000000000000001".into(),
            file: Some(file("票.ofd")),
            ..InvoiceUse::default()
        };
        let revision = Revision {
            slots: vec![
                slot("M3b", &["../../etc/passwd", "gpj.\u{202e}exe.jpg"]),
                slot("M1", &["申请函.pdf", "..", "申请函.pdf"]),
            ],
            invoices: vec![used],
            ..Revision::default()
        };
        let paths: Vec<_> = entries(&revision).into_iter().map(|entry| entry.path).collect();
        assert_eq!(
            paths,
            [
                "01-省级奖补资金项目申请函/M1-1-省级奖补资金项目申请函-申请函.pdf",
                "01-省级奖补资金项目申请函/M1-2-省级奖补资金项目申请函-未命名",
                "01-省级奖补资金项目申请函/M1-3-省级奖补资金项目申请函-申请函.pdf",
                "03-营业执照、法人身份证/M3b-1-法人身份证-_.._etc_passwd",
                "03-营业执照、法人身份证/M3b-2-法人身份证-gpj.exe.jpg",
                "09-发票/M9-1-25410000000000000001-票.ofd",
            ]
        );
        assert_eq!(safe(&format!("{}.pdf", "长".repeat(300))).chars().count(), NAME_CHARS);
    }

    #[tokio::test]
    async fn what_is_packed_is_read_back_and_a_package_that_breaks_off_is_an_error() {
        let (parts, from) = mpsc::channel(1);
        let (to, body) = pipe();
        let packing = tokio::task::spawn_blocking(move || pack(from, to));
        let sending = tokio::spawn(async move {
            for part in [
                Part::File("01-函/一.pdf".into()),
                Part::Bytes(Bytes::from(vec![7; 300_000])),
                Part::Index("清单".into()),
            ] {
                parts.send(part).await.map_err(|_| "it stopped").expect("it packs");
            }
        });
        let whole = body::to_bytes(body, usize::MAX).await.expect("a whole body");
        sending.await.expect("sent");
        packing.await.expect("packed");
        let mut read = zip::ZipArchive::new(std::io::Cursor::new(whole)).expect("a package");
        let mut text = String::new();
        read.by_name(INDEX).expect("the list").read_to_string(&mut text).expect("words");
        assert_eq!((read.len(), text.as_str()), (2, "清单"));
        assert_eq!(read.by_name("01-函/一.pdf").expect("the file").size(), 300_000);

        let (parts, from) = mpsc::channel(1);
        let (to, body) = pipe();
        let packing = tokio::task::spawn_blocking(move || pack(from, to));
        parts.send(Part::File("一".into())).await.map_err(|_| "it stopped").expect("it packs");
        drop(parts);
        assert!(body::to_bytes(body, usize::MAX).await.is_err());
        packing.await.expect("packed");
    }

    #[test]
    fn the_list_names_what_is_inside_and_why_something_is_not() {
        let text = index(
            &[("申请编号", "BT\n1".to_owned())],
            &[("01-函/一.pdf".to_owned(), "00af".to_owned())],
            &[("03-证/二.jpg".to_owned(), "需填写查看事由".to_owned())],
        );
        assert!(text.starts_with("# 申请编号：BT 1\n"));
        assert!(
            text.contains("\n00af  01-函/一.pdf\n")
                && text.ends_with("# 未包含 03-证/二.jpg：需填写查看事由\n")
        );
    }
}
