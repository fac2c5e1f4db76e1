//! Operators' systems push statuses by T/CEC 102 over HTTP: interconnect, stations, accounts and the database, beside a server with nothing
//! behind.
//!
//! Owns: the own case. A system's part of the work (encryption, signature, a kept connection, reading the answer) is the same code and the same
//! messages in both cases, and costs both. Each message says that one connector has changed. Source: performance, "Targets".
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use time::macros::offset;

use super::{
    decisions::cost,
    figures::{Anchor, Better, Cost, Figures, Round},
    ingest::{Cases, OF_CALL, Sender},
    processor_time,
    raw::rate,
    raw_edge::{Keys, RawEdge, STATUS_PATH},
    visits::Connection,
};
use crate::{driver::clock, services::Service, trial::Trial};

/// Connections, shared out among the links. Source: performance, "Raw limits".
const IN_FLIGHT: usize = 32;
const TOKEN_PATH: &str = "/evcs/v20160701/query_token";

/// Source of the target: performance, "Targets".
pub(super) fn close(figures: &mut Figures) {
    figures.close("raw.edge.push.c32", "1/s", Better::Higher, None);
    let anchor = Some(Anchor { metric: "raw.edge.push.c32", target: Some(0.4) });
    figures.close("interconnect.push.c32", "1/s", Better::Higher, anchor);
    figures.close("interconnect.push.processor", "µs", Better::Lower, None);
}

/// The links of the senders, in their order, and the server beside.
pub(super) struct Edge {
    keys: Vec<Keys>,
    raw: RawEdge,
    /// Where interconnect listens.
    address: SocketAddr,
    /// Of interconnect.
    process: u32,
}

impl Edge {
    /// Approves a link for each sender. Errors: one is refused, or interconnect does not run.
    pub(super) async fn prepare(trial: &Trial, cases: &Cases) -> Result<Self> {
        let mut keys = Vec::new();
        for sender in &cases.senders {
            let issued = cases.administrator.approve_link(&sender.operator.to_string()).await?;
            keys.push(Keys {
                organisation: issued.link.context("no link")?.organisation_code,
                secrets: issued.inbound.context("no secrets")?,
            });
        }
        let raw = RawEdge::serve(keys.clone()).await?;
        let address = trial.fleet.deployment().address(Service::Interconnect)?.inlet.parse()?;
        let process = trial.fleet.id(Service::Interconnect).context("interconnect does not run")?;
        Ok(Self { keys, raw, address, process })
    }

    /// Raw case, own case. Errors: a message is not taken.
    pub(super) async fn round(&self, cases: &Cases, time: Duration) -> Result<Vec<(&'static str, Round)>> {
        let none = vec![String::new(); self.keys.len()];
        let (beside, _) = self.push(cases, self.raw.address, &none, time).await?;
        let mut tokens = Vec::new();
        for keys in &self.keys {
            tokens.push(login(self.address, keys).await?);
        }
        let mut look = PgConnection::connect(&cases.database).await?;
        let (before, spent) = (cost(&mut look).await?, processor_time(self.process)?);
        let (mut own, sent) = self.push(cases, self.address, &tokens, time).await?;
        let spent = processor_time(self.process)?.saturating_sub(spent);
        let messages = own.took.len().max(1);
        own.cost = Some(Cost::between(before, cost(&mut look).await?, messages));
        let processor = Round { value: spent.as_secs_f64() * 1e6 / messages as f64, ..Round::default() };
        for (sender, sent) in cases.senders.iter().zip(sent) {
            restore(cases, sender, sent).await?;
        }
        Ok(vec![
            ("raw.edge.push.c32", beside),
            ("interconnect.push.c32", own),
            ("interconnect.push.processor", processor),
        ])
    }

