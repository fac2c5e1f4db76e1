//! What is pulled from an operator's system: stations by page, the status of every connector. Each becomes a call of the
//! contract of stations in the operator's name, as what is pushed does.
//!
//! Owns: walking pages and counting items. Not: when (`turns`). Source: interconnect protocol, section 12.
use std::{collections::BTreeSet, time::Duration};

use proto::{
    common::Page,
    stations::{ListStationsRequest, StationPages, StatusItem},
};
use serde_json::json;
use time::OffsetDateTime;
use tokio::time::sleep;

use super::{Call, stations, status, timestamp, walked::Walked};
use crate::{
    client::{CALL, Client, Heard, PAGE, Target},
    domain::{
        answer::Trouble,
        bodies::{pulled, station::Station, status::Report},
        fields::{Findings, moment_text},
        link::Link,
        ret::Ret,
    },
    labels,
    neighbours::{Neighbours, Voice},
    turns::Lease,
};

/// How long a page that did not come is left alone before it is asked for again. A lease lasts over them.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// Stations of one status query. Source: interconnect protocol, section 12.
const STATIONS_ASKED: usize = 50;
/// Status items of one batch.
const BATCH: usize = 500;
/// Stations of one page of the registry.
const REGISTRY_PAGE: i32 = 200;

/// What is pulled, from where, and in whose name it is kept.
pub struct Pull<'p> {
    /// Calls the operator's system.
    pub client: &'p Client,
    /// Where it is.
    pub target: &'p Target,
    /// The operator's link.
    pub link: &'p Link,
    /// Gives the operator's voice, which lasts a minute; a pull may last longer.
    pub neighbours: &'p Neighbours,
    /// Must hold before each call.
    pub lease: &'p Lease,
}

/// Items of a pull.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Kept, or held already.
    pub taken: i64,
    /// Not kept.
    pub rejected: i64,
    /// The first of those, in words.
    pub example: String,
}

impl Tally {
    /// Adds what came of a comparison.
    pub(super) fn add(&mut self, taken: i32, rejected: i32, example: String) {
        self.taken += i64::from(taken);
        self.rejected += i64::from(rejected);
        if self.example.is_empty() {
            self.example = example;
        }
    }

    pub(super) fn reject(&mut self, text: String) {
        self.rejected += 1;
        if self.example.is_empty() {
            self.example = text;
        }
    }
}

/// Pulls stations: what changed after `since`, or all; from where a turn before has come to.
///
/// # Errors
/// [`Trouble`]; what came before it is kept, and gone on from, unless fewer came than were said to exist or a page was refused. A
/// pull that was gone on with begins anew then, before that counts.
pub async fn pull_stations(
    pull: &Pull<'_>,
    since: Option<OffsetDateTime>,
    before: Option<StationPages>,
) -> Result<Tally, Trouble> {
    let mut walked = Walked::of(before.unwrap_or_default());
    // One that moved in a turn before has had its second walk, or is it: there is an end to it.
    let (mut again, mut gone_on) = (!walked.moving, walked.number > 1);
    loop {
        match walk(pull, since, &mut walked).await {
            Ok(()) if walked.moving && again => {
                again = false;
                walked = walked.anew();
            }
            Ok(()) => return Ok(walked.tally),
            Err(trouble) if spoilt(&trouble) => {
                // The last pages again would be as few, and one that is refused would be refused again.
                walked = walked.anew();
                let told = pull.lease.come(walked.pages()).await;
                if !gone_on {
                    return Err(trouble);
                }
                told?;
            }
            Err(Trouble::TimedOut) if walked.number > 1 && walked.size > 1 => {
                // Nobody knows which smaller page would be the next one.
                walked.size /= 2;
                walked = walked.anew();
                pull.lease.come(walked.pages()).await?;
            }
            Err(trouble) => return Err(trouble),
        }
        gone_on = false;
    }
}

/// Whether the pages that came are good for nothing: there are fewer than was said, or the next is refused.
const fn spoilt(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Incomplete | Trouble::Refused { ret: Ret::Envelope | Ret::Business, .. })
}

/// Walks to the last page. What it counts may have changed on the way: then it cannot be said whether all came.
async fn walk(pull: &Pull<'_>, since: Option<OffsetDateTime>, walked: &mut Walked) -> Result<(), Trouble> {
    loop {
        let heard = page(pull, since, walked).await?;
        let page = pulled::page(&heard.members, pull.link).map_err(|found| Trouble::Body(found.faults))?;
        if walked.elsewhere(page.count, page.items) {
            return Err(Trouble::Incomplete);
        }
        walked.counts(page.items);
        if page.stations.is_empty() && walked.number < page.count {
            return Err(Trouble::Incomplete);
        }
        let codes: BTreeSet<String> = page.stations.iter().map(|(station, _)| station.code.clone()).collect();
        for (station, findings) in page.stations {
            if walked.meets(&station.code) {
                pull.lease.keep().await?;
                keep(pull, &heard, &station, &findings, &mut walked.tally).await?;
            }
        }
        if walked.number >= page.count {
            let short = !walked.moving && walked.came() < page.items;
            return if short { Err(Trouble::Incomplete) } else { Ok(()) };
        }
        if walked.endless() {
            return Err(Trouble::Incomplete);
        }
        walked.turn_over(codes);
        pull.lease.come(walked.pages()).await?;
    }
}

