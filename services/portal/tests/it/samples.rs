//! Every page with nothing, one, many and the longest values. A new template gets its samples here, one function each.

mod administrator;
mod links;
mod notices;
mod operator;
mod reported;
mod reviewer;
mod sign_in;
mod webhooks;

use askama::Template;
use portal::{
    Form, Page, Refused,
    actions::Offer,
    case::{Case, Fact, Past},
    config::Site,
    frame::{Crumb, Person},
    guard::{RefusedPage, RefusedPublicPage},
    list::Filter,
    menu,
    notice::{Line, Piece, Told},
    papers::Papers,
    refused::Away,
    roles::Role,
    sessions::Badges,
    stage::{self, Tag},
    web::{
        applications::{Row, Rows},
        messages::{MessageRow, MessagesPage},
        notices::{PublishedPage, PublishedPublicPage, ToldPage, ToldPublicPage},
        profile::ProfilePage,
        statements::StatementPage,
        tiles::Tile,
        workbench::{Company, Latest, Share, TaskRow, WorkbenchPage},
    },
};
use proto::reviews::{ApplicationView, PaperCheck};

/// One rendering.
#[derive(Clone)]
pub struct Sample {
    /// File of the template.
    pub template: &'static str,
    /// empty, one, many or longest.
    pub kind: Kind,
    /// What came out.
    pub html: String,
}

/// How much there is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing; every part that can be away is away.
    Empty,
    /// One of each.
    One,
    /// A full page of each.
    Many,
    /// One of each, as long and hostile as services let through.
    Longest,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Empty, Kind::One, Kind::Many, Kind::Longest];

    fn some<T>(self, make: impl Fn() -> T) -> Vec<T> {
        self.each(|_| make())
    }

    /// The same of things that differ by their number.
    fn each<T>(self, make: impl Fn(usize) -> T) -> Vec<T> {
        let number = match self {
            Kind::Empty => 0,
            Kind::One | Kind::Longest => 1,
            Kind::Many => 100,
        };
        (0..number).map(make).collect()
    }

    fn part<T>(self, make: impl Fn() -> T) -> Result<Vec<T>, Away> {
        if self == Kind::Empty {
            return Err(Away {
                what: "待办事项",
                trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
                denied: false,
            });
        }
        Ok(self.some(make))
    }

    /// A text: nothing, usual, or two thousand letters without a blank and a script.
    pub fn text(self, usual: &str) -> String {
        match self {
            Kind::Empty => String::new(),
            Kind::One | Kind::Many => usual.to_owned(),
            Kind::Longest => format!("<script>alert(1)</script>\"'&{}", "长".repeat(2000)),
        }
    }

    fn form(self, fields: &[&str]) -> Form {
        let entries: Vec<_> = fields.iter().map(|field| (*field, self.text("值"))).collect();
        let mut form = Form::filled(entries);
        if self == Kind::Longest {
            (form.prevented, form.overtaken) = (self.text(""), self.text(""));
            for field in fields {
                form.mark(field, &self.text(""));
            }
        }
        form
    }

    fn tag(self) -> Tag {
        Tag { text: self.text("县级审核"), class: "info" }
    }

    fn frame(self, path: &str) -> Page {
        Page {
            title: self.text("一页"),
            site: site(),
            crumbs: self.some(|| Crumb { label: self.text("一步"), path: "/workbench".into() }),
            person: Some(Person {
                name: self.text("甲"),
                office: self.text("金水区主管部门"),
                operator: true,
            }),
            menu: menu::of(&Role::ALL, path, Some(Badges { tasks: 1001, messages: 7 })),
            badges: Some(Badges { tasks: 1001, messages: 7 }),
            notice: (self != Kind::Empty).then(|| self.text("已通过")),
            form_token: "token".into(),
            large: self == Kind::Longest,
            lasts_secs: 1740,
        }
    }

    fn guest(self) -> Page {
        Page { title: self.text("一页"), site: site(), form_token: "token".into(), ..Page::default() }
    }

    fn row(self) -> Row {
        Row {
            station: self.text("示例充电站"),
            number: self.text("BT-2026-410105-0001"),
            operator: self.text("示例公司"),
            place: self.text("郑州市 / 金水区"),
            piles: "12 / 4".into(),
            power: "1,468".into(),
            tag: self.tag(),
            left: self.tag(),
            holder: self.text("甲"),
            item: "7.3".into(),
            cells: vec!["d", "w", "n", "n", "n", "n", "n", "n"],
            step: 2,
            at: "11-22 10:05".into(),
            need: true,
            path: "/subsidy/applications/7".into(),
            action: "查看详情".into(),
            act: "/subsidy/applications/7/edit".into(),
        }
    }

    fn case(self) -> Case {
        let view = ApplicationView {
            station_name: self.text("示例充电站"),
            operator_name: self.text("示例公司"),
            application_no: self.text("BT-2026-410105-0001"),
            stage: "CountyReview".into(),
            ..ApplicationView::default()
        };
        let past = || Past {
            title: "县级审核".into(),
            result: Tag { text: "退回".into(), class: "danger" },
            class: "bad",
            who: self.text("金水区主管部门 · 2026-11-22 10:05"),
            opinion: self.text("地址与现场不符"),
            items: self.some(|| self.text("详细地址")),
        };
        Case {
            tag: self.tag(),
            steps: stage::steps(&view, &[]),
            facts: self.some(|| Fact { name: "详细地址", value: self.text("示例路 1 号") }),
            return_items: self.some(|| self.text("详细地址")),
            papers: self.papers(),
            history: self.part(past),
            own_state: self.text("您已提出意见，等待牵头人汇总"),
            offers: self.part(|| self.offer(0, true)).map(|mut offers| {
                offers.extend(self.each(|number| self.offer(number, false)));
                offers
            }),
            view,
        }
    }

    /// Some categories found, one missing.
    fn papers(self) -> Option<Papers> {
        let check = PaperCheck {
            complete: false,
            ticked: vec!["M1".into(), "M3".into()],
            missing: vec!["M4".into()],
            checked_on: "2026-11-20".into(),
            checker: self.text("李示例"),
        };
        self.some(|| Papers::read(&check, &self.text("金水区主管部门"))).into_iter().next()
    }

    fn offer(self, number: usize, allowed: bool) -> Offer {
        Offer {
            command: format!("Pass{number}"),
            label: "通过".into(),
            path: "/subsidy/applications/7/withdraw".into(),
            post: true,
            confirm: self.text("确认？"),
            allowed,
            reason: String::new(),
            why: self.text("已由市级主管部门审核"),
            who: self.text("市级主管部门"),
        }
    }
}

