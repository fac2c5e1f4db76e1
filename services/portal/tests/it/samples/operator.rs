//! Samples of what operators see.

use portal::{
    Form,
    case::Fact,
    divisions::Known,
    dossier::Change,
    list::{Filter, Tab},
    materials::{Material, Place, Shown},
    refused::Away,
    stage,
    standing::Standing,
    station::{Defect, StationRow},
    web::{
        acceptance::{self, AcceptancePage, NewApplicationPage},
        applications::{ApplicationPage, ApplicationsPage, Papers},
        company::{self, CompanyEditPage, CompanyPage},
        defects::{self, DefectsPage},
        dossiers::{self, Desk, DossierPage, DossiersPage},
        endings::{ENDINGS, EndingPage},
        interconnect::{InterconnectPage, Silent},
        invoices::{self, InvoicePage, NewInvoicePage},
        members::{self, MemberPage, MembersPage, NewMemberPage},
        stations::{self, StationPage, StationRows, StationsPage},
    },
};
use proto::{
    accounts::{Division, OwnProfile, Profile, Submission},
    documents::{Allocation, Dossier, File, Invoice, InvoiceUse, Problem, Slot},
    reviews::{AcceptanceForm, ApplicationView, ItemAnswer, StationConnector, StationSnapshot},
    stations::{ConnectorRecord, EquipmentRecord, Station, StationRecord},
};

use super::{Kind, Sample, links, rows, sample};

const FIELDS: [&str; 8] = [
    "station_name",
    "address",
    "coordinates",
    "connectors",
    "start_date",
    "finish_date",
    "manager",
    "manager_phone",
];

/// All of them.
pub fn of(kind: Kind) -> Vec<Sample> {
    vec![
        sample("applications.html", kind, applications(kind)),
        sample("application.html", kind, application(kind)),
        sample("application_new.html", kind, application_new(kind)),
        sample("acceptance.html", kind, acceptance_form(kind)),
        sample("ending.html", kind, ending(kind)),
        sample("dossiers.html", kind, dossiers(kind)),
        sample("dossier.html", kind, dossier(kind)),
        sample("invoice_new.html", kind, invoice_new(kind)),
        sample("invoice.html", kind, invoice(kind)),
        sample("stations.html", kind, stations(kind)),
        sample("station.html", kind, one_station(kind)),
        sample("interconnect.html", kind, interconnect(kind)),
        sample("defects.html", kind, defect_list(kind)),
        sample("link.html", kind, links::link(kind)),
        sample("link_settings.html", kind, links::link_settings(kind)),
        sample("link_secrets.html", kind, links::link_secrets(kind)),
        sample("company.html", kind, company(kind)),
        sample("company_edit.html", kind, company_edit(kind)),
        sample("members.html", kind, members(kind)),
        sample("member.html", kind, member(kind)),
        sample("member_new.html", kind, member_new(kind)),
    ]
}

fn members(kind: Kind) -> MembersPage {
    let row = |number| members::Row {
        name: kind.text("甲"),
        login: kind.text("op_01"),
        phone: "199****0003".into(),
        owner: number == 0,
        oneself: number == 1,
        state: kind.tag(),
        signed_in_at: "11-22 10:05".into(),
        sessions: 2,
        path: "/account/members/7".into(),
    };
    let page = kind.frame("/account/members");
    MembersPage { page, rows: kind.each(row), manages: kind != Kind::One }
}

fn member(kind: Kind) -> MemberPage {
    let act = |sure| members::Offered {
        path: "/account/members/7/owner".into(),
        label: "转交主账号",
        effect: "转交后您不再是主账号",
        sure,
        form: Form::default(),
    };
    let none = kind == Kind::Empty;
    MemberPage {
        page: kind.frame("/account/members"),
        form: kind.form(&["sure"]),
        name: kind.text("甲"),
        state: kind.tag(),
        facts: kind.some(|| Fact { name: "姓名", value: kind.text("甲") }),
        acts: if none { Vec::new() } else { vec![act(""), act("我已确认")] },
        why_not: if none { "成员由主账号管理" } else { "" },
    }
}

fn member_new(kind: Kind) -> NewMemberPage {
    let form = kind.form(&["login", "display_name", "contact_phone"]);
    NewMemberPage { page: kind.frame("/account/members"), form }
}

fn tabs(kind: Kind) -> Vec<Tab> {
    let tab = || Tab { words: kind.text("全部"), count: Some(1001), path: "/".into(), current: true };
    kind.some(tab).into_iter().take(5).collect()
}

fn choices(kind: Kind) -> Vec<(String, String)> {
    kind.some(|| (kind.text("7"), kind.text("一项")))
}

