//! Samples of a link over T/CEC 102: its test, its settings, its secrets.

use portal::{
    case::Fact,
    quality,
    refused::Away,
    stage,
    web::{
        charge_orders, defects,
        link_list::{self, LinksPage},
        link_settings::{LinkSecretsPage, LinkSettingsPage},
        links::{LinkPage, Pulled, Stepped, Tested},
    },
};

use super::{Kind, administrator::tabs, filter};

pub(super) fn days(kind: Kind) -> Result<Vec<quality::Row>, Away> {
    kind.part(|| quality::Row {
        day: "2026-11-25".into(),
        kind: "接口状态",
        accepted: 1_000_000_000,
        prompt: kind.text("99.9%"),
        online: kind.text("95.0%（10 个接口）"),
        ..quality::Row::default()
    })
}

pub(super) fn link(kind: Kind) -> LinkPage {
    let tag = || stage::Tag { text: kind.text("未通过"), class: "danger" };
    LinkPage {
        page: kind.frame("/interconnect"),
        company: kind.text("示例公司"),
        form: kind.form(&[]),
        start: kind.some(|| "/interconnect/link/test".to_owned()).pop().unwrap_or_default(),
        settings: "/interconnect/link/settings".into(),
        state: tag(),
        missing: kind.some(|| "尚未填写密钥").into_iter().take(4).collect(),
        facts: kind.some(|| Fact { name: "OperatorID", value: kind.text("XXXX00019") }),
        days: days(kind),
        defects: defects::OWN.to_owned(),
        orders: charge_orders::OWN.to_owned(),
        pulled: kind.part(|| Pulled {
            name: "场站资料",
            state: tag(),
            success_at: "2026-11-22 10:05".into(),
            items: "接收 45，未接收 0".into(),
            owed: kind.text("尚未核对：2026-11-25"),
            failure: kind.text("无法连接"),
            due_at: "2026-11-22 11:05".into(),
        }),
        running: kind == Kind::Many,
        steps: kind.some(|| Stepped {
            side: "运营商系统",
            title: kind.text("签名错误的请求应答 4001"),
            outcome: tag(),
            ret: "0".into(),
            found: kind.text("应答 Ret 0"),
            way_out: kind.text("请先校验签名"),
        }),
        tests: kind.part(|| Tested {
            outcome: tag(),
            requested_at: "2026-11-22 10:05".into(),
            finished_at: "2026-11-22 10:06".into(),
            passed: "30 / 31".into(),
        }),
    }
}

pub(super) fn links(kind: Kind) -> LinksPage {
    let filter = filter(kind, link_list::LIST);
    let rows = kind.some(|| link_list::Row {
        company: kind.text("示例公司"),
        organisation_code: "XXXX00019".into(),
        state: kind.tag(),
        base_url: kind.text("https://evcs.example.invalid/evcs"),
        wanting: "接口地址、调用密钥".into(),
        issued_at: "2026-11-22 10:05".into(),
        path: "/system/links/7".into(),
        settings: "/system/links/7/settings".into(),
    });
    LinksPage {
        page: kind.frame(link_list::LIST),
        tabs: tabs(kind),
        pager: filter.pager("next", rows.len()),
        filter,
        rows,
    }
}

/// Of the own link with [`Kind::One`]; before it is opened with [`Kind::Empty`].
pub(super) fn link_settings(kind: Kind) -> LinkSettingsPage {
    let own = kind == Kind::One;
    let fields = [
        "base_url",
        "protocol_version",
        "outbound",
        "operator_secret",
        "data_secret",
        "data_secret_iv",
        "sig_secret",
        "authority",
        "paths",
        "spellings",
        "open",
        "window_secs",
    ];
    LinkSettingsPage {
        page: kind.frame("/interconnect"),
        company: if own { String::new() } else { kind.text("示例公司") },
        operator_id: if own { "" } else { "7" }.into(),
        form: kind.form(&fields),
        path: if own { "/interconnect/link/settings" } else { "/system/links/7/settings" }.into(),
        back: if own { "/interconnect/link" } else { "/system/links/7" }.into(),
        state: kind.tag(),
        active: kind != Kind::Empty,
        missing: kind.some(|| "尚未填写密钥").into_iter().take(4).collect(),
        facts: kind.some(|| Fact { name: "OperatorID", value: kind.text("XXXX00019") }),
        outbound: [("keep", "保持现有密钥"), ("replace", "使用下列密钥")],
    }
}

pub(super) fn link_secrets(kind: Kind) -> LinkSecretsPage {
    LinkSecretsPage {
        page: kind.frame("/interconnect"),
        title: "密钥已轮换",
        before: if kind == Kind::Empty { "" } else { "此前使用的密钥继续有效 24 小时。" },
        company: kind.text("示例公司"),
        secrets: kind.some(|| Fact { name: "签名密钥", value: kind.text("not-a-secret") }),
        path: "/interconnect/link/settings".into(),
    }
}
