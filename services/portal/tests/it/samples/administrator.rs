//! Pages of administrators: companies, people, machines, rounds.

use portal::{
    Form,
    case::{Fact, Past},
    compared::Compared,
    divisions::Place,
    labels::{AUDIT_ACTS, EXPERT_RULES, GATES, OFFICIAL_ROLES, SLOTS},
    list::{Filter, Tab},
    parameters::{Group, Parameters},
    policy,
    refused::Away,
    stage::{self, Tag},
    web::{
        account_review::{AccountReviewPage, Licence, Login, Queue, Viewing},
        accounts::{self, AccountsPage},
        audit::{self, AuditPage, ChainPage},
        divisions::{self, City as PlaceOfDesks, DivisionsPage},
        launch::{Chosen, Expert, LaunchConfirmPage, LaunchPage, Panel},
        machines::{self, Issued, MachinesPage, NewMachinePage},
        overview::{CityRow, Overview},
        rounds::{self, NewRoundPage, RoundPage, RoundsPage},
        subsidies::{CarryOverPage, City, FreezePage, SubsidiesPage, Waiting},
        users::{self, NewUserPage, Offered, UserPage, UsersPage},
    },
};
use proto::accounts::Division;

use super::{
    Kind, Sample, filter, links, notices, reviewer::DESK, reviewer::some_order, rows, sample, webhooks,
};

/// All of them.
pub fn of(kind: Kind) -> Vec<Sample> {
    vec![
        sample("subsidies.html", kind, subsidies(kind)),
        sample("carry_over.html", kind, carry_over(kind)),
        sample("order_freeze.html", kind, order_freeze(kind)),
        sample("launch.html", kind, launch(kind)),
        sample("launch_confirm.html", kind, launch_confirm(kind)),
        sample("accounts.html", kind, accounts(kind)),
        sample("account_review.html", kind, account_review(kind)),
        sample("users.html", kind, users(kind)),
        sample("user.html", kind, user(kind)),
        sample("user_new.html", kind, user_new(kind)),
        sample("audit.html", kind, audit(kind)),
        sample("audit_chain.html", kind, audit_chain(kind)),
        sample("machines.html", kind, machines(kind)),
        sample("links.html", kind, links::links(kind)),
        sample("machine_new.html", kind, machine_new(kind)),
        sample("subscriptions.html", kind, webhooks::subscriptions(kind)),
        sample("subscription_new.html", kind, webhooks::subscription_new(kind)),
        sample("subscription.html", kind, webhooks::subscription(kind)),
        sample("webhook_delivery.html", kind, webhooks::delivery(kind)),
        sample("rounds.html", kind, rounds(kind)),
        sample("round.html", kind, round(kind)),
        sample("round_new.html", kind, round_new(kind)),
        sample("divisions.html", kind, divisions(kind)),
        sample("notices.html", kind, notices::notices(kind)),
        sample("notice.html", kind, notices::notice(kind)),
        sample("notice_edit.html", kind, notices::notice_edit(kind)),
        sample("notice_publish.html", kind, notices::notice_publish(kind)),
        sample("notice_withdraw.html", kind, notices::notice_withdraw(kind)),
    ]
}

pub(super) fn tabs(kind: Kind) -> Vec<Tab> {
    kind.some(|| Tab { words: kind.text("待审核"), path: "/".into(), count: Some(1001), current: true })
}

pub(super) fn places(kind: Kind) -> Vec<Place> {
    let county = || Division { code: "410105".into(), name: kind.text("金水区"), ..Division::default() };
    kind.some(|| Place { code: "410100".into(), name: kind.text("郑州市"), counties: vec![county()] })
}

fn accounts(kind: Kind) -> AccountsPage {
    let filter = filter(kind, "/system/accounts");
    let rows = kind.some(|| accounts::Row {
        company: kind.text("示例公司"),
        uscc: kind.text("91410105XXXX00019G"),
        place: kind.text("郑州市 / 金水区"),
        state: kind.tag(),
        changed: kind != Kind::One,
        submission: 2,
        registered_at: "11-22 10:05".into(),
        need: true,
        path: "/system/accounts/7/review".into(),
        link: if kind == Kind::One { "" } else { "/system/links/7" }.into(),
    });
    AccountsPage {
        page: kind.frame("/system/accounts"),
        tabs: tabs(kind),
        cities: kind.some(|| ("410100".to_owned(), kind.text("郑州市"))),
        list: accounts::Rows { pager: filter.pager("next", rows.len()), filter, rows },
    }
}

