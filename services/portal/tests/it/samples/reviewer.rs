//! Samples of what reviewers see.

use portal::{
    Form,
    dossier::{Change, Dossier, Elsewhere, Invoice, Material},
    gate::{Connector, Gate},
    labels::{CATEGORIES, FIELDS, SLOTS},
    list::{Filter, Tab},
    materials::Shown,
    order::{Drawn, Order, Rank, Seat},
    review::{Review, TARGETS, Way},
    stage,
    standing::Standing,
    web::{
        county_steps::{PaperCheckPage, StepPage},
        county_subsidies::{CountyReviewPage, CountySubsidiesPage},
        extensions::ExtendPage,
        files::FileNoticePage,
        leaves::{Leaf, LeavesPage, Others},
        order_members::OrderMemberPage,
        orders::{Interest, Member, OrderPage, OrdersPage},
        print::PrintPage,
        reassign::{Holder, ReassignPage},
        reminders::RemindPage,
        several::{Chosen, Desk},
    },
};

use super::{Kind, Sample, administrator, filter, rows, sample};

/// All of them.
pub fn of(kind: Kind) -> Vec<Sample> {
    vec![
        sample("county_subsidies.html", kind, county_subsidies(kind)),
        sample("county_review.html", kind, county_review(kind)),
        sample("paper_check.html", kind, paper_check(kind)),
        sample("step.html", kind, step(kind)),
        sample("order_member.html", kind, order_member(kind)),
        sample("orders.html", kind, orders(kind)),
        sample("order.html", kind, order(kind)),
        sample("print.html", kind, print(kind)),
        sample("remind.html", kind, remind(kind)),
        sample("extend.html", kind, extend(kind)),
        sample("reassign.html", kind, reassign(kind)),
        sample("file_notice.html", kind, file_notice(kind)),
        sample("leaves.html", kind, leaves(kind)),
    ]
}

fn leaves(kind: Kind) -> LeavesPage {
    let number = |at: usize| i32::try_from(at + 1).unwrap_or(i32::MAX);
    LeavesPage {
        page: kind.guest(),
        name: kind.text("01_省级奖补资金项目申请函.pdf"),
        count: kind.each(number).len().try_into().unwrap_or(0),
        leaves: kind.each(|at| Leaf { number: number(at), path: format!("/files/7/pages/{}", number(at)) }),
        size: (1131, 1600),
        fonts_missing: kind != Kind::One,
        original: "/files/7/original".into(),
        others: kind
            .some(|| Others { label: kind.text("第 21–40 页"), path: "/files/7/preview?from=21".into() }),
        framed: kind == Kind::One,
    }
}

fn file_notice(kind: Kind) -> FileNoticePage {
    let original = kind.text("/files/7/original");
    FileNoticePage {
        page: kind.guest(),
        text: kind.text("该材料含个人信息"),
        asks: matches!(kind, Kind::One | Kind::Longest),
        reason: if kind == Kind::Longest { kind.text("") } else { String::new() },
        preview: "/files/7/preview".into(),
        original,
        sign_in: if kind == Kind::Empty { "/login".into() } else { String::new() },
        framed: matches!(kind, Kind::Empty | Kind::One),
    }
}

fn remind(kind: Kind) -> RemindPage {
    let chosen = || Chosen {
        item: "7.3".into(),
        station: kind.text("示例充电站"),
        line: kind.text("示例公司"),
        tag: kind.tag(),
        why: kind.text("当前节点不需要催办"),
    };
    let form = if kind == Kind::Empty { Form::default() } else { kind.form(&["reason"]) };
    RemindPage {
        page: kind.frame("/supervision/county-subsidies"),
        form,
        chosen: kind.some(chosen),
        desk: DESK,
    }
}

pub const DESK: Desk = Desk { menu: "/supervision/county-subsidies", back: "/supervision/county-subsidies" };

fn extend(kind: Kind) -> ExtendPage {
    let RemindPage { page, chosen, desk, .. } = remind(kind);
    let fields: &[&str] = if kind == Kind::Empty { &[] } else { &["working_days", "reason"] };
    ExtendPage { page, form: kind.form(fields), chosen, desk }
}

