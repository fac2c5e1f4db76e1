//! Every service is replaced, one after the other, while people and machines go on at their own pace.
//!
//! Source: reliability R1 to R3, section 7; decision record 25. Each service stands behind an address of its own, as in a
//! cluster: the new process is ready before the old one is told to end (`deploy/k8s/base`, maxUnavailable 0).
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use futures::future::BoxFuture;
use proto::reviews::ApplicationView;
use serde_json::json;
use system_tests::{
    Company, PASSWORD, System,
    cases::Stage,
    paced::Paced,
    pages::Browser,
    premises,
    tcec::{Simulator, local},
    traffic::Acknowledged,
};
use tokio::{
    sync::{Mutex, mpsc},
    time::sleep,
};
use xtask::{driver::Actor, services::Service, trial::Plan};

/// Decisions a second. Source: decision record 25.
const DECISIONS: u32 = 50;
/// Applications that are decided on in turn.
const CASES: usize = 40;
/// Source: reliability, section 7.
const DRAINED_WITHIN: Duration = Duration::from_secs(25);
/// Further attempts of a caller over HTTP, as of one over gRPC. Source: reliability, section 6.
const REPETITIONS: u32 = 4;

/// What is asked beside the decisions, so that each service has work of its own while it is replaced.
struct Errands {
    system: Arc<System>,
    company: Company,
    administrator: Actor,
    county: Actor,
    browser: Browser,
    simulator: Simulator,
    gun: String,
    /// Requests over HTTP that were sent again.
    repeated: AtomicUsize,
}

/// A request of one kind, by its number.
type Errand = fn(Arc<Errands>, usize) -> BoxFuture<'static, Result<()>>;

/// Who asks for what, and how often a second.
const ERRANDS: [(&str, u32, Errand); 6] = [
    ("accounts: profiles", 5, |of, _| {
        Box::pin(async move {
            of.company.actor.own_profile().await?;
            Ok(())
        })
    }),
    ("stations: registrations", 5, |of, number| {
        Box::pin(async move {
            let number = u32::try_from(number)? + 500_000;
            of.company.actor.register_station(premises::record(number, "410105")).await?;
            Ok(())
        })
    }),
    ("documents: invoices", 5, |of, _| {
        Box::pin(async move {
            let entry = of.system.invoice_entry(&of.company, premises::AMOUNT_FEN);
            of.company.actor.enter_invoice(entry).await?;
            Ok(())
        })
    }),
    ("notifications: worklists", 5, |of, _| {
        Box::pin(async move {
            of.county.task_counts().await?;
            of.administrator.inbox().await?;
            Ok(())
        })
    }),
    ("portal: pages", 5, |of, _| Box::pin(of.page())),
    ("interconnect: orders", 5, |of, number| Box::pin(of.order(number))),
];

impl Errands {
    /// A page of a person who is signed in; it asks accounts, reviews and notifications.
    async fn page(self: Arc<Self>) -> Result<()> {
        self.over_http(|| async {
            let shown = self.browser.get("/subsidy/applications").await?;
            ensure!(
                shown.status == 200 && shown.text.contains("</html>"),
                "{} {}",
                shown.status,
                shown.words()
            );
            Ok(())
        })
        .await
    }

    /// An order that an operator's system delivers.
    async fn order(self: Arc<Self>, number: usize) -> Result<()> {
        let begin = self.simulator.now() - 3_000;
        let order = json!({
            "StartChargeSeq": self.order_no(number), "ConnectorID": self.gun, "StartTime": local(begin - 600),
            "EndTime": local(begin), "TotalPower": 1.5, "TotalElecMoney": 1, "TotalSeviceMoney": 0.5,
            "TotalMoney": 1.5, "StopReason": 0,
        });
        self.over_http(|| async {
            let told = self.simulator.push("notification_charge_order_info", &order).await?;
            ensure!(told.ret == 0 && told.body["ConfirmResult"] == json!(0), "{told:?}");
            Ok(())
        })
        .await
    }

    fn order_no(&self, number: usize) -> String {
        format!("{}{number:018}", self.simulator.organisation)
    }

    /// Asks as a gateway or an operator's system does: again after a failure, each time a little later.
    async fn over_http<Asked>(&self, ask: impl Fn() -> Asked) -> Result<()>
    where
        Asked: Future<Output = Result<()>>,
    {
        let mut repetition = 0;
        loop {
            match ask().await {
                Err(_) if repetition < REPETITIONS => {
                    sleep(Duration::from_millis(100) * 3_u32.pow(repetition)).await;
                    self.repeated.fetch_add(1, Ordering::Relaxed);
                    repetition += 1;
                }
                answer => return answer,
            }
        }
    }
}

