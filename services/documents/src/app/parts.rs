//! Files that come in parts: each part is kept where any process of this service finds it, so that an upload goes on
//! after a lost connection, a lost browser tab or a lost process.

use bytes::Bytes;
use chassis::Failure;
use futures::{Stream, StreamExt as _, stream};

use crate::{
    blob::Blobs,
    domain::{Refusal, file::Kept},
};

/// Size of every part but the last.
pub const PART_BYTES: i64 = 1 << 20;

/// Takes a part; gives how many bytes are there then. What is there already, what comes too early and an empty part change
/// nothing.
///
/// # Errors
/// `part_misshapen`; the object store is away.
pub async fn take(blobs: &Blobs, file: &Kept, offset: i64, chunk: Bytes) -> Result<i64, Failure> {
    let (size, there) = (file.declared.size, received(blobs, file).await?);
    if chunk.is_empty() {
        return Ok(there);
    }
    if offset % PART_BYTES != 0 || !(0..size).contains(&offset) {
        return Err(Refusal::PartMisshapen.into());
    }
    let wanted = PART_BYTES.min(size - offset);
    if i64::try_from(chunk.len()) != Ok(wanted) {
        return Err(Refusal::PartMisshapen.into());
    }
    if offset != there {
        return Ok(there);
    }
    let number = u16::try_from(offset / PART_BYTES).map_err(Failure::internal)?;
    blobs.keep_part(file.id, number, chunk).await?;
    Ok(there + wanted)
}

/// Bytes of the parts that have come one after the other; what lies behind a gap does not count.
async fn received(blobs: &Blobs, file: &Kept) -> Result<i64, Failure> {
    let mut there = 0;
    for (next, (number, part)) in (0..).zip(blobs.parts(file.id).await?) {
        if number != next {
            break;
        }
        there += i64::try_from(part).map_err(Failure::internal)?;
    }
    Ok(there)
}

/// The parts of a file that has come whole, one after the other.
pub fn whole(blobs: &Blobs, file: &Kept) -> impl Stream<Item = Result<Bytes, Failure>> {
    let parts = (file.declared.size + PART_BYTES - 1) / PART_BYTES;
    let numbers = (0..u16::try_from(parts).unwrap_or(u16::MAX)).collect::<Vec<_>>();
    stream::iter(numbers).then(move |number| async move {
        let part = blobs.part(file.id, number).await?;
        part.ok_or_else(|| Refusal::UploadIncomplete.into())
    })
}
