//! An operator's own server of T/CEC 102 over real HTTP: tokens, stations by page, status, statistics, order checks; with faults when
//! asked.
//!
//! Owns: answering. Not: calling the platform (`tcec`), nor what the platform makes of it. Source: interconnect protocol.
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use prost_types::Timestamp;
use proto::stations::{Secrets, StationRecord};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use super::{
    bodies::station_info,
    envelope::{self, local},
    network::Report,
};

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 500.
    Broken,
    /// Ret -1.
    Busy,
    /// The answer is signed with another key.
    Forged,
    /// The answer comes late.
    Slow(Duration),
    /// A page of HTML.
    Html,
}

/// What an operator's system does wrong all the time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// The first page is the answer to every page's number.
    pub stays_on_page_one: bool,
    /// Each page repeats the last station of the one before.
    pub repeats: bool,
    /// The stations of a page come in another order each time.
    pub shuffles: bool,
    /// A token serves this many calls; 0: any number.
    pub token_calls: usize,
    /// Signatures of the platform are not looked at.
    pub unchecked: bool,
    /// LastQueryTime is not looked at.
    pub always_all: bool,
    /// Statistics say so many Wh more than there are.
    pub counts_more_wh: i64,
    /// Statistics count an order on the day of its start.
    pub counts_by_start: bool,
    /// Another CheckOrderSeq and StationID than asked for is answered.
    pub echoes_wrong: bool,
    /// It has lost the orders of its past, and disputes none that it does not know.
    pub forgets: bool,
}

/// An order as the operator's system holds it.
#[derive(Clone, Debug)]
pub struct Order {
    /// StartChargeSeq.
    pub number: String,
    /// ConnectorID.
    pub gun: String,
    /// `yyyy-MM-dd HH:mm:ss`.
    pub start: String,
    /// Likewise.
    pub end: String,
    /// Wh.
    pub energy_wh: i64,
    /// Fen.
    pub total_fen: i64,
}

/// What it holds and has seen.
#[derive(Default)]
pub struct State {
    /// Its stations, in order.
    pub stations: Vec<StationRecord>,
    /// Connector to status; 1 where nothing stands.
    pub statuses: BTreeMap<String, i64>,
    /// Its orders.
    pub orders: Vec<Order>,
    /// Bodies of the order checks that came.
    pub checks: Vec<Value>,
    /// Faults of the next calls of a method.
    pub faults: VecDeque<(&'static str, Fault)>,
    /// What it does wrong all the time.
    pub habits: Habits,
    /// Methods in the order called.
    pub calls: Vec<String>,
    /// Most calls at one time.
    pub most_at_once: usize,
    /// (TimeStamp, Seq) that came twice.
    pub reused: usize,
    numbers: BTreeSet<(String, String)>,
    running: usize,
    token: usize,
    /// Tokens up to this one are good no more.
    ended: usize,
    served: usize,
}

impl State {
    /// How often a method was called.
    pub fn called(&self, method: &str) -> usize {
        self.calls.iter().filter(|call| *call == method).count()
    }
}

/// A running server; it ends when dropped.
pub struct OperatorServer {
    /// Up to and without the version.
    pub base_url: String,
    /// By which the platform calls it.
    pub secrets: Secrets,
    organisation: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl OperatorServer {
    /// Starts a server of an operator with stations. Errors: no port is free.
    pub async fn start(organisation: &str, stations: Vec<StationRecord>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/evcs", listener.local_addr()?);
        let secrets = Secrets {
            operator_secret: "对方\"密钥\\<&>".into(),
            data_secret: "Kx7!pQ2@mZ9#rT4$".into(),
            data_secret_iv: "v1Lw8Nc3Yb6Hd0Js".into(),
            sig_secret: "8fK2sQ9wZr5TnB1v".into(),
        };
        let state = Arc::new(Mutex::new(State { stations, ..State::default() }));
        let organisation = organisation.to_owned();
        let (held, kept, own) = (state.clone(), secrets.clone(), organisation.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, held.clone(), kept.clone(), own.clone()));
            }
        });
        Ok(Self { base_url, secrets, organisation, state, task })
    }

    /// What it holds and has seen.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its own system reports is what it answers with.
    pub fn knows(&self, report: &Report) {
        let time = |at: Option<Timestamp>| local(at.map_or(0, |at| at.seconds));
        let mut state = self.state();
        for one in &report.statuses {
            state.statuses.insert(one.connector_id.clone(), i64::from(one.status));
        }
        state.orders.extend(report.orders.iter().map(|one| Order {
            number: one.order_no.clone(),
            gun: one.connector_id.clone(),
            start: time(one.start_time),
            end: time(one.end_time),
            energy_wh: one.energy_wh,
            total_fen: one.total_fen,
        }));
    }

    /// OperatorID of its operator.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }
}

