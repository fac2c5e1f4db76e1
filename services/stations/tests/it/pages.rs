//! How far a pull of stations has come: kept while it is interrupted, for a time, and forgotten at its end.
use proto::stations::{Lease, ListTurnsRequest, OwedDay, RenewLeaseRequest, StationPages};

use crate::{
    harness::{Platform, Who, answer, operator},
    turns::{finish, lease, linked, run},
};

/// Leases the pull of stations now.
async fn stations(platform: &Platform) -> Lease {
    run(platform, "UPDATE link_turns SET due_at = CASE WHEN kind = 'stations' THEN now() ELSE now() + interval '1 day' END")
        .await;
    let held = lease(platform).await.expect("due");
    assert_eq!(held.kind, "stations");
    held
}

fn pages(next_page: i64) -> StationPages {
    StationPages {
        next_page,
        page_size: 20,
        items: 6_000,
        moving: true,
        came: 20 * (next_page - 1),
        last_codes: vec!["S1".into(), "S2".into()],
        taken: 30,
        rejected: 2,
        found: "S1 请填写地址".into(),
    }
}

async fn come(platform: &Platform, lease: &Lease, next_page: i64) {
    let body = RenewLeaseRequest {
        lease_id: lease.lease_id.clone(),
        pages: Some(pages(next_page)),
        ..RenewLeaseRequest::default()
    };
    answer(platform.turns(Who::Interconnect).renew_lease(body).await).expect("kept");
}

#[tokio::test]
async fn an_interrupted_pull_is_gone_on_with_and_counts_as_of_its_beginning() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let first = stations(&platform).await;
    assert_eq!(first.pages, None, "it begins");
    come(&platform, &first, 200).await;
    finish(&platform, &first, "unreachable").await.expect("recorded");
    // A process that ends says nothing.
    let second = stations(&platform).await;
    assert_eq!(second.pages, Some(pages(200)));
    come(&platform, &second, 300).await;
    run(&platform, "UPDATE links SET leased_until = now() WHERE lease_id IS NOT NULL").await;
    run(&platform, "UPDATE link_pulls SET began_at = began_at - interval '3 hours'").await;
    let third = stations(&platform).await;
    assert_eq!((third.pages.clone(), third.since), (Some(pages(300)), None));
    finish(&platform, &third, "").await.expect("recorded");
    let old = "SELECT count(*) FROM link_turns WHERE kind = 'stations' AND full_at = complete_at
               AND complete_at < now() - interval '2 hours'";
    assert_eq!(platform.count(old).await, 1, "what changed since the first page is asked for again");
    let next = stations(&platform).await;
    assert!(next.pages.is_none() && next.since.is_some(), "the next one begins");
    platform.stop().await;
}

#[tokio::test]
async fn a_pull_that_rested_too_long_or_was_told_to_begins_again() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let held = stations(&platform).await;
    come(&platform, &held, 200).await;
    finish(&platform, &held, "unreachable").await.expect("recorded");
    run(&platform, "UPDATE link_pulls SET moved_at = moved_at - interval '1 hour'").await;
    let held = stations(&platform).await;
    assert_eq!(held.pages, None);
    come(&platform, &held, 200).await;
    come(&platform, &held, 1).await;
    finish(&platform, &held, "answer_incomplete").await.expect("recorded");
    assert_eq!(stations(&platform).await.pages, None);
    assert_eq!(platform.count("SELECT count(*) FROM link_pulls").await, 1);
    platform.stop().await;
}

#[tokio::test]
async fn a_pull_that_ends_after_the_address_was_set_says_nothing_of_the_new_one() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let held = stations(&platform).await;
    come(&platform, &held, 200).await;
    // What setting the address does.
    run(&platform, "DELETE FROM link_pulls").await;
    finish(&platform, &held, "").await.expect("recorded");
    let due =
        "SELECT count(*) FROM link_turns WHERE kind = 'stations' AND complete_at IS NULL AND due_at <= now()";
    assert_eq!(platform.count(due).await, 1);
    assert_eq!(stations(&platform).await.pages, None, "it begins");
    platform.stop().await;
}

#[tokio::test]
async fn the_days_that_a_turn_owes_are_listed_with_what_was_found() {
    let platform = Platform::start().await;
    linked(&platform).await;
    run(&platform, "UPDATE link_turns SET due_at = CASE WHEN kind = 'statistics' THEN now() ELSE now() + interval '1 day' END")
        .await;
    let held = lease(&platform).await.expect("due");
    finish(&platform, &held, "unreachable").await.expect("recorded");
    run(
        &platform,
        "INSERT INTO link_days (operator_id, kind, day, given_up_at)
         SELECT operator_id, kind, day - 9, now() FROM link_days",
    )
    .await;
    let body = ListTurnsRequest { operator_id: operator(1).to_string() };
    let turns = answer(platform.turns(Who::Administrator).list_turns(body).await).expect("listed").turns;
    let owed = |kind: &str| turns.iter().find(|turn| turn.kind == kind).expect("a turn").owed.clone();
    let statistics = owed("statistics");
    let [yesterday, missed] = &statistics[..] else { panic!("two days: {turns:?}") };
    let expected = OwedDay {
        day: held.days[0].clone(),
        tries: 1,
        reason: "unreachable".into(),
        found: "对方系统没有应答".into(),
        given_up: false,
    };
    assert_eq!(*yesterday, expected);
    assert!(missed.given_up && missed.day < yesterday.day && missed.tries == 0);
    assert_eq!(owed("order_check"), []);
    platform.stop().await;
}
