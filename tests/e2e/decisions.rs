//! Decisions: they name what they judged, four eyes see, the record is signed and the history chained.
//!
//! Source: workflow, invariants 3, 5, 8; reliability, sections 9 (I5, I10) and 12.
use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use futures::future::try_join_all;
use proto::reviews::{HistoryEntry, Judged, PassRequest};
use sqlx::Row as _;
use system_tests::{
    System,
    cases::{Case, Stage},
    cast,
    evidence::{Fields, Hash, Reader},
};
use time::OffsetDateTime;
use uuid::Uuid;
use xtask::{driver::Actor, services::Service};

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_is_refused_with_who_acted_and_when() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let (one, two) =
        (system.county("410105").await?, system.official("co_second", "county", &["410105"]).await?);
    one.pass(&case.view, "同意").await?;
    let late = two.pass(&case.view, "同意").await.unwrap_err();
    assert_eq!((late.reason.as_str(), late.code), ("stale_version", tonic::Code::FailedPrecondition));
    assert_eq!((late.metadata["transition"].as_str(), late.metadata["role"].as_str()), ("T04", "county"));
    assert_eq!((late.metadata["stage"].as_str(), late.metadata["version"].as_str()), ("PaperCheck", "3"));
    assert!(!late.metadata["office"].is_empty() && late.metadata["at"].len() >= 10, "{late}");
    assert!(!late.text.is_ascii());
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);
    assert!(system.refusals(Service::Reviews).await?.contains(&"stale_version".to_owned()));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_judged_another_submission_or_none_is_refused() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    let pass = |judged: Option<Judged>| {
        let body = PassRequest {
            request_id: county.request_id(),
            application_id: case.id().to_owned(),
            version: case.view.version,
            judged,
            opinion: "同意".into(),
        };
        county.ask(body, |to, request| async move { to.applications().pass(request).await })
    };
    let standing = case.view.submission.clone().context("it was submitted")?;
    let none = pass(None).await.unwrap_err();
    assert_eq!(none.reason, "submission_not_named");
    let other = Judged { submission_version: standing.version, submission_hash: "0".repeat(64) };
    let other = pass(Some(other)).await.unwrap_err();
    assert_eq!(other.reason, "stale_submission");
    assert_eq!(other.metadata["submission_hash"], standing.hash);
    pass(Some(Judged { submission_version: standing.version, submission_hash: standing.hash })).await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_at_two_tiers_on_one_application_not_even_in_jiyuan() -> Result<()> {
    let system = System::start().await?;
    // 济源 is county and city in one authority; one official may hold both roles there.
    let mut both = cast::person("co_ci_jiyuan", "county", &["419001"]);
    both.roles.push("city".into());
    let both = system.appointed(&both).await?;
    let mut case = system.application().in_county("419001").at(Stage::CountyReview).await?;
    case.view = both.pass(&case.view, "同意").await?;
    case.view = both.papers_complete(&case.view, &system.today(), "李示例").await?;
    system.advance(&mut case, Stage::CityReview).await?;
    let refused = both.pass(&case.view, "同意").await.unwrap_err();
    assert_eq!(refused.reason, "decided_before");
    let actions = both.allowed_actions(case.id()).await?;
    let pass = actions.iter().find(|one| one.command == "Pass").context("Pass is listed")?;
    assert_eq!((pass.allowed, pass.reason.as_str()), (false, "decided_before"));
    case.view = system.city("419001").await?.pass(&case.view, "同意").await?;
    assert_eq!(case.view.stage, "AwaitingJointReview");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_verified_offline_from_its_record_and_the_public_key_alone() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    county.send_back(&case.view, "地址与现场不符", &["address", "manager"]).await?;
    let row = sqlx::query("SELECT * FROM decisions WHERE application_id = $1").bind(case.uuid());
    let row = row.fetch_one(system.database(Service::Reviews)?).await?;
    let record: Vec<u8> = row.try_get("record")?;
    let signature: Vec<u8> = row.try_get("signature")?;
    let (algorithm, key): (String, String) = (row.try_get("algorithm")?, row.try_get("key_id")?);
    assert_eq!(algorithm, "SHA-256/Ed25519");

    // Without a key of their own, decisions are signed by the identity's key of reviews.
    assert_eq!(key, "reviews-1");
    let public = public_key(&system)?;
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&record);
    let signature = Signature::from_slice(&signature)?;
    public.verify_strict(&digest, &signature).context("the signature fits the record")?;
    let mut forged = record.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&forged);
    assert!(public.verify_strict(&digest, &signature).is_err(), "one bit breaks it");

    let standing = case.view.submission.clone().context("it was submitted")?;
    let actor = Uuid::parse_str(&county.claims().await?.subject)?;
    let mut read = Reader(&record);
    assert_eq!(read.text()?, "yuchong.reviews.decision.v1");
    assert_eq!(read.bytes()?, case.uuid().as_bytes());
    assert_eq!((read.number()?, read.text()?, read.text()?, read.text()?), (3, "T05", "Return", "county"));
    assert_eq!(read.text()?, "CountyReturned");
    assert_eq!((read.number()?, read.text()?), (i64::from(standing.version), standing.hash.as_str()));
    assert_eq!((read.text()?, read.text()?, read.text()?), ("", "", "地址与现场不符"));
    assert_eq!(read.texts()?, ["address", "manager"]);
    let (open_all, target, paper) = (read.number()?, read.text()?, read.text()?);
    assert_eq!((open_all, target, paper), (0, "", ""), "only the items, no target, no paper check");
    assert_eq!((read.bytes()?, read.text()?), (&actor.as_bytes()[..], "county"));
    assert!(read.texts()?.contains(&"410105"), "the scope of that day");
    assert_eq!((read.text()?, read.text()?, read.text()?), ("金水区主管部门", "", "password"));
    assert!(!read.text()?.is_empty(), "the session");
    assert_eq!(read.bytes()?.len(), 16, "the instant");
    assert!(read.0.is_empty(), "nothing else is in the record");
    system.finish().await
}