/// Asks for the page that a walk has come to. Where it is too slow pages become smaller; where it does not come it is asked for again,
/// unless it is the first: with that one nothing is lost, and the turn comes back to it.
async fn page(pull: &Pull<'_>, since: Option<OffsetDateTime>, walked: &mut Walked) -> Result<Heard, Trouble> {
    let since = since.map(moment_text).unwrap_or_default();
    let mut pauses = PAUSES.into_iter();
    loop {
        let body = json!({ "LastQueryTime": since, "PageNo": walked.number, "PageSize": walked.size });
        pull.lease.keep().await?;
        match pull.client.call(pull.target, "query_stations_info", body, PAGE).await {
            Err(Trouble::TimedOut) if walked.halve() => pull.lease.come(walked.pages()).await?,
            Err(trouble) if walked.number > 1 && trouble.transient() => match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(trouble),
            },
            heard => return heard,
        }
    }
}

/// Registers a station, or counts why not.
async fn keep(
    pull: &Pull<'_>,
    heard: &Heard,
    station: &Station,
    findings: &Findings,
    tally: &mut Tally,
) -> Result<(), Trouble> {
    if !findings.faults.is_empty() {
        tally.reject(format!("{} {}", station.code, labels::faults(&findings.faults)));
        return Ok(());
    }
    match stations::register(&call(pull, heard), &voice(pull.neighbours, pull.link).await?, station).await {
        Ok(_) => tally.taken += 1,
        Err(refused) if refused.ret == Ret::Business => {
            tally.reject(format!("{} {}", station.code, refused.msg));
        }
        Err(_) => return Err(Trouble::Platform),
    }
    Ok(())
}

/// The call as which what was heard is kept: under the envelope that asked for it.
fn call<'c>(pull: &'c Pull<'_>, heard: &'c Heard) -> Call<'c> {
    Call { link: pull.link, request: &heard.request, stamp: heard.stamp }
}

/// Pulls the status of every connector of the stations that are registered.
///
/// # Errors
/// [`Trouble`]; what came before it is kept.
pub async fn pull_statuses(pull: &Pull<'_>) -> Result<Tally, Trouble> {
    let mut tally = Tally::default();
    for codes in codes(pull.neighbours, pull.link).await?.chunks(STATIONS_ASKED) {
        pull.lease.keep().await?;
        let body = json!({ "StationIDs": codes });
        let heard = pull.client.call(pull.target, "query_station_status", body, CALL).await?;
        let all = pulled::statuses(&heard.members, pull.link).map_err(|found| Trouble::Body(found.faults))?;
        let mut reports = Vec::with_capacity(all.len());
        for (report, findings) in all {
            if findings.faults.is_empty() {
                reports.push(report);
            } else {
                tally.reject(format!("{} {}", report.connector_id, labels::faults(&findings.faults)));
            }
        }
        for reports in reports.chunks(BATCH) {
            pull.lease.keep().await?;
            deliver(pull, &heard, reports, &mut tally).await?;
        }
    }
    Ok(tally)
}

async fn deliver(
    pull: &Pull<'_>,
    heard: &Heard,
    reports: &[Report],
    tally: &mut Tally,
) -> Result<(), Trouble> {
    // Without a time of its own a status was true when it was asked for.
    let items = reports.iter().map(|report| StatusItem {
        connector_id: report.connector_id.clone(),
        status: report.status,
        source_time: Some(timestamp(report.at.unwrap_or(heard.stamp))),
    });
    let voice = voice(pull.neighbours, pull.link).await?;
    let results = status::push(&call(pull, heard), &voice, items.collect(), true).await;
    for (report, result) in reports.iter().zip(results.map_err(|_| Trouble::Platform)?) {
        if result.outcome == "rejected" {
            tally.reject(format!("{} {}", report.connector_id, result.text));
        } else {
            tally.taken += 1;
        }
    }
    Ok(())
}

pub(super) async fn voice(neighbours: &Neighbours, link: &Link) -> Result<Voice, Trouble> {
    neighbours.voice(link.operator_id).await.map_err(|_| Trouble::Platform)
}

/// Codes of the operator's stations in force.
///
/// # Errors
/// [`Trouble::Platform`].
pub async fn codes(neighbours: &Neighbours, link: &Link) -> Result<Vec<String>, Trouble> {
    let (mut codes, mut token) = (Vec::new(), String::new());
    loop {
        let page = Page { page_size: REGISTRY_PAGE, page_token: token };
        let asked = ListStationsRequest { page: Some(page), ..ListStationsRequest::default() };
        let voice = voice(neighbours, link).await?;
        let answer = voice.registry().list_stations(asked).await.map_err(|_| Trouble::Platform)?;
        let answer = answer.into_inner();
        codes.extend(answer.stations.into_iter().filter_map(|one| Some(one.record?.station_code)));
        if answer.next_page_token.is_empty() {
            return Ok(codes);
        }
        token = answer.next_page_token;
    }
}
