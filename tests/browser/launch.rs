//! G10 by clicking: thirty stations in five cities, launched once from two pages.
use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use system_tests::{
    System,
    cases::{Case, Stage},
};
use xtask::services::Service;

use crate::kit::Window;

/// A county of each of five cities, and how many stations it has: thirty together. The first city's order is walked to its end.
const COUNTIES: [(&str, usize); 5] =
    [("410105", 2), ("410305", 7), ("410202", 7), ("410402", 7), ("410502", 7)];
/// What is confirmed.
const WHOLE: &str = "将为 5 个地市的 30 个充电站发起联合审核";

/// The applications of one company in each city, the first city's first, and who launches and judges. Errors: a step on the
/// way is refused.
pub async fn awaiting(system: &System) -> Result<Vec<Case>> {
    system.administrator().await?;
    for number in [1, 2] {
        system.expert(number).await?;
    }
    system.round().await?;
    let cities = COUNTIES.map(|(county, count)| async move {
        let mut cases = vec![system.application().in_county(county).at(Stage::AwaitingJointReview).await?];
        while cases.len() < count {
            let next = system.application().in_county(county).of(&cases[0].company);
            cases.push(next.at(Stage::AwaitingJointReview).await?);
        }
        Ok::<_, anyhow::Error>(cases)
    });
    Ok(try_join_all(cities).await?.into_iter().flatten().collect())
}

/// Comes to the form by the menu and the button. Errors: it is another person's.
pub async fn open_launch(window: &Window) -> Result<()> {
    window.menu("补贴管理").await?;
    window.press("发起联合审核").await?;
    window.sees("下一步核对件数和名单后再确认").await
}

/// Fills in the launch of everything that waits, up to the page that asks again. Errors: it is not the whole.
pub async fn prepare(window: &Window, lead: &str, whole: &str) -> Result<()> {
    window.fill("发起序号", "1").await?;
    for (near, words) in [("expert_01", "参加"), ("expert_02", "参加"), (lead, "组长")] {
        window.choose(near, words).await?;
    }
    window.press("下一步").await?;
    window.sees(whole).await
}

/// The administrator launches everything that waits; from a second page nothing is launched twice, and it is told what
/// stands. Errors: it is otherwise.
pub async fn launch(system: &System, window: &Window) -> Result<()> {
    window.sign_in_anew("admin01").await?;
    window.menu("补贴管理").await?;
    window.shows("orders-waiting", "每个地市每次发起生成一个联合审核工单").await?;
    open_launch(window).await?;
    window.shows("launch", "专家组").await?;
    prepare(window, "expert_01", WHOLE).await?;
    window.shows("launch-confirm", "确认发起（5 市 30 站）").await?;
    ensure!(window.rows().await? == 5, "a row for each city");
    // A second page with the same question: whoever comes late is told what stands.
    let first = window.client().window().await?;
    let second = window.client().new_window(true).await?.handle;
    window.client().switch_to_window(second.clone()).await?;
    window.visit("/workbench").await?;
    open_launch(window).await?;
    prepare(window, "expert_02", WHOLE).await?;
    window.client().switch_to_window(first).await?;
    window.press("确认发起").await?;
    window.shows("launched", "5 个工单、30 个充电站").await?;
    let progress = "return [...document.querySelectorAll('section[aria-label=联合审核工单] tbody tr')].map(r => r.querySelector('td[data-l^=充电站]').innerText).sort().join()";
    let counts = window.client().execute(progress, vec![]).await?;
    ensure!(counts == "2,7,7,7,7", "stations of the orders: {counts}");
    window.client().close_window().await?;
    window.client().switch_to_window(second).await?;
    window.press("确认发起").await?;
    window.shows("launch-late", "本次已发起过，没有生成新的工单").await?;
    for city in ["郑州市", "洛阳市", "开封市", "平顶山市", "安阳市"] {
        window.sees(&format!("{city}联合审核工单（第 1 次发起）")).await?;
    }
    window.menu("补贴管理").await?;
    window.press("发起联合审核").await?;
    window.shows("launch-nothing", "没有待发起联合审核的申请").await?;
    once(system).await
}

/// Five orders, thirty members, and one event for each.
async fn once(system: &System) -> Result<()> {
    for (counted, count) in [
        ("work_orders", 5),
        ("applications WHERE work_order_id IS NOT NULL AND stage = 'ExpertReview'", 30),
        ("outbox WHERE kind = 'joint_review_launched'", 5),
        ("outbox WHERE kind = 'entered_joint_review'", 30),
        ("(SELECT DISTINCT aggregate_id FROM outbox WHERE kind = 'entered_joint_review') AS members", 30),
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
