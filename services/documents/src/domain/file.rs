//! What may be declared for upload, before a byte is read. Source: reliability section 13.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Refusal, Slot};

/// Largest file, bytes.
pub const FILE_BYTES_MAX: i64 = 20 * 1024 * 1024;
/// Largest licence of a registration, bytes: anybody may send one.
pub const LICENCE_BYTES_MAX: i64 = 5 * 1024 * 1024;
/// Most files of an application.
pub const APPLICATION_FILES_MAX: i64 = 60;
/// Most bytes of an application's files.
pub const APPLICATION_BYTES_MAX: i64 = 300 * 1024 * 1024;
/// Most licences of one registration: anybody may send them.
pub const REGISTRATION_LICENCES_MAX: i64 = 5;
/// Most licences of one operator over the years; above those of its registration, so that nobody else can use them up.
pub const OPERATOR_LICENCES_MAX: i64 = 50;
/// Most invoice files of one operator; far above the 60 files of an application for every station of the largest one.
pub const OWNER_INVOICE_FILES_MAX: i64 = 5_000;
/// Longest name, characters.
const NAME_CHARS_MAX: usize = 200;
/// Kinds by extension. Source: reliability section 13.
pub const EXTENSIONS: [&str; 5] = ["pdf", "ofd", "jpg", "jpeg", "png"];

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Material of an application, meant for a slot.
    Material {
        /// Whose dossier.
        application_id: Uuid,
        /// Where it is meant to go.
        slot: Slot,
    },
    /// The picture of an invoice.
    Invoice,
    /// The licence of a company, possibly before it has an account.
    BusinessLicence,
}

impl Purpose {
    /// The id on the wire and in the database.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Material { .. } => "material",
            Self::Invoice => "invoice",
            Self::BusinessLicence => "business_licence",
        }
    }

    const fn bytes_max(self) -> i64 {
        match self {
            Self::Material { .. } | Self::Invoice => FILE_BYTES_MAX,
            Self::BusinessLicence => LICENCE_BYTES_MAX,
        }
    }
}

/// A declared upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// What for.
    pub purpose: Purpose,
    /// Operator or registration.
    pub owner_id: Uuid,
    /// For display.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Hex, lower case.
    pub sha256: String,
}

/// What the inspection made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scan {
    /// Not all bytes are here, or not inspected.
    Pending,
    /// Counts.
    Clean {
        /// How it is handed out.
        media_type: String,
        /// Pages of a document; 0 where unknown.
        pages: i32,
        /// Pixels across; 0 for documents.
        width: i32,
        /// Pixels down; 0 for documents.
        height: i32,
    },
    /// Never counts.
    Rejected {
        /// Stable id.
        reason: String,
    },
}

impl Scan {
    /// The id on the wire and in the database.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Clean { .. } => "clean",
            Self::Rejected { .. } => "rejected",
        }
    }

    /// Whether the file counts.
    #[must_use]
    pub const fn clean(&self) -> bool {
        match self {
            Self::Clean { .. } => true,
            Self::Pending | Self::Rejected { .. } => false,
        }
    }
}

/// A file as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: Uuid,
    /// Purpose, owner, name, size and hash.
    pub declared: Declared,
    /// What the inspection said.
    pub scan: Scan,
    /// When it was declared.
    pub uploaded_at: OffsetDateTime,
}

/// What an application's files take already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Files that count.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// Checks name, size and hash by themselves.
///
/// Errors: the `File…` and `Hash…` refusals.
pub fn check_declared(declared: &Declared) -> Result<(), Refusal> {
    check_name(&declared.name)?;
    let limit = declared.purpose.bytes_max();
    match declared.size {
        ..=0 => return Err(Refusal::FileEmpty),
        size if size > limit => return Err(Refusal::FileTooLarge { limit }),
        _ => {}
    }
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if declared.sha256.len() != 64 || !declared.sha256.bytes().all(hex) {
        return Err(Refusal::HashInvalid);
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let direction = |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let odd = |letter: char| letter.is_control() || matches!(letter, '/' | '\\') || direction(letter);
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(odd) {
        return Err(Refusal::FileNameInvalid);
    }
    let extension =
        name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension);
    let known =
        extension.is_some_and(|found| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found)));
    if known { Ok(()) } else { Err(Refusal::FileTypeUnsupported) }
}