/// Sets somebody to decide, so many times a second, on whichever application has been answered longest.
pub(super) fn decide(county: &Actor, cases: Vec<ApplicationView>, today: &str) -> (Paced, Acknowledged) {
    let acknowledged = Acknowledged::default();
    let (free, next) = mpsc::unbounded_channel();
    for view in cases {
        // The receiver is below.
        let _ = free.send(view);
    }
    let (next, noted) = (Arc::new(Mutex::new(next)), acknowledged.clone());
    let (county, today) = (county.clone(), today.to_owned());
    let paced = Paced::start(DECISIONS, move |_| {
        let (county, today, next) = (county.clone(), today.clone(), next.clone());
        let (free, noted) = (free.clone(), noted.clone());
        async move {
            let view = next.lock().await.recv().await.context("an application comes back")?;
            let answer = county.papers_missing(&view, &["M5"], &today, "王示例").await;
            let _ = free.send(answer.as_ref().unwrap_or(&view).clone());
            noted.note(&answer?);
            Ok(())
        }
    });
    (paced, acknowledged)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_replaced_while_people_decide_and_no_request_fails() -> Result<()> {
    let plan = Plan::durable().with(Service::Portal).with(Service::Interconnect).behind_fronts();
    let system = Arc::new(System::planned(plan).await?);
    let cases = super::cases_at(&system, CASES, Stage::PaperCheck).await?;
    let errands = Arc::new(errands(&system, &cases[0].company).await?);
    let county = errands.county.clone();
    // Somebody looks on by a stream that never ends by itself: it must not hold up the end of its process.
    let mut watching = county.watch().await?;
    let watching = tokio::spawn(async move { while let Ok(Some(_)) = watching.message().await {} });

    let before = system.platform().repeated();
    let views: Vec<_> = cases.iter().map(|case| case.view.clone()).collect();
    let (decisions, acknowledged) = decide(&county, views, &system.today());
    let mut streams: BTreeMap<&str, Paced> = BTreeMap::new();
    for (name, per_second, errand) in ERRANDS {
        let errands = errands.clone();
        streams.insert(name, Paced::start(per_second, move |number| errand(errands.clone(), number)));
    }
    for service in Service::ALL {
        decisions.answered(50).await?;
        let drained = system.fleet().replace(service).await?;
        println!("{service} was replaced; the old process ended within {drained:?}");
        assert!(drained < DRAINED_WITHIN, "{service} took {drained:?}");
    }
    decisions.answered(50).await?;
    watching.await?;

    let ended = decisions.stop().await?;
    println!(
        "{} decisions at {:.1}/s, p99 {:?}, longest {:?}; {} requests over gRPC and {} over HTTP were sent again",
        ended.took.len(),
        ended.rate,
        ended.p99(),
        ended.took.last().copied().unwrap_or_default(),
        system.platform().repeated() - before,
        errands.repeated.load(Ordering::Relaxed),
    );
    assert!(ended.failed.is_empty(), "decisions failed: {:#?}", ended.failed);
    assert!(ended.rate > f64::from(DECISIONS) * 0.95, "only {:.1} decisions a second", ended.rate);
    let mut asked = BTreeMap::new();
    for (name, stream) in streams {
        let ended = stream.stop().await?;
        println!("{name}: {} at {:.1}/s, longest {:?}", ended.took.len(), ended.rate, ended.took.last());
        assert!(ended.failed.is_empty(), "{name}: {:#?}", ended.failed);
        asked.insert(name.split(':').next().unwrap_or_default(), ended.took.len());
    }

    // Each effect once: no more steps, invoices, stations, orders or messages than were asked for, and none less.
    system.nothing_acknowledged_is_missing(&acknowledged).await?;
    let mut decided = 0;
    for case in &cases {
        decided += system.steps(case.uuid()).await?.iter().filter(|step| *step == "T07").count();
    }
    assert_eq!(decided, acknowledged.count(), "a decision was made that nobody was told of, or twice");
    let rows = [
        (Service::Stations, "stations", "SELECT count(*) FROM stations WHERE code >= 'S00500000'"),
        (Service::Documents, "documents", "SELECT count(*) FROM invoices"),
        (Service::Stations, "interconnect", "SELECT count(*) FROM charge_orders"),
    ];
    for (service, errand, sql) in rows {
        assert_eq!(usize::try_from(system.count(service, sql).await?)?, asked[errand], "{errand}");
    }
    let held: BTreeSet<_> =
        system.texts(Service::Stations, "SELECT order_no FROM charge_orders").await?.into_iter().collect();
    assert!((0..asked["interconnect"]).all(|number| held.contains(&errands.order_no(number))));
    system.drained().await?;
    let doubled = "SELECT count(*) - count(DISTINCT (event_id, desk)) FROM messages";
    assert_eq!(system.count(Service::Notifications, doubled).await?, 0);
    drop(errands);
    let system = Arc::into_inner(system).context("nobody else has the system any more")?;
    system.finish_after_faults().await
}

/// Everybody who is on an errand, with what they need.
async fn errands(system: &Arc<System>, company: &Company) -> Result<Errands> {
    let administrator = system.administrator().await?;
    let issued = administrator.approve_link(&company.operator_id).await?;
    let organisation = issued.link.context("a link")?.organisation_code;
    let simulator = Simulator::at(&**system, &organisation, issued.inbound.context("secrets")?)?;
    let record = premises::record(1, "410105");
    let gun = record.equipment[0].connectors[0].connector_id.clone();
    company.actor.register_station(record).await?;
    let browser = Browser::at(system)?;
    browser.sign_in(company.actor.name(), PASSWORD).await?;
    Ok(Errands {
        county: system.county("410105").await?,
        system: system.clone(),
        company: company.clone(),
        administrator,
        browser,
        simulator,
        gun,
        repeated: AtomicUsize::new(0),
    })
}
