//! PDF files made by hand: whatever objects a test wants, with a correct cross-reference.

use std::io::Write as _;

/// Objects of a file, numbered from 1; the first is the catalog and the second the list of pages.
pub struct Paper(Vec<Vec<u8>>);

impl Paper {
    /// A file of one page: its box, its resources and what is drawn on it.
    pub fn page(media: &str, resources: &str, content: &str) -> Self {
        let page =
            format!("<</Type/Page/Parent 2 0 R/MediaBox[{media}]/Resources<<{resources}>>/Contents 4 0 R>>");
        let mut paper = Self(vec![
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
            page.into_bytes(),
        ]);
        paper.stream("", content.as_bytes());
        paper
    }

    /// A file of several A4 pages, each with a bar whose height is its number.
    pub fn pages(count: usize) -> Self {
        let kids: Vec<_> = (0..count).map(|at| format!("{} 0 R", 3 + 2 * at)).collect();
        let list = format!("<</Type/Pages/Kids[{}]/Count {count}>>", kids.join(" "));
        let mut paper = Self(vec![b"<</Type/Catalog/Pages 2 0 R>>".to_vec(), list.into_bytes()]);
        for at in 0..count {
            let content = 4 + 2 * at;
            paper.object(format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {content} 0 R>>"));
            paper.stream("", format!("0 0 595 {} re f", 100 * (at + 1)).as_bytes());
        }
        paper
    }

    /// Adds an object and answers its number.
    pub fn object(&mut self, body: impl Into<Vec<u8>>) -> usize {
        self.0.push(body.into());
        self.0.len()
    }

    /// Adds a stream and answers its number; `entries` stand in its dictionary beside the length.
    pub fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let head = format!("<</Length {}{entries}>>\nstream\n", data.len());
        self.object([head.as_bytes(), data, b"\nendstream"].concat())
    }

    /// Replaces an object.
    pub fn with(mut self, number: usize, body: impl Into<Vec<u8>>) -> Self {
        self.0[number - 1] = body.into();
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let (mut out, mut table) = (b"%PDF-1.7\n".to_vec(), Vec::new());
        for (at, object) in self.0.iter().enumerate() {
            writeln!(table, "{:010} 00000 n ", out.len()).expect("written");
            write!(out, "{} 0 obj", at + 1).expect("written");
            out.extend_from_slice(object);
            out.extend_from_slice(b"endobj\n");
        }
        let (xref, size) = (out.len(), self.0.len() + 1);
        write!(out, "xref\n0 {size}\n0000000000 65535 f \n").expect("written");
        out.extend_from_slice(&table);
        write!(out, "trailer<</Root 1 0 R/Size {size}>>\nstartxref\n{xref}\n%%EOF\n").expect("written");
        out
    }
}
