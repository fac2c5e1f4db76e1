//! Accounts of 1.0 are imported, not registered again: a one-time password opens nothing but its own change.
//!
//! Source: workflow, G4, Accounts; reliability, section 11.
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::Value;
use system_tests::{PASSWORD, System, companies::uscc};
use xtask::services::Service;

/// A hash of the reference implementation's own tests, much weaker than ours: the password is "password".
const OLD_HASH: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
const HEADER: &str = "login,company,uscc,phone,division,last_2_0_sign_in,password_hash";

/// Runs the import and gives its report.
async fn import(system: &System, rows: &[String], dry_run: bool) -> Result<Value> {
    let csv = system.folder(Service::Accounts).join("legacy.csv");
    fs::write(&csv, format!("{HEADER}\n{}\n", rows.join("\n")))?;
    let csv = csv.display().to_string();
    let mut arguments = vec!["import-legacy", csv.as_str(), "--json"];
    if dry_run {
        arguments.push("--dry-run");
    }
    let answer = system.platform().command(Service::Accounts, &arguments).await?;
    serde_json::from_str(answer.output.trim()).with_context(|| answer.output.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_a_legacy_account_changes_its_password_first_and_one_of_2_0_signs_in_as_before() -> Result<()> {
    let system = System::start().await?;
    let never = format!("legacy_new,老用户甲有限公司,{},19911110001,410105,,", uscc("410105", 1));
    // The field of the hash contains commas.
    let known = format!(
        "legacy_old,老用户乙有限公司,{},19911110002,410122,2026-01-31,\"{OLD_HASH}\"",
        uscc("410122", 2)
    );
    let wrong = "legacy_bad,老用户丙有限公司,91410105XXXX00019A,199,410105,,".to_owned();
    let rows = [never, known, wrong];

    let dry = import(&system, &rows, true).await?;
    assert_eq!((&dry["rows"], &dry["imported"], &dry["refused"]), (&3.into(), &2.into(), &1.into()));
    assert_eq!(
        system.count(Service::Accounts, "SELECT count(*) FROM operators").await?,
        0,
        "a dry run writes nothing"
    );
    let mark = system.platform().mail_mark()?;
    let real = import(&system, &rows, false).await?;
    assert_eq!((&real["keep_password"], &real["one_time_password"]), (&1.into(), &1.into()));
    let reasons: Vec<_> =
        real["refusals"].as_array().context("refusals")?.iter().map(|one| one["reason"].clone()).collect();
    assert_eq!(reasons, ["uscc_check", "phone_form"]);
    let again = import(&system, &rows, false).await?;
    assert_eq!((&again["imported"], &again["already_there"]), (&0.into(), &2.into()));

    // Already in 2.0: signs in as before, and the hash is made anew on the way.
    let before = system.platform().sign_in("legacy_old", "password").await?;
    assert_eq!(before.view_session().await?.roles, ["operator"]);
    let hashes = "SELECT hash FROM credentials JOIN users USING (user_id) WHERE login = 'legacy_old'";
    let hash = system.texts(Service::Accounts, hashes).await?;
    assert!(hash[0].starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "rehashed at sign-in: {}", hash[0]);

    // Never in 2.0: the one-time password opens no session, only the change of the password.
    let one_time = system.platform().one_time_password_after(mark, "19911110001").await?;
    let ticket = system.platform().try_sign_in("legacy_new", &one_time).await?;
    assert_eq!((ticket.session_token.as_str(), ticket.activation_reason.as_str()), ("", "one_time_password"));
    assert!(!ticket.activation_ticket.is_empty());
    assert_eq!(ticket.masked_phone, "199****0001");
    let spent = system.platform().try_sign_in("legacy_new", &one_time).await.unwrap_err();
    assert_eq!(spent.reason, "one_time_password_spent");
    let body = proto::accounts::GetSessionRequest { session_token: ticket.activation_ticket };
    let nobody = system.platform().nobody();
    let refused =
        nobody.ask(body, |to, request| async move { to.sessions().get_session(request).await }).await;
    assert_eq!(refused.unwrap_err().reason, "session_ended");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_password_is_changed_with_the_code_sent_to_the_phone_on_file() -> Result<()> {
    let system = System::start().await?;
    let mark = system.platform().mail_mark()?;
    let row = format!("legacy_two,老用户丁有限公司,{},19911110003,410105,,", uscc("410105", 3));
    import(&system, &[row], false).await?;
    let one_time = system.platform().one_time_password_after(mark, "19911110003").await?;
    let actor = system.platform().activate("legacy_two", &one_time, "19911110003", PASSWORD).await?;
    assert_eq!(actor.view_session().await?.roles, ["operator"]);
    let old = system.platform().try_sign_in("legacy_two", &one_time).await.unwrap_err();
    assert_eq!(old.reason, "sign_in_failed");
    // Neither password nor code stands anywhere in the database any more. Source: reliability I12.
    let left = "SELECT count(*) FROM deliveries WHERE text IS NOT NULL";
    assert_eq!(system.count(Service::Accounts, left).await?, 0);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_passwords_lock_and_an_unknown_name_looks_the_same() -> Result<()> {
    let system = System::start().await?;
    system.company(4, "410105").await?;
    let platform = system.platform();
    let unknown = platform.try_sign_in("nobody_at_all", "Wrong#2026xx").await.unwrap_err();
    let wrong = platform.try_sign_in("op_0004", "Wrong#2026xx").await.unwrap_err();
    assert_eq!((unknown.reason.as_str(), &unknown.text), ("sign_in_failed", &wrong.text));
    assert_eq!(unknown, wrong);
    for _ in 0..4 {
        assert!(platform.try_sign_in("op_0004", "Wrong#2026xx").await.is_err());
    }
    let locked = platform.try_sign_in("op_0004", PASSWORD).await.unwrap_err();
    assert_eq!((locked.reason.as_str(), locked.code), ("sign_in_locked", tonic::Code::ResourceExhausted));
    assert!(locked.metadata["seconds"].parse::<u32>()? > 600, "{locked}");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_official_is_appointed_with_a_one_time_password_and_a_code() -> Result<()> {
    let system = System::start().await?;
    let person = system_tests::cast::person("co_new", "county", &["410105"]);
    let actor = system.administrator().await?.appoint(&person, PASSWORD).await?;
    let session = actor.view_session().await?;
    assert_eq!(
        (session.roles.as_slice(), session.office.as_str()),
        (&["county".to_owned()][..], "金水区主管部门")
    );
    assert!(session.scope.contains(&"410105".to_owned()));
    system.finish().await
}
