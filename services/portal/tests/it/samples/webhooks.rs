//! Pages of 接口与订阅.

use portal::{
    Form,
    case::Fact,
    web::{
        subscriptions::{self, Issued, NewSubscriptionPage, SubscriptionPage, SubscriptionsPage},
        webhook_deliveries::{AttemptRow, DeliveryPage, ReceiptRow, Row},
    },
};

use super::{Kind, administrator::tabs, filter};

const LIST: &str = "/system/subscriptions";

pub(super) fn subscriptions(kind: Kind) -> SubscriptionsPage {
    let rows = kind.some(|| subscriptions::Row {
        name: kind.text("省财政厅"),
        path: "/system/subscriptions/7".into(),
        url: kind.text("https://hooks.example.gov.cn/yuchong"),
        events: kind.text("审核通过（办结）"),
        place: kind.text("郑州市"),
        state: kind.tag(),
        waiting: "1,000+".into(),
        created_at: "2026-11-22 10:05".into(),
    });
    SubscriptionsPage { page: kind.frame(LIST), pager: filter(kind, LIST).pager("next", rows.len()), rows }
}

pub(super) fn subscription_new(kind: Kind) -> NewSubscriptionPage {
    let issued = Issued {
        title: "订阅已建立",
        before: "",
        secret: kind.text("whsec_bm90IGEgc2VjcmV0"),
        path: "/system/subscriptions/7".into(),
    };
    let types = || kind.each(|n| (format!("reviews.event_{n}"), kind.text("审核通过（办结）")));
    NewSubscriptionPage {
        page: kind.frame(LIST),
        form: kind.form(&["name", "url", "prefecture", "event_types"]),
        issued: (kind == Kind::Many).then_some(issued),
        groups: kind.some(|| (kind.text("补贴审核"), types())),
        cities: kind.some(|| ("410100".into(), kind.text("郑州市"))),
    }
}

pub(super) fn subscription(kind: Kind) -> SubscriptionPage {
    let filter = filter(kind, "/system/subscriptions/7");
    let rows = kind.some(|| Row {
        path: "/system/subscriptions/7/deliveries/8".into(),
        event: kind.text("审核通过（办结）"),
        event_type: kind.text("reviews.approved"),
        occurred_at: "11-22 10:05".into(),
        state: kind.tag(),
        attempts: 3,
        last: kind.text("500 未接收"),
        at: "11-22 10:10".into(),
        receipts: kind.text("sms 已办成（DELIVRD）"),
    });
    SubscriptionPage {
        page: kind.frame(LIST),
        form: kind.form(&["from", "to"]),
        name: kind.text("省财政厅"),
        path: "/system/subscriptions/7".into(),
        state: kind.tag(),
        active: kind != Kind::One,
        facts: kind.some(|| Fact { name: "接收地址", value: kind.text("https://hooks.example.gov.cn/") }),
        tabs: tabs(kind),
        pager: filter.pager("next", rows.len()),
        filter,
        rows,
    }
}

pub(super) fn delivery(kind: Kind) -> DeliveryPage {
    DeliveryPage {
        page: kind.frame(LIST),
        form: Form::default(),
        event: kind.text("审核通过（办结）"),
        back: "/system/subscriptions/7".into(),
        path: "/system/subscriptions/7/deliveries/8".into(),
        state: kind.tag(),
        facts: kind.some(|| Fact { name: "事件类型", value: kind.text("reviews.approved") }),
        body: kind.text(r#"{"type":"reviews.approved"}"#),
        attempts: kind.each(|n| AttemptRow {
            number: i32::try_from(n).expect("a page") + 1,
            at: "2026-11-22 10:05".into(),
            result: kind.text("500 未接收"),
            latency: "12 毫秒".into(),
            answer: kind.text("no"),
        }),
        receipts: kind.each(|n| ReceiptRow {
            kind: kind.text("sms"),
            status: kind.tag(),
            code: kind.text("DELIVRD"),
            at: "2026-11-22 10:05:00".into(),
            received_at: "2026-11-22 10:05:02".into(),
            live: n == 0,
        }),
    }
}