    /// Messages a second, and how many each link has sent.
    async fn push(
        &self,
        cases: &Cases,
        at: SocketAddr,
        tokens: &[String],
        time: Duration,
    ) -> Result<(Round, Vec<usize>)> {
        let sent: Vec<AtomicUsize> = self.keys.iter().map(|_| AtomicUsize::new(0)).collect();
        let mut connections = Vec::new();
        for _ in 0..IN_FLIGHT {
            connections.push(Connection::open(at).await?);
        }
        let start = Instant::now();
        let systems = connections.into_iter().enumerate().map(|(number, mut connection)| {
            let link = number % self.keys.len();
            let (keys, sender, sent) = (&self.keys[link], &cases.senders[link], &sent[link]);
            let token = &tokens[link];
            async move {
                let mut took = Vec::new();
                while start.elapsed() < time {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    let told =
                        tell(&mut connection, keys, STATUS_PATH, token, &changed(sender, number), number)
                            .await?;
                    ensure!(told["Status"] == 0, "a status was not taken: {told}");
                    took.push(begun.elapsed());
                }
                anyhow::Ok(took)
            }
        });
        let took = try_join_all(systems).await?.concat();
        let round = Round { value: rate(took.len(), start.elapsed()), took, cost: None };
        Ok((round, sent.into_iter().map(AtomicUsize::into_inner).collect()))
    }
}

/// One message and its answer, both signed and encrypted. Errors: it is refused.
async fn tell(
    connection: &mut Connection,
    keys: &Keys,
    path: &str,
    token: &str,
    body: &Value,
    number: usize,
) -> Result<Value> {
    let stamp: String = local().chars().filter(char::is_ascii_digit).collect();
    let envelope = serde_json::to_string(&keys.envelope(body, &stamp, number)?)?;
    let more = format!("Authorization: Bearer {token}\r\nContent-Type: application/json; charset=utf-8\r\n");
    let answer = connection.ask("POST", path, "", &more, &envelope).await?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    keys.accepted(&answer.body)
}

/// A fresh token.
async fn login(at: SocketAddr, keys: &Keys) -> Result<String> {
    let body = json!({ "OperatorID": keys.organisation, "OperatorSecret": keys.secrets.operator_secret });
    let mut connection = Connection::open(at).await?;
    let told = tell(&mut connection, keys, TOKEN_PATH, "", &body, 0).await?;
    told["AccessToken"].as_str().map(str::to_owned).with_context(|| format!("no token: {told}"))
}

/// The n-th message of a round: the next connector has become something else, now.
fn changed(sender: &Sender, number: usize) -> Value {
    let (place, visit) = (number % sender.codes.len(), number / sender.codes.len() + 1);
    let status = after(sender.held(place), visit);
    json!({ "ConnectorStatusInfo": {
        "ConnectorID": sender.codes[place], "Status": status, "UpdateTime": local() } })
}

/// One of 1, 2, 3: never the one before, and so many changes after `held`.
fn after(held: i32, changes: usize) -> i32 {
    (1..=3).cycle().skip_while(|status| *status != held).nth(changes % 3).unwrap_or(held)
}

/// Says of each connector again what the other cases believe of it.
async fn restore(cases: &Cases, sender: &Sender, sent: usize) -> Result<()> {
    let all = sender.codes.len();
    for first in (0..sent.min(all)).step_by(OF_CALL) {
        let places = (first..first + OF_CALL).map(|at| at % all);
        cases.report(sender, places.map(|place| (place, sender.held(place)))).await?;
    }
    Ok(())
}

/// The system's clock, `yyyy-MM-dd HH:mm:ss` in China.
fn local() -> String {
    let at = clock::instant().to_offset(offset!(+8));
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn each_message_about_a_connector_says_another_status() {
        for held in 1..=3 {
            let said: Vec<i32> = (0..5).map(|changes| after(held, changes)).collect();
            assert_eq!((said[0], said[3]), (held, held));
            assert!(said.windows(2).all(|two| two[0] != two[1] && (1..=3).contains(&two[1])), "{said:?}");
        }
    }
}
