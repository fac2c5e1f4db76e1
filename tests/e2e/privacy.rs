//! Events and logs carry identifiers, codes, states, amounts and hashes: no names, phones, passwords or tokens.
//!
//! Source: reliability, sections 4, 13 and I12.
use anyhow::Result;
use system_tests::{PASSWORD, System, cases::Stage, cast};
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn no_name_phone_password_or_token_stands_in_an_event_or_a_log() -> Result<()> {
    let system = System::start().await?;
    let mark = system.platform().mail_mark()?;
    let official = cast::person("co_private", "county", &["410105"]);
    system.administrator().await?.appoint(&official, PASSWORD).await?;
    let case = system.application().at(Stage::CityReview).await?;
    system.city("410100").await?.send_back(&case.view, "请联系站长核对", &["M1"]).await?;
    let one_time = system.platform().one_time_password_after(mark, &official.phone).await?;
    let wrong = system.platform().try_sign_in("co_private", "Falsch-Shi7Lu!kp").await;
    assert!(wrong.is_err());
    system.drained().await?;

    let profile = &case.company.profile;
    let secrets = [
        PASSWORD,
        "Falsch-Shi7Lu!kp",
        &one_time,
        &official.phone,
        &profile.contact_name,
        &profile.contact_phone,
        &profile.contact_email,
        "站长示例",
        "19900010001",
        "请联系站长核对",
    ];
    for service in Service::WITH_DATABASE {
        let payloads = system.texts(service, "SELECT encode(payload, 'hex') FROM outbox").await?;
        let log = system.fleet().log_text(service);
        assert!(!log.is_empty());
        for secret in secrets {
            let written = hex::encode(secret);
            assert!(
                !payloads.iter().any(|payload| payload.contains(&written)),
                "{service} announces {secret}"
            );
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{service} logs {secret}: {line:?}");
        }
        assert!(!log.contains("Bearer "), "{service} logs tokens");
    }
    system.finish().await
}