/// Names and numbers of the platform, which no page is without.
pub fn site() -> Site {
    Site {
        name: "示例充电智能服务平台".into(),
        name_english: "Sample Charging Platform".into(),
        support_phone: "0371-00000000".into(),
        organiser: "示例省能源主管部门".into(),
        declaration: "本单位承诺所填内容真实".into(),
        ..Site::default()
    }
}

/// All of them.
pub fn all() -> Vec<Sample> {
    let each = |kind| {
        [
            of(kind),
            sign_in::of(kind),
            operator::of(kind),
            administrator::of(kind),
            reviewer::of(kind),
            reported::of(kind),
        ]
        .concat()
    };
    Kind::ALL.into_iter().flat_map(each).collect()
}

fn of(kind: Kind) -> Vec<Sample> {
    vec![
        sample("profile.html", kind, profile(kind)),
        sample("refused.html", kind, RefusedPage { page: kind.frame(""), refused: refused(kind) }),
        sample("refused_public.html", kind, RefusedPublicPage { page: kind.guest(), refused: refused(kind) }),
        sample(
            "statement.html",
            kind,
            StatementPage { page: kind.guest(), paragraphs: kind.some(|| "一段") },
        ),
        sample("workbench.html", kind, workbench(kind)),
        sample("messages.html", kind, messages(kind)),
        sample("published.html", kind, published(kind, kind.frame(""))),
        sample("published_public.html", kind, published_public(kind)),
        sample("told.html", kind, ToldPage { page: kind.frame(""), told: told(kind) }),
        sample("told_public.html", kind, ToldPublicPage { page: kind.guest(), told: told(kind) }),
    ]
}

/// A notice as its readers see it.
fn told(kind: Kind) -> Told {
    let piece = |address| Piece { text: kind.text("请于年底前提交"), address };
    Told {
        title: kind.text("补贴申报通知"),
        line: kind.text("省平台 · 2026-11-22 10:05发布"),
        paragraphs: kind.some(|| vec![piece(false), piece(true)]),
    }
}