fn reassign(kind: Kind) -> ReassignPage {
    let remind = remind(kind);
    let holder = || Holder { id: kind.text("7"), name: kind.text("甲（负责人）"), count: 3 };
    let fields: &[&str] = if kind == Kind::Empty { &[] } else { &["assignee_id", "reason"] };
    ReassignPage {
        page: remind.page,
        form: kind.form(fields),
        chosen: remind.chosen,
        holders: kind.part(holder),
        unnamed: (kind != Kind::Empty).then_some(2),
        more: kind == Kind::Longest,
        desk: DESK,
    }
}

fn print(kind: Kind) -> PrintPage {
    PrintPage {
        page: kind.frame("/supervision/county-subsidies"),
        case: kind.case(),
        standing: if kind == Kind::Empty { Ok(Standing::none()) } else { Ok(standing(kind)) },
        printed_at: "2026-11-26 10:05".into(),
        back: "/supervision/county-subsidies/7/review".into(),
    }
}

fn county_subsidies(kind: Kind) -> CountySubsidiesPage {
    CountySubsidiesPage {
        page: kind.frame("/supervision/county-subsidies"),
        tabs: kind
            .some(|| Tab { words: kind.text("全部"), count: Some(1001), ..Tab::default() })
            .into_iter()
            .take(7)
            .collect(),
        stages: stage::TABLE.iter().map(|row| (row.id, row.reviewer.0)).collect(),
        counties: kind.some(|| ("410105".to_owned(), kind.text("金水区"))),
        rounds: kind.some(|| ("7".to_owned(), kind.text("2026 年第二批"))),
        list: rows(kind, "/supervision/county-subsidies", true),
        desk: DESK,
        leads: kind != Kind::Empty,
        extends: kind != Kind::Empty,
    }
}

fn county_review(kind: Kind) -> CountyReviewPage {
    CountyReviewPage {
        page: kind.frame("/supervision/county-subsidies"),
        form: kind.form(&["decision", "target", "opinion", "items"]),
        review: review(kind),
    }
}

fn review(kind: Kind) -> Review {
    Review {
        case: kind.case(),
        standing: match kind {
            Kind::Empty => Ok(Standing::none()),
            Kind::One | Kind::Many | Kind::Longest => Ok(standing(kind)),
        },
        way: Way {
            previous: kind.text("/a"),
            next: kind.text("/b"),
            place: kind.text("待办第 2 件，共 9 件"),
        },
        phrases: &["材料齐全，同意上报"],
        fields: FIELDS.to_vec(),
        path: "/supervision/county-subsidies/7/review".into(),
        print: "/supervision/county-subsidies/7/print".into(),
        package: "/supervision/county-subsidies/7/package".into(),
        choices: [("pass", "通过"), ("return", "不通过，退回运营商修改")],
        targets: &TARGETS,
    }
}

fn standing(kind: Kind) -> Standing {
    let change =
        || Change { what: kind.text("详细地址"), before: kind.text("旧"), after: kind.text("新") };
    let connector =
        || Connector { id: kind.text("41010500001"), first: "—".into(), last: "—".into(), days: 0 };
    let paper = || Shown {
        name: kind.text("竣工验收报告.pdf"),
        facts: "4 页 · 1.2 MB".into(),
        path: "/files/7/preview".into(),
        original: "/files/7/original".into(),
        ..Shown::default()
    };
    let material = |(slot, name): &(&'static str, &'static str)| Material {
        slot,
        mark: format!("mark_{slot}"),
        number: slot,
        name,
        papers: if *slot == "M7" { Vec::new() } else { kind.some(paper) },
        changed: *slot == "M5",
        note: kind.text("已补签"),
    };
    let invoice = || Invoice {
        number: kind.text("24412000000012345678"),
        kind: "数电票（增值税专用发票）".into(),
        issued_on: "2026-03-18".into(),
        seller: kind.text("示例设备有限公司"),
        buyer: kind.text("91410105XXXX00019H"),
        amount: "100.00".into(),
        used: "60.00".into(),
        rest: "40.00".into(),
        elsewhere: kind.some(|| Elsewhere { name: kind.text("示例充电站"), used: "1.00".into() }),
        paper: Some(paper()),
    };
    Standing {
        version: 2,
        kind: "初审资料",
        at: "2026-11-22 10:05".into(),
        hash: kind.text("00af"),
        answers: kind.some(|| ("详细地址".to_owned(), kind.text("已改"))),
        gate: Some(Gate {
            linked: kind.tag(),
            reported: kind.tag(),
            connectors: kind.some(connector),
            hash: kind.text("00af"),
            silent: 1,
            ..Gate::default()
        }),
        compared_with: 1,
        changes: kind.some(change),
        dossier: Ok(Dossier {
            revision: 2,
            hash: kind.text("00af"),
            at: "2026-11-22 10:05".into(),
            materials: SLOTS.iter().map(material).collect(),
            invoices: kind.some(invoice),
            used: "60.00".into(),
            capitals: "陆拾元整".into(),
            changes: kind.some(change),
        }),
    }
}

