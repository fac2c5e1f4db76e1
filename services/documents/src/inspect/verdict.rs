//! The words of an inspection: kinds of file, what may be wrong, and the verdict. Texts for people are in `labels.rs`.

use serde::{Deserialize, Serialize};

/// A kind of file that may be uploaded. Source: reliability section 13.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Portable Document Format.
    Pdf,
    /// Open Fixed-layout Document (GB/T 33190).
    Ofd,
    /// JPEG photo.
    Jpeg,
    /// PNG image.
    Png,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Pdf, Self::Ofd, Self::Jpeg, Self::Png];

    /// Reads a media type.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.media_type() == media_type)
    }

    /// The extension that the kind usually has.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Ofd => "ofd",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// The media type under which the file is handed out.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Ofd => "application/ofd",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// What a clean file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Kind by content and extension.
    pub kind: Kind,
    /// Pages of a document; 0 where they are not counted.
    pub pages: u32,
    /// Width of an image, pixels; 0 for documents.
    pub width: u32,
    /// Height of an image, pixels; 0 for documents.
    pub height: u32,
}

/// What a picture made to look at is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// Of the picture: JPEG or PNG.
    pub kind: Kind,
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// Pages of the document that it was made from; 0 for an image.
    pub pages: u32,
    /// Whether the document has text whose font it does not carry and nobody could put in its place.
    pub fonts_missing: bool,
    /// Whether it was made with a font to put in their place.
    pub font_given: bool,
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Undrawn {
    /// Its content cannot be drawn, or not within the limits.
    #[error("{0}")]
    Impossible(Threat),
    /// The document has fewer pages.
    #[error("no such page")]
    NoSuchPage {
        /// How many it has.
        pages: u32,
    },
}

impl From<Threat> for Undrawn {
    fn from(threat: Threat) -> Self {
        Self::Impossible(threat)
    }
}

macro_rules! threats {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)*) => {
        /// Why a file is refused. Source: reliability section 13.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
        pub enum Threat {
            $($(#[$doc])* #[serde(rename = $id)] #[error($id)] $name,)*
        }

        impl Threat {
            /// Every threat, for completeness tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable reason id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Reads a reason id back.
            #[must_use]
            pub fn of_id(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|threat| threat.id() == id)
            }
        }
    };
}

threats! {
    /// The extension is none of PDF, OFD, JPG, JPEG, PNG.
    TypeUnsupported = "file_type_unsupported",
    /// The content is not what the extension says.
    TypeMismatch = "file_type_mismatch",
    /// No bytes.
    Empty = "file_empty",
    /// More than 20 MiB.
    TooLarge = "file_too_large",
    /// The structure cannot be followed.
    Damaged = "file_damaged",
    /// The file ends before its content does.
    Truncated = "file_truncated",
    /// The test pattern of virus scanners.
    Virus = "file_virus",
    /// The inspection itself ran into its limits of memory or time.
    Limits = "file_inspection_limits",
    /// JavaScript or a scripted form.
    PdfScript = "pdf_script",
    /// Starts another program.
    PdfLaunch = "pdf_launch",
    /// Carries another file.
    PdfEmbeddedFile = "pdf_embedded_file",
    /// Encrypted, so nobody can look inside.
    PdfEncrypted = "pdf_encrypted",
    /// Objects packed in a way that cannot be looked into.
    PdfUnreadable = "pdf_unreadable",
    /// A container that is no OFD document.
    OfdNoDocument = "ofd_no_document",
    /// More than 200 entries.
    ArchiveEntries = "archive_too_many_entries",
    /// Unpacks to more than 100 MiB.
    ArchiveUnpacked = "archive_unpacked_too_large",
    /// A container within the container.
    ArchiveNested = "archive_nested",
    /// An absolute or climbing entry name, or one name twice.
    ArchivePath = "archive_path",
    /// A symbolic link.
    ArchiveLink = "archive_link",
    /// Entries that share bytes.
    ArchiveOverlap = "archive_overlap",
    /// An encrypted entry.
    ArchiveEncrypted = "archive_encrypted",
    /// XML with a document type declaration.
    XmlDtd = "xml_dtd",
    /// XML that does not parse, or is not UTF-8.
    XmlDamaged = "xml_damaged",
    /// More than 40 megapixels.
    ImagePixels = "image_too_many_pixels",
    /// Something foreign follows the end of the image.
    ImageTrailing = "image_trailing_data",
}