fn account_review(kind: Kind) -> AccountReviewPage {
    let compared = |at: usize| Compared {
        on_licence: ["company_name", "uscc"].get(at).copied().unwrap_or_default(),
        name: "公司名称",
        entered: kind.text("示例公司"),
        before: if kind == Kind::Longest { "旧名称".into() } else { String::new() },
        check: Tag { text: kind.text("校验通过"), class: "ok" },
    };
    let licence = |shown| Licence {
        title: "营业执照",
        file_name: kind.text("营业执照.png"),
        kind: shown,
        preview: "/files/7/preview".into(),
        original: "/files/7/original".into(),
    };
    let mut licences = kind.part(|| licence("image"));
    if let (Ok(licences), Kind::Many) = (&mut licences, kind) {
        licences.truncate(0);
        licences.extend([licence("document"), licence("other")]);
    }
    let queue = Queue {
        count: 200,
        more: true,
        previous: "/system/accounts/6/review".into(),
        next: "/system/accounts/8/review".into(),
    };
    AccountReviewPage {
        page: kind.frame("/system/accounts?state=pending"),
        form: kind.form(&["decision", "opinion", "agrees-company_name"]),
        // Of two forms of a page at most one was refused.
        standing: Form::filled([("reason", kind.text("值"))]),
        operator_id: "7".into(),
        company: kind.text("示例公司"),
        state: kind.tag(),
        state_id: if kind == Kind::Many { "Suspended" } else { "Active" }.into(),
        waiting: i32::from(kind != Kind::Empty) * 2,
        line: kind.text("提交于 2026-11-22 10:05 · 第 2 次提交"),
        items: kind.each(compared),
        beside: kind == Kind::Longest,
        licences,
        viewing: Viewing { reason: kind.text("核对执照"), told: kind == Kind::Many },
        queue: match kind {
            Kind::Empty => Err(Away { what: "待审核队列", trace_id: String::new(), denied: true }),
            Kind::One | Kind::Many | Kind::Longest => Ok(queue),
        },
        logins: kind.some(|| Login {
            login: kind.text("op01"),
            state: kind.tag(),
            path: "/system/users/7".into(),
        }),
        history: kind.some(|| Past {
            title: "第 1 次提交（注册表单）".into(),
            result: kind.tag(),
            class: "bad",
            who: "企业 2026-11-22 10:05 提交".into(),
            opinion: kind.text("执照不清晰"),
            items: Vec::new(),
        }),
    }
}

fn users(kind: Kind) -> UsersPage {
    let filter = filter(kind, "/system/users");
    let rows = kind.some(|| users::Row {
        name: kind.text("甲"),
        login: kind.text("co_410105"),
        roles: kind.text("县级主管部门"),
        scope: kind.text("郑州市 / 金水区"),
        office: kind.text("金水区主管部门"),
        state: kind.tag(),
        created_at: "11-22 10:05".into(),
        path: "/system/users/7".into(),
    });
    UsersPage {
        page: kind.frame("/system/users"),
        tabs: tabs(kind),
        pager: filter.pager("next", rows.len()),
        filter,
        rows,
        makes: kind != Kind::Empty,
    }
}

fn user(kind: Kind) -> UserPage {
    let act = |ends| Offered {
        path: "/system/users/7/deactivate".into(),
        label: "停用账号",
        effect: "账号停用后不能恢复",
        ends,
        form: Form::default(),
    };
    UserPage {
        page: kind.frame("/system/users"),
        form: kind.form(&["sure"]),
        name: kind.text("甲"),
        state: kind.tag(),
        facts: kind.some(|| Fact { name: "姓名", value: kind.text("甲") }),
        company: kind.text("/system/accounts/7/review"),
        acts: if kind == Kind::Empty { Vec::new() } else { vec![act(false), act(true)] },
    }
}

fn user_new(kind: Kind) -> NewUserPage {
    let fields =
        ["login", "display_name", "contact_phone", "office", "roles", "scope", "department", "employer"];
    NewUserPage {
        page: kind.frame("/system/users"),
        form: kind.form(&fields),
        roles: OFFICIAL_ROLES.to_vec(),
        places: places(kind),
        departments: kind.some(|| (kind.text("fgw"), kind.text("省发展改革委"))),
    }
}

