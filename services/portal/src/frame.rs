//! The frame of a page: header, menu, breadcrumb, footer; and how a page becomes an answer.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use crate::{Answer, Refused, assets::ASSETS, config::Site, menu::Group, sessions::Badges};

/// Everything that `base.html` prints around a page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// `<title>` and, mostly, `<h1>`.
    pub title: String,
    /// Breadcrumb, the page itself last; empty on the workbench.
    pub crumbs: Vec<Crumb>,
    /// Names and numbers.
    pub site: Site,
    /// Who is signed in.
    pub person: Option<Person>,
    /// The left menu.
    pub menu: Vec<Group>,
    /// Counts; `None` where they cannot be read.
    pub badges: Option<Badges>,
    /// What has just been done.
    pub notice: Option<String>,
    /// For every form of the page.
    pub form_token: String,
    /// Whether letters are larger by a quarter.
    pub large: bool,
    /// Seconds for which the session surely lasts if nothing more is asked; 0 where nobody is signed in.
    pub lasts_secs: i64,
}

/// One step of the breadcrumb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// Its words.
    pub label: String,
    /// Its page; empty where there is none.
    pub path: String,
}

/// Who is signed in, for the header.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// Office; empty for operators.
    pub office: String,
    /// Whether it belongs to a company.
    pub operator: bool,
}

impl Person {
    /// First letter, for the round picture.
    pub fn initial(&self) -> String {
        if self.name.is_empty() { "我".to_owned() } else { self.name.chars().take(1).collect() }
    }

    /// Office and name; accounts of 1.0 may have neither.
    pub fn label(&self) -> String {
        match (self.office.as_str(), self.name.as_str()) {
            ("", "") => "我的账号".to_owned(),
            ("", one) | (one, "") => one.to_owned(),
            (office, name) => format!("{office} · {name}"),
        }
    }
}

impl Page {
    /// Unread messages; 0 where they cannot be counted.
    pub fn unread(&self) -> i32 {
        self.badges.map_or(0, |badges| badges.messages)
    }

    /// Minutes for which a form may lie.
    pub fn lasts_minutes(&self) -> i64 {
        self.lasts_secs / 60
    }

    /// Where the style sheet is.
    pub fn style(&self) -> &'static str {
        &ASSETS.style.path
    }

    /// Where the script is.
    pub fn script(&self) -> &'static str {
        &ASSETS.script.path
    }

    /// Where the icon is.
    pub fn icon(&self) -> &'static str {
        &ASSETS.icon.path
    }
}

/// A count as a badge says it: 1,000+ above 1,000.
pub fn count(number: impl std::borrow::Borrow<i32>) -> String {
    let number = *number.borrow();
    if number > 1000 { "1,000+".to_owned() } else { number.to_string() }
}

/// Answers a page or a part of one.
///
/// # Errors
/// The template fails.
pub fn show(status: StatusCode, page: &impl Template) -> Answer {
    let text = page.render().map_err(|error| Refused::fault(&error))?;
    Ok((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
}

/// 303: what was sent has been taken, the page is there.
pub fn see_other(path: &str) -> Response {
    let mut response = (StatusCode::SEE_OTHER, Body::empty()).into_response();
    let location = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/workbench"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}
