//! What an operator pushes at one time reaches stations in few calls, and no push is answered for another.
use std::{collections::BTreeSet, time::Duration};

use chassis::testing::eventually;
use futures::{StreamExt as _, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::{join, sync::watch};

use crate::{
    checks::{NOW, OPERATOR, STATUS, secrets},
    stage::Stage,
};

const PATIENCE: Duration = Duration::from_secs(10);

fn report(connector: u32) -> String {
    json!({ "ConnectorID": connector.to_string(), "Status": 1 }).to_string()
}

async fn pushed(stage: &Stage, connector: u32) -> (i64, Value) {
    let (ret, _, body) = stage.call(STATUS, &report(connector)).await;
    (ret, body)
}

/// A stage where two pushes may wait while a call is under way, and the first call lasts until it is said.
async fn held_back() -> (Stage, watch::Sender<bool>) {
    let stage = Stage::start_with(OPERATOR, secrets(), NOW, |config| config.waiting.batches_max = 2).await;
    let (open, gate) = watch::channel(false);
    stage.played.state().gate = Some(gate);
    (stage, open)
}

async fn under_way(stage: &Stage) {
    eventually("a call is under way", PATIENCE, || async { stage.played.state().begun == 1 }).await;
}

#[tokio::test]
async fn pushes_that_come_during_a_call_go_in_the_next_and_one_too_many_comes_again_later() {
    let (stage, open) = held_back().await;
    stage.played.state().rejects.insert("4".into(), ("unknown_connector".into(), "connector_id".into()));
    let others = async {
        under_way(&stage).await;
        let push = |connector| {
            let stage = &stage;
            async move { (connector, pushed(stage, connector).await) }
        };
        let mut others: FuturesUnordered<_> = [2, 3, 4].map(push).into_iter().collect();
        let (turned_away, (ret, _)) = others.next().await.expect("answered while the call is under way");
        assert_eq!(ret, -1, "two wait already");
        open.send(true).expect("stations waits");
        let rest: Vec<_> = others.collect().await;
        (turned_away, rest)
    };
    let (first, (turned_away, rest)) = join!(pushed(&stage, 1), others);
    assert_eq!(first, (0, json!({ "Status": 0 })));
    for (connector, (ret, body)) in rest {
        assert_eq!(
            (ret, &body["Status"]),
            (0, &json!(i32::from(connector == 4))),
            "{connector}: its own answer"
        );
    }
    assert_eq!(stage.played.state().together, [1, 2]);
    let kept = |stage: &Stage| -> BTreeSet<String> {
        stage.played.state().statuses.iter().map(|item| item.connector_id.clone()).collect()
    };
    assert!(!kept(&stage).contains(&turned_away.to_string()));
    assert_eq!(pushed(&stage, turned_away).await.0, 0, "sent again it is taken");
    assert_eq!(kept(&stage).len(), 4);
    stage.stop();
}

#[tokio::test]
async fn a_client_that_goes_away_while_its_push_waits_takes_nothing_from_others() {
    let (stage, open) = held_back().await;
    let others = async {
        under_way(&stage).await;
        // One of three is turned away because the other two wait; then the clients of those go away.
        let mut leaving: FuturesUnordered<_> = [2, 3, 4].map(|one| pushed(&stage, one)).into_iter().collect();
        assert_eq!(leaving.next().await.expect("answered").0, -1);
        drop(leaving);
        open.send(true).expect("stations waits");
    };
    let (first, ()) = join!(pushed(&stage, 1), others);
    assert_eq!(first.0, 0);
    eventually("what waited is delivered", PATIENCE, || async {
        let state = stage.played.state();
        state.together == [1, 2] && state.statuses.len() == 3
    })
    .await;
    assert_eq!(pushed(&stage, 5).await.0, 0, "there is room again");
    stage.stop();
}
