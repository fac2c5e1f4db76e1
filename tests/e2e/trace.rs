//! One trace id runs from the caller's gRPC call through the outbox row and the message header to the consumer's effect.
//!
//! Source: house style, section 4.
use anyhow::{Context as _, Result};
use proto::reviews::CreateApplicationRequest;
use system_tests::{System, collector::Collector, eventually, wait::PATIENCE};
use xtask::{services::Service, trial::Plan};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_id_runs_from_the_call_through_outbox_and_header_to_the_consumers_effect() -> Result<()> {
    let collector = Collector::start().await?;
    let plan = Service::WITH_DATABASE
        .into_iter()
        .fold(Plan::quick(), |plan, service| plan.set(service, "TELEMETRY__OTLP_ENDPOINT", &collector.url));
    let system = System::planned(plan).await?;
    let company = system.company(1, "410105").await?;
    let station = system.station(&company, "410105").await?;
    let round = system.round().await?;
    let body = CreateApplicationRequest {
        request_id: company.actor.request_id(),
        round_id: round.round_id.clone(),
        station_id: station.record.context("a record")?.station_id,
    };
    let mut request = company.actor.signed(body).await?;
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01").parse()?);
    let view = system.platform().applications().create_application(request).await?.into_inner();

    let outbox = system.outbox(Service::Reviews).await?;
    let row = outbox
        .iter()
        .find(|row| row.aggregate.to_string() == view.application_id)
        .context("an outbox row")?;
    assert!(row.trace.starts_with(&format!("00-{TRACE}-")), "the outbox row carries {}", row.trace);

    system.drained().await?;
    let client = async_nats::connect(system.trial().nats.url()).await?;
    let stream = async_nats::jetstream::new(client).get_stream("REVIEWS").await?;
    let message = stream.get_last_raw_message_by_subject(&row.subject).await?;
    let header = message.headers.get("traceparent").context("the message carries a trace")?.to_string();
    assert_eq!(header, row.trace);

    // Each process sends its spans in batches of its own; the order in which they arrive says nothing.
    let wanted = [
        ("reviews", "/yuchong.reviews.v1.Applications/CreateApplication"),
        ("reviews", "unit of work"),
        ("stations", "/yuchong.stations.v1.Evidence/GetStationRecord"),
        ("notifications", "consume"),
    ];
    let spans = eventually(PATIENCE, &format!("spans of {wanted:?} arrive"), || async {
        let spans = collector.trace(TRACE);
        let there = |(service, name): &(&str, &str)| {
            spans.iter().any(|span| span.service == *service && span.name == *name)
        };
        Ok(wanted.iter().all(there).then_some(spans.clone()))
    })
    .await?;
    let find =
        |service: &str, name: &str| spans.iter().find(|span| span.service == service && span.name == name);
    let call = find("reviews", wanted[0].1).context("the call")?;
    assert_eq!(call.parent, "00f067aa0ba902b7", "the call continues the caller's trace");
    let (unit, effect) = (
        find("reviews", "unit of work").context("a unit")?,
        find("notifications", "consume").context("an effect")?,
    );
    assert_eq!(effect.parent, unit.id, "the effect follows from the unit of work");
    system.finish().await
}