fn audit(kind: Kind) -> AuditPage {
    let filter = filter(kind, "/system/audit");
    let rows = kind.some(|| audit::Row {
        at: "2026-11-22 10:05".into(),
        actor: kind.text("admin01"),
        roles: kind.text("平台管理员"),
        act: kind.text("登录"),
        subject: kind.text("op_01"),
        detail: kind.text("首次登录"),
        outcome: kind.tag(),
        place: "7-1001".into(),
        chain: "/system/audit/chains/7".into(),
        hash: "0af7651916cd".into(),
    });
    AuditPage {
        page: kind.frame("/system/audit"),
        acts: AUDIT_ACTS.to_vec(),
        total: 1001,
        digest: kind.text("0af7651916cd43dd8448eb211c80319c"),
        pager: filter.pager("next", rows.len()).exported(&filter),
        filter,
        rows,
    }
}

fn audit_chain(kind: Kind) -> ChainPage {
    ChainPage {
        page: kind.frame("/system/audit"),
        shard: 7,
        outcome: kind.tag(),
        facts: kind.some(|| Fact { name: "链头摘要（SHA-256）", value: kind.text("0af7651916cd43dd") }),
        previous: kind.text("/system/audit/chains/6"),
        next: "/system/audit/chains/8".into(),
    }
}

fn machines(kind: Kind) -> MachinesPage {
    let filter = filter(kind, "/system/machines");
    let rows = kind.some(|| machines::Row {
        name: kind.text("数据接入"),
        client_id: kind.text("c7"),
        company: kind.text("示例公司"),
        operator_id: "0190".into(),
        state: kind.tag(),
        issued_at: "2026-11-22 10:05".into(),
        revoked_at: "—".into(),
        form: (kind != Kind::One).then(Form::default),
    });
    MachinesPage {
        page: kind.frame("/system/machines"),
        form: Form::default(),
        company: kind.text("示例公司"),
        new: "/system/machines/new".into(),
        pager: filter.pager("next", rows.len()),
        filter,
        rows,
    }
}

fn machine_new(kind: Kind) -> NewMachinePage {
    let issued = Issued {
        name: kind.text("数据接入"),
        company: kind.text("示例公司"),
        client_id: kind.text("c7"),
        client_secret: kind.text("密钥"),
    };
    NewMachinePage {
        page: kind.frame("/system/machines"),
        form: kind.form(&["uscc", "name"]),
        issued: (kind == Kind::Many).then_some(issued),
    }
}

fn rounds(kind: Kind) -> RoundsPage {
    let rows = kind.some(|| rounds::Row {
        name: kind.text("2026 年第二批"),
        days: "2026-01-01 至 不限".into(),
        rule: "组长决定".into(),
        departments: kind.text("fgw、czt"),
        sample: "20%".into(),
        created_at: "11-22 10:05".into(),
        path: "/system/rounds/7".into(),
    });
    RoundsPage {
        page: kind.frame("/system/rounds"),
        pager: Filter::of("/system/rounds", &[]).pager("next", rows.len()),
        parameters: Parameters {
            groups: vec![Group {
                title: kind.text("工作日历"),
                facts: kind.part(|| Fact { name: "年度", value: kind.text("2026 年") }),
                none: "没有",
            }],
            warnings: kind.some(|| kind.text("缺少 2027 年的节假日安排")),
        },
        rows,
    }
}

fn round(kind: Kind) -> RoundPage {
    RoundPage {
        page: kind.frame("/system/rounds"),
        name: kind.text("2026 年第二批"),
        version: 1,
        facts: kind.some(|| Fact { name: "会签厅委", value: kind.text("fgw") }),
        slots: kind.some(|| kind.text("营业执照")),
    }
}

fn round_new(kind: Kind) -> NewRoundPage {
    let fields = [
        "name",
        "opens_on",
        "closes_on",
        "required_slots",
        "gate_a",
        "gate_b",
        "expert_rule",
        "experts_needed",
        "departments",
        "sample_permille",
        "finding_threshold",
        "freeze_after_days",
        "limits",
        "limit_CountyReview",
        "near_working_days",
        "escalate_after_working_days",
    ];
    NewRoundPage {
        page: kind.frame("/system/rounds"),
        form: kind.form(&fields),
        slots: SLOTS.to_vec(),
        gates: GATES.to_vec(),
        rules: EXPERT_RULES.to_vec(),
        departments: kind.some(|| (kind.text("fgw"), kind.text("省发展改革委"))),
        limits: policy::limits(),
    }
}

fn subsidies(kind: Kind) -> SubsidiesPage {
    SubsidiesPage {
        page: kind.frame("/supervision/subsidies"),
        tabs: tabs(kind),
        stages: stage::TABLE.iter().map(|row| (row.id, row.reviewer.0)).collect(),
        cities: kind.some(|| ("410100".to_owned(), kind.text("郑州市"))),
        rounds: kind.some(|| ("7".to_owned(), kind.text("2026 年第二批"))),
        list: rows(kind, "/supervision/subsidies/applications", true),
        desk: DESK,
        leads: kind != Kind::Empty,
        extends: kind != Kind::Empty,
    }
}