impl Drop for OperatorServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>, secrets: Secrets, organisation: String) {
    // A peer that breaks off has nothing to be told.
    let _ = exchange(&mut stream, &state, &secrets, &organisation).await;
}

async fn exchange(
    stream: &mut TcpStream,
    state: &Mutex<State>,
    secrets: &Secrets,
    organisation: &str,
) -> Result<()> {
    let (head, body) = received(stream).await?;
    let method =
        head.split(' ').nth(1).and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
    let bearer = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization").then(|| value.trim().to_owned())
    });
    let fault = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls.push(method.clone());
        state.running += 1;
        state.most_at_once = state.most_at_once.max(state.running);
        let at = state.faults.iter().position(|(of, _)| *of == method);
        at.and_then(|at| state.faults.remove(at)).map(|(_, fault)| fault)
    };
    if let Some(Fault::Slow(time)) = fault {
        sleep(time).await;
    }
    let answered = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running -= 1;
        match fault {
            Some(Fault::Busy) => Err((-1, "系统繁忙".to_owned())),
            _ => state.answer(&method, bearer.as_deref().unwrap_or_default(), &body, secrets, organisation),
        }
    };
    let mut envelope = match answered {
        Ok(body) => envelope::answer(secrets, 0, "", Some(&body)),
        Err((ret, msg)) => envelope::answer(secrets, ret, &msg, None),
    };
    if fault == Some(Fault::Forged) {
        envelope["Sig"] = json!("0".repeat(32));
    }
    let (status, text) = match fault {
        Some(Fault::Broken) => ("500 Internal Server Error", String::new()),
        Some(Fault::Html) => ("200 OK", "<html>维护中</html>".to_owned()),
        _ => ("200 OK", envelope.to_string()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

async fn received(stream: &mut TcpStream) -> Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec())?;
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let whole = end + 4 + length.context("no length")?;
            if bytes.len() >= whole {
                return Ok((head, bytes[end + 4..whole].to_vec()));
            }
        }
        let read = stream.read_buf(&mut bytes).await?;
        anyhow::ensure!(read > 0, "the peer broke off");
    }
}

type Refusal = (i32, String);

