//! Importing accounts of 1.0 (G4).

use std::path::PathBuf;

use accounts::{app::import::Report, console};
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use proto::accounts::{ActivateRequest, RequestCodeRequest};

use crate::setup::{Bench, PASSWORD, USCCS, claims, reason};

fn file(bench: &Bench) -> PathBuf {
    let argon2 = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(32, 3, 1, None).expect("the file is made"),
    );
    let hash = argon2.hash_password(PASSWORD.as_bytes()).expect("the file is made");
    let text = format!(
        "login,company,uscc,phone,division,last_2_0_sign_in,password_hash\n\
         legacy_01,郑州星桥充电示例有限公司,{},19900000001,410105,2026-05-04 09:00:00,\"{hash}\"\n\
         legacy_02,郑州云枢能源示例有限公司,{},19900000002,410122,,\"{hash}\"\n\
         legacy_03,洛阳伊水快补示例有限公司,91410381XXXX000518,19900000005,410381,,\n\
         legacy_04,洛阳牡丹驿充电示例有限公司,91410311XXXX000432,1990000,410100,2026-05-04,\n\
         legacy_01,郑州绿程出行示例有限公司,{},19900000003,410184,,\n",
        USCCS[0], USCCS[1], USCCS[2],
    );
    let path = bench.outbox_file().with_file_name("legacy.csv");
    std::fs::create_dir_all(path.parent().expect("the file is made")).expect("the file is made");
    std::fs::write(&path, text).expect("the file is made");
    path
}

fn told(report: &Report) -> Vec<(usize, &str, &str)> {
    report.refusals.iter().map(|row| (row.line, row.field.as_str(), row.reason.as_str())).collect()
}

#[tokio::test]
async fn a_dry_run_tells_what_a_run_does_and_a_second_run_does_nothing() {
    let bench = Bench::start().await;
    let path = file(&bench);
    let dry = console::import_legacy(bench.config.clone(), &path, true).await.unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM operators").await, 0);
    let wet = console::import_legacy(bench.config.clone(), &path, false).await.unwrap();
    for report in [&dry, &wet] {
        assert_eq!((report.rows, report.imported, report.refused), (5, 3, 2));
        assert_eq!((report.keep_password, report.one_time_password), (1, 2));
        let refused = [
            (5, "uscc", "uscc_check"),
            (5, "phone", "phone_form"),
            (5, "division", "division_not_county"),
            (5, "password_hash", "field_missing"),
            (6, "login", "login_taken"),
        ];
        assert_eq!(told(report), refused);
    }
    let again = console::import_legacy(bench.config.clone(), &path, false).await.unwrap();
    assert_eq!((again.imported, again.already_there, again.refused), (0, 3, 2));
    assert_eq!(bench.count("SELECT count(*) FROM operators WHERE state = 'Active'").await, 3);
    let division: String =
        sqlx::query_scalar("SELECT registered_division FROM operators WHERE uscc LIKE '%518'")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert_eq!(division, "410307", "the successor of the abolished division");
    bench.conclude().await;
}

#[tokio::test]
async fn one_that_was_in_2_0_signs_in_as_before_and_its_hash_is_renewed() {
    let bench = Bench::start().await;
    console::import_legacy(bench.config.clone(), &file(&bench), false).await.unwrap();
    let hash = || {
        sqlx::query_scalar::<_, String>(
            "SELECT hash FROM credentials JOIN users USING (user_id) WHERE login = 'legacy_01'",
        )
    };
    assert!(hash().fetch_one(&bench.pool).await.unwrap().contains("m=32,t=3"));
    let session = bench.session("legacy_01", PASSWORD).await;
    assert_eq!(claims(&bench.token(&session).await.unwrap()).roles, ["operator"]);
    assert!(hash().fetch_one(&bench.pool).await.unwrap().contains("m=64,t=1"));
    bench.session("legacy_01", PASSWORD).await;
    bench.conclude().await;
}

#[tokio::test]
async fn one_that_never_was_in_2_0_changes_its_password_first() {
    let bench = Bench::start().await;
    console::import_legacy(bench.config.clone(), &file(&bench), false).await.unwrap();
    assert_eq!(reason(&bench.sign_in("legacy_02", PASSWORD).await.unwrap_err()), "sign_in_failed");
    let one_time = bench.secret("19900000002", 1, 16).await;
    let other = bench.secret("19900000005", 1, 16).await;
    assert_ne!(one_time, other, "random per account");
    let answer = bench.sign_in("legacy_02", &one_time).await.unwrap();
    assert!(answer.session_token.is_empty());
    let ticket = answer.activation_ticket;
    bench.sessions().request_code(RequestCodeRequest { activation_ticket: ticket.clone() }).await.unwrap();
    let code = bench.secret("19900000002", 2, 6).await;
    let activate =
        ActivateRequest { activation_ticket: ticket, code, new_password: "Maple-Harbour-17".into() };
    bench.sessions().activate(activate).await.unwrap();
    bench.session("legacy_02", "Maple-Harbour-17").await;
    bench.conclude().await;
}
