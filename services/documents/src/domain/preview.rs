//! How a file is looked at without being downloaded. Source: reliability section 13 (images are re-encoded for display).

/// How large it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// To read.
    Page,
    /// To recognise in a list.
    Thumbnail,
}

impl Size {
    /// Every size.
    pub const ALL: [Self; 2] = [Self::Page, Self::Thumbnail];

    /// The id on the wire, in the record of downloads and in the object store.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Thumbnail => "thumbnail",
        }
    }

    /// Reads an id.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.id() == id)
    }

    /// The longer side at most, pixels: a page of a screen, a cell of a list.
    #[must_use]
    pub const fn side_max(self) -> u32 {
        match self {
            Self::Page => 1600,
            Self::Thumbnail => 320,
        }
    }
}

/// As what a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A picture made from it.
    Image,
    /// Itself, in a sandboxed frame.
    Document,
    /// Nothing shows it: it is downloaded.
    DownloadOnly,
}

impl Shown {
    /// By the media type that the inspection found.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Self {
        match media_type {
            "image/jpeg" | "image/png" => Self::Image,
            "application/pdf" => Self::Document,
            _ => Self::DownloadOnly,
        }
    }

    /// The id on the wire.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::DownloadOnly => "download_only",
        }
    }

    /// Whether anything is sent in this size; a document has no thumbnail.
    #[must_use]
    pub const fn has(self, size: Size) -> bool {
        match (self, size) {
            (Self::Image, Size::Page | Size::Thumbnail) | (Self::Document, Size::Page) => true,
            (Self::Document, Size::Thumbnail) | (Self::DownloadOnly, Size::Page | Size::Thumbnail) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_file_is_shown_in_its_way() {
        for (media_type, shown, sizes) in [
            ("image/jpeg", Shown::Image, 2),
            ("image/png", Shown::Image, 2),
            ("application/pdf", Shown::Document, 1),
            ("application/ofd", Shown::DownloadOnly, 0),
            ("text/html", Shown::DownloadOnly, 0),
        ] {
            assert_eq!(Shown::of_media_type(media_type), shown);
            assert_eq!(Size::ALL.into_iter().filter(|size| shown.has(*size)).count(), sizes);
        }
    }
}
