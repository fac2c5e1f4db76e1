//! The private servers and the provisioning, on real PostgreSQL and NATS with free ports.
use std::time::Duration;

use anyhow::Result;
use async_nats::jetstream;
use xtask::{
    checkout::Checkout,
    probe::eventually,
    process::alive,
    provision::{self, Protection, Table},
    servers::{Durability, Servers, Tools},
    services::Service,
};

#[tokio::test]
async fn postgres_survives_kill_and_restart_and_copies_databases() -> Result<()> {
    let mut servers = Servers::trial(&Checkout::find()?, Durability::Durable).await?;
    let cluster = servers.postgres.cluster().clone();
    cluster.create_database("original", Service::Reviews).await?;
    cluster.create_database("original", Service::Reviews).await?;
    let mut connection = connect(&cluster.url(Service::Reviews, "original")).await?;
    sqlx::query("CREATE TABLE notes (text text)").execute(&mut connection).await?;
    sqlx::query("INSERT INTO notes VALUES ('kept')").execute(&mut connection).await?;

    servers.postgres.kill();
    assert!(!cluster.answers().await);
    servers.postgres.start_again().await?;
    drop(connection);
    servers.postgres.restart().await?;

    cluster.copy_database("original", "copy", Service::Reviews).await?;
    let mut connection = connect(&cluster.url(Service::Reviews, "copy")).await?;
    let kept: String = sqlx::query_scalar("SELECT text FROM notes").fetch_one(&mut connection).await?;
    assert_eq!(kept, "kept");
    let synced: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut connection).await?;
    assert_eq!(synced, "on");
    cluster.drop_database("copy").await?;
    assert!(!cluster.exists("copy").await?);
    servers.stop().await
}

#[tokio::test]
async fn nothing_is_left_of_dropped_servers() -> Result<()> {
    let servers = Servers::trial(&Checkout::find()?, Durability::Quick).await?;
    let folder = servers.folder().to_path_buf();
    let ids = [servers.postgres.id(), servers.nats.id()];
    assert!(folder.is_dir());
    drop(servers);
    assert!(!folder.exists());
    for id in ids {
        assert!(id.is_some_and(|id| !alive(id)));
    }
    Ok(())
}

#[tokio::test]
async fn streams_are_provisioned_again_and_after_the_broker_lost_everything() -> Result<()> {
    let mut servers = Servers::trial(&Checkout::find()?, Durability::Quick).await?;
    let url = servers.nats.url();
    provision::provision(&url, Protection::Denied).await?;
    provision::provision(&url, Protection::Denied).await?;
    let context = jetstream::new(async_nats::connect(&url).await?);
    context.publish("reviews.v1.county.410100.410105.acceptance_submitted", "x".into()).await?.await?;

    servers.nats.kill();
    servers.nats.start_again().await?;
    let kept = eventually(Duration::from_secs(10), "the stream is back", || async {
        Ok(context.get_stream("REVIEWS").await.ok())
    });
    assert_eq!(kept.await?.cached_info().state.messages, 1);
    assert!(kept_closed(&context).await);

    servers.nats.wipe().await?;
    let missing = eventually(Duration::from_secs(10), "the broker answers", || async {
        let answer = context.get_stream("REVIEWS").await;
        Ok(answer.err().filter(|error| error.to_string().contains("not found")))
    });
    missing.await?;
    provision::provision(&url, Protection::Open).await?;
    let stream = context.get_stream("REVIEWS").await?;
    stream.purge().await?;
    let mut consumer: jetstream::consumer::PullConsumer =
        stream.get_consumer("notifications-county").await.map_err(anyhow::Error::from_boxed)?;
    assert_eq!(consumer.info().await?.config.filter_subject, "reviews.v1.county.>");
    Ok(())
}

/// A protected stream refuses to be purged.
async fn kept_closed(context: &jetstream::Context) -> bool {
    match context.get_stream("REVIEWS").await {
        Ok(stream) => stream.purge().await.is_err(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_field_that_an_old_broker_drops_is_reported() -> Result<()> {
    let servers = Servers::trial(&Checkout::find()?, Durability::Quick).await?;
    let table = Table::load()?;
    let context = jetstream::new(async_nats::connect(servers.nats.url()).await?);
    let reviews = table.streams.iter().find(|stream| stream.name == "REVIEWS").expect("the table has it");
    provision::make_stream(&context, table.stream_config(reviews, Protection::Open)).await?;
    // A list of filters is unknown before 2.10.
    let wanted = jetstream::consumer::pull::Config {
        filter_subject: String::new(),
        filter_subjects: vec!["reviews.v1.county.>".into(), "reviews.v1.city.>".into()],
        ..table.consumer_config(&table.consumers[0])
    };
    let found = provision::make_consumer(&context, "REVIEWS", wanted).await?;
    if Tools::find_or_install()?.nats_version < (2, 10) {
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].field, "filter_subjects");
        assert_eq!(found[0].kept, "null");
    } else {
        assert!(found.is_empty(), "{found:?}");
    }
    Ok(())
}

async fn connect(url: &str) -> Result<sqlx::PgConnection> {
    use sqlx::Connection as _;
    Ok(sqlx::PgConnection::connect(url).await?)
}
