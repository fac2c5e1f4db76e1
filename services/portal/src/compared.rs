//! What a company says about itself, item by item, beside what is valid: for whoever compares it with the licence.

use proto::accounts::Profile;

use crate::{divisions::Known, format, labels::OPERATOR_TYPES, stage::Tag};

/// What a licence shows, and an administrator finds to be so: ids of accounts, and words.
pub const ON_LICENCE: [(&str, &str); 6] = [
    ("company_name", "公司名称"),
    ("uscc", "统一社会信用代码"),
    ("registered_division", "注册地"),
    ("licence_county", "执照住所区县"),
    ("home_province", "企业所在省份"),
    ("operator_type", "运营商类型"),
];

/// One item of what the company says about itself.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// Its id at accounts; empty where the licence does not show it, or nothing was entered.
    pub on_licence: &'static str,
    /// Its name.
    pub name: &'static str,
    /// As entered.
    pub entered: String,
    /// As it is valid; empty where there is nothing valid beside it.
    pub before: String,
    /// What the platform found; no words where it checks nothing.
    pub check: Tag,
}

impl Compared {
    /// Whether it differs from what is valid.
    pub fn changed(&self) -> bool {
        !self.before.is_empty() && self.before != self.entered
    }
}

/// Item by item, with the valid profile beside it. `legacy`: nobody has checked the code.
pub fn compared(names: &Known, entered: &Profile, valid: Option<&Profile>, legacy: bool) -> Vec<Compared> {
    let tag = |text: &str, class| Tag { text: text.to_owned(), class };
    let code = if legacy { tag("导入账号，请人工核对", "warn") } else { tag("校验通过", "ok") };
    let row = |name: &'static str, text: &dyn Fn(&Profile) -> String, check| {
        let said = text(entered);
        let shown = ON_LICENCE.iter().find(|(_, words)| *words == name && !said.is_empty());
        Compared {
            on_licence: shown.map_or("", |(id, _)| *id),
            name,
            entered: format::or_dash(&said),
            before: valid.map(|valid| format::or_dash(&text(valid))).unwrap_or_default(),
            check,
        }
    };
    let seat =
        |one: &Profile| names.place(&names.city_of(&one.registered_division), &one.registered_division);
    let kind = |one: &Profile| {
        let known = OPERATOR_TYPES.iter().find(|(id, _)| *id == one.operator_type);
        known.map_or_else(|| one.operator_type.clone(), |(_, words)| (*words).to_owned())
    };
    vec![
        row("公司名称", &|one| one.company_name.clone(), Tag::default()),
        row("统一社会信用代码", &|one| one.uscc.clone(), code),
        row("代码登记机关区划", &|one| names.name(area(&one.uscc)), area_check(names, entered)),
        row("是否省内企业", &|one| if one.in_province { "省内" } else { "省外" }.to_owned(), Tag::default()),
        row("注册地", &seat, Tag::default()),
        row("执照住所区县", &|one| one.licence_county.clone(), Tag::default()),
        row("企业所在省份", &|one| one.home_province.clone(), Tag::default()),
        row("运营商类型", &kind, Tag::default()),
        row("联系人", &|one| one.contact_name.clone(), Tag::default()),
        row("联系电话", &|one| one.contact_phone.clone(), Tag::default()),
        row("电子邮箱", &|one| one.contact_email.clone(), Tag::default()),
    ]
}

/// Characters 3 to 8 of a code: the division of the authority that gave it. Source: GB 32100-2015.
fn area(uscc: &str) -> &str {
    uscc.get(2..8).unwrap_or_default()
}

/// A hint for the eye, not a rule: companies may move after their code was given.
fn area_check(names: &Known, entered: &Profile) -> Tag {
    let (given, seat) = (area(&entered.uscc), entered.registered_division.as_str());
    let city = names.city_of(given);
    let same = given == seat || (!city.is_empty() && city == names.city_of(seat));
    let (text, class) = match (entered.in_province, same) {
        (true, true) => ("与注册地一致", "ok"),
        (true, false) => ("与注册地不同，请核对执照", "warn"),
        (false, _) => ("", ""),
    };
    Tag { text: text.to_owned(), class }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(uscc: &str) -> Profile {
        Profile {
            uscc: uscc.to_owned(),
            in_province: true,
            registered_division: "410105".to_owned(),
            ..Profile::default()
        }
    }

    #[test]
    fn a_change_is_marked_and_what_stayed_is_not() {
        let (new, old) = (profile("91410105XXXX00019G"), profile("91410305XXXX00019G"));
        let items = compared(&Known::default(), &new, Some(&old), false);
        let changed: Vec<_> = items.iter().filter(|item| item.changed()).map(|item| item.name).collect();
        assert_eq!(changed, ["统一社会信用代码", "代码登记机关区划"]);
        assert!(compared(&Known::default(), &new, None, false).iter().all(|item| !item.changed()));
    }

    #[test]
    fn what_a_licence_shows_is_compared_with_it_where_something_was_entered() {
        let whole = Profile {
            company_name: "示例公司".to_owned(),
            licence_county: "金水区".to_owned(),
            home_province: "河北省".to_owned(),
            operator_type: "private".to_owned(),
            ..profile("91410105XXXX00019G")
        };
        let ids = |profile: &Profile| {
            let items = compared(&Known::default(), profile, None, false).into_iter();
            items.map(|item| item.on_licence).filter(|id| !id.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&whole), ON_LICENCE.map(|(id, _)| id));
        assert!(!ids(&Profile { home_province: String::new(), ..whole }).contains(&"home_province"));
    }

    #[test]
    fn a_code_of_another_city_is_pointed_out_and_an_imported_one_is_not_called_checked() {
        let check = |uscc: &str, legacy| {
            let items = compared(&Known::default(), &profile(uscc), None, legacy);
            (items[1].check.class, items[2].check.class)
        };
        assert_eq!(check("91410105XXXX00019G", false), ("ok", "ok"));
        assert_eq!(check("91110105XXXX00019G", true), ("warn", "warn"));
        assert_eq!(check("短", true), ("warn", "warn"));
    }
}
