//! 无障碍说明 and 隐私政策, linked from every footer.

use askama::Template;
use axum::{http::StatusCode, routing::get};

use super::Routes;
use crate::{Answer, Guest, Page};

const ACCESSIBILITY: &[&str] = &[
    "本平台按照 GB/T 37668-2019 二级和 WCAG 2.2 AA 建设：全部功能可用键盘完成，放大到 200 % 或在 320 像素宽的屏幕上无需左右滚动，状态同时用文字、形状和颜色表示。",
    "页面上方的“大字版”可将文字放大四分之一，选择会被记住。关闭脚本后，全部页面和表单仍可使用。",
    "如遇到无法使用的内容，请拨打页面上的技术支持电话。",
];
const PRIVACY: &[&str] = &[
    "平台仅为办理充电设施建设补贴收集企业资料、联系人姓名与手机号、申报材料和充电数据，用于审核、联系和依法监管。",
    "证件图片属于敏感个人信息，仅办理人员可以查看，每次查看均有记录；手机号默认遮盖显示。",
    "登录使用一个仅在本站有效的必要 Cookie，“大字版”的选择另存一个 Cookie、保留一年；不使用统计或广告 Cookie，不加载其他网站的内容。",
    "审核决定及其依据依法保存。更正企业资料请在“企业资料”中修改并提交审核；其他要求请联系技术支持。",
];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/accessibility", get(|guest: Guest| async move { show(&guest, "无障碍说明", ACCESSIBILITY) }))
        .route("/privacy", get(|guest: Guest| async move { show(&guest, "隐私政策", PRIVACY) }))
}

/// A text.
#[derive(Template)]
#[template(path = "statement.html")]
pub struct StatementPage {
    /// The frame.
    pub page: Page,
    /// Its paragraphs.
    pub paragraphs: Vec<&'static str>,
}

fn show(guest: &Guest, title: &str, paragraphs: &[&'static str]) -> Answer {
    guest.show(StatusCode::OK, &StatementPage { page: guest.page(title), paragraphs: paragraphs.to_vec() })
}
