//! Pages on the way in: registration, sign-in, passwords, the second factor.

use portal::{
    labels::OPERATOR_TYPES,
    refused::Away,
    unsent::Unsent,
    web::{
        login::{ContinuePage, LoginPage},
        password::{FirstPasswordPage, ForgotPage, PasswordPage},
        profile::{AttemptRow, SessionRow, SignIns},
        registration::RegisterPage,
        second_factor::{CodePage, FirstFactorPage, Offered, SecondFactorPage},
    },
};
use proto::accounts::Division;

use super::{Kind, Sample, sample};

pub fn of(kind: Kind) -> Vec<Sample> {
    vec![
        sample("login.html", kind, login(kind)),
        sample("continue.html", kind, continued(kind)),
        sample("register.html", kind, register(kind)),
        sample("password_first.html", kind, password_first(kind)),
        sample("password.html", kind, password(kind)),
        sample("code.html", kind, code(kind)),
        sample("second_factor_first.html", kind, second_factor_first(kind)),
        sample("second_factor.html", kind, second_factor(kind)),
        sample("password_forgot.html", kind, forgot(kind)),
    ]
}

fn login(kind: Kind) -> LoginPage {
    let (page, form) = (kind.guest(), kind.form(&["login", "password"]));
    LoginPage {
        page,
        form,
        way_back: "/workbench".into(),
        ended: "登录已超时，请重新登录后继续",
        unsent: unsent(kind),
    }
}

fn unsent(kind: Kind) -> Unsent {
    let entries = kind.each(|number| (format!("opinion_{number}"), kind.text("同意")));
    Unsent { to: "/supervision/county-subsidies/7/review".into(), entries, files: kind == Kind::Longest }
}

fn continued(kind: Kind) -> ContinuePage {
    let (page, way_back) = (kind.guest(), "/supervision/county-subsidies/7/review".into());
    ContinuePage { page, why: kind.text("填写的内容仍然保留。"), unsent: unsent(kind), way_back }
}

fn code(kind: Kind) -> CodePage {
    let (page, form) = (kind.guest(), kind.form(&["code"]));
    CodePage { page, form, way_back: "/workbench".into(), unsent: unsent(kind), again: kind != Kind::One }
}

fn offered(kind: Kind) -> Offered {
    Offered {
        enrolment: "c2VhbGVk".into(),
        secret: kind.text("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"),
        uri: "otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into(),
    }
}

fn second_factor_first(kind: Kind) -> FirstFactorPage {
    let (page, form, way_back) = (kind.guest(), kind.form(&["code"]), "/workbench".into());
    FirstFactorPage { page, form, way_back, unsent: unsent(kind), offered: offered(kind) }
}

fn second_factor(kind: Kind) -> SecondFactorPage {
    SecondFactorPage {
        page: kind.frame(""),
        form: kind.form(if kind == Kind::Longest { &["code", "password"] } else { &["code"] }),
        offered: (kind != Kind::Many).then(|| offered(kind)),
        closed: String::new(),
    }
}

fn register(kind: Kind) -> RegisterPage {
    let division = || Division { code: "410105".into(), name: kind.text("金水区"), ..Division::default() };
    let fields = [
        "login",
        "password",
        "company_name",
        "uscc",
        "operator_type",
        "in_province",
        "registered_division",
        "licence_county",
        "home_province",
        "licence",
        "licence_file_id",
        "contact_name",
        "contact_phone",
        "contact_email",
        "truth_declared",
    ];
    RegisterPage {
        page: kind.guest(),
        form: kind.form(if kind == Kind::Longest { &fields[..10] } else { &fields }),
        cities: kind.some(division),
        counties: kind.some(division),
        types: OPERATOR_TYPES.to_vec(),
    }
}

fn password_first(kind: Kind) -> FirstPasswordPage {
    let form = kind.form(&["code", "new_password", "new_password_again"]);
    let forgotten = kind != Kind::One;
    FirstPasswordPage { page: kind.guest(), form, sent_to: kind.text("199****0003"), forgotten }
}

fn forgot(kind: Kind) -> ForgotPage {
    ForgotPage { page: kind.guest(), form: kind.form(&["login", "contact_phone"]) }
}

fn password(kind: Kind) -> PasswordPage {
    let access = (kind != Kind::One).then(|| access(kind));
    PasswordPage { page: kind.frame(""), form: kind.form(&["password", "new_password"]), access }
}

pub fn access(kind: Kind) -> Result<SignIns, Away> {
    let attempt =
        || AttemptRow { at: "2026-11-22 10:05".into(), address: kind.text("10.0.0.1"), outcome: kind.tag() };
    let session = |number| SessionRow {
        started_at: "2026-11-22 10:05".into(),
        seen_at: "2026-11-22 10:35".into(),
        address: kind.text("10.0.0.1"),
        current: number == 0,
    };
    let phone = kind.text("199****0003");
    let all = SignIns { phone, attempts: kind.some(attempt), sessions: kind.each(session) };
    kind.part(|| all.clone()).map(|_| all)
}
