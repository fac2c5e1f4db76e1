//! Wrong codes of a second factor: counted by person, from wherever they come, and nothing else counts as one.

use proto::accounts::{CompleteSignInRequest, SignInResponse};
use tonic::{Code, Response, Status};

use crate::{
    second_factor::{code, complete, enrol, later, step_up, wrong_code},
    setup::{Bench, PASSWORD, by, fact, reason},
};

/// Shows a code after the password, from an address that the portal names.
async fn complete_from(
    bench: &Bench,
    address: &str,
    ticket: &str,
    code: &str,
) -> Result<SignInResponse, Status> {
    let body = CompleteSignInRequest {
        activation_ticket: ticket.into(),
        code: code.into(),
        client_address: address.into(),
    };
    let request = by(&bench.service("portal"), body);
    bench.sessions().complete_sign_in(request).await.map(Response::into_inner)
}

async fn ticket(bench: &Bench) -> String {
    bench.sign_in("admin01", PASSWORD).await.expect("the password is right").activation_ticket
}

/// Says that so many codes were wrong before.
async fn wrong_before(bench: &Bench, failures: i32) {
    sqlx::query("UPDATE second_factors SET failures = $1, locked_until = NULL")
        .bind(failures)
        .execute(&bench.pool)
        .await
        .expect("set");
}

#[tokio::test]
async fn five_wrong_codes_from_five_addresses_lock_and_the_password_is_asked_again() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (_, secret) = enrol(&bench, "admin01").await;
    let bought = ticket(&bench).await;
    for left in (1..5).rev() {
        let address = format!("192.0.2.{left}");
        let refused = complete_from(&bench, &address, &bought, &wrong_code(&secret)).await.unwrap_err();
        assert_eq!(
            (reason(&refused).as_str(), fact(&refused, "attempts_left")),
            ("second_factor_wrong", left.to_string())
        );
    }
    let locked = complete_from(&bench, "192.0.2.9", &bought, &wrong_code(&secret)).await.unwrap_err();
    assert_eq!((locked.code(), reason(&locked).as_str()), (Code::ResourceExhausted, "second_factor_locked"));
    assert_eq!(fact(&locked, "seconds"), "900");
    let again = complete(&bench, &bought, &code(&secret)).await.unwrap_err();
    assert_eq!(reason(&again), "ticket_ended");

    let bought = ticket(&bench).await;
    let locked = complete(&bench, &bought, &code(&secret)).await.unwrap_err();
    assert_eq!(reason(&locked), "second_factor_locked", "no code is judged, the right one neither");
    sqlx::query("UPDATE second_factors SET locked_until = locked_until - interval '15 minutes'")
        .execute(&bench.pool)
        .await
        .unwrap();
    complete(&bench, &bought, &code(&secret)).await.unwrap();
    let told = "SELECT count(DISTINCT detail) FROM audit_log
                WHERE act = 'show_second_factor' AND refusal = 'second_factor_wrong'";
    assert_eq!(bench.count(told).await, 5, "the log says from where");
    bench.conclude().await;
}

#[tokio::test]
async fn each_lock_is_twice_as_long_as_the_one_before_and_none_longer_than_a_day() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, secret) = enrol(&bench, "admin01").await;
    for (failures, seconds) in [(9, "1800"), (14, "3600"), (99, "86400")] {
        wrong_before(&bench, failures).await;
        let locked = step_up(&bench, &session, &wrong_code(&secret)).await.unwrap_err();
        assert_eq!(
            (reason(&locked).as_str(), fact(&locked, "seconds").as_str()),
            ("second_factor_locked", seconds)
        );
    }
    bench.conclude().await;
}

#[tokio::test]
async fn a_right_code_forgives_the_wrong_ones_and_a_right_password_does_not() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (_, secret) = enrol(&bench, "admin01").await;
    let bought = ticket(&bench).await;
    complete(&bench, &bought, &wrong_code(&secret)).await.unwrap_err();
    let bought = ticket(&bench).await;
    let refused = complete(&bench, &bought, &wrong_code(&secret)).await.unwrap_err();
    assert_eq!(fact(&refused, "attempts_left"), "3");
    complete(&bench, &bought, &code(&secret)).await.unwrap();
    later(&bench).await;
    let refused = complete(&bench, &ticket(&bench).await, &wrong_code(&secret)).await.unwrap_err();
    assert_eq!(fact(&refused, "attempts_left"), "4");
    bench.conclude().await;
}

#[tokio::test]
async fn parallel_guesses_of_a_code_get_no_more_than_five_tries() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (_, secret) = enrol(&bench, "admin01").await;
    let (bought, wrong) = (ticket(&bench).await, wrong_code(&secret));
    let guesses = (0..20).map(|_| complete(&bench, &bought, &wrong));
    let answers = futures::future::join_all(guesses).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(bench.count("SELECT failures::bigint FROM second_factors").await, 5);
    let judged = "SELECT count(*) FROM audit_log
                  WHERE act = 'show_second_factor' AND refusal = 'second_factor_wrong'";
    assert_eq!(bench.count(judged).await, 5);
    bench.conclude().await;
}

#[tokio::test]
async fn wrong_passwords_behind_the_same_address_leave_the_step_up_of_whoever_is_signed_in_alone() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, secret) = enrol(&bench, "admin01").await;
    for _ in 0..5 {
        bench.sign_in("admin01", "Wrong-Lantern-42").await.unwrap_err();
    }
    assert_eq!(reason(&bench.sign_in("admin01", PASSWORD).await.unwrap_err()), "sign_in_locked");
    step_up(&bench, &session, &code(&secret)).await.unwrap();
    bench.conclude().await;
}

#[tokio::test]
async fn wrong_codes_of_a_step_up_do_not_lock_the_password() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, secret) = enrol(&bench, "admin01").await;
    for _ in 0..5 {
        step_up(&bench, &session, &wrong_code(&secret)).await.unwrap_err();
    }
    let answer = bench.sign_in("admin01", PASSWORD).await.unwrap();
    assert_eq!(answer.activation_reason, "second_factor");
    bench.conclude().await;
}

#[tokio::test]
async fn a_seal_that_does_not_open_counts_for_nobody() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, secret) = enrol(&bench, "admin01").await;
    let broken = "UPDATE second_factors SET secret = decode(repeat('00', 48), 'hex')";
    sqlx::query(broken).execute(&bench.pool).await.unwrap();
    for _ in 0..6 {
        let fault = complete(&bench, &ticket(&bench).await, &code(&secret)).await.unwrap_err();
        assert_eq!(fault.code(), Code::Internal);
    }
    assert_eq!(step_up(&bench, &session, &code(&secret)).await.unwrap_err().code(), Code::Internal);
    assert_eq!(bench.count("SELECT failures::bigint FROM second_factors").await, 0);
    bench.conclude().await;
}

#[tokio::test]
async fn a_second_factor_that_is_not_there_counts_for_nobody() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let session = bench.session("admin01", PASSWORD).await;
    for _ in 0..6 {
        let missing = step_up(&bench, &session, "000000").await.unwrap_err();
        assert_eq!(reason(&missing), "second_factor_missing");
    }
    bench.session("admin01", PASSWORD).await;
    bench.conclude().await;
}
