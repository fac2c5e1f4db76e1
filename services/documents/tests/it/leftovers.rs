//! What a crash, a slow part or two at once leave behind in the object store.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chassis::{Caller, Process, error::Kind};
use documents::{
    app::{
        parts,
        sweep::Sweep,
        uploads::{GIVEN_UP, Uploads},
    },
    domain::file::{Kept, Scan},
    inspect::worker::Inspector,
    neighbours::Neighbours,
    store,
};
use proto::documents::{UploadDeclaration, UploadPartRequest, UploadPartResponse};
use uuid::Uuid;

use crate::harness::{Platform, Refused, Who, answer, declare, id, number, pdf};

async fn sweep(platform: &Platform) -> Sweep {
    sweep_within(platform, Duration::from_secs(60)).await
}

/// A sweep on a machine that gives a worker so long.
async fn sweep_within(platform: &Platform, wall: Duration) -> Sweep {
    let process = Process::start("documents", &platform.config.chassis()).await.expect("starts");
    let program = Some(platform.config.inspection.program.as_ref());
    let inspector = Inspector::new(program, wall).expect("named");
    Sweep {
        units: process.units.clone(),
        neighbours: Neighbours::new(process.peer("reviews"), process.peer("accounts")),
        uploads: Arc::new(Uploads::new(platform.blobs.clone(), Arc::new(inspector), 1, 0)),
        interval: Duration::from_secs(1),
        given_up: time::Duration::hours(24),
    }
}

async fn put(
    platform: &Platform,
    declaration: &UploadDeclaration,
    chunk: &[u8],
) -> Result<UploadPartResponse, Refused> {
    let request =
        UploadPartRequest { declaration: Some(declaration.clone()), offset: 0, chunk: chunk.to_vec().into() };
    answer(platform.files(Who::Operator(number(1))).upload_part(request).await)
}

/// A declared file of which this much has come.
async fn pending(platform: &Platform, declaration: &UploadDeclaration, chunk: &[u8]) -> Kept {
    let file = put(platform, declaration, chunk).await.expect("declared").file.expect("a file");
    let mut db = platform.pool.acquire().await.expect("the database");
    let kept = store::files::find(&mut db, file.file_id.parse().expect("an id")).await.expect("found");
    kept.expect("a row")
}

async fn orphans(platform: &Platform) -> i64 {
    documents::audit::report(&platform.pool, &platform.blobs).await.expect("audited")["I11"]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_clears_what_is_left_of_every_file_that_has_been_decided_and_of_no_other() {
    let platform = Platform::start().await;
    let sweep = sweep(&platform).await;
    let long = pdf(&"部分".repeat(500_000));
    let on_its_way = pending(&platform, &declare("在途.pdf", &long), &long[..1 << 20]).await;
    let given_up = pending(&platform, &declare("放弃.pdf", &long), &long[..1 << 20]).await;
    sqlx::query("UPDATE files SET uploaded_at = uploaded_at - interval '2 days' WHERE id = $1")
        .bind(given_up.id)
        .execute(&platform.pool)
        .await
        .expect("aged");
    sweep.interrupted().await.expect("swept");
    let reason = sqlx::query_scalar::<_, String>("SELECT reason FROM files WHERE id = $1").bind(given_up.id);
    assert_eq!(reason.fetch_one(&platform.pool).await.expect("rejected"), GIVEN_UP);
    let bytes = pdf("decided");
    let decided = pending(&platform, &declare("已完成.pdf", &bytes), &bytes).await;
    assert!(decided.scan.clean());
    let piece = Bytes::from_static(b"late");
    platform.blobs.keep_part(decided.id, 1, piece.clone()).await.expect("a part that came late");
    platform.blobs.quarantine(decided.id, piece.clone()).await.expect("not cleared before a crash");
    platform.blobs.keep_part(id(), 0, piece).await.expect("a part of a file without a row");
    platform.age_objects();
    assert_eq!(orphans(&platform).await, 4);
    sweep.leftovers().await.expect("swept");
    let left: Vec<Uuid> = platform.blobs.unsettled().await.expect("listed").into_iter().collect();
    assert_eq!(left, [on_its_way.id]);
    assert_eq!(orphans(&platform).await, 0);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_settle_a_file_the_second_answers_what_the_first_decided() {
    let platform = Platform::start().await;
    let sweep = sweep(&platform).await;
    let bytes = pdf("twice");
    let declaration = declare("发票.pdf", &bytes);
    let seen = pending(&platform, &declaration, b"").await;
    let settle = async || {
        sweep.uploads.settle(&sweep.units, Caller::system("sweep"), &seen, Bytes::from(bytes.clone())).await
    };
    let failed = settle().await.expect_err("nothing stands in quarantine and nobody has decided");
    assert_eq!(failed.kind(), Kind::Unavailable);
    let first = pending(&platform, &declaration, &bytes).await;
    assert_ne!((&first.scan, &seen.scan), (&Scan::Pending, &first.scan));
    assert_eq!(settle().await.expect("decided before").scan, first.scan);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_behind_a_gap_does_not_count() {
    let platform = Platform::start().await;
    let long = pdf(&"部分".repeat(500_000));
    let declaration = declare("发票.pdf", &long);
    let file = pending(&platform, &declaration, b"").await;
    let second = Bytes::copy_from_slice(&long[1 << 20..2 << 20]);
    platform.blobs.keep_part(file.id, 1, second).await.expect("kept");
    assert_eq!(put(&platform, &declaration, b"").await.expect("asked").received_bytes, 0);
    let first = put(&platform, &declaration, &long[..1 << 20]).await.expect("the gap closes");
    assert_eq!(first.received_bytes, parts::PART_BYTES);
    assert_eq!(put(&platform, &declaration, b"").await.expect("asked").received_bytes, 2 * parts::PART_BYTES);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_busy_machine_could_not_look_into_stays_pending_and_is_looked_into_again() {
    let platform = Platform::start().await;
    let (busy, idle) = (sweep_within(&platform, Duration::ZERO).await, sweep(&platform).await);
    let received = async |name: &str| {
        let bytes = Bytes::from(pdf(name));
        let file = pending(&platform, &declare(name, &bytes), b"").await;
        platform.blobs.quarantine(file.id, bytes.clone()).await.expect("received");
        let settled = busy.uploads.settle(&busy.units, Caller::system("sweep"), &file, bytes).await;
        let failed = settled.expect_err("the machine gives no time");
        assert_eq!((failed.kind(), failed.reason()), (Kind::Unavailable, "inspection_late"));
        file.id
    };
    let age = async |id: Uuid, hours: i32| {
        sqlx::query("UPDATE files SET uploaded_at = now() - make_interval(hours => $2) WHERE id = $1")
            .bind(id)
            .bind(hours)
            .execute(&platform.pool)
            .await
            .expect("aged");
    };
    let state = async |id: Uuid| {
        let state = sqlx::query_scalar::<_, String>("SELECT state FROM files WHERE id = $1").bind(id);
        state.fetch_one(&platform.pool).await.expect("a row")
    };
    let file = received("稍后.pdf").await;
    age(file, 1).await;
    busy.interrupted().await.expect("swept");
    assert_eq!(state(file).await, "pending");
    idle.interrupted().await.expect("swept");
    assert_eq!(state(file).await, "clean");
    let never = received("始终.pdf").await;
    age(never, 48).await;
    busy.interrupted().await.expect("swept");
    assert_eq!(state(never).await, "rejected", "it does not come again without end");
    idle.leftovers().await.expect("swept");
    platform.stop().await;
}
