//! Files made different from one another without changing what people see.
//!
//! Owns: a comment inside a PDF, JPEG or PNG. Not: what a service makes of two equal files.
use crate::driver::dossiers::Upload;

impl Upload {
    /// The same file with a comment of our own, so that its content is unlike that of every other slot's.
    ///
    /// PDF: a `%` line behind the end mark; JPEG: a comment segment; PNG: a text chunk. Others stay as they are.
    #[must_use]
    pub fn marked(&self, mark: &str) -> Upload {
        let mut content = self.content.to_vec();
        if self.name.ends_with(".pdf") {
            content.extend_from_slice(format!("\n% {mark}\n").as_bytes());
        } else if self.name.ends_with(".jpg") && content.len() > 2 {
            // Behind the start marker: FF FE, the length with its own two bytes, the text. Marks are short.
            let length = u16::try_from(mark.len() + 2).unwrap_or(2);
            let segment =
                [&[0xff, 0xfe], &length.to_be_bytes()[..], &mark.as_bytes()[..usize::from(length) - 2]]
                    .concat();
            content.splice(2..2, segment);
        } else if self.name.ends_with(".png") && content.len() > 33 {
            // Behind the header chunk, which ends at byte 33.
            let text = [b"tEXtComment\0", mark.as_bytes()].concat();
            let length = u32::try_from(text.len() - 4).unwrap_or(0);
            let chunk = [&length.to_be_bytes()[..], &text, &crc32(&text).to_be_bytes()].concat();
            content.splice(33..33, chunk);
        }
        Upload { name: self.name.clone(), content: content.into() }
    }
}

/// The checksum of PNG chunks. Source: ISO 3309, as PNG (RFC 2083, section 3.4) uses it.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc)))
}
