//! The joint test: a script over real HTTP, at this platform's own door with the operator's secrets, and at the operator's
//! system with ours; each step with what was found and what to do about it.
//!
//! Leaves no data behind: it calls with faults, or asks. Source: interconnect protocol, section 17.
use proto::stations::TestStep;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    compare::{CHECK, STATISTICS, answered, ended, listing},
    pull::codes,
};
use crate::{
    client::{CALL, Client, Flaw, PAGE, Target},
    domain::{
        answer::Trouble,
        bodies::pulled::{self, Page},
        fields::{Fields, Findings, moment_text, stamp_text},
        link::Link,
        script::{self, Listed, MEMBERS, Step},
    },
    labels,
    neighbours::Neighbours,
    turns::Lease,
};

/// Pages that a test reads of each list.
const PAGES_READ: i64 = 50;
/// Stations of one page.
const PAGE_SIZE: i64 = 20;
/// Operators with their social credit codes.
const OPERATORS: &str = "supervise_query_operator_info";
/// Stations whose status is asked for. Source: interconnect protocol, section 12.
const STATIONS_ASKED: usize = 50;
/// How old what was received may be.
const STATUS_AGE: Duration = Duration::days(1);
const ORDER_AGE: Duration = Duration::days(7);

/// Whom a test calls, and in whose name it looks into the registry.
pub struct Sides<'s> {
    /// This platform's own door.
    pub door: Option<&'s Target>,
    /// The operator's system.
    pub operator: Option<&'s Target>,
    /// Speaks to stations for the operator.
    pub neighbours: &'s Neighbours,
}

/// What the operator's system has delivered last.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// The latest status.
    pub status_at: Option<OffsetDateTime>,
    /// The latest order.
    pub order_at: Option<OffsetDateTime>,
}

/// What was found at one step.
enum Found {
    Passed(Option<i32>, String),
    Failed(Option<i32>, String),
    Skipped(&'static str),
    /// By a setting of the link; no failure.
    LeftOut(&'static str),
}

impl From<&Trouble> for Found {
    fn from(trouble: &Trouble) -> Self {
        Self::Failed(trouble.ret(), labels::trouble(trouble))
    }
}

struct Script<'s> {
    client: &'s Client,
    lease: &'s Lease,
    link: &'s Link,
    steps: Vec<TestStep>,
}

/// Runs a joint test.
///
/// # Errors
/// [`Trouble::LeaseLost`]: nothing may be recorded.
pub async fn run(
    client: &Client,
    lease: &Lease,
    link: &Link,
    sides: &Sides<'_>,
    received: Received,
) -> Result<Vec<TestStep>, Trouble> {
    let mut script = Script { client, lease, link, steps: Vec::new() };
    match script.both(sides).await {
        // What was found counts; nobody gets another answer by asking as slow a system again.
        Err(Trouble::Overdue) => script.note("operator", Step::Deadline, Found::from(&Trouble::Overdue)),
        ended => ended?,
    }
    let held = codes(sides.neighbours, link).await.is_ok_and(|codes| !codes.is_empty());
    let now = client.now();
    let fresh = |at: Option<OffsetDateTime>, age: Duration| match at {
        Some(at) if now - at <= age => Found::Passed(None, labels::latest(&moment_text(at))),
        Some(at) => Found::Failed(None, labels::latest(&moment_text(at))),
        None if held => Found::Failed(None, labels::NOTHING_RECEIVED.to_owned()),
        None => Found::Failed(None, labels::NOTHING_REGISTERED.to_owned()),
    };
    script.note("received", Step::ReceivedStatus, fresh(received.status_at, STATUS_AGE));
    script.note("received", Step::ReceivedOrder, fresh(received.order_at, ORDER_AGE));
    Ok(script.steps)
}

impl Script<'_> {
    fn note(&mut self, side: &str, step: Step, found: Found) {
        let (outcome, ret, found) = match found {
            Found::Passed(ret, found) => ("passed", ret, found),
            Found::Failed(ret, found) => ("failed", ret, found),
            Found::Skipped(why) => ("skipped", None, why.to_owned()),
            Found::LeftOut(why) => ("left_out", None, why.to_owned()),
        };
        let way_out = match outcome {
            "passed" | "left_out" => "",
            _ => labels::way_out(step, side == "platform"),
        };
        self.steps.push(TestStep {
            side: side.to_owned(),
            step: step.id().to_owned(),
            outcome: outcome.to_owned(),
            ret,
            title: labels::step(step),
            found,
            way_out: way_out.to_owned(),
        });
    }

