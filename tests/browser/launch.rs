//! G10 by clicking: six stations in three cities, launched once from two pages.
use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use system_tests::{
    System,
    cases::{Case, Stage},
};
use xtask::services::Service;

use crate::kit::Window;

/// Counties of three cities; each city has two stations.
const COUNTIES: [&str; 3] = ["410105", "410305", "410202"];
/// What is confirmed.
const WHOLE: &str = "将为 3 个地市的 6 个充电站发起联合审核";

/// Two applications of one company in each city, and who launches and judges. Errors: a step on the way is refused.
pub async fn awaiting(system: &System) -> Result<Vec<Case>> {
    system.administrator().await?;
    for number in [1, 2] {
        system.expert(number).await?;
    }
    system.round().await?;
    let pairs = COUNTIES.map(|county| async move {
        let first = system.application().in_county(county).at(Stage::AwaitingJointReview).await?;
        let second = system.application().in_county(county).of(&first.company);
        Ok::<_, anyhow::Error>([first.clone(), second.at(Stage::AwaitingJointReview).await?])
    });
    Ok(try_join_all(pairs).await?.into_iter().flatten().collect())
}

/// Fills in the launch of everything that waits, up to the page that asks again.
async fn prepare(window: &Window, lead: &str) -> Result<()> {
    window.visit("/supervision/subsidies/launch").await?;
    window.fill("发起批号", "1").await?;
    for (near, words) in [("expert_01", "参加"), ("expert_02", "参加"), (lead, "组长")] {
        window.choose(near, words).await?;
    }
    window.press("下一步").await?;
    window.sees(WHOLE).await
}

/// The administrator launches everything that waits; from a second page nothing is launched twice, and it is told what
/// stands. Errors: it is otherwise.
pub async fn launch(system: &System, window: &Window) -> Result<()> {
    window.sign_in_anew("admin01").await?;
    window.press("补贴管理").await?;
    window.shows("orders-waiting", "发起联合审核").await?;
    window.press("发起联合审核").await?;
    window.shows("launch", "专家组").await?;
    prepare(window, "expert_01").await?;
    window.shows("launch-confirm", "确认发起（3 市 6 站）").await?;
    ensure!(window.rows().await? == 3, "a row for each city");
    // A second page with the same question: whoever comes late is told what stands.
    let first = window.client().window().await?;
    let second = window.client().new_window(true).await?.handle;
    window.client().switch_to_window(second.clone()).await?;
    prepare(window, "expert_02").await?;
    window.client().switch_to_window(first).await?;
    window.press("确认发起").await?;
    window.shows("launched", "3 个工单、6 个充电站").await?;
    ensure!(window.rows().await? == 3, "an order for each city");
    let progress = "return [...document.querySelectorAll('main tbody tr')].map(r => r.querySelector('td[data-l^=充电站]').innerText).join()";
    let counts = window.client().execute(progress, vec![]).await?;
    ensure!(counts == "2,2,2", "stations of the orders: {counts}");
    window.client().close_window().await?;
    window.client().switch_to_window(second).await?;
    window.press("确认发起").await?;
    window.shows("launch-late", "本次已发起过，没有生成新的工单").await?;
    for city in ["郑州市", "洛阳市", "开封市"] {
        window.sees(&format!("{city}联合审核工单（第 1 批）")).await?;
    }
    window.visit("/supervision/subsidies/launch").await?;
    window.shows("launch-nothing", "没有待发起联合审核的申请").await?;
    once(system).await
}

/// Three orders, six members, and one event for each.
async fn once(system: &System) -> Result<()> {
    for (counted, count) in [
        ("work_orders", 3),
        ("applications WHERE work_order_id IS NOT NULL AND stage = 'ExpertReview'", 6),
        ("outbox WHERE kind = 'joint_review_launched'", 3),
        ("outbox WHERE kind = 'entered_joint_review'", 6),
        ("(SELECT DISTINCT aggregate_id FROM outbox WHERE kind = 'entered_joint_review') AS members", 6),
    ] {
        let found = system.count(Service::Reviews, &format!("SELECT count(*) FROM {counted}")).await?;
        ensure!(found == count, "{counted}: {found}, not {count}");
    }
    system.drained().await.context("the events are read")?;
    let twice = "SELECT count(*) - count(DISTINCT (event_id, desk)) FROM messages
        WHERE kind IN ('entered_joint_review', 'joint_review_launched')";
    let twice = system.count(Service::Notifications, twice).await?;
    ensure!(twice == 0, "{twice} effects of events came twice");
    Ok(())
}
