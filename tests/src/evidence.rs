//! Own recomputation of what the review says can be checked by anyone: the chained history, signed decisions, draws.
//!
//! Owns: a second implementation, from the documents and not from the service's code. Source: reliability 12; T20.
use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Fields in a row: each its length (four bytes, big endian), then its bytes.
#[derive(Clone, Debug)]
pub struct Fields(Vec<u8>);

impl Fields {
    /// Opens a record of a kind.
    pub fn of(kind: &str) -> Self {
        Self(Vec::new()).text(kind)
    }

    /// Adds bytes.
    pub fn bytes(mut self, value: &[u8]) -> Self {
        let length = u32::try_from(value.len()).expect("records of tests are short");
        self.0.extend(length.to_be_bytes());
        self.0.extend(value);
        self
    }

    /// Adds text.
    pub fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    /// Adds a number.
    pub fn number(self, value: i64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Adds a list of texts.
    pub fn texts(self, values: &[String]) -> Self {
        let count = i64::try_from(values.len()).expect("lists of tests are short");
        values.iter().fold(self.number(count), |fields, value| fields.text(value))
    }

    /// Adds an instant as microseconds since 1970, sixteen bytes.
    pub fn instant(self, value: OffsetDateTime) -> Self {
        self.bytes(&(value.unix_timestamp_nanos() / 1_000).to_be_bytes())
    }

    /// SHA-256 of the record.
    pub fn hash(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }
}

/// A reader of the same encoding, for records that were stored as bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Takes the next field. Errors: the record is cut.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>().context("the record is cut")?;
        let length = usize::try_from(u32::from_be_bytes(*length))?;
        ensure!(rest.len() >= length, "the record is cut");
        let (field, rest) = rest.split_at(length);
        self.0 = rest;
        Ok(field)
    }

    /// Takes the next field as text. Errors: it is none.
    pub fn text(&mut self) -> Result<&'a str> {
        Ok(std::str::from_utf8(self.bytes()?)?)
    }

    /// Takes the next field as a number. Errors: it is none.
    pub fn number(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.bytes()?.try_into()?))
    }

    /// Takes a list of texts. Errors: it is none.
    pub fn texts(&mut self) -> Result<Vec<&'a str>> {
        (0..self.number()?).map(|_| self.text()).collect()
    }
}

/// A member of a population: its id and the hash of the submission that stands, hex.
pub type Member = (uuid::Uuid, String);

/// Hash of a population: members by ascending id, each with its submission.
pub fn population_hash(members: &[Member]) -> Hash {
    let mut sorted = members.to_vec();
    sorted.sort();
    let start = Fields::of("yuchong.reviews.population.v1");
    sorted.iter().fold(start, |fields, (id, hash)| fields.bytes(id.as_bytes()).text(hash)).hash()
}

/// Draws again: the ids with the smallest ranks, by ascending id.
pub fn draw(members: &[Member], permille: usize, seed: &Hash) -> Vec<uuid::Uuid> {
    let population = population_hash(members);
    let mut ranked: Vec<_> = members
        .iter()
        .map(|(id, _)| {
            let rank = Fields::of("yuchong.reviews.rank.v1")
                .bytes(seed)
                .bytes(&population)
                .bytes(id.as_bytes())
                .hash();
            (rank, *id)
        })
        .collect();
    ranked.sort();
    let size = (members.len() * permille).div_ceil(1000);
    let mut drawn: Vec<_> = ranked.into_iter().take(size).map(|(_, id)| id).collect();
    drawn.sort();
    drawn
}