    /// Both doors.
    async fn both(&mut self, sides: &Sides<'_>) -> Result<(), Trouble> {
        if let Some(door) = sides.door {
            let empty = json!({});
            self.envelope("platform", door, "notification_stationStatus", &empty, &empty).await?;
        }
        let Some(target) = sides.operator else {
            self.note("operator", Step::Callable, Found::Skipped(labels::NOT_CALLABLE));
            return Ok(());
        };
        let page = json!({ "LastQueryTime": "", "PageNo": 1, "PageSize": 1 });
        let bad = json!({ "PageNo": "一" });
        if self.envelope("operator", target, "query_stations_info", &page, &bad).await? {
            self.data(target).await?;
            self.lease.keep().await?;
            let found = self.orders(target, sides.neighbours).await;
            self.note("operator", Step::OrderCheck, found);
        }
        Ok(())
    }

    /// Tokens and envelopes: `method` is called with a good body, and with a bad one. `false`: nobody is there.
    async fn envelope(
        &mut self,
        side: &'static str,
        target: &Target,
        method: &str,
        body: &Value,
        bad: &Value,
    ) -> Result<bool, Trouble> {
        self.lease.keep().await?;
        let token = match self.client.login(target, &target.secrets.operator).await {
            Ok(granted) => {
                self.note(side, Step::Token, Found::Passed(Some(0), labels::life(granted.life_secs)));
                Some(granted.token)
            }
            Err(trouble) => {
                self.note(side, Step::Token, Found::from(&trouble));
                if script::ends(&trouble) {
                    return Ok(false);
                }
                None
            }
        };
        self.lease.keep().await?;
        let wrong = format!("{}x", target.secrets.operator);
        let found = match self.client.login(target, &wrong).await {
            Ok(_) => Found::Failed(Some(0), labels::TOKEN_FOR_WRONG_SECRET.to_owned()),
            Err(trouble) if script::secret_refused(&trouble) => {
                Found::Passed(trouble.ret(), labels::trouble(&trouble))
            }
            Err(trouble) => Found::from(&trouble),
        };
        self.note(side, Step::WrongSecret, found);
        self.refused(side, target, Step::NoToken, method, body, None, Flaw::None).await?;
        self.refused(side, target, Step::WrongToken, method, body, Some("wrong"), Flaw::None).await?;
        let Some(token) = token.as_deref() else {
            for step in [Step::WrongSignature, Step::BadBody] {
                self.note(side, step, Found::Skipped(labels::WITHOUT_TOKEN));
            }
            return Ok(true);
        };
        let step = Step::WrongSignature;
        self.refused(side, target, step, method, body, Some(token), Flaw::Signature).await?;
        for name in MEMBERS {
            let step = Step::Missing(name);
            self.refused(side, target, step, method, body, Some(token), Flaw::Without(name)).await?;
        }
        self.refused(side, target, Step::BadBody, method, bad, Some(token), Flaw::None).await?;
        Ok(true)
    }

    /// A step that wants a refusal.
    #[expect(clippy::too_many_arguments, reason = "one call with everything that may be wrong with it")]
    async fn refused(
        &mut self,
        side: &'static str,
        target: &Target,
        step: Step,
        method: &str,
        body: &Value,
        token: Option<&str>,
        flaw: Flaw,
    ) -> Result<(), Trouble> {
        self.lease.keep().await?;
        let found = match self.client.send(target, method, body, token, flaw, CALL).await {
            Ok((_, answer)) => {
                let ret = Some(answer.ret.code());
                let text = labels::answered(answer.ret, &answer.msg);
                if step.wants(&answer) == Some(true) {
                    Found::Passed(ret, text)
                } else {
                    Found::Failed(ret, text)
                }
            }
            Err(trouble) => Found::from(&trouble),
        };
        self.note(side, step, found);
        Ok(())
    }

