//! Races: exactly one winner, the loser told why. Fifty rounds each in the suite; few here, with the rest of the rules.

use crate::harness::{ADMINISTRATOR, COUNTY, OPERATOR, Platform, Who, answer, launch_request};

const ROUNDS: u128 = 10;

#[tokio::test]
async fn withdraw_against_decide() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    for station in 1..=ROUNDS {
        let view = platform.create(OPERATOR, &round, station).await.expect("drafted");
        let view = platform.submit(OPERATOR, &view).await.expect("submitted");
        let (withdrawn, passed) =
            tokio::join!(platform.withdraw(OPERATOR, &view), platform.pass(COUNTY, &view));
        match (withdrawn, passed) {
            (Ok(view), Err(late)) => {
                assert_eq!((view.stage.as_str(), late.reason.as_str()), ("Draft", "already_withdrawn"));
            }
            (Err(late), Ok(view)) => {
                assert_eq!((view.stage.as_str(), late.reason.as_str()), ("PaperCheck", "already_decided"));
            }
            both => panic!("{both:?}"),
        }
    }
    platform.stop().await;
}

#[tokio::test]
async fn two_people_decide() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    for station in 1..=ROUNDS {
        let view = platform.create(OPERATOR, &round, station).await.expect("drafted");
        let view = platform.submit(OPERATOR, &view).await.expect("submitted");
        let colleague = Who("county", 16, "410122");
        let (one, other) =
            tokio::join!(platform.pass(COUNTY, &view), platform.send_back(colleague, &view, &["manager"]));
        let late = match (one, other) {
            (Ok(_), Err(late)) | (Err(late), Ok(_)) => late,
            both => panic!("{both:?}"),
        };
        assert_eq!(late.reason, "stale_version");
        assert_eq!((late.metadata["version"].as_str(), late.metadata["role"].as_str()), ("3", "county"));
    }
    platform.stop().await;
}

#[tokio::test]
async fn two_administrators_launch() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    for batch in 1..=4 {
        platform.awaiting(&round, batch).await;
        let batch = i32::try_from(batch).expect("small");
        let launch = |who| {
            let mut joint = platform.joint(who);
            let request = launch_request(&round, batch, &[31]);
            async move { answer(joint.launch_joint_review(request).await) }
        };
        let (one, other) = tokio::join!(launch(ADMINISTRATOR), launch(Who("administrator", 17, "410000")));
        let late = match (one, other) {
            (Ok(_), Err(late)) | (Err(late), Ok(_)) => late,
            both => panic!("{both:?}"),
        };
        assert_eq!(late.reason, "already_launched");
    }
    assert_eq!(platform.count("SELECT count(*) FROM work_orders").await, 4);
    platform.stop().await;
}