fn carry_over(kind: Kind) -> CarryOverPage {
    CarryOverPage {
        page: kind.frame("/supervision/subsidies"),
        form: kind.form(&["reason"]),
        case: kind.case(),
    }
}

fn order_freeze(kind: Kind) -> FreezePage {
    FreezePage {
        page: kind.frame("/supervision/subsidies"),
        form: kind.form(&["sure"]),
        order: some_order(kind),
        sample: kind.part(|| 3).map(|_| 3),
    }
}

/// A round with cities in which something waits.
pub fn waiting(kind: Kind) -> Waiting {
    let city = || City {
        code: "410100".into(),
        name: kind.text("郑州市"),
        count: 6,
        path: "/supervision/subsidies/applications".into(),
        launch: "/supervision/subsidies/launch".into(),
    };
    Waiting { round_id: "7".into(), round: kind.text("2026 年第二批"), cities: kind.some(city) }
}

/// The cities of a round.
pub fn overview(kind: Kind) -> Overview {
    let city = |number: usize| CityRow {
        name: kind.text("郑州市"),
        former: number == 1,
        waits: number % 2,
        waiting: "/supervision/subsidies/applications".into(),
        launch: if number.is_multiple_of(2) { String::new() } else { "/supervision/subsidies/launch".into() },
        orders: 1,
        state: kind.tag(),
        order: "/supervision/subsidies/orders/7".into(),
        total: 14,
        passed: 7,
        supplements: 2,
        supplementing: "/supervision/subsidies/applications".into(),
        approved: 1,
    };
    Overview {
        round: kind.text("2026 年第二批"),
        cities: kind.each(city),
        size: "5 市 31 站".into(),
        elsewhere: kind.some(|| waiting(kind)),
    }
}

fn expert(kind: Kind) -> Expert {
    Expert { id: "9".into(), name: kind.text("专家甲"), employer: kind.text("示例大学") }
}

fn launch(kind: Kind) -> LaunchPage {
    let panel = |members: &str, own| Panel {
        title: kind.text("郑州市"),
        hint: "不选则使用上面的专家组",
        members: members.into(),
        lead: members.replace("experts", "lead"),
        own,
        open: own,
    };
    LaunchPage {
        page: kind.frame("/supervision/subsidies"),
        form: kind.form(&["batch", "cities", "experts"]),
        rounds: kind.some(|| waiting(kind)),
        waiting: waiting(kind),
        experts: kind.some(|| expert(kind)),
        panels: vec![panel("experts", false), panel("experts_410100", true)],
        standing: kind.some(|| {
            ("/supervision/subsidies/orders/7".into(), kind.text("郑州市联合审核工单（第 1 次发起）"))
        }),
    }
}

fn launch_confirm(kind: Kind) -> LaunchConfirmPage {
    let city = || waiting(Kind::One).cities.remove(0);
    LaunchConfirmPage {
        page: kind.frame("/supervision/subsidies"),
        form: Form::filled([("batch", kind.text("2"))]),
        path: "/supervision/subsidies/launch/7".into(),
        round: kind.text("2026 年第二批"),
        chosen: kind.some(|| Chosen { city: city(), panel: vec![expert(kind), expert(kind)], led: true }),
        kept: kind.some(|| ("cities".to_owned(), kind.text("410100"))),
    }
}

fn divisions(kind: Kind) -> DivisionsPage {
    let cities = kind.some(|| PlaceOfDesks {
        code: "410100".into(),
        name: kind.text("郑州市"),
        counties: 12,
        officials: 1,
        county_officials: 12,
        deserted: 3,
        path: "/system/divisions?prefecture=410100".into(),
    });
    let row = || divisions::Row {
        code: "410105".into(),
        name: kind.text("金水区"),
        city_code: "410100".into(),
        city: kind.text("郑州市"),
        level: "县区",
        kind: "行政区划",
        standing: kind.text("现行"),
        former: false,
        county_officials: 0,
        city_officials: 0,
        deserted: true,
    };
    DivisionsPage {
        page: kind.frame("/system/divisions"),
        tabs: tabs(kind),
        filter: filter(kind, "/system/divisions"),
        marks: divisions::marks(&cities),
        rows: kind.some(row),
        deserted: cities.len(),
        cities: if kind == Kind::Many { Vec::new() } else { cities },
    }
}