/// Checks a new file of `size` bytes against the limits of its application.
///
/// Errors: [`Refusal::TooManyFiles`], [`Refusal::FilesTooLarge`].
pub fn check_application_room(taken: Taken, size: i64) -> Result<(), Refusal> {
    if taken.files >= APPLICATION_FILES_MAX {
        return Err(Refusal::TooManyFiles { limit: APPLICATION_FILES_MAX });
    }
    if taken.bytes + size > APPLICATION_BYTES_MAX {
        return Err(Refusal::FilesTooLarge);
    }
    Ok(())
}

/// Checks a new file that belongs to no application against those of its purpose that stand for the owner already;
/// `operator` is whether the owner itself sends it, not somebody for a registration.
///
/// Errors: [`Refusal::TooManyFiles`].
pub fn check_owner_room(purpose: Purpose, operator: bool, files: i64) -> Result<(), Refusal> {
    let limit = match purpose {
        Purpose::Material { .. } => APPLICATION_FILES_MAX,
        Purpose::Invoice => OWNER_INVOICE_FILES_MAX,
        Purpose::BusinessLicence if operator => OPERATOR_LICENCES_MAX,
        Purpose::BusinessLicence => REGISTRATION_LICENCES_MAX,
    };
    if files >= limit { Err(Refusal::TooManyFiles { limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(name: &str, size: i64) -> Declared {
        Declared {
            purpose: Purpose::BusinessLicence,
            owner_id: Uuid::nil(),
            name: name.to_owned(),
            size,
            sha256: "0a".repeat(32),
        }
    }

    #[test]
    fn a_declaration_is_judged_before_a_byte_is_read() {
        assert_eq!(check_declared(&declared("营业执照.PNG", 1)), Ok(()));
        assert_eq!(check_declared(&declared("a.pdf", 0)), Err(Refusal::FileEmpty));
        let limit = LICENCE_BYTES_MAX;
        assert_eq!(check_declared(&declared("a.pdf", limit + 1)), Err(Refusal::FileTooLarge { limit }));
        assert_eq!(check_declared(&declared("a.pdf.exe", 1)), Err(Refusal::FileTypeUnsupported));
        assert_eq!(check_declared(&declared(".pdf", 1)), Err(Refusal::FileTypeUnsupported));
        for name in ["../a.pdf", "a\n.pdf", "", "fdp.\u{202e}exe.pdf", "a\\b.pdf"] {
            assert_eq!(check_declared(&declared(name, 1)), Err(Refusal::FileNameInvalid), "{name:?}");
        }
        let wrong = Declared { sha256: "XY".repeat(32), ..declared("a.pdf", 1) };
        assert_eq!(check_declared(&wrong), Err(Refusal::HashInvalid));
    }

    #[test]
    fn an_operator_has_room_beside_the_licences_of_its_registration() {
        let room = |operator, files| check_owner_room(Purpose::BusinessLicence, operator, files);
        assert_eq!(room(false, 4), Ok(()));
        assert_eq!(room(false, 5), Err(Refusal::TooManyFiles { limit: 5 }));
        assert_eq!(room(true, 49), Ok(()));
        assert_eq!(room(true, 50), Err(Refusal::TooManyFiles { limit: 50 }));
    }

    #[test]
    fn an_application_has_room_for_sixty_files_and_three_hundred_megabytes() {
        let taken = |files, bytes| Taken { files, bytes };
        assert_eq!(check_application_room(taken(59, 0), 1), Ok(()));
        assert_eq!(check_application_room(taken(60, 0), 1), Err(Refusal::TooManyFiles { limit: 60 }));
        assert_eq!(check_application_room(taken(1, APPLICATION_BYTES_MAX - 1), 1), Ok(()));
        assert_eq!(check_application_room(taken(1, APPLICATION_BYTES_MAX), 1), Err(Refusal::FilesTooLarge));
    }
}
