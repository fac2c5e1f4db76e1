//! How a file is looked at without being downloaded. Source: reliability section 13 (images are re-encoded for display); ui,
//! section 1 (pages of a PDF are shown as images).

use super::Refusal;

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
    /// Pictures of its pages, one at a time.
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

    /// Whether anything is sent.
    #[must_use]
    pub const fn any(self) -> bool {
        match self {
            Self::Image | Self::Document => true,
            Self::DownloadOnly => false,
        }
    }
}

/// Which page of a document is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The first, by somebody who opens the document.
    Opening,
    /// One of an opened document, from 1.
    Page(u32),
}

impl Wanted {
    /// Reads the number on the wire.
    ///
    /// # Errors
    /// [`Refusal::PageOutOfRange`] for a negative one.
    pub fn of_number(number: i32) -> Result<Self, Refusal> {
        match u32::try_from(number) {
            Ok(0) => Ok(Self::Opening),
            Ok(number) => Ok(Self::Page(number)),
            Err(_) => Err(Refusal::PageOutOfRange { pages: 0 }),
        }
    }

    /// The page, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Opening => 1,
            Self::Page(number) => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_file_is_shown_in_its_way() {
        for (media_type, shown, any) in [
            ("image/jpeg", Shown::Image, true),
            ("image/png", Shown::Image, true),
            ("application/pdf", Shown::Document, true),
            ("application/ofd", Shown::DownloadOnly, false),
            ("text/html", Shown::DownloadOnly, false),
        ] {
            assert_eq!(Shown::of_media_type(media_type), shown);
            assert_eq!(shown.any(), any);
        }
    }

    #[test]
    fn no_number_opens_the_document_at_its_first_page() {
        assert_eq!(Wanted::of_number(0).map(Wanted::number), Ok(1));
        assert_eq!(Wanted::of_number(0), Ok(Wanted::Opening));
        assert_eq!(Wanted::of_number(1), Ok(Wanted::Page(1)));
        assert_eq!(Wanted::of_number(-1), Err(Refusal::PageOutOfRange { pages: 0 }));
    }
}