fn applications(kind: Kind) -> ApplicationsPage {
    ApplicationsPage {
        page: kind.frame("/subsidy/applications"),
        tabs: tabs(kind),
        stages: stage::TABLE.iter().map(|row| (row.id, row.operator.0)).collect(),
        list: rows(kind, "/subsidy/applications", false),
    }
}

fn application(kind: Kind) -> ApplicationPage {
    let desk = desk(kind);
    let papers = Papers { materials: desk.materials, invoices: desk.invoices, sum: desk.sum };
    let away = || Away { what: "申报材料", trace_id: kind.text("0af7"), denied: false };
    let mut case = kind.case();
    case.view.receipt_no = kind.text("SL-2026-000001");
    ApplicationPage {
        page: kind.frame("/subsidy/applications"),
        form: Form::default(),
        case,
        standing: if kind == Kind::Empty { Err(away()) } else { Ok(standing(kind)) },
        papers: Some(if kind == Kind::Empty { Err(away()) } else { Ok(papers) }),
    }
}

fn standing(kind: Kind) -> Standing {
    let change = || Change { what: kind.text("地址"), before: kind.text("旧"), after: kind.text("新") };
    Standing { version: 2, compared_with: 1, changes: kind.some(change), ..Standing::none() }
}

fn application_new(kind: Kind) -> NewApplicationPage {
    let fields: &[&str] = if kind == Kind::Empty { &[] } else { &["round_id", "station_id"] };
    NewApplicationPage {
        page: kind.frame("/subsidy/applications"),
        form: kind.form(fields),
        search: kind.text("示例"),
        rounds: choices(kind),
        stations: choices(kind),
        more: kind == Kind::Many,
    }
}

fn view(kind: Kind) -> ApplicationView {
    let connector = || StationConnector {
        connector_id: kind.text("C1"),
        connector_type: 4,
        power_watts: 120_000,
        ..StationConnector::default()
    };
    let form = AcceptanceForm {
        station_name: kind.text("示例充电站"),
        connector_ids: kind.some(|| kind.text("C1")),
        longitude_e6: 113_801_260,
        ..AcceptanceForm::default()
    };
    let returned = if kind == Kind::Longest { &FIELDS[..] } else { &[] };
    let opened = if kind == Kind::Many { &FIELDS[..4] } else { &FIELDS[..] };
    ApplicationView {
        application_id: "7".into(),
        station_name: kind.text("示例充电站"),
        stage: "CountyReturned".into(),
        form: Some(form),
        station: Some(StationSnapshot { connectors: kind.some(connector), ..StationSnapshot::default() }),
        open_fields: opened.iter().map(|field| (*field).to_owned()).collect(),
        return_items: returned.iter().map(|field| (*field).to_owned()).collect(),
        ..ApplicationView::default()
    }
}

fn acceptance_form(kind: Kind) -> AcceptancePage {
    let mut case = kind.case();
    case.view = view(kind);
    acceptance::acceptance(kind.frame("/subsidy/applications"), kind.form(&FIELDS), case, &Known::default())
}

fn ending(kind: Kind) -> EndingPage {
    EndingPage {
        page: kind.frame("/subsidy/applications"),
        form: kind.form(if kind == Kind::Longest { &["reason"] } else { &[] }),
        ending: ENDINGS[2],
        case: kind.case(),
        why: if kind == Kind::Many { "不能终止".to_owned() } else { String::new() },
    }
}

fn dossiers(kind: Kind) -> DossiersPage {
    let list = rows(kind, "/subsidy/dossiers", false);
    DossiersPage { page: kind.frame("/subsidy/dossiers"), tabs: tabs(kind), list }
}

fn file(kind: Kind) -> File {
    File {
        file_id: "0192f7a0".into(),
        file_name: kind.text("01_申请函.pdf"),
        media_type: "application/pdf".into(),
        pages: 3,
        size_bytes: 29_000,
        state: if kind == Kind::Longest { "rejected" } else { "clean" }.into(),
        ..File::default()
    }
}

fn allocated(kind: Kind) -> Invoice {
    let allocation = |application_id: &str| Allocation {
        application_id: application_id.into(),
        used_fen: 100,
        held: kind == Kind::Longest,
        ..Allocation::default()
    };
    Invoice {
        invoice_id: "0192f7a1".into(),
        number: kind.text("25410000000000000001"),
        seller: kind.text("示例设备有限公司"),
        amount_fen: if kind == Kind::Longest { i64::MAX } else { 180_000_000 },
        used_fen: 200,
        allocations: kind.some(|| allocation("7")).into_iter().take(3).collect(),
        ..Invoice::default()
    }
}