    /// What the operator's system answers to queries.
    async fn data(&mut self, target: &Target) -> Result<(), Trouble> {
        let side = "operator";
        let listed = match self.listed(target).await {
            Ok(listed) => listed,
            Err(lost @ (Trouble::LeaseLost | Trouble::Overdue)) => return Err(lost),
            Err(trouble) => {
                self.note(side, Step::Pages, Found::from(&trouble));
                for step in [Step::OneByOne, Step::Fields, Step::Changes, Step::Status, Step::Statistics] {
                    self.note(side, step, Found::Skipped(labels::WITHOUT_STATIONS));
                }
                return Ok(());
            }
        };
        let text = labels::listed(&listed);
        let pages = if listed.agrees() { Found::Passed(Some(0), text) } else { Found::Failed(Some(0), text) };
        self.note(side, Step::Pages, pages);
        let one = match self.page(target, "", listed.items.max(1), 1).await {
            Ok(page) => {
                let text = labels::one_by_one(page.count, page.stations.len());
                let agrees = page.count == listed.items && page.stations.len() == 1;
                if agrees { Found::Passed(Some(0), text) } else { Found::Failed(Some(0), text) }
            }
            Err(trouble) => Found::from(&trouble),
        };
        self.note(side, Step::OneByOne, one);
        let beyond = match self.page(target, "", listed.pages.saturating_add(1), PAGE_SIZE).await {
            Ok(page) if page.stations.is_empty() => Found::Passed(Some(0), labels::stations(0)),
            Ok(page) => Found::Failed(Some(0), labels::stations(page.stations.len())),
            Err(trouble) if script::secret_refused(&trouble) => {
                Found::Passed(trouble.ret(), labels::trouble(&trouble))
            }
            Err(trouble) => Found::from(&trouble),
        };
        self.note(side, Step::PageBeyond, beyond);
        let fields = if listed.faults.is_empty() {
            Found::Passed(Some(0), labels::stations(listed.stations.len()))
        } else {
            Found::Failed(Some(0), labels::faults(&listed.faults))
        };
        self.note(side, Step::Fields, fields);
        let changes = match self.page(target, &moment_text(self.client.now()), 1, PAGE_SIZE).await {
            Ok(page) if page.items < listed.items => Found::Passed(Some(0), labels::changed(page.items)),
            Ok(page) => Found::Failed(Some(0), labels::changed(page.items)),
            Err(trouble) => Found::from(&trouble),
        };
        self.note(side, Step::Changes, changes);
        self.lease.keep().await?;
        let found = self.status(target, &listed).await;
        self.note(side, Step::Status, found);
        self.lease.keep().await?;
        let found = self.statistics(target, &listed).await;
        self.note(side, Step::Statistics, found);
        // Of the government profile: where the link names it.
        if target.paths.contains_key(OPERATORS) && target.serves(OPERATORS) {
            self.lease.keep().await?;
            let found = self.operator(target).await;
            self.note(side, Step::Operator, found);
        }
        Ok(())
    }

    async fn page(&self, target: &Target, since: &str, number: i64, size: i64) -> Result<Page, Trouble> {
        self.lease.keep().await?;
        let body = json!({ "LastQueryTime": since, "PageNo": number, "PageSize": size });
        let heard = self.client.call(target, "query_stations_info", body, PAGE).await?;
        pulled::page(&heard.members, self.link).map_err(|found| Trouble::Body(found.faults))
    }

    async fn listed(&self, target: &Target) -> Result<Listed, Trouble> {
        let mut listed = Listed::default();
        for number in 1..=PAGES_READ {
            let page = self.page(target, "", number, PAGE_SIZE).await?;
            let last = number >= page.count || page.stations.is_empty();
            listed.add(page);
            if last {
                return Ok(listed);
            }
        }
        listed.cut = true;
        Ok(listed)
    }