/// The published key with which reviews signs.
fn public_key(system: &System) -> Result<VerifyingKey> {
    let keys = system.fleet().deployment().keys.verifying_keys();
    let public =
        keys.split(',').find_map(|pair| pair.strip_prefix("reviews:")).context("the key is published")?;
    let public: [u8; 32] = STANDARD.decode(public)?.try_into().ok().context("a key of 32 bytes")?;
    Ok(VerifyingKey::from_bytes(&public)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_a_freeze_and_a_conclusion_are_proved_by_one_signature_over_all_members() -> Result<()> {
    let system = System::start().await?;
    let round = system.round_with(|policy| policy.sample_permille = 500).await?;
    let company = system.company(system.number(), "410105").await?;
    let made =
        (0..2).map(|_| system.application().of(&company).in_round(&round).at(Stage::AwaitingJointReview));
    let mut cases = try_join_all(made).await?;
    system.launch(&round, &["410100"]).await?;
    let lead = system.expert(1).await?;
    for case in &mut cases {
        case.look().await?;
        case.view = lead.pass_member(&case.view, "同意").await?;
    }
    let administrator = system.administrator().await?;
    let order = administrator.work_order(&cases[0].view.work_order_id).await?;
    administrator.freeze(&order).await?;
    let draw = administrator.draws(&order.work_order_id).await?.remove(0);
    for case in &mut cases {
        case.look().await?;
        if case.view.in_sample {
            system.sign(&case.view).await?;
        }
    }
    let public = public_key(&system)?;
    let rows = sqlx::query("SELECT * FROM order_decisions ORDER BY decided_at");
    let rows = rows.fetch_all(system.database(Service::Reviews)?).await?;
    let commands = [("T14", "LaunchJointReview", 2), ("T20", "FreezeOrder", 2), ("T22", "ConcludeOrder", 1)];
    assert_eq!(rows.len(), commands.len());
    for (row, (transition, command, members)) in rows.iter().zip(commands) {
        let record: Vec<u8> = row.try_get("record")?;
        let digest = <sha2::Sha256 as sha2::Digest>::digest(&record);
        let signature = Signature::from_slice(&row.try_get::<Vec<u8>, _>("signature")?)?;
        public.verify_strict(&digest, &signature).context("the signature fits the record")?;
        let mut read = Reader(&record);
        assert_eq!(read.text()?, "yuchong.reviews.order_decision.v1");
        assert_eq!(read.bytes()?, Uuid::parse_str(&order.work_order_id)?.as_bytes());
        read.number()?;
        assert_eq!((read.text()?, read.text()?), (transition, command));
        assert_eq!((read.text()?, read.number()?), (order.membership_hash.as_str(), members));
        assert_eq!(read.text()?, hex::encode(members_hash(&administrator, &cases, command).await?));
        let drawn =
            if transition == "T20" { (draw.population_hash.as_str(), draw.seed.as_str()) } else { ("", "") };
        assert_eq!((read.text()?, read.text()?), drawn);
    }
    system.finish().await
}

/// From the members' published histories: id, version and hash of the step that each took, by ascending id.
async fn members_hash(reader: &Actor, cases: &[Case], command: &str) -> Result<Hash> {
    let mut members = Vec::new();
    for case in cases {
        let entries = reader.history(case.id()).await?;
        let step = entries.into_iter().find(|entry| entry.command == command);
        members.extend(step.map(|step| (case.uuid(), step.version, step.hash)));
    }
    members.sort_unstable();
    let mut fields = Fields::of("yuchong.reviews.members.v1");
    for (id, version, head) in members {
        fields = fields.bytes(id.as_bytes()).number(version).bytes(&hex::decode(head)?);
    }
    Ok(fields.hash())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_a_chain_that_anyone_can_compute_and_nobody_can_change() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::AwaitingJointReview).await?;
    // An official of the province sees every field that the chain covers.
    let entries = system.administrator().await?.history(case.id()).await?;
    assert_eq!(entries.len(), 6);
    let mut previous: Hash = [0; 32];
    for entry in &entries {
        assert_eq!(entry.prev_hash, hex::encode(previous), "version {}", entry.version);
        previous = hash(case.uuid(), &previous, entry)?;
        assert_eq!(entry.hash, hex::encode(previous), "version {}", entry.version);
    }
    for change in ["UPDATE history SET opinion = '改'", "DELETE FROM history", "TRUNCATE history"] {
        let tried = sqlx::query(change).execute(system.database(Service::Reviews)?).await;
        ensure!(tried.is_err(), "{change} went through");
    }
    // The operator learns what happened, but not who the persons are.
    let own = case.operator().history(case.id()).await?;
    assert_eq!(own.len(), 6);
    assert!(own.iter().filter(|entry| entry.actor_role != "operator").all(|entry| entry.actor_id.is_empty()));
    system.finish().await
}

fn hash(application: Uuid, previous: &Hash, entry: &HistoryEntry) -> Result<Hash> {
    let at = entry.occurred_at.context("every step has a time")?;
    let at =
        OffsetDateTime::from_unix_timestamp(at.seconds)? + time::Duration::nanoseconds(i64::from(at.nanos));
    Ok(Fields::of("yuchong.reviews.history.v1")
        .bytes(previous)
        .bytes(application.as_bytes())
        .number(entry.version)
        .text(&entry.transition)
        .text(&entry.command)
        .text(&entry.from_stage)
        .text(&entry.to_stage)
        .bytes(Uuid::parse_str(&entry.actor_id)?.as_bytes())
        .text(&entry.actor_role)
        .text(&entry.office)
        .text(&entry.department)
        .text(&entry.opinion)
        .texts(&entry.items)
        .number(i64::from(entry.submission_version))
        .text(&entry.submission_hash)
        .instant(at)
        .hash())
}
