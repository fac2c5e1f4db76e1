//! Many rows into a table where their keys are new: binary COPY, and the way back where one of them is not.
//!
//! Source: performance, design rule 2. Form of the stream: PostgreSQL, COPY, "Binary Format".
use chassis::{Failure, Work};
use sqlx::postgres::PgConnection;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// PostgreSQL counts from here.
const EPOCH: OffsetDateTime = datetime!(2000-01-01 00:00 UTC);
/// Rows from which a COPY pays. It is half of the work of an INSERT for each of them, but sends twice before it is answered, and on
/// connections without TCP_NODELAY the second time waits for the acknowledgement of the first: 40 ms. Source: decision record 55.
pub const COPIED_FROM: usize = 200;
const DUPLICATE_KEY: &str = "23505";

/// Rows on their way, already in the form of the wire.
pub struct Rows(Vec<u8>);

impl Rows {
    /// No rows yet; `bytes` is about what will come.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(bytes + 32);
        buffer.extend_from_slice(SIGNATURE);
        // No flags, no extension.
        buffer.extend_from_slice(&[0; 8]);
        Self(buffer)
    }

    /// Begins a row of so many columns; each is then written once, in the order of the statement.
    pub fn row(&mut self, columns: i16) -> &mut Self {
        self.0.extend_from_slice(&columns.to_be_bytes());
        self
    }

    /// `uuid`.
    pub fn uuid(&mut self, value: Uuid) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    /// `bigint`.
    pub fn int8(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// `integer`.
    pub fn int4(&mut self, value: Option<i32>) -> &mut Self {
        self.nullable(value.map(i32::to_be_bytes))
    }

    /// `smallint`.
    pub fn int2(&mut self, value: Option<i16>) -> &mut Self {
        self.nullable(value.map(i16::to_be_bytes))
    }

    fn nullable<const SIZE: usize>(&mut self, value: Option<[u8; SIZE]>) -> &mut Self {
        match value {
            Some(value) => self.bytes(&value),
            None => self.null(),
        }
    }

    /// `timestamptz`, to the microsecond.
    pub fn instant(&mut self, value: OffsetDateTime) -> &mut Self {
        let micros = (value - EPOCH).whole_microseconds();
        self.int8(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// `jsonb`, from its text.
    pub fn jsonb(&mut self, value: Option<&[u8]>) -> &mut Self {
        const VERSION: u8 = 1;
        match value {
            Some(text) => {
                let length = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
                self.0.extend_from_slice(&length.to_be_bytes());
                self.0.push(VERSION);
                self.0.extend_from_slice(text);
                self
            }
            None => self.null(),
        }
    }

    fn null(&mut self) -> &mut Self {
        self.0.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    /// `text` or `bytea`.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// Sends all rows. False where a key was taken: then none of them is there, and the unit of work goes on.
    ///
    /// # Errors
    /// The database is away or busy, or refuses for another reason.
    pub async fn send(mut self, work: &mut Work, statement: &str) -> Result<bool, Failure> {
        self.0.extend_from_slice(&(-1_i16).to_be_bytes());
        may_meet_a_key(work).await?;
        let written = copied(work.db(), statement, &self.0).await;
        met_no_key(work, written).await
    }
}

/// A place to come back to from a statement that may find a key taken.
///
/// # Errors
/// The database is away or busy.
pub async fn may_meet_a_key(work: &mut Work) -> Result<(), Failure> {
    sqlx::raw_sql("SAVEPOINT before_rows").execute(work.db()).await?;
    Ok(())
}

/// Whether the statement after [`may_meet_a_key`] has `written` its rows; where a key was taken, all is as before it.
///
/// # Errors
/// The database is away or busy, or has refused for another reason.
pub async fn met_no_key(work: &mut Work, written: Result<(), sqlx::Error>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(DUPLICATE_KEY) => {
            sqlx::raw_sql("ROLLBACK TO SAVEPOINT before_rows").execute(work.db()).await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

async fn copied(db: &mut PgConnection, statement: &str, bytes: &[u8]) -> Result<(), sqlx::Error> {
    let mut copy = db.copy_in_raw(statement).await?;
    copy.send(bytes).await?;
    copy.finish().await?;
    Ok(())
}