impl State {
    fn answer(
        &mut self,
        method: &str,
        bearer: &str,
        body: &[u8],
        secrets: &Secrets,
        organisation: &str,
    ) -> Result<Value, Refusal> {
        let envelope: Value = serde_json::from_slice(body).map_err(|_| (4003, "不是 JSON".to_owned()))?;
        let member = |name: &str| match envelope[name].as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err((4003, format!("缺少参数 {name}"))),
        };
        let caller = member("OperatorID")?;
        member("Data")?;
        let (stamp, seq) = (member("TimeStamp")?, member("Seq")?);
        member("Sig")?;
        if !envelope::genuine(secrets, &envelope) && !self.habits.unchecked {
            return Err((4001, "签名错误".to_owned()));
        }
        if !self.numbers.insert((stamp, seq)) {
            self.reused += 1;
        }
        let body = envelope::body(secrets, &envelope).map_err(|_| (4003, "无法解密".to_owned()))?;
        if method == "query_token" {
            return Ok(self.login(&body, secrets));
        }
        self.served += 1;
        if self.habits.token_calls > 0 && self.served > self.habits.token_calls {
            self.ended = self.token;
        }
        let number = bearer.strip_prefix("Bearer token-").and_then(|number| number.parse().ok());
        if !number.is_some_and(|number| (self.ended + 1..=self.token).contains(&number)) {
            return Err((4002, "Token错误".to_owned()));
        }
        match method {
            "query_stations_info" => self.page(&body, organisation),
            "query_station_status" => self.status(&body),
            "query_station_stats" => self.statistics(&body),
            "check_charge_orders" => self.check(body, &caller),
            _ => Err((4003, "接口不存在".to_owned())),
        }
    }

    fn login(&mut self, body: &Value, secrets: &Secrets) -> Value {
        if body["OperatorSecret"] != json!(secrets.operator_secret) {
            return json!({ "OperatorID": body["OperatorID"], "SuccStat": 1, "AccessToken": "", "TokenAvailableTime": 0, "FailReason": 2 });
        }
        self.token += 1;
        self.served = 0;
        json!({
            "OperatorID": body["OperatorID"], "SuccStat": 0, "AccessToken": format!("token-{}", self.token),
            "TokenAvailableTime": 7200, "FailReason": 0,
        })
    }

    fn page(&self, body: &Value, organisation: &str) -> Result<Value, Refusal> {
        let wrong = |name: &str| (4004, format!("{name} 不正确"));
        let number = body["PageNo"].as_u64().ok_or_else(|| wrong("PageNo"))?;
        let size = body["PageSize"].as_u64().filter(|size| *size > 0).ok_or_else(|| wrong("PageSize"))?;
        let changed = self.habits.always_all || body["LastQueryTime"].as_str().unwrap_or_default().is_empty();
        let all: &[StationRecord] = if changed { &self.stations } else { &[] };
        let (number, size) = (usize::try_from(number).unwrap_or(1), usize::try_from(size).unwrap_or(1));
        let turned = if self.habits.stays_on_page_one { 0 } else { number.saturating_sub(1) };
        let from = turned.saturating_mul(size).min(all.len());
        let mut chosen: Vec<&StationRecord> = all[from..(from + size).min(all.len())].iter().collect();
        if self.habits.repeats && from > 0 && !chosen.is_empty() {
            chosen.insert(0, &all[from - 1]);
        }
        if self.habits.shuffles {
            let by = self.calls.len() % chosen.len().max(1);
            chosen.rotate_left(by);
        }
        let infos: Vec<Value> = chosen.into_iter().map(|one| station_info(one, organisation)).collect();
        Ok(json!({
            "PageNo": number, "PageCount": all.len().div_ceil(size), "ItemSize": all.len(), "StationInfos": infos,
        }))
    }

    fn status(&self, body: &Value) -> Result<Value, Refusal> {
        let asked = body["StationIDs"].as_array().ok_or((4004, "StationIDs 不正确".to_owned()))?;
        let infos: Vec<Value> = self
            .stations
            .iter()
            .filter(|station| asked.contains(&json!(station.station_code)))
            .map(|station| {
                let guns = station.equipment.iter().flat_map(|device| &device.connectors);
                let statuses: Vec<Value> = guns
                    .map(|gun| {
                        let status = self.statuses.get(&gun.connector_id).copied().unwrap_or(1);
                        json!({ "ConnectorID": gun.connector_id, "Status": status })
                    })
                    .collect();
                json!({ "StationID": station.station_code, "ConnectorStatusInfos": statuses })
            })
            .collect();
        Ok(json!({ "Total": infos.len(), "StationStatusInfos": infos }))
    }

    /// Energy of a station from the first to the last day, both included.
    fn statistics(&self, body: &Value) -> Result<Value, Refusal> {
        let wrong = |name: &str| (4004, format!("{name} 不正确"));
        let day = |name: &str| match body[name].as_str() {
            Some(day) if day.len() == 10 => Ok(day.to_owned()),
            _ => Err(wrong(name)),
        };
        let (first, last) = (day("StartTime")?, day("EndTime")?);
        let station = self.stations.iter().find(|one| body["StationID"] == json!(one.station_code));
        let station = station.ok_or_else(|| wrong("StationID"))?;
        let counts = |order: &Order| {
            let at = if self.habits.counts_by_start { &order.start } else { &order.end };
            (first.as_str()..=last.as_str()).contains(&&at[..10])
        };
        let energy = |gun: &str| -> i64 {
            self.orders.iter().filter(|one| one.gun == gun && counts(one)).map(|one| one.energy_wh).sum()
        };
        let mut all = self.habits.counts_more_wh;
        let mut devices = Vec::new();
        for device in &station.equipment {
            let (mut guns, mut whole) = (Vec::new(), 0);
            for gun in &device.connectors {
                let wh = energy(&gun.connector_id);
                whole += wh;
                guns.push(json!({ "ConnectorID": gun.connector_id, "ConnectorElectricity": tenths(wh) }));
            }
            all += whole;
            devices.push(json!({
                "EquipmentID": device.equipment_id, "EquipmentElectricity": tenths(whole), "ConnectorStatsInfos": guns,
            }));
        }
        let code = if self.habits.echoes_wrong { "another" } else { &station.station_code };
        Ok(json!({ "StationStats": {
            "StationID": code, "StartTime": first, "EndTime": last, "StationElectricity": tenths(all),
            "EquipmentStatsInfos": devices,
        } }))
    }

    /// The listed orders that differ from those that are held.
    fn check(&mut self, body: Value, caller: &str) -> Result<Value, Refusal> {
        let wrong = |name: &str| (4004, format!("{name} 不正确"));
        let text = |name: &str| body[name].as_str().ok_or_else(|| wrong(name));
        let (number, start, end) = (text("CheckOrderSeq")?, text("StartTime")?, text("EndTime")?);
        if number.len() != 27 || !number.starts_with(caller) {
            return Err(wrong("CheckOrderSeq"));
        }
        if start.len() != 19 || end.len() != 19 || start > end {
            return Err(wrong("EndTime"));
        }
        let listed = body["ChargeOrders"].as_array().ok_or_else(|| wrong("ChargeOrders"))?;
        let sum = |name: &str| -> i64 { listed.iter().map(|one| hundredths(&one[name])).sum() };
        for (name, is) in [("TotalOrderPower", sum("TotalPower")), ("TotalOrderMoney", sum("TotalMoney"))] {
            // Each energy is rounded by itself.
            if hundredths(&body[name]).abs_diff(is) > u64::try_from(listed.len()).unwrap_or(u64::MAX) {
                return Err(wrong(name));
            }
        }
        if body["OrderCount"] != json!(listed.len()) {
            return Err(wrong("OrderCount"));
        }
        let disputes: Vec<Value> = listed.iter().filter_map(|line| self.disputed(line)).collect();
        let total = |name: &str| -> i64 { disputes.iter().map(|one| hundredths(&one[name])).sum() };
        let answered = if self.habits.echoes_wrong { "another" } else { number };
        let answer = json!({
            "CheckOrderSeq": answered, "StartTime": start, "EndTime": end, "TotalDisputeOrder": disputes.len(),
            "TotalDisputePower": total("TotalPower") as f64 / 100.0, "TotalDisputeMoney": total("TotalMoney") as f64 / 100.0,
            "DisputeOrders": disputes,
        });
        self.checks.push(body);
        Ok(answer)
    }

    fn disputed(&self, line: &Value) -> Option<Value> {
        let held = self.orders.iter().find(|one| json!(one.number) == line["StartChargeSeq"]);
        let energy = |order: &Order| (order.energy_wh + 5) / 10;
        let reason = match held {
            None if self.habits.forgets => return None,
            None => 1,
            Some(order) if order.total_fen != hundredths(&line["TotalMoney"]) => 2,
            Some(order) if energy(order) != hundredths(&line["TotalPower"]) => 3,
            Some(_) => return None,
        };
        let own = |of: fn(&Order) -> i64, said: &Value| match held {
            Some(order) => json!(of(order) as f64 / 100.0),
            None => said.clone(),
        };
        Some(json!({
            "StartChargeSeq": line["StartChargeSeq"], "TotalPower": own(|order| (order.energy_wh + 5) / 10, &line["TotalPower"]),
            "TotalMoney": own(|order| order.total_fen, &line["TotalMoney"]), "DisputeReason": reason,
        }))
    }
}

/// kWh with the one digit that statistics have.
fn tenths(wh: i64) -> f64 {
    ((wh + 50) / 100) as f64 / 10.0
}

/// A number with two digits as an integer of its last.
fn hundredths(number: &Value) -> i64 {
    (number.as_f64().unwrap_or(f64::NAN) * 100.0).round() as i64
}
