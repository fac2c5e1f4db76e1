//! Who works in the sample province: officials of every county and city with stations, experts, departments.
//!
//! Owns: their logins, offices and phones. Not: creating them (`load`).
use std::collections::BTreeMap;

use crate::driver::{officials::Official, samples::Samples};

/// The password of everybody in the sample province. Only private platforms are ever loaded with it.
pub const PASSWORD: &str = "Songshan-2026!";
/// The administrator's login, made at the console; the others come from it.
pub const ADMINISTRATOR: &str = "admin01";
/// The security administrator's login, made at the console too: he grants system and audit rights.
pub const SECURITY: &str = "security01";
/// 济源: county and city are one authority there.
pub const JIYUAN: &str = "419001";
/// One person with both posts in 济源, whom four eyes keep from deciding twice.
pub const BOTH_TIERS: &str = "both_419001";
/// The departments that sign, with their names.
pub const DEPARTMENTS: [(&str, &str); 3] =
    [("fgw", "省发展改革委"), ("czt", "省财政厅"), ("jtt", "省交通运输厅")];
/// How many experts there are; the last one is employed by an operator.
pub const EXPERTS: usize = 7;
/// The company that employs the last expert.
pub const EMPLOYER: &str = "洛阳牡丹驿充电示例有限公司";

/// The county officer's login.
pub fn county(code: &str) -> String {
    format!("county_{code}")
}

/// The city officer's login.
pub fn city(code: &str) -> String {
    format!("city_{code}")
}

/// The n-th expert's login, from 1.
pub fn expert(number: usize) -> String {
    format!("expert{number:02}")
}

/// A department's login.
pub fn department(code: &str) -> String {
    format!("{code}01")
}

/// The platform's administrator.
pub fn administrator() -> Official {
    Official {
        phone: "19910000000".to_owned(), ..post(ADMINISTRATOR, "平台管理员", "administrator", &[])
    }
}

/// The security administrator.
pub fn security() -> Official {
    Official {
        phone: "19919999999".to_owned(),
        ..post(SECURITY, "安全管理员", "security_administrator", &[])
    }
}

/// Whether only the security administrator may grant these rights. Source: reliability section 10.
pub fn separated(official: &Official) -> bool {
    official.roles.iter().any(|role| matches!(role.as_str(), "system_administrator" | "audit_administrator"))
}

/// Everybody but the two made at the console, in a fixed order.
pub fn officials(samples: &Samples) -> Vec<Official> {
    let mut roster = vec![
        post("system01", "系统管理员", "system_administrator", &[]),
        post("audit01", "审计管理员", "audit_administrator", &[]),
    ];
    let counties: BTreeMap<_, _> =
        samples.stations.iter().map(|one| (one.county_code.as_str(), one.county_name.as_str())).collect();
    let cities: BTreeMap<_, _> =
        samples.stations.iter().map(|one| (one.city_code.as_str(), city_name(&one.address))).collect();
    for (code, name) in counties {
        roster.push(desk(&county(code), name, "county", code));
    }
    for (code, name) in cities {
        roster.push(desk(&city(code), name, "city", code));
    }
    let both = desk(BOTH_TIERS, "济源市", "county", JIYUAN);
    roster.push(Official { roles: vec!["county".to_owned(), "city".to_owned()], ..both });
    for number in 1..=EXPERTS {
        let employer = if number == EXPERTS { EMPLOYER } else { "示例大学" };
        roster.push(post(&expert(number), &format!("专家{number:02}"), "expert", &[]).employed_by(employer));
    }
    for (code, name) in DEPARTMENTS {
        roster.push(post(&department(code), name, "province", &[]).of_department(code));
    }
    for (number, official) in roster.iter_mut().enumerate() {
        official.phone = format!("1991{:07}", number + 1);
    }
    roster
}

/// Some sign-ins of each role, for people.
pub fn sign_ins() -> String {
    let roles = [
        ("运营商", "op01 … op12（op03 待审核，op07 审核不通过）".to_owned()),
        ("县级主管部门", format!("{} 等", county("410105"))),
        ("市级主管部门", format!("{} 等", city("410100"))),
        ("平台管理员", ADMINISTRATOR.to_owned()),
        ("专家", format!("{} … {}", expert(1), expert(EXPERTS))),
        ("省级厅委", DEPARTMENTS.map(|(code, _)| department(code)).join(" · ")),
        ("系统 / 安全 / 审计管理员", format!("system01 · {SECURITY} · audit01")),
    ];
    let mut lines = vec![format!("  sign-ins, password {PASSWORD}")];
    lines.extend(roles.map(|(role, logins)| format!("    {role}  {logins}")));
    lines.join("\n")
}

/// The city of an address like 河南省郑州市金水区示例路1号.
fn city_name(address: &str) -> &str {
    let place = address.strip_prefix("河南省").unwrap_or(address);
    place.find('市').map_or(place, |at| &place[..at + '市'.len_utf8()])
}

/// Somebody of a county's or city's authority.
fn desk(login: &str, place: &str, role: &str, code: &str) -> Official {
    let official = post(login, &format!("{place}审核员"), role, &[code]);
    Official { office: format!("{place}主管部门"), ..official }
}

fn post(login: &str, name: &str, role: &str, scope: &[&str]) -> Official {
    let official = Official::new(login, name, role, scope, "");
    // Each office of the sample province has one person, who leads it.
    if matches!(role, "county" | "city" | "administrator" | "province") {
        official.leading()
    } else {
        official
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_login_and_phone_is_one_persons() {
        let roster = officials(&Samples::load().unwrap());
        let logins: BTreeSet<_> = roster.iter().map(|one| &one.login).collect();
        let phones: BTreeSet<_> = roster.iter().map(|one| &one.phone).collect();
        assert_eq!((logins.len(), phones.len()), (roster.len(), roster.len()));
        assert!(roster.iter().all(|one| one.login.len() <= 20 && one.phone.len() == 11));
        let office = |login: &str| roster.iter().find(|one| one.login == login).unwrap().office.as_str();
        assert_eq!((office("county_410105"), office("city_410100")), ("金水区主管部门", "郑州市主管部门"));
        assert_eq!((office("county_419001"), office("city_419001")), ("济源市主管部门", "济源市主管部门"));
    }
}
