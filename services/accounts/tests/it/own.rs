//! What people see of their own sign-ins, and what those who may see of everybody's: the audit log as a list.

use std::time::Duration;

use proto::accounts::{
    AuditEntry, EndOtherSessionsRequest, GetOwnAccessRequest, ListEntriesRequest, ListEntriesResponse,
    ProveChainRequest,
};
use tonic::{Code, Status};

use crate::setup::{Bench, PASSWORD, USCCS, by, claims, reason};

#[tokio::test]
async fn a_person_sees_its_sign_ins_and_sessions_and_ends_the_others() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    bench.sign_in("op01", "Wrong-Lantern-42").await.unwrap_err();
    let old = bench.session("op01", PASSWORD).await;
    let here = bench.session("op01", PASSWORD).await;
    let asked = || GetOwnAccessRequest { session_token: here.clone() };
    let seen = bench.sessions().get_own_access(asked()).await.unwrap().into_inner();
    assert_eq!(seen.masked_phone, "199****0001");
    let outcomes: Vec<_> = seen.attempts.iter().map(|one| one.succeeded).collect();
    assert_eq!(outcomes, [true, true, false], "the newest first");
    assert!(seen.attempts.iter().all(|one| one.address == "127.0.0.1"));
    let sessions: Vec<_> = seen.sessions.iter().map(|one| (one.current, one.address.as_str())).collect();
    assert_eq!(sessions, [(true, "127.0.0.1"), (false, "127.0.0.1")]);

    let end = EndOtherSessionsRequest { session_token: here.clone() };
    bench.sessions().end_other_sessions(end.clone()).await.unwrap();
    bench.sessions().end_other_sessions(end).await.unwrap();
    assert_eq!(reason(&bench.token(&old).await.unwrap_err()), "session_ended");
    let left = bench.sessions().get_own_access(asked()).await.unwrap().into_inner();
    assert_eq!(left.sessions.len(), 1);
    let nobody = GetOwnAccessRequest { session_token: old };
    assert_eq!(reason(&bench.sessions().get_own_access(nobody).await.unwrap_err()), "session_ended");
    bench.conclude().await;
}

async fn entries(
    bench: &Bench,
    token: &str,
    body: ListEntriesRequest,
) -> Result<ListEntriesResponse, Status> {
    bench.audit_log().list_entries(by(token, body)).await.map(tonic::Response::into_inner)
}

fn acts(entries: &[AuditEntry]) -> Vec<&str> {
    entries.iter().map(|one| one.act.as_str()).collect()
}

#[tokio::test]
async fn the_log_is_read_by_actor_act_subject_day_and_refusal_page_by_page() {
    let bench = Bench::start().await;
    let made = bench.register("op01", USCCS[0]).await.unwrap();
    bench.session("op01", PASSWORD).await;
    bench.sign_in("op01", "Wrong-Lantern-42").await.unwrap_err();
    bench.sign_in("op99", "Wrong-Lantern-42").await.unwrap_err();
    let auditor = bench.official("audit01", "audit_administrator").await;
    let all = entries(&bench, &auditor, ListEntriesRequest::default()).await.unwrap();
    assert_eq!(all.rows, bench.count("SELECT count(*) FROM audit_log").await);
    assert_eq!(i64::try_from(all.entries.len()).unwrap(), all.rows);
    assert!(all.entries.windows(2).all(|two| two[0].at.unwrap().seconds >= two[1].at.unwrap().seconds));

    let of = async |body: ListEntriesRequest| entries(&bench, &auditor, body).await.unwrap().entries;
    let actor = of(ListEntriesRequest { actor_login: "OP01".into(), ..Default::default() }).await;
    assert_eq!((acts(&actor), actor[0].actor_name.as_str()), (vec!["sign_in"], "op01"));
    let subject = of(ListEntriesRequest { subject: "op01".into(), ..Default::default() }).await;
    let refusals: Vec<_> = subject.iter().map(|one| one.refusal.as_str()).collect();
    assert_eq!((acts(&subject), refusals), (vec!["sign_in", "sign_in"], vec!["sign_in_failed", ""]));
    let company = of(ListEntriesRequest { subject: made.operator_id, ..Default::default() }).await;
    assert_eq!((acts(&company), company[0].subject_name.is_empty()), (vec!["register"], false));
    let refused =
        of(ListEntriesRequest { refused_only: true, act: "sign_in".into(), ..Default::default() }).await;
    assert!(refused.len() >= 2 && refused.iter().all(|one| one.refusal == "sign_in_failed"));
    let unknown = of(ListEntriesRequest { actor_login: "nobody99".into(), ..Default::default() }).await;
    assert!(unknown.is_empty());
    let past = of(ListEntriesRequest { to_day: "2020-01-01".into(), ..Default::default() }).await;
    assert!(past.is_empty());
    let since = of(ListEntriesRequest { from_day: "2020-01-01".into(), ..Default::default() }).await;
    assert_eq!(since.len(), all.entries.len());

    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(proto::common::Page { page_size: 2, page_token });
        let answer =
            entries(&bench, &auditor, ListEntriesRequest { page, ..Default::default() }).await.unwrap();
        seen.extend(answer.entries);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, all.entries, "page by page it is the same");
    bench.conclude().await;
}

#[tokio::test]
async fn others_read_their_part_of_the_log_or_nothing_and_a_change_shows_in_the_proof_of_its_chain() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let expert = bench.official("expert01", "expert").await;
    let refused = entries(&bench, &expert, ListEntriesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let security = bench.official("security01", "security_administrator").await;
    let own = entries(&bench, &security, ListEntriesRequest::default()).await.unwrap();
    assert!(acts(&own.entries).iter().all(|act| *act == "create_official"), "{:?}", own.entries);
    let foreign = ListEntriesRequest { act: "sign_in".into(), ..Default::default() };
    assert_eq!(entries(&bench, &security, foreign).await.unwrap().entries, []);

    let administrator = bench.official("admin01", "administrator").await;
    let subject = claims(&administrator).subject;
    let body = ListEntriesRequest { subject, ..Default::default() };
    let row = entries(&bench, &administrator, body).await.unwrap().entries.remove(0);
    let before = entries(&bench, &administrator, ListEntriesRequest::default()).await.unwrap().heads_digest;
    let prove =
        async |shard| bench.audit_log().prove_chain(by(&administrator, ProveChainRequest { shard })).await;
    let proof = prove(row.shard).await.unwrap().into_inner();
    assert_eq!((proof.broken, proof.position), (0, row.position));
    assert_eq!(proof.head_hash, row.hash);
    assert_eq!(prove(64).await.unwrap_err().code(), Code::NotFound);
    sqlx::query("ALTER TABLE audit_log DISABLE TRIGGER USER").execute(&bench.pool).await.unwrap();
    sqlx::query("UPDATE audit_log SET detail = 'x' WHERE shard = $1 AND position = $2")
        .bind(i16::try_from(row.shard).unwrap())
        .bind(row.position)
        .execute(&bench.pool)
        .await
        .unwrap();
    assert_eq!(prove(row.shard).await.unwrap().into_inner().broken, 1);
    let other = prove((row.shard + 1) % 64).await.unwrap().into_inner();
    assert_eq!(other.broken, 0);
    let after = entries(&bench, &administrator, ListEntriesRequest::default()).await.unwrap().heads_digest;
    assert_eq!(before, after, "what was written down does not follow a change behind its back");
    bench.pool.close().await;
    tokio::time::timeout(Duration::from_secs(30), bench.database.remove()).await.unwrap();
}
