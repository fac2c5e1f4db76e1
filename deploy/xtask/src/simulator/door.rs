//! How an operator's system reaches the platform: by T/CEC 102 over HTTP, or by gRPC. Either way the same deliveries.
//!
//! Owns: saying a delivery in the words of each way, and reading the answer. Not: what it should be (`ledger`).
use std::sync::{Arc, atomic::Ordering};

use anyhow::{Result, bail};
use proto::{
    accounts::IssueClientResponse,
    stations::{OrderBatch, Receipt, StatusBatch, TelemetryBatch},
};
use serde_json::{Value, json};
use tonic::Code;

use super::{
    bodies,
    envelope::Told,
    faults::{Delivery, How, Sending},
    ledger::{Outcome, Refusal, Verdict},
    tcec::Simulator,
};
use crate::driver::{Actor, actor::fresh_id, refused::Answer};

/// One of the two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// T/CEC 102 with interconnect.
    Tcec,
    /// The ingest of stations.
    Grpc,
}

/// By which way an operator's system delivers; clones share a token.
#[derive(Clone)]
pub enum Door {
    /// With its link's secrets.
    Tcec(Arc<Simulator>),
    /// As a machine.
    Grpc(Actor),
}

impl Door {
    /// Which way it is.
    pub fn way(&self) -> Way {
        match self {
            Self::Tcec(_) => Way::Tcec,
            Self::Grpc(_) => Way::Grpc,
        }
    }

    /// Sends it once and gives the answer; none where the platform is busy, away or failed, so that a good peer comes again.
    ///
    /// # Errors
    /// An answer that no fault explains.
    pub async fn send(&self, sending: &Sending) -> Result<Option<Verdict>> {
        match self {
            Self::Tcec(simulator) => by_tcec(simulator, sending).await,
            Self::Grpc(machine) => by_grpc(machine, sending).await,
        }
    }
}

/// The method of a kind, the member of its answer that is 0 where the items were taken, and each body with its number of items.
fn messages(delivery: &Delivery) -> (&'static str, &'static str, Vec<(usize, Value)>) {
    let single = |body| (1, body);
    match delivery {
        Delivery::Statuses(items) => {
            ("notification_stationStatus", "Status", vec![(items.len(), bodies::statuses(items))])
        }
        Delivery::Samples(items) => {
            let all = items.iter().map(bodies::sample).map(single).collect();
            ("notification_equip_charge_status", "SuccStat", all)
        }
        Delivery::Orders(items) => {
            let all = items.iter().map(bodies::order).map(single).collect();
            ("notification_charge_order_info", "ConfirmResult", all)
        }
    }
}

async fn by_tcec(simulator: &Simulator, sending: &Sending) -> Result<Option<Verdict>> {
    let (method, result, bodies) = messages(&sending.delivery);
    let mut outcomes = Vec::new();
    for (items, body) in bodies {
        let envelope = sealed(simulator, &body, sending.how);
        let mut told = simulator.push_envelope(method, &envelope).await;
        if sending.how == How::Retried && told.is_ok() {
            told = simulator.push_envelope(method, &envelope).await;
        }
        let Ok(Told { ret, msg, body: answer }) = told else { return Ok(None) };
        match ret {
            0 if answer[result] == 0 => outcomes.extend(vec![Outcome::Taken; items]),
            0 => outcomes.extend(vec![Outcome::Rejected; items]),
            -1 | 500 => return Ok(None),
            4001 => return Ok(Some(Verdict::Refused(Refusal::Signature))),
            4003 => return Ok(Some(Verdict::Refused(Refusal::Clock))),
            4004 => return Ok(Some(Verdict::Refused(Refusal::Content))),
            other => bail!("{method} was answered {other} {msg}"),
        }
    }
    Ok(Some(Verdict::Items(outcomes)))
}

fn sealed(simulator: &Simulator, body: &Value, how: How) -> Value {
    match how {
        How::Plain | How::Retried => simulator.envelope(body),
        How::Forged => {
            let mut envelope = simulator.envelope(body);
            envelope["Sig"] = json!("0".repeat(32));
            envelope
        }
        How::ClockAhead(by_secs) => {
            simulator.clock_ahead.fetch_add(by_secs, Ordering::Relaxed);
            let envelope = simulator.envelope(body);
            simulator.clock_ahead.fetch_sub(by_secs, Ordering::Relaxed);
            envelope
        }
    }
}

async fn by_grpc(machine: &Actor, sending: &Sending) -> Result<Option<Verdict>> {
    let (batch_id, delivery) = (fresh_id(), sending.delivery.clone());
    let answer = match sending.how {
        How::Plain => push(machine, &batch_id, delivery).await,
        How::Retried => match push(machine, &batch_id, delivery.clone()).await {
            Ok(_) => push(machine, &batch_id, delivery).await,
            refused => refused,
        },
        How::Forged => push(&impostor(machine), &batch_id, delivery).await,
        How::ClockAhead(by_secs) => push(machine, &batch_id, delivery.ahead(by_secs)).await,
    };
    match answer {
        Ok(receipts) => {
            let results = receipts.iter().flat_map(|receipt| &receipt.results);
            let outcomes: Result<_> = results.map(|result| outcome(&result.outcome)).collect();
            Ok(Some(Verdict::Items(outcomes?)))
        }
        Err(refused) if refused.passing() => Ok(None),
        Err(refused) if refused.code == Code::Unauthenticated => {
            Ok(Some(Verdict::Refused(Refusal::Signature)))
        }
        Err(refused) if refused.code == Code::InvalidArgument => Ok(Some(Verdict::Refused(Refusal::Content))),
        Err(refused) => Err(refused.into()),
    }
}

/// Says that it is the same machine, and does not know its secret.
fn impostor(machine: &Actor) -> Actor {
    let client_id = machine.name().to_owned();
    Actor::machine(machine.platform(), IssueClientResponse { client_id, client_secret: "guessed".to_owned() })
}

fn outcome(name: &str) -> Result<Outcome> {
    Ok(match name {
        "accepted" => Outcome::Accepted,
        "duplicate" => Outcome::Duplicate,
        "stale" => Outcome::Stale,
        "rejected" => Outcome::Rejected,
        other => bail!("an item was answered {other}"),
    })
}

async fn push(machine: &Actor, batch_id: &str, delivery: Delivery) -> Answer<Vec<Receipt>> {
    let batch_id = batch_id.to_owned();
    let sent = match delivery {
        Delivery::Statuses(items) => {
            let batches = vec![StatusBatch { batch_id, items, pulled: false }];
            machine
                .ask(batches, |to, request| async move {
                    to.ingest().send_status(request.map(tokio_stream::iter)).await
                })
                .await?
        }
        Delivery::Samples(samples) => {
            let items = samples.into_iter().map(|sample| sample.item).collect();
            let batches = vec![TelemetryBatch { batch_id, items }];
            machine
                .ask(batches, |to, request| async move {
                    to.ingest().send_telemetry(request.map(tokio_stream::iter)).await
                })
                .await?
        }
        Delivery::Orders(items) => {
            let batches = vec![OrderBatch { batch_id, items }];
            machine
                .ask(batches, |to, request| async move {
                    to.ingest().send_orders(request.map(tokio_stream::iter)).await
                })
                .await?
        }
    };
    Ok(sent.receipts)
}