    async fn status(&self, target: &Target, listed: &Listed) -> Found {
        let stations: Vec<_> = listed.stations.iter().take(STATIONS_ASKED).cloned().collect();
        let codes: Vec<&str> = stations.iter().map(|station| station.code.as_str()).collect();
        let body = json!({ "StationIDs": codes });
        let heard = match self.client.call(target, "query_station_status", body, CALL).await {
            Ok(heard) => heard,
            Err(trouble) => return Found::from(&trouble),
        };
        match pulled::statuses(&heard.members, self.link) {
            Err(found) => Found::Failed(Some(0), labels::faults(&found.faults)),
            Ok(reports) => {
                let (missing, foreign) = script::unmatched(&stations, &reports);
                let text = labels::statuses(reports.len(), &missing, &foreign);
                if missing.is_empty() && foreign.is_empty() && !reports.is_empty() {
                    Found::Passed(Some(0), text)
                } else {
                    Found::Failed(Some(0), text)
                }
            }
        }
    }

    async fn operator(&self, target: &Target) -> Found {
        let body = json!({ "LastQueryTime": "", "PageNo": 1, "PageSize": PAGE_SIZE });
        let heard = match self.client.call(target, OPERATORS, body, PAGE).await {
            Ok(heard) => heard,
            Err(trouble) => return Found::from(&trouble),
        };
        match pulled::operators(&heard.members) {
            Err(found) => Found::Failed(Some(0), labels::faults(&found.faults)),
            Ok(told) if told.iter().any(|one| one.is(&self.link.organisation)) => {
                Found::Passed(Some(0), labels::operators(&told))
            }
            Ok(told) => Found::Failed(Some(0), labels::operators(&told)),
        }
    }

    async fn statistics(&self, target: &Target, listed: &Listed) -> Found {
        if !target.serves(STATISTICS) {
            return Found::LeftOut(labels::NOT_SERVED);
        }
        let Some(station) = listed.stations.first() else { return Found::Skipped(labels::WITHOUT_STATIONS) };
        let day: String = moment_text(self.client.now() - Duration::DAY).chars().take(10).collect();
        let body = json!({ "StationID": station.code, "StartTime": day, "EndTime": day });
        let heard = match self.client.call(target, STATISTICS, body, CALL).await {
            Ok(heard) => heard,
            Err(trouble) => return Found::from(&trouble),
        };
        let (fields, mut findings) = (Fields::of(&heard.members), Findings::default());
        let mut stats = fields.needed_list(&["StationStats"], 1, &mut findings).into_iter();
        let stats = stats.next();
        let named = stats.as_ref().map(|stats| stats.id(&["StationID"], 20, &mut findings));
        let energy =
            stats.and_then(|stats| stats.needed_decimal(&["StationElectricity"], 1, 4, &mut findings));
        if !findings.faults.is_empty() {
            return Found::Failed(Some(0), labels::faults(&findings.faults));
        }
        let text = labels::statistics(&day, energy.unwrap_or_default());
        if named.as_deref() == Some(&station.code) {
            Found::Passed(Some(0), text)
        } else {
            Found::Failed(Some(0), text)
        }
    }

    /// Lists the orders that ended within a day to the operator's system: it should know each. Nothing of it is kept.
    async fn orders(&self, target: &Target, neighbours: &Neighbours) -> Found {
        if !target.serves(CHECK) {
            return Found::LeftOut(labels::NOT_SERVED);
        }
        let end = self.client.now().truncate_to_second();
        let start = end - Duration::DAY;
        let operator_id = self.link.operator_id.to_string();
        let (orders, until) = match ended(neighbours.checks(), &operator_id, (start, end)).await {
            Ok(ended) => ended,
            Err(trouble) => return Found::from(&trouble),
        };
        // Not the number of a check that counts.
        let check_no = format!("{}{}0002", target.organisation, stamp_text(start));
        let body = listing(&check_no, (start, until), &orders);
        let disputes = match self.client.call(target, CHECK, body, PAGE).await {
            Ok(heard) => answered(&heard.members, &check_no),
            // Whether operators serve it is unconfirmed.
            Err(Trouble::Status(404 | 405)) => return Found::LeftOut(labels::NOT_OFFERED),
            Err(trouble) => Err(trouble),
        };
        match disputes {
            Ok(disputes) if disputes.is_empty() => {
                Found::Passed(Some(0), labels::checked(orders.len(), None))
            }
            Ok(disputes) => Found::Failed(Some(0), labels::checked(orders.len(), disputes.first())),
            Err(trouble) => Found::from(&trouble),
        }
    }
}