fn line(kind: Kind) -> Line {
    Line {
        title: kind.text("补贴申报通知"),
        path: "/notices/7".into(),
        day: "2026-11-22".into(),
        office: kind.text("省平台"),
        pinned: kind != Kind::One,
    }
}

fn published(kind: Kind, page: Page) -> PublishedPage {
    let lines = kind.some(|| line(kind));
    PublishedPage { page, pager: filter(kind, "/notices").pager("next", lines.len()), lines }
}

fn published_public(kind: Kind) -> PublishedPublicPage {
    let PublishedPage { page, lines, pager } = published(kind, kind.guest());
    PublishedPublicPage { page, lines, pager }
}

fn sample(template: &'static str, kind: Kind, page: impl Template) -> Sample {
    Sample { template, kind, html: page.render().unwrap_or_else(|error| panic!("{template}: {error}")) }
}

fn refused(kind: Kind) -> Refused {
    Refused { text: kind.text("页面不存在或已被移动"), ..Refused::fault(&std::fmt::Error) }
}

fn profile(kind: Kind) -> ProfilePage {
    ProfilePage {
        page: kind.frame(""),
        facts: kind.some(|| Fact { name: "姓名", value: kind.text("甲") }),
        form: Form::default(),
        access: sign_in::access(kind),
    }
}

fn workbench(kind: Kind) -> WorkbenchPage {
    let company = Company {
        name: kind.text("示例公司"),
        line: kind.text("注册地 郑州市 / 金水区"),
        state: kind.tag(),
        opinion: kind.text("执照不清晰"),
        editable: kind == Kind::Longest,
    };
    let tile = || Tile {
        count: 1001,
        label: kind.text("县级审核"),
        line: "最早一项已等待 3 天".into(),
        path: "/".into(),
        class: "info",
        icon: "file",
    };
    let task = || TaskRow {
        title: kind.text("示例充电站"),
        line: kind.text("BT-2026-410105-0001"),
        place: kind.text("郑州市 / 金水区"),
        tag: kind.tag(),
        waiting: "3 天".into(),
        left: kind.tag(),
        path: "/subsidy/applications/7".into(),
        action: "办理".into(),
    };
    let share = || Share {
        name: kind.text("金水区"),
        count: 3,
        length: 75,
        path: "/supervision/county-subsidies".into(),
    };
    let latest = || Latest {
        text: kind.text("已通过"),
        at: "11-22 10:05".into(),
        path: "/messages".into(),
        unread: true,
    };
    WorkbenchPage {
        page: kind.frame("/workbench"),
        company: (kind != Kind::Empty).then_some(company),
        tiles: kind.part(tile),
        tasks: kind.part(task),
        all: if kind == Kind::Empty { "" } else { "/supervision/county-subsidies?own=open" }.into(),
        done: (kind != Kind::One).then(|| (3, "/supervision/county-subsidies?own=done".to_owned())),
        mine: (kind != Kind::One).then(|| kind.part(|| kind.row())),
        messages: kind.part(latest),
        notices: kind.part(|| line(kind)),
        shares: (kind != Kind::Empty).then(|| kind.some(share)),
        ways: kind.some(|| ("操作日志", "/system/audit")),
    }
}

fn messages(kind: Kind) -> MessagesPage {
    let row = || MessageRow {
        text: kind.text("已通过"),
        at: "2026-11-22 10:05".into(),
        path: "/subsidy/applications/7".into(),
        unread: true,
    };
    let messages = kind.some(row);
    MessagesPage {
        page: kind.frame(""),
        form: Form::default(),
        newest: kind.text("7"),
        pager: Filter::of("/messages", &[]).pager("", messages.len()),
        messages,
    }
}

fn filter(kind: Kind, path: &str) -> Filter {
    if kind == Kind::Longest {
        Filter::of(path, &[("stage", "Draft"), ("page", "t"), ("back", "~")])
    } else {
        Filter::of(path, &[])
    }
}

fn rows(kind: Kind, path: &str, reviewer: bool) -> Rows {
    let filter = filter(kind, path);
    let rows = kind.some(|| kind.row());
    Rows {
        title: "建设补贴申请",
        pager: filter.pager("next", rows.len()),
        filter,
        rows,
        reviewer,
        choosing: if reviewer { "remind-form" } else { "" },
        wrong: if kind == Kind::Longest { kind.text("") } else { String::new() },
    }
}
