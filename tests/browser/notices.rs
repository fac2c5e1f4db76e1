//! 通知公告 by clicking: written, published, read on the workbench and without signing in, revised, withdrawn.
use anyhow::{Context as _, Result};
use proto::notifications::{Notice, NoticeContent};

use crate::{kit::Window, system};

const TITLE: &str = "2026 年度充电设施建设补贴申报通知";

/// A notice of two paragraphs.
pub fn notice(title: &str, audience: &str) -> NoticeContent {
    NoticeContent {
        title: title.to_owned(),
        body: "第一段\n\n第二段".to_owned(),
        audiences: vec![audience.to_owned()],
        pinned_until: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_read_by_those_whom_it_is_for_until_it_is_withdrawn() -> Result<()> {
    let system = system().await?;
    let company = system.company(system.number(), "410105").await?;
    system.administrator().await?;
    system.county("410105").await?;
    let window = Window::before(&system).await?;

    window.sign_in_anew("admin01").await?;
    window.visit("/system/notices").await?;
    window.shows("notices-none", "还没有公告").await?;
    window.press("新建公告").await?;
    window.press("保存草稿").await?;
    window.shows("notice-empty", "请选择至少一类发布对象").await?;
    window.fill("标题", TITLE).await?;
    window.fill("正文", "请于年底前提交。\n\n详见 http://example.invalid/guide。").await?;
    window.choose("发布对象", "运营企业").await?;
    window.press("保存草稿").await?;
    window.shows("notice-draft", "核对预览后发布").await?;
    let links = "return document.querySelectorAll('main a[href^=http]').length";
    assert_eq!(window.client().execute(links, vec![]).await?, 0, "an address is text");
    window.press("发布").await?;
    window.shows("notice-publish", "运营企业立即可以看到").await?;
    window.press("确认发布").await?;
    window.shows("notice-published", "公告已发布").await?;
    let page = window.path().await?;

    window.sign_in_anew("co_410105").await?;
    window.shows("workbench-no-notice", "没有通知公告").await?;
    window.sign_in_anew(company.actor.name()).await?;
    window.sees(TITLE).await?;
    window.press(TITLE).await?;
    window.shows("notice-read", "请于年底前提交").await?;
    let read = window.path().await?;
    window.press("全部公告").await?;
    window.shows("notices-read", TITLE).await?;

    window.sign_in_anew("admin01").await?;
    window.visit(&page).await?;
    window.press("撤回").await?;
    window.press("确认撤回").await?;
    window.shows("notice-withdraw-empty", "请填写撤回原因").await?;
    window.fill("撤回原因", "申报时间有误").await?;
    window.press("确认撤回").await?;
    window.shows("notice-withdrawn", "申报时间有误").await?;

    window.sign_in_anew(company.actor.name()).await?;
    window.sees("没有通知公告").await?;
    window.visit(&read).await?;
    window.sees("页面不存在").await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_notice_is_read_without_signing_in_and_a_revision_takes_its_place() -> Result<()> {
    let system = system().await?;
    let administrator = system.administrator().await?;
    let other = system.official("admin02", "administrator", &["410000"]).await?;
    let told = administrator.draft_notice(notice("公开通知", "public")).await?;
    let told = administrator.publish_notice(&told).await?;
    let hidden = administrator.draft_notice(notice("内部通知", "authorities")).await?;
    let hidden = administrator.publish_notice(&hidden).await?;
    let window = Window::before(&system).await?;
    window.visit("/notices").await?;
    window.shows("notices-public", "公开通知").await?;
    assert!(!window.text().await?.contains("内部通知"));
    window.visit(&format!("/notices/{}", hidden.notice_id)).await?;
    window.sees("页面不存在").await?;
    window.visit(&format!("/notices/{}", told.notice_id)).await?;
    window.shows("notice-public", "第一段").await?;

    window.sign_in_anew("admin01").await?;
    window.visit(&format!("/system/notices/{}", told.revision_id)).await?;
    window.press("修订").await?;
    window.sees("读者看到的仍是原来的版次").await?;
    window.fill("标题", "公开通知（更正）").await?;
    window.press("保存草稿").await?;
    window.press("发布").await?;
    window.shows("notice-publish-revision", "原来的版次将被本版取代").await?;

    // Somebody else was first.
    let path = window.path().await?;
    let revision_id = path.split('/').nth(3).context("an id")?.to_owned();
    other.publish_notice(&Notice { revision_id, version: 2, ..Notice::default() }).await?;
    window.press("确认发布").await?;
    window.shows("notice-overtaken", "未能提交，内容已被他人更新").await?;
    window.visit("/notices").await?;
    window.sees("公开通知（更正）").await?;
    window.close().await?;
    system.finish().await
}
