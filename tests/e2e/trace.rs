//! One trace id runs from the page on which a county passes an application through the decision, its commit, the relay and the
//! message header to the consumer's effect; the same collector is sent what was counted meanwhile.
//!
//! Source: house style, section 4.
use anyhow::{Context as _, Result};
use system_tests::{
    PASSWORD, System,
    cases::{Case, Stage},
    collector::{Collector, Span},
    eventually,
    pages::Browser,
    records::OutboxRow,
    wait::PATIENCE,
};
use xtask::{services::Service, trial::Plan};

const PASS: &str = "/yuchong.reviews.v1.Applications/Pass";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_id_runs_from_the_countys_page_through_decision_commit_and_relay_to_the_consumers_effect()
-> Result<()> {
    let collector = Collector::start().await?;
    let plan = Service::WITH_DATABASE
        .into_iter()
        .chain([Service::Portal])
        .fold(Plan::quick(), |plan, service| plan.set(service, "TELEMETRY__OTLP_ENDPOINT", &collector.url))
        .with(Service::Portal);
    let system = System::planned(plan).await?;
    let case = system.application().at(Stage::CountyReview).await?;
    pass(&system, &case).await?;
    let row = last_told(&system, &case).await?;
    let trace = row.trace.split('-').nth(1).context("a trace id")?;

    system.drained().await?;
    let client = async_nats::connect(system.trial().nats.url()).await?;
    let stream = async_nats::jetstream::new(client).get_stream("REVIEWS").await?;
    let message = stream.get_last_raw_message_by_subject(&row.subject).await?;
    let header = message.headers.get("traceparent").context("the message carries a trace")?.to_string();
    assert_eq!(header, row.trace);

    // Each process sends its spans in batches of its own; the order in which they arrive says nothing.
    let [page, call, unit, commit, relay, effect] =
        eventually(PATIENCE, "the spans arrive", || async { Ok(path(&collector.trace(trace))) }).await?;
    assert_eq!(page.parent, "", "the page is where it begins");
    let database = ("db.system.name".to_owned(), "postgresql".to_owned());
    assert!(commit.labels.contains(&database), "{commit:?}");
    let parents = [&call, &unit, &commit, &relay, &effect].map(|span| span.parent.as_str());
    assert_eq!(parents, [&page, &call, &unit, &unit, &unit].map(|span| span.id.as_str()));

    let labels = [("code", "Ok"), ("method", PASS)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let counted = eventually(PATIENCE, "the call is counted at the collector", || async {
        let sent = collector.counted("reviews", "rpc_server_requests_total");
        Ok(sent.into_iter().find(|one| one.labels == labels))
    })
    .await?;
    assert_eq!(counted.value, 1, "{counted:?}");
    system.finish().await
}

/// The county's decision, through its page.
async fn pass(system: &System, case: &Case) -> Result<()> {
    system.county("410105").await?;
    let browser = Browser::at(system)?;
    browser.sign_in("co_410105", PASSWORD).await?;
    let review = format!("/supervision/county-subsidies/{}/review", case.id());
    let page = eventually(PATIENCE, "the review can be opened", || async {
        let page = browser.get(&review).await?;
        Ok((page.status == 200).then_some(page))
    })
    .await?;
    let done = browser.post(&page.form(&review)?.with("decision", "pass").with("opinion", "同意")).await?;
    assert_eq!(done.status, 303, "{}", done.words());
    Ok(())
}

/// The last event of the application.
async fn last_told(system: &System, case: &Case) -> Result<OutboxRow> {
    let told = system.outbox(Service::Reviews).await?;
    let own = told.into_iter().filter(|row| row.aggregate == case.uuid());
    own.max_by_key(|row| row.version).context("an outbox row")
}

/// The spans from the page to the effect, as soon as all are there. A page asks for more than it decides, so what follows
/// from the decision is found below it.
fn path(spans: &[Span]) -> Option<[Span; 6]> {
    let find = |service: &str, name: &str| {
        spans.iter().find(|span| span.service == service && span.name == name).cloned()
    };
    let below = |above: &Span, service: &str, name: &str| {
        let mut own = spans.iter().filter(|span| span.service == service && span.name == name);
        own.find(|span| span.parent == above.id).cloned()
    };
    let (page, call) = (find("portal", "page")?, find("reviews", PASS)?);
    let unit = below(&call, "reviews", "unit of work")?;
    let commit = below(&unit, "reviews", "commit")?;
    let relay = below(&unit, "reviews", "publish")?;
    let effect = below(&unit, "notifications", "consume")?;
    Some([page, call, unit, commit, relay, effect])
}
