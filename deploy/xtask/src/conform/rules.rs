//! The rules of `proto/README.md`, Events, each with the disorder that shows whether a consumer keeps it.
//!
//! Owns: the table and the disorder. Each rule goes on from where the one before ended. A, B and C are the recorded
//! applications; A1 is the first version of A.
use anyhow::Result;
use futures::{FutureExt as _, future::BoxFuture};

use super::desk::Desk;

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
/// A major version that nobody has announced.
const UNKNOWN_VERSION: u32 = 99;
/// Field 1000 with the text "new": what an envelope of a later release may carry.
const NEWER_FIELD: [u8; 6] = [0xC2, 0x3E, 0x03, b'n', b'e', b'w'];

/// Field 6, the version, which is a number, as the text "1"; and nothing else.
const NUMBER_AS_TEXT: [u8; 3] = [0x32, 0x01, b'1'];

/// One rule.
pub struct Rule {
    /// Stable name, for programs.
    pub id: &'static str,
    /// What a sound consumer does.
    pub says: &'static str,
    /// Makes the disorder and looks. Errors: the rule is broken.
    pub tried: fn(&mut Desk) -> BoxFuture<'_, Result<()>>,
}

/// All rules, in the order in which they are tried.
pub const RULES: &[Rule] = &[
    Rule { id: "in_order", says: "applies what comes in order", tried: |desk| in_order(desk).boxed() },
    Rule { id: "repeated", says: "applies a repeated event once", tried: |desk| repeated(desk).boxed() },
    Rule { id: "late", says: "waits for a version that comes late", tried: |desk| late(desk).boxed() },
    Rule {
        id: "gap",
        says: "lets other aggregates go on while one has a gap",
        tried: |desk| gap(desk).boxed(),
    },
    Rule {
        id: "killed",
        says: "knows after kill -9 what it had applied",
        tried: |desk| killed(desk).boxed(),
    },
    Rule {
        id: "write_fails",
        says: "acknowledges only what is written",
        tried: |desk| write_fails(desk).boxed(),
    },
    Rule {
        id: "newer_fields",
        says: "passes over fields that it does not know",
        tried: |desk| newer_fields(desk).boxed(),
    },
    Rule {
        id: "unknown_version",
        says: "sets an unknown schema_version aside, and what follows it waits",
        tried: |desk| unknown_version(desk).boxed(),
    },
    Rule {
        id: "undecodable",
        says: "sets aside what it cannot decode and goes on",
        tried: |desk| undecodable(desk).boxed(),
    },
    Rule {
        id: "replayed",
        says: "does nothing when the whole stream comes again",
        tried: |desk| replayed(desk).boxed(),
    },
];

async fn in_order(desk: &mut Desk) -> Result<()> {
    for (aggregate, version) in [(A, 1), (B, 1), (A, 2), (C, 1), (B, 2), (A, 3), (B, 3)] {
        desk.publish(aggregate, version).await?;
        desk.expect(aggregate, version);
    }
    desk.settled(0).await
}

async fn repeated(desk: &mut Desk) -> Result<()> {
    for (aggregate, version) in [(A, 2), (A, 3), (B, 3)] {
        desk.publish(aggregate, version).await?;
    }
    desk.settled(0).await
}

async fn late(desk: &mut Desk) -> Result<()> {
    desk.publish(A, 5).await?;
    desk.publish(A, 4).await?;
    desk.expect(A, 5);
    desk.settled(0).await
}

async fn gap(desk: &mut Desk) -> Result<()> {
    desk.publish(A, 7).await?;
    desk.publish(B, 4).await?;
    desk.expect(B, 4);
    desk.settled(1).await?;
    // What waits must not wait in memory only.
    desk.candidate.kill();
    desk.publish(A, 6).await?;
    desk.candidate.start()?;
    desk.expect(A, 7);
    desk.settled(0).await
}

async fn killed(desk: &mut Desk) -> Result<()> {
    desk.candidate.kill();
    desk.publish(B, 4).await?;
    desk.publish(B, 5).await?;
    desk.expect(B, 5);
    desk.candidate.start()?;
    desk.settled(0).await
}

async fn write_fails(desk: &mut Desk) -> Result<()> {
    desk.candidate.fill_disk()?;
    desk.publish(B, 6).await?;
    desk.write_refused().await?;
    desk.candidate.kill();
    desk.expect(B, 6);
    desk.candidate.start()?;
    desk.settled(0).await
}

async fn newer_fields(desk: &mut Desk) -> Result<()> {
    let newer = |mut bytes: Vec<u8>| {
        bytes.extend(NEWER_FIELD);
        bytes
    };
    desk.publish_bytes(A, 8, newer).await?;
    desk.expect(A, 8);
    desk.settled(0).await
}

async fn unknown_version(desk: &mut Desk) -> Result<()> {
    let unknown = desk.publish_as(C, 2, |event| event.schema_version = UNKNOWN_VERSION).await?;
    desk.publish(C, 3).await?;
    desk.publish(B, 7).await?;
    desk.expect(B, 7);
    desk.wait_until_set_aside(unknown).await?;
    desk.settled(2).await
}

async fn undecodable(desk: &mut Desk) -> Result<()> {
    let mut broken = Vec::new();
    for garbage in [&[0xFF; 9][..], &[], &NUMBER_AS_TEXT] {
        broken.push(desk.publish_bytes(A, 9, |_| garbage.to_vec()).await?);
    }
    desk.publish(B, 8).await?;
    desk.expect(B, 8);
    for sequence in broken {
        desk.wait_until_set_aside(sequence).await?;
    }
    desk.settled(2).await
}

async fn replayed(desk: &mut Desk) -> Result<()> {
    desk.candidate.kill();
    desk.rewind().await?;
    desk.candidate.start()?;
    // C2 and C3 may stay open.
    desk.settled(2).await
}
