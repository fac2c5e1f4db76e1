//! A service with a missing or invalid setting names the key and does not start.
//!
//! Source: architecture, rule 9.
use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::join_all;
use xtask::{
    checkout::binaries,
    deployment::{Answer, Deployment, Profile},
    keys::Keys,
    ports::Port,
    services::Service,
};

/// A deployment whose settings are all right; nothing listens at its addresses.
fn deployment(name: &str) -> Result<Deployment> {
    let folder = std::env::temp_dir().join(format!("yuchong-settings-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(Deployment {
        binaries: binaries()?,
        keys: Keys::load_or_make(&folder)?,
        folder,
        profile: Profile::Test,
        databases: BTreeMap::from(
            Service::WITH_DATABASE.map(|service| (service, "postgres://nobody@127.0.0.1:9/none".into())),
        ),
        broker: "nats://127.0.0.1:9".into(),
        addresses: Deployment::addresses(|_| Port::Free)?,
        settings: vec![],
    })
}

/// Starts a service with one setting changed; it must end by itself, with an error.
async fn serve_with(name: &str, service: Service, key: &str, value: &str) -> Result<Answer> {
    let mut deployment = deployment(name)?;
    deployment.settings.push((service, key.into(), value.into()));
    let answer = deployment.run(service, &["serve"]).await?;
    std::fs::remove_dir_all(&deployment.folder)?;
    Ok(answer)
}

#[tokio::test]
async fn a_setting_that_is_empty_wrong_or_unknown_stops_the_start_and_is_named() -> Result<()> {
    let cases = [
        ("BROKER__URL", "", "broker.url"),
        ("DATABASE__URL", "mysql://somewhere/else", "database.url"),
        ("DATABASE__POOL_MAX", "1", "database.pool_max"),
        ("DATABASE__POOL_MAX", "many", "database.pool_max"),
        ("SERVER__GRPC_ADDR", "the usual one", "server.grpc_addr"),
        ("IDENTITY__SIGNING_KEY", "", "identity.signing_key"),
        ("IDENTITY__SIGNING_KEY", "c2hvcnQ=", "identity.signing_key"),
        ("IDENTITY__VERIFYING_KEYS", "accounts", "identity.verifying_keys"),
        ("PROFILE", "holiday", "profile"),
        ("SERVER__COLOUR", "red", "colour"),
        ("TELEMETRY__FILTER", "=,=", "telemetry.filter"),
    ];
    for service in Service::WITH_DATABASE {
        for (key, value, named) in cases {
            let answer = serve_with("wrong", service, key, value).await?;
            assert!(!answer.success, "{service} starts with {key}={value}");
            let said = format!("{}{}", answer.output, answer.errors);
            assert!(said.contains(named), "{service} with {key}={value} does not name {named}: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_away_is_named_as_the_reason() -> Result<()> {
    let tried = Service::WITH_DATABASE.map(|service| async move {
        (service, serve_with(&format!("away-{service}"), service, "TELEMETRY__FILTER", "info").await)
    });
    for (service, answer) in join_all(tried).await {
        let answer = answer?;
        assert!(!answer.success, "{service} starts without its database");
        let said = format!("{}{}", answer.output, answer.errors);
        assert!(said.contains("database.url"), "{service}: {said}");
    }
    Ok(())
}
