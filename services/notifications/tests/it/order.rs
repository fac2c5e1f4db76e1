//! A higher version wins whatever the order of arrival, and a repetition changes nothing.

use chassis::consumer::Outcome;
use proto::common::Envelope;

use crate::{
    events::{account_event, application, id, order_event},
    setup::Desk,
};

/// A small generator with a fixed start: the same shuffles in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).expect("fits")
    }
}

/// An order in which consumers of different tiers could bring the events: each tier keeps its own order.
fn interleaved(events: &[Envelope], dice: &mut Dice) -> Vec<Envelope> {
    let mut tiers: Vec<Vec<Envelope>> = Vec::new();
    for event in events {
        let tier = |event: &Envelope| event.subject.split('.').nth(2).map(str::to_owned);
        match tiers.iter_mut().find(|queue| tier(&queue[0]) == tier(event)) {
            Some(queue) => queue.push(event.clone()),
            None => tiers.push(vec![event.clone()]),
        }
    }
    let mut out = Vec::new();
    while !tiers.is_empty() {
        let place = dice.below(tiers.len());
        out.push(tiers[place].remove(0));
        tiers.retain(|queue| !queue.is_empty());
    }
    out
}

#[tokio::test]
async fn a_higher_version_wins_whatever_the_order_of_arrival() {
    let order = id(4, 1);
    let events = application(1).member_of(order).whole_life();
    let expected = Desk::open().await;
    expected.take_all(&events).await;
    let as_made = expected.digest().await;
    expected.close().await;
    let mut dice = Dice(20_261_126);
    for _ in 0..6 {
        let desk = Desk::open().await;
        desk.take_all(&interleaved(&events, &mut dice)).await;
        assert_eq!(desk.digest().await, as_made);
        assert_eq!(desk.count("SELECT count(*) FROM worklist WHERE NOT open AND version = 16").await, 1);
        desk.close().await;
    }
}

#[tokio::test]
async fn at_every_prefix_the_row_stands_at_the_highest_version_seen() {
    let events = application(1).member_of(id(4, 1)).whole_life();
    let desk = Desk::open().await;
    let mut highest = 0;
    for event in interleaved(&events, &mut Dice(7)) {
        desk.take(&event).await.expect("applies");
        highest = highest.max(event.aggregate_version);
        let version = desk.count("SELECT version FROM worklist").await;
        assert_eq!(version, highest);
    }
    desk.close().await;
}

#[tokio::test]
async fn an_event_for_the_next_tier_closes_the_task_of_the_one_before() {
    let desk = Desk::open().await;
    let one = application(1);
    desk.take_all(&one.whole_life()[..2]).await;
    assert_eq!(desk.count("SELECT count(*) FROM worklist WHERE desk = 'county:410122' AND open").await, 1);
    desk.take_all(&one.whole_life()[6..7]).await;
    assert_eq!(desk.count("SELECT count(*) FROM worklist WHERE desk = 'county:410122' AND open").await, 0);
    assert_eq!(desk.count("SELECT count(*) FROM worklist WHERE desk = 'city:410100' AND open").await, 1);
    desk.close().await;
}

#[tokio::test]
async fn a_redelivery_changes_nothing() {
    let desk = Desk::open().await;
    let mut events = application(1).member_of(id(4, 1)).whole_life();
    events.push(order_event(id(4, 1), 1, "joint_review_launched", &[id(7, 1)], &[]));
    events.push(account_event(1, 1, "registered", "Pending", true));
    desk.take_all(&events).await;
    let before = desk.digest().await;
    for event in &events {
        assert_eq!(desk.take(event).await.expect("settles"), Outcome::Passed);
    }
    assert_eq!(desk.digest().await, before);
    assert_eq!(desk.audit().await, 0);
    desk.close().await;
}

#[tokio::test]
async fn an_old_event_under_a_new_id_changes_nothing() {
    let desk = Desk::open().await;
    let one = application(1);
    desk.take_all(&one.whole_life()[..4]).await;
    let before = desk.digest().await;
    let mut again = one.event(2, "acceptance_submitted", "CountyReview", "county");
    again.event_id = id(99, 1).to_string();
    assert_eq!(desk.take(&again).await.expect("settles"), Outcome::Passed);
    assert_eq!(desk.digest().await, before);
    desk.close().await;
}

#[tokio::test]
async fn an_account_review_opens_and_closes_with_the_accounts_version() {
    let desk = Desk::open().await;
    let open =
        "SELECT count(*) FROM worklist WHERE subject_type = 'operator' AND open AND desk = 'administrator'";
    desk.take_all(&[account_event(1, 1, "registered", "Pending", true)]).await;
    assert_eq!(desk.count(open).await, 1);
    desk.take_all(&[account_event(1, 2, "returned", "Returned", false)]).await;
    assert_eq!(desk.count(open).await, 0);
    desk.take_all(&[
        account_event(1, 3, "resubmitted", "Pending", true),
        account_event(1, 4, "approved", "Active", false),
        account_event(1, 5, "profile_changed", "Active", true),
    ])
    .await;
    assert_eq!(desk.count(open).await, 1);
    assert_eq!(desk.count("SELECT version FROM worklist").await, 5);
    desk.close().await;
}

#[tokio::test]
async fn a_gap_in_an_account_waits_for_its_producer() {
    let desk = Desk::open().await;
    let outcome = desk.take(&account_event(1, 2, "returned", "Returned", false)).await;
    assert_eq!(outcome.expect_err("version 1 is missing and nobody can be asked").reason(), "no_producer");
    assert_eq!(desk.count("SELECT count(*) FROM worklist").await, 0);
    desk.close().await;
}

#[tokio::test]
async fn panel_and_sample_are_the_same_whichever_consumer_is_first() {
    let (order, zhang, li) = (id(4, 1), id(7, 1), id(7, 2));
    let launched = order_event(order, 1, "joint_review_launched", &[zhang, li], &[]);
    let frozen = order_event(order, 2, "order_frozen", &[], &[id(1, 1)]);
    let widened = order_event(order, 3, "sample_widened", &[], &[id(1, 1), id(1, 2)]);
    let mut digests = Vec::new();
    for events in
        [[&launched, &frozen, &widened], [&frozen, &launched, &widened], [&frozen, &widened, &launched]]
    {
        let desk = Desk::open().await;
        desk.take_all(events).await;
        digests.push(desk.digest().await);
        assert_eq!(desk.count("SELECT count(*) FROM work_order_experts").await, 2);
        assert_eq!(desk.count("SELECT count(*) FROM work_order_samples").await, 2);
        desk.close().await;
    }
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn who_comes_back_to_a_frozen_order_is_drawn_even_before_the_order_is_known() {
    let desk = Desk::open().await;
    let back = application(3).member_of(id(4, 1));
    desk.take_all(&[back.event(20, "experts_passed", "ProvincialReview", "departments")]).await;
    assert_eq!(desk.count("SELECT count(*) FROM work_order_samples").await, 1);
    let first = application(4).member_of(id(4, 1));
    desk.take_all(&[first.event(13, "experts_passed", "AwaitingProvince", "administrator")]).await;
    assert_eq!(desk.count("SELECT count(*) FROM work_order_samples").await, 1);
    desk.take_all(&[first.event(15, "entered_sample", "ProvincialReview", "departments")]).await;
    assert_eq!(desk.count("SELECT count(*) FROM work_order_samples").await, 2);
    desk.close().await;
}
