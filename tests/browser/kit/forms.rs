//! The forms that the portal's templates have: where each is sent, and the text fields that a person may type into.
//!
//! Owns: reading the templates, so that no form can be left out of a walk. Not: what is typed.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Where a form is sent and a field of it; a part of the path that differs from page to page is `{}`.
pub type Field = (String, String);

/// Where forms are sent whose template leaves the whole path, or its beginning, to the page: template, what stands in the
/// braces, and the paths.
const LEFT_TO_THE_PAGE: &[(&str, &str, &[&str])] = &[
    ("accounts.html", "filter.path()", &["/system/accounts"]),
    ("applications.html", "filter.path()", &["/subsidy/applications"]),
    ("audit.html", "filter.path()", &["/system/audit"]),
    ("charge_order.html", "path", &["/interconnect/orders", "/system/links/{}/orders"]),
    ("county_review.html", "review.package", &["/supervision/county-subsidies/{}/package"]),
    ("county_review.html", "review.path", &["/supervision/county-subsidies/{}/review"]),
    ("county_subsidies.html", "filter.path()", &["/supervision/county-subsidies"]),
    ("dossiers.html", "filter.path()", &["/subsidy/dossiers"]),
    ("extend.html", "desk.menu", &["/supervision/county-subsidies", "/supervision/subsidies"]),
    ("interconnect.html", "list.filter.path()", &["/interconnect"]),
    ("file_notice.html", "preview", &["/files/{}/preview"]),
    ("link_settings.html", "path", &["/interconnect/link/settings", "/system/links/{}/settings"]),
    ("links.html", "filter.path()", &["/system/links"]),
    ("notice_edit.html", "path", &["/system/notices/new", "/system/notices/{}/edit"]),
    ("notice_withdraw.html", "path", &["/system/notices/{}"]),
    ("order_member.html", "review.package", &["/supervision/subsidies/{}/package"]),
    ("order_member.html", "review.path", &["/supervision/subsidies/{}"]),
    ("reassign.html", "desk.menu", &["/supervision/county-subsidies", "/supervision/subsidies"]),
    ("remind.html", "desk.menu", &["/supervision/county-subsidies", "/supervision/subsidies"]),
    ("stations.html", "list.filter.path()", &["/stations"]),
    ("subsidies.html", "filter.path()", &["/supervision/subsidies/applications"]),
    // A form without an address is sent to the page that shows it.
    ("account_review.html", "", &["/system/accounts/{}/review"]),
];

/// Every text field of every form of the portal; a field whose name is made up while rendering is left out.
///
/// # Errors
/// The templates cannot be read, or it is not known where a form is sent.
pub fn of_templates() -> Result<BTreeSet<Field>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../services/portal/templates"));
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&folder)?.flatten().filter(|entry| entry.path().is_file()) {
        let template = entry.file_name().to_string_lossy().into_owned();
        let text = whole(&folder, &template)?;
        for form in text.split("<form ").skip(1) {
            let body = form.split("</form>").next().unwrap_or_default();
            let names = fields(body);
            if names.is_empty() {
                continue;
            }
            let paths = paths(&template, body).with_context(|| format!("{template}, form with {names:?}"))?;
            found.extend(paths.iter().flat_map(|path| names.iter().map(|name| (path.clone(), name.clone()))));
        }
    }
    Ok(found)
}

/// Whether a field was typed into: what is left open in the path of the template fits one part of any name.
pub fn is_among(field: &Field, tried: &BTreeSet<Field>) -> bool {
    let fits = |path: &str| {
        let (wanted, found): (Vec<_>, Vec<_>) = (field.0.split('/').collect(), path.split('/').collect());
        wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(want, part)| *want == "{}" || *want == part)
    };
    tried.iter().any(|(path, name)| *name == field.1 && fits(path))
}

/// A template with the parts that it includes in their places.
fn whole(folder: &Path, template: &str) -> Result<String> {
    let text = fs::read_to_string(folder.join(template)).with_context(|| template.to_owned())?;
    let mut pieces = text.split("{% include \"");
    let mut joined = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (part, rest) = piece.split_once("\" %}").context("an include is not understood")?;
        joined += &whole(folder, part)?;
        joined += rest;
    }
    Ok(joined)
}

/// The names of a form's text fields.
fn fields(form: &str) -> BTreeSet<String> {
    let kinds = ["f::text(form, ", "f::area(form, ", "f::password(form, ", "f::money(form, "];
    let made = kinds.iter().flat_map(|kind| form.split(kind).skip(1));
    let made = made.filter(|rest| !rest.split(')').next().unwrap_or_default().contains("\"date\""));
    let written =
        ["<input class=\"in", "<textarea class=\"in"].into_iter().flat_map(|tag| form.split(tag).skip(1));
    let written = written.map(|rest| rest.split('>').next().unwrap_or_default());
    let plain =
        |rest: &&str| !["\"date\"", "\"file\""].iter().any(|kind| rest.contains(&format!("type={kind}")));
    let written = written.filter(plain).filter_map(|rest| rest.split("name=").nth(1));
    let names = made.chain(written).filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    names.filter(|name| !name.contains('{')).map(str::to_owned).collect()
}

/// Where a form is sent, one path for each way that its template or [`LEFT_TO_THE_PAGE`] knows.
fn paths(template: &str, form: &str) -> Result<Vec<String>> {
    let tag = form.split('>').next().unwrap_or_default();
    let action = tag.split_once("action=\"").map_or("{{  }}", |(_, rest)| &rest[..quoted(rest)]);
    let ways = ways(action);
    let Some((expression, rest)) = action.strip_prefix("{{ ").and_then(|rest| rest.split_once(" }}")) else {
        return Ok(ways.iter().map(|way| opened(way)).collect());
    };
    let row = LEFT_TO_THE_PAGE.iter().find(|(of, left, _)| *of == template && *left == expression);
    let (.., starts) = row.with_context(|| format!("LEFT_TO_THE_PAGE does not say where {action} leads"))?;
    Ok(starts.iter().map(|start| format!("{start}{}", opened(rest))).collect())
}

/// Where a text in quotes ends; what stands in the braces of a template has quotes of its own.
fn quoted(text: &str) -> usize {
    let mut from = 0;
    loop {
        let end = text[from..].find('"').map_or(text.len(), |at| from + at);
        match text[from..end].find("{%").and_then(|at| text[from + at..].find("%}").map(|to| from + at + to))
        {
            Some(close) => from = close + 2,
            None => return end,
        }
    }
}

/// Both ways of an address that differs by an `if`.
fn ways(action: &str) -> Vec<String> {
    let parts = action.split_once("{% if ").and_then(|(before, rest)| {
        let (yes, rest) = rest.split_once(" %}")?.1.split_once("{% else %}")?;
        let (no, after) = rest.split_once("{% endif %}")?;
        Some(vec![format!("{before}{yes}{after}"), format!("{before}{no}{after}")])
    });
    parts.unwrap_or_else(|| vec![action.to_owned()])
}

/// The path with `{}` for each expression.
fn opened(path: &str) -> String {
    let pieces = path.split("{{ ").enumerate();
    let texts = pieces.map(|(place, piece)| match piece.split_once(" }}") {
        Some((_, rest)) if place > 0 => format!("{{}}{rest}"),
        _ => piece.to_owned(),
    });
    texts.collect()
}
