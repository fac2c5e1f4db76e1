//! Pages of 通知公告 for those who write them.

use portal::{
    case::Fact,
    notice::AUDIENCES,
    web::notice_desk::{
        Deed, NoticeEditPage, NoticePage, NoticePublishPage, NoticeWithdrawPage, NoticesPage, Row,
    },
};

use super::{Kind, administrator::tabs, filter, told};

fn notice_row(kind: Kind) -> Row {
    Row {
        title: kind.text("补贴申报通知"),
        audiences: kind.text("运营企业"),
        state: kind.tag(),
        revision: 2,
        pinned_until: "2026-12-31".into(),
        published_at: "11-22 10:05".into(),
        changed_at: "11-22 10:05".into(),
        office: kind.text("省平台"),
        path: "/system/notices/7".into(),
    }
}

pub(super) fn notices(kind: Kind) -> NoticesPage {
    let filter = filter(kind, "/system/notices");
    let rows = kind.some(|| notice_row(kind));
    NoticesPage {
        page: kind.frame("/system/notices"),
        tabs: tabs(kind),
        pager: filter.pager("next", rows.len()),
        filter,
        rows,
    }
}

pub(super) fn notice(kind: Kind) -> NoticePage {
    NoticePage {
        page: kind.frame("/system/notices"),
        form: kind.form(&[]),
        path: "/system/notices/7".into(),
        state: kind.tag(),
        state_id: if kind == Kind::One { "Draft" } else { "Published" }.into(),
        told: told(kind),
        facts: kind.some(|| Fact { name: "发布对象", value: kind.text("运营企业") }),
        deeds: kind.some(|| Deed {
            title: "撤回",
            class: "bad",
            who: kind.text("省平台 甲 · 2026-11-22 10:05"),
            reason: kind.text("内容有误"),
        }),
        others: kind.some(|| notice_row(kind)),
    }
}

pub(super) fn notice_edit(kind: Kind) -> NoticeEditPage {
    NoticeEditPage {
        page: kind.frame("/system/notices"),
        form: kind.form(&["title", "body", "audiences", "pinned_until"]),
        path: "/system/notices/7/edit".into(),
        back: "/system/notices/7".into(),
        audiences: AUDIENCES.to_vec(),
    }
}

pub(super) fn notice_publish(kind: Kind) -> NoticePublishPage {
    NoticePublishPage {
        page: kind.frame("/system/notices"),
        form: kind.form(&[]),
        path: "/system/notices/7".into(),
        version: 1,
        revision: if kind == Kind::One { 1 } else { 2 },
        audiences: kind.text("运营企业"),
        told: told(kind),
    }
}

pub(super) fn notice_withdraw(kind: Kind) -> NoticeWithdrawPage {
    NoticeWithdrawPage {
        page: kind.frame("/system/notices"),
        form: kind.form(&["reason"]),
        path: "/system/notices/7".into(),
        version: 2,
        title: kind.text("补贴申报通知"),
        audiences: kind.text("运营企业"),
    }
}