fn desk(kind: Kind) -> Desk {
    let slot = |id: &str| Slot {
        slot: id.to_owned(),
        editable: true,
        files: kind.some(|| file(kind)).into_iter().take(20).collect(),
        ..Slot::default()
    };
    let used = |number: usize| InvoiceUse {
        invoice_id: format!("0192f7a{}", number + 1),
        number: kind.text("25410000000000000001"),
        issued_on: "2026-03-18".into(),
        seller: kind.text("示例设备有限公司"),
        amount_fen: 180_000_000,
        used_fen: 100,
        file: Some(file(kind)),
        ..InvoiceUse::default()
    };
    let dossier = Dossier {
        application_id: "7".into(),
        state: if kind == Kind::One { "sealed" } else { "open" }.into(),
        slots: portal::labels::SLOTS.iter().map(|(id, _)| slot(id)).collect(),
        invoices: kind.each(used),
        ..Dossier::default()
    };
    let view = ApplicationView {
        return_items: vec!["M3".into(), "M7".into()],
        application_id: "7".into(),
        ..ApplicationView::default()
    };
    let problem =
        |item: &str| Problem { item: item.into(), text: kind.text("请上传"), ..Problem::default() };
    let problems = kind.some(|| problem("M3")).into_iter().take(1).collect();
    let other = Invoice { invoice_id: "0192f7b0".into(), ..allocated(kind) };
    let invoices: Vec<_> = [vec![allocated(kind)], kind.some(|| other.clone())].concat();
    let desk = dossiers::laid_out(&view, &dossier, &["M1".to_owned()], problems, (&invoices, &invoices));
    let form = kind.form(if kind == Kind::Longest { &["M1", "M3a", "explain-M7"] } else { &[] });
    Desk { page: kind.frame(""), form, more: kind == Kind::Many, search: kind.text("25"), ..desk }
}

fn dossier(kind: Kind) -> DossierPage {
    let away = Away { what: "申报材料", trace_id: kind.text("0af7"), denied: false };
    let mut case = kind.case();
    if kind == Kind::Longest {
        let kept = kind.text("另一页面的说明").replace('长', "短");
        case.view.answers = vec![ItemAnswer { item: "manager".into(), text: kept }];
    }
    DossierPage {
        page: kind.frame("/subsidy/dossiers"),
        form: kind.form(if kind == Kind::Longest { &["M1", "M3a", "answer_manager"] } else { &[] }),
        case,
        desk: if kind == Kind::Empty { Err(away) } else { Ok(desk(kind)) },
        answers: if kind == Kind::Longest {
            vec![("answer_manager".into(), "场站负责人")]
        } else {
            vec![]
        },
        hand_in: (
            "SubmitMaterials",
            kind.text("提交"),
            if kind == Kind::One { kind.text("不能") } else { String::new() },
        ),
        city: kind.text("郑州市"),
    }
}

fn invoice_new(kind: Kind) -> NewInvoicePage {
    let fields =
        ["type", "code", "number", "amount_fen", "issued_on", "seller", "buyer_uscc", "used_fen", "file"];
    NewInvoicePage {
        page: kind.frame("/subsidy/dossiers"),
        form: kind.form(&fields),
        application: view(kind),
        types: portal::invoice::TYPES.to_vec(),
    }
}

fn invoice(kind: Kind) -> InvoicePage {
    let (own, users) =
        (view(kind), kind.some(|| ApplicationView { stage: "MaterialsDue".into(), ..view(kind) }));
    let open = kind.some(|| ApplicationView { application_id: "8".into(), ..view(kind) });
    let form = kind.form(if kind == Kind::Longest { &["application_id", "used_fen", "file"] } else { &[] });
    let shown = (kind != Kind::Empty).then(|| Shown::of(&file(kind)));
    let page =
        invoices::sheet(kind.frame("/subsidy/dossiers"), form, own, allocated(kind), &users, &open, shown);
    InvoicePage { more: kind == Kind::Many, search: kind.text("示例"), ..page }
}

fn station(kind: Kind) -> Station {
    let connector = || ConnectorRecord { connector_id: kind.text("C1"), ..ConnectorRecord::default() };
    let device = || EquipmentRecord {
        equipment_id: kind.text("E1"),
        connectors: kind.some(connector).into_iter().take(3).collect(),
        ..EquipmentRecord::default()
    };
    let record = StationRecord {
        station_id: "7".into(),
        name: kind.text("示例充电站"),
        address: kind.text("示例路 1 号"),
        equipment: kind.some(device),
        ..StationRecord::default()
    };
    let connection = if kind == Kind::One { "connected" } else { "offline" };
    Station { record: Some(record), active: true, connection: connection.into(), ..Station::default() }
}