fn order_member(kind: Kind) -> OrderMemberPage {
    OrderMemberPage {
        page: kind.frame("/supervision/subsidies"),
        form: kind.form(&["decision", "target", "opinion", "items"]),
        own: kind.form(&["verdict", "own_opinion"]),
        review: review(kind),
        order: "/supervision/subsidies/orders/7".into(),
        sample: "抽中",
    }
}

pub fn some_order(kind: Kind) -> Order {
    Order {
        id: "7".into(),
        city: kind.text("郑州市"),
        round: kind.text("2026 年第二批"),
        batch: 2,
        version: 3,
        state: kind.tag(),
        total: 14,
        passed: 7,
        supplements: 1,
        left: 1,
        findings: 1,
        progress: kind.some(|| (kind.text("专家组审核"), 7)),
        launched: "2026-11-22 10:05".into(),
        due: "2026-11-29 10:05".into(),
        frozen: "—".into(),
        concluded: "—".into(),
        hash: kind.text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        need: kind != Kind::Empty,
    }
}

fn orders(kind: Kind) -> OrdersPage {
    let filter = filter(kind, "/supervision/subsidies");
    let orders = kind.some(|| some_order(kind));
    OrdersPage {
        page: kind.frame("/supervision/subsidies"),
        rounds: kind.some(|| ("7".to_owned(), kind.text("2026 年第二批"))),
        pager: filter.pager("next", orders.len()),
        filter,
        orders,
        overview: Some(kind.part(|| ()).map(|_| administrator::overview(kind))),
    }
}

fn order(kind: Kind) -> OrderPage {
    let seat = || Seat { name: kind.text("专家甲"), duty: "组长", declared: kind.tag() };
    let rank = || Rank { application_id: "7".into(), rank: kind.text("00af"), tag: kind.tag() };
    let drawn = || Drawn {
        number: 1,
        title: "冻结工单时抽取",
        at: "2026-11-22 10:05".into(),
        seed: kind.text("00af"),
        population: kind.text("00af"),
        share: "30.0%".into(),
        size: 3,
        members: 7,
        chosen: 3,
        ranks: kind.some(rank),
    };
    let interest = Interest {
        seat: seat(),
        elsewhere: kind.some(|| "8".to_owned()),
        form: kind.form(&["conflict", "conflicts", "statement"]),
        open: kind != Kind::One,
    };
    let members = kind.part(|| Member { id: "7".into(), row: kind.row(), sample: kind.tag() });
    OrderPage {
        page: kind.frame("/supervision/subsidies"),
        form: Form::default(),
        order: some_order(kind),
        panel: kind.some(seat),
        interest: (kind != Kind::Empty).then_some(interest),
        pager: Filter::of("/supervision/subsidies/orders/7", &[]).pager("next", 1),
        members,
        draws: kind.part(drawn),
        widens: true,
        freezes: kind != Kind::Empty,
    }
}

fn paper_check(kind: Kind) -> PaperCheckPage {
    PaperCheckPage {
        page: kind.frame("/supervision/county-subsidies"),
        form: kind.form(&["ticked", "result", "checked_on", "checker", "M1"]),
        case: kind.case(),
        categories: CATEGORIES,
        today: "2026-11-26".into(),
    }
}

fn step(kind: Kind) -> StepPage {
    StepPage {
        page: kind.frame("/supervision/county-subsidies"),
        form: kind.form(&["reason"]),
        case: kind.case(),
        consequence: "退回运营商修改。",
        step: "revoke",
        button: "撤销通过",
        command: "RevokePass",
        reason_required: true,
    }
}
