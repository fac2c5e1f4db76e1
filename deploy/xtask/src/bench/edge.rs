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

use super::{
    decisions::cost,
    figures::{Anchor, Better, Cost, Figures, Round},
    ingest::{Cases, OF_CALL, Sender},
    processor_time,
    raw::rate,
    raw_edge::{RawEdge, STATUS_PATH},
    visits::Connection,
};
use crate::{
    services::Service,
    simulator::{
        Simulator,
        envelope::{self, local},
    },
    trial::Trial,
};

/// Connections, shared out among the links. Source: performance, "Raw limits".
const IN_FLIGHT: usize = 32;

/// Source of the target: performance, "Targets".
pub(super) fn close(figures: &mut Figures) {
    figures.close("raw.edge.push.c32", "1/s", Better::Higher, None);
    let anchor = Some(Anchor { metric: "raw.edge.push.c32", target: Some(0.4) });
    figures.close("interconnect.push.c32", "1/s", Better::Higher, anchor);
    figures.close("interconnect.push.processor", "µs", Better::Lower, None);
}

/// The links of the senders, in their order, and the server beside.
pub(super) struct Edge {
    systems: Vec<Simulator>,
    raw: RawEdge,
    /// Where interconnect listens.
    address: SocketAddr,
    /// Of interconnect.
    process: u32,
}

impl Edge {
    /// Approves a link for each sender. Errors: one is refused, or interconnect does not run.
    pub(super) async fn prepare(trial: &Trial, cases: &Cases) -> Result<Self> {
        let mut systems = Vec::new();
        for sender in &cases.senders {
            let issued = cases.administrator.approve_link(&sender.operator.to_string()).await?;
            let organisation = issued.link.context("no link")?.organisation_code;
            let secrets = issued.inbound.context("no secrets")?;
            systems.push(Simulator::at(trial.fleet.deployment(), &organisation, secrets)?);
        }
        let known = systems.iter().map(|system| (system.organisation.clone(), system.secrets.clone()));
        let raw = RawEdge::serve(known.collect()).await?;
        let address = trial.fleet.deployment().address(Service::Interconnect)?.inlet.parse()?;
        let process = trial.fleet.id(Service::Interconnect).context("interconnect does not run")?;
        Ok(Self { systems, raw, address, process })
    }

    /// Raw case, own case. Errors: a message is not taken.
    pub(super) async fn round(&self, cases: &Cases, time: Duration) -> Result<Vec<(&'static str, Round)>> {
        let none = vec![String::new(); self.systems.len()];
        let (beside, _) = self.push(cases, self.raw.address, &none, time).await?;
        let mut tokens = Vec::new();
        for system in &self.systems {
            tokens.push(system.login().await?);
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
        let sent: Vec<AtomicUsize> = self.systems.iter().map(|_| AtomicUsize::new(0)).collect();
        let mut connections = Vec::new();
        for _ in 0..IN_FLIGHT {
            connections.push(Connection::open(at).await?);
        }
        let start = Instant::now();
        let systems = connections.into_iter().enumerate().map(|(number, mut connection)| {
            let link = number % self.systems.len();
            let (system, sender, sent) = (&self.systems[link], &cases.senders[link], &sent[link]);
            let token = &tokens[link];
            async move {
                let mut took = Vec::new();
                while start.elapsed() < time {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    tell(&mut connection, system, token, &changed(system, sender, number)).await?;
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

/// One status and its answer, both signed and encrypted. Errors: it is not taken.
async fn tell(connection: &mut Connection, system: &Simulator, token: &str, body: &Value) -> Result<()> {
    let request = system.envelope(body).to_string();
    let more = format!("Authorization: Bearer {token}\r\nContent-Type: application/json; charset=utf-8\r\n");
    let answer = connection.ask("POST", STATUS_PATH, "", &more, &request).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, String::from_utf8_lossy(&answer.body));
    let told = envelope::told(&system.secrets, &serde_json::from_slice(&answer.body)?)?;
    ensure!(told.ret == 0 && told.body["Status"] == 0, "a status was not taken: {told:?}");
    Ok(())
}

/// The n-th message of a round: the next connector has become something else, now.
fn changed(system: &Simulator, sender: &Sender, number: usize) -> Value {
    let (place, visit) = (number % sender.codes.len(), number / sender.codes.len() + 1);
    let status = after(sender.held(place), visit);
    json!({ "ConnectorStatusInfo": {
        "ConnectorID": sender.codes[place], "Status": status, "UpdateTime": local(system.now()) } })
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