fn station_rows(kind: Kind, path: &str) -> StationRows {
    let entries: &[(&str, &str)] =
        if kind == Kind::Longest { &[("q", "长"), ("connection", "offline")] } else { &[] };
    let filter = Filter::of(path, entries);
    let rows = kind.some(|| StationRow::of(&station(kind), &Known::default()));
    StationRows { pager: filter.pager("next", rows.len()), filter, rows }
}

fn defect(kind: Kind) -> Defect {
    Defect {
        kind: "接口状态",
        about: kind.text("C1"),
        order_no: kind.text("XXXX00019202611260001"),
        order: if kind == Kind::One { String::new() } else { "/interconnect/orders?order_no=1".into() },
        text: kind.text("时间晚于当前"),
        at: "2026-11-22 10:05".into(),
        times: 3,
    }
}

fn defects(kind: Kind) -> Result<Vec<Defect>, Away> {
    kind.part(|| defect(kind))
}

fn defect_list(kind: Kind) -> DefectsPage {
    let entries: &[(&str, &str)] = if kind == Kind::Longest { &[("kind", "order_check")] } else { &[] };
    let filter = Filter::of(defects::OWN, entries);
    let rows = kind.some(|| defect(kind));
    DefectsPage {
        page: kind.frame("/interconnect"),
        company: kind.text("示例公司"),
        tabs: tabs(kind),
        pager: filter.pager("next", rows.len()).exported(&filter),
        filter,
        rows,
    }
}

fn stations(kind: Kind) -> StationsPage {
    let list = station_rows(kind, "/stations");
    StationsPage { page: kind.frame("/stations"), tabs: tabs(kind), list }
}

fn interconnect(kind: Kind) -> InterconnectPage {
    let list = station_rows(kind, "/interconnect");
    let tabs = tabs(kind);
    InterconnectPage {
        page: kind.frame("/interconnect"),
        tabs,
        list,
        silent: silent(kind),
        days: links::days(kind),
        defects: defects(kind),
    }
}

fn silent(kind: Kind) -> Result<Silent, Away> {
    let row = || (kind.text("示例充电站"), kind.text("410105001"), "2026-11-22 10:05".to_owned());
    kind.part(row).map(|rows| Silent { rows, more: kind == Kind::Many })
}

fn one_station(kind: Kind) -> StationPage {
    let history = kind.part(|| (portal::station::connection("connected"), "2026-11-22 10:05".to_owned()));
    stations::sheet(kind.frame("/stations"), &station(kind), &Known::default(), history, defects(kind))
}

fn licence(kind: Kind) -> Option<Shown> {
    let media_type = if kind == Kind::One { "image/png" } else { "application/pdf" };
    (kind != Kind::Empty).then(|| Shown::of(&File { media_type: media_type.into(), ..file(kind) }))
}

fn company(kind: Kind) -> CompanyPage {
    let submission = || Submission {
        version: 1,
        outcome: "returned".into(),
        opinion: kind.text("执照不清晰"),
        ..Submission::default()
    };
    let profile = Profile { company_name: kind.text("示例公司"), ..Profile::default() };
    let own = OwnProfile {
        state: "Active".into(),
        review_pending: true,
        profile: Some(profile),
        submissions: kind.some(submission),
        ..OwnProfile::default()
    };
    company::sheet(kind.frame("/account/company"), &own, &Known::default(), licence(kind))
}

fn company_edit(kind: Kind) -> CompanyEditPage {
    let fields = [
        "company_name",
        "uscc",
        "operator_type",
        "in_province",
        "registered_division",
        "licence_county",
        "home_province",
        "contact_name",
        "contact_phone",
        "contact_email",
        "truth_declared",
        "licence",
    ];
    let division = || Division { code: "410105".into(), name: kind.text("金水区"), ..Division::default() };
    CompanyEditPage {
        page: kind.frame("/account/company"),
        form: kind.form(&fields),
        cities: kind.some(division),
        counties: kind.some(division),
        types: portal::labels::OPERATOR_TYPES.to_vec(),
        licence: licence(kind),
        opinion: kind.text("执照不清晰"),
        active: kind == Kind::Many,
    }
}

#[test]
fn a_pair_is_shown_as_two_places_with_their_own_upload() {
    let sample = dossier(Kind::Many);
    let desk = sample.desk.expect("it is there");
    let pair: &Material = desk.materials.iter().find(|one| one.id == "M3").expect("the third material");
    let names: Vec<_> = pair.places.iter().map(|place: &Place| place.name.as_str()).collect();
    assert_eq!(names, ["营业执照", "法人身份证"]);
}
