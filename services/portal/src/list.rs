//! What every list has: the filter in the URL, pages by keys, links that keep the filter. Source: ui, section 5.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

/// Rows of one page that a person can choose.
pub const SIZES: [i32; 3] = [20, 50, 100];
/// Steps back that the URL remembers; keysets know only the way forward.
const BACK_MAX: usize = 40;

/// The query of a list's URL.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    path: String,
    entries: Vec<(String, String)>,
}

impl Filter {
    /// A filter that no URL named.
    pub fn of(path: &str, entries: &[(&str, &str)]) -> Filter {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Filter { path: path.to_owned(), entries }
    }

    /// A field of the filter; empty where it is not set.
    pub fn value(&self, name: &str) -> &str {
        self.entries.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field that may be given several times.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.entries.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether a choice is taken.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// Whether anything narrows the list.
    pub fn narrows(&self) -> bool {
        self.narrowing().next().is_some()
    }

    /// The page that the services are asked for.
    pub fn page(&self) -> Option<proto::common::Page> {
        Some(proto::common::Page { page_size: self.size(), page_token: self.value("page").to_owned() })
    }

    /// Rows of one page.
    pub fn size(&self) -> i32 {
        self.value("size").parse().ok().filter(|size| SIZES.contains(size)).unwrap_or(SIZES[0])
    }

    /// The list with this filter.
    pub fn here(&self) -> String {
        self.url(&self.entries)
    }

    /// The list without any filter.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The first page with one field changed: for tabs and sortings.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.entries.iter().filter(|(key, _)| key != name && key != "page" && key != "back");
        let mut entries: Vec<_> = kept.cloned().collect();
        if !value.is_empty() {
            entries.push((name.to_owned(), value.to_owned()));
        }
        self.url(&entries)
    }

    /// The same filter without a field.
    pub fn without(&self, name: &str) -> Filter {
        let kept = self.entries.iter().filter(|(key, _)| key != name);
        Filter { path: self.path.clone(), entries: kept.cloned().collect() }
    }

    /// The same filter of the list at another address.
    pub fn at(self, path: &str) -> Filter {
        Filter { path: path.to_owned(), ..self }
    }

    /// The list with one field of the filter kept, for 重置 below tabs.
    pub fn only(&self, name: &str) -> String {
        let kept: Vec<_> =
            self.entries.iter().filter(|(key, value)| key == name && !value.is_empty()).cloned().collect();
        self.url(&kept)
    }

    /// A saved filter: the first page with one field set; `count` where it is known.
    pub fn tab(&self, name: &str, value: &str, words: &str, count: Option<i32>) -> Tab {
        Tab { words: words.to_owned(), path: self.with(name, value), count, current: self.has(name, value) }
    }

    /// Whether any of these fields is set; names stand apart by blanks.
    pub fn sets(&self, names: &str) -> bool {
        names.split(' ').any(|name| !self.value(name).is_empty())
    }

    /// The orders of a list of applications, for the heads of their columns.
    pub fn sorts(&self) -> Sorts {
        let order = self.value("order");
        let sort = |aria, turned| Sort { aria, path: self.with("order", turned) };
        Sorts {
            changed: match order {
                "" => sort("descending", "oldest"),
                "oldest" => sort("ascending", ""),
                _ => sort("none", ""),
            },
            deadline: match order {
                "deadline" => sort("ascending", ""),
                _ => sort("none", "deadline"),
            },
        }
    }

    /// The ways on and back.
    pub fn pager(&self, next_token: &str, rows: usize) -> Pager {
        let here = self.value("page");
        let back: Vec<&str> = self.value("back").split('.').filter(|token| !token.is_empty()).collect();
        let others = || self.entries.iter().filter(|(key, _)| key != "page" && key != "back").cloned();
        let to = |page: &str, back: &[&str]| {
            let mut entries: Vec<_> = others().filter(|(_, value)| !value.is_empty()).collect();
            if !page.is_empty() {
                entries.push(("page".to_owned(), page.to_owned()));
            }
            if !back.is_empty() {
                entries.push(("back".to_owned(), back.join(".")));
            }
            self.url(&entries)
        };
        // `~` stands for the first page, which has no token.
        let trail: Vec<&str> =
            back.iter().copied().chain([if here.is_empty() { "~" } else { here }]).collect();
        let trail = &trail[trail.len().saturating_sub(BACK_MAX)..];
        Pager {
            rows,
            next: if next_token.is_empty() { String::new() } else { to(next_token, trail) },
            previous: match back.split_last() {
                Some((last, rest)) => to(if *last == "~" { "" } else { last }, rest),
                None if here.is_empty() => String::new(),
                None => to("", &[]),
            },
            sizes: SIZES
                .iter()
                .map(|size| (*size, self.with("size", &size.to_string()), *size == self.size()))
                .collect(),
            export: String::new(),
            total: None,
        }
    }

    /// Where the whole list is, as a workbook.
    pub fn export(&self) -> String {
        let kept = self.entries.iter().filter(|(key, value)| !paging(key) && !value.is_empty());
        let path = format!("{}/export", self.path);
        Filter { path, entries: Vec::new() }.url(&kept.cloned().collect::<Vec<_>>())
    }

    /// What narrows the list: names and values, in the order of the URL.
    pub fn narrowing(&self) -> impl Iterator<Item = (&str, &str)> {
        let narrows = |(key, value): &&(String, String)| {
            // By deadline only those are listed on which a clock runs.
            let only_sorts = key == "order" && value != "deadline";
            !paging(key) && !only_sorts && !value.is_empty()
        };
        self.entries.iter().filter(narrows).map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn url(&self, entries: &[(String, String)]) -> String {
        if entries.is_empty() {
            return self.path.clone();
        }
        let pairs: Vec<_> =
            entries.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
        format!("{}?{}", self.path, pairs.join("&"))
    }
}

/// What only says which page is shown.
fn paging(key: &str) -> bool {
    matches!(key, "size" | "page" | "back")
}

/// A saved filter of a list.
#[derive(Debug, Clone, Default)]
pub struct Tab {
    /// Its words.
    pub words: String,
    /// The list with it.
    pub path: String,
    /// Rows that it leaves; 1,001 stands for 1,000+.
    pub count: Option<i32>,
    /// Whether the page shows it.
    pub current: bool,
}

/// One order of a list as the head of its column.
#[derive(Debug, Clone, Default)]
pub struct Sort {
    /// How the list stands now, as `aria-sort` says it.
    pub aria: &'static str,
    /// The list in this order; turned round where it stands in it.
    pub path: String,
}

impl Sort {
    /// Which way it runs, as a sign.
    pub fn sign(&self) -> &'static str {
        match self.aria {
            "ascending" => " ↑",
            "descending" => " ↓",
            _ => "",
        }
    }
}

/// The orders of a list of applications.
#[derive(Debug, Clone, Default)]
pub struct Sorts {
    /// By the last change.
    pub changed: Sort,
    /// By what is left of the time; only those on which a clock runs.
    pub deadline: Sort,
}

impl Sorts {
    /// Of a table that is no list of its own.
    pub fn none() -> Option<Sorts> {
        None
    }
}

/// The ways on and back of one page of a list.
#[derive(Debug, Clone, Default)]
pub struct Pager {
    /// Rows shown.
    pub rows: usize,
    /// The next page; empty on the last.
    pub next: String,
    /// The page before; empty on the first.
    pub previous: String,
    /// Rows of a page, where that leads, and whether it is so now.
    pub sizes: Vec<(i32, String, bool)>,
    /// The whole list as a workbook; empty where there is none.
    pub export: String,
    /// Rows of the whole list where that is known; 1,001 stands for 1,000+.
    pub total: Option<i32>,
}

impl Pager {
    /// Whether there is anything to turn over or to take along: an empty list has no pages.
    pub fn needed(&self) -> bool {
        self.rows > 0 || !self.previous.is_empty() || !self.next.is_empty()
    }

    /// The same with the way to the whole list as a workbook.
    pub fn exported(self, filter: &Filter) -> Pager {
        Pager { export: filter.export(), ..self }
    }

    /// The same with the rows of the tab that is shown: of the whole list, where nothing but the tabs' filter narrows it.
    pub fn counted(self, tabs: &[Tab]) -> Pager {
        Pager { total: tabs.iter().find(|tab| tab.current).and_then(|tab| tab.count), ..self }
    }
}

/// Percent-encodes what is not plain in a query.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Filter, Infallible> {
        let entries = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        // A query that is none filters nothing.
        let entries = entries.map(|Query(entries)| entries).unwrap_or_default();
        Ok(Filter { path: parts.uri.path().to_owned(), entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_where_the_way_on_came_from() {
        let first = Filter::of("/list", &[("stage", "Draft"), ("size", "50")]);
        let pager = first.pager("t1", 50);
        assert_eq!(
            (pager.previous.as_str(), pager.next.as_str()),
            ("", "/list?stage=Draft&size=50&page=t1&back=~")
        );
        let second = Filter::of("/list", &[("stage", "Draft"), ("page", "t1"), ("back", "~")]);
        assert_eq!(second.pager("t2", 20).next, "/list?stage=Draft&page=t2&back=~.t1");
        let third = Filter::of("/list", &[("page", "t2"), ("back", "~.t1")]);
        assert_eq!(third.pager("", 3).previous, "/list?page=t1&back=~");
        assert_eq!(second.pager("", 3).previous, "/list?stage=Draft");
    }

    #[test]
    fn a_tab_starts_at_the_first_page_and_a_hostile_value_stays_a_value() {
        let filter = Filter::of("/list", &[("q", "a&b=<c>"), ("page", "t"), ("size", "7")]);
        assert_eq!(filter.with("stage", "Draft"), "/list?q=a%26b%3D%3Cc%3E&size=7&stage=Draft");
        assert_eq!(filter.size(), 20);
        assert!(filter.narrows());
    }

    #[test]
    fn a_head_sorts_its_list_and_turns_it_round_the_second_time() {
        let filter = Filter::of("/list", &[("stage", "Draft"), ("page", "t")]);
        let sorts = filter.sorts();
        assert_eq!((sorts.changed.aria, sorts.deadline.aria), ("descending", "none"));
        assert_eq!(sorts.changed.path, "/list?stage=Draft&order=oldest");
        assert_eq!(sorts.deadline.path, "/list?stage=Draft&order=deadline");
        let oldest = Filter::of("/list", &[("order", "oldest")]);
        assert_eq!(
            (oldest.sorts().changed.path.as_str(), oldest.sorts().changed.aria),
            ("/list", "ascending")
        );
        assert!(!oldest.narrows(), "another order leaves nothing out");
        let deadline = Filter::of("/list", &[("order", "deadline"), ("size", "50")]);
        assert_eq!((deadline.sorts().deadline.aria, deadline.sorts().changed.aria), ("ascending", "none"));
        assert_eq!(deadline.export(), "/list/export?order=deadline");
        assert_eq!(deadline.pager("t", 50).next, "/list?order=deadline&size=50&page=t&back=~");
    }

    #[test]
    fn a_pager_knows_the_rows_of_the_tab_that_is_shown() {
        let filter = Filter::of("/list", &[("state", "a")]);
        let tabs = [filter.tab("state", "", "全部", Some(9)), filter.tab("state", "a", "甲", Some(3))];
        assert_eq!(filter.pager("", 3).counted(&tabs).total, Some(3));
        assert!(filter.sets("county state") && !filter.sets("county round"));
    }

    #[test]
    fn an_empty_list_has_no_pages_but_an_empty_last_page_has_a_way_back() {
        assert!(!Filter::of("/list", &[]).pager("", 0).needed());
        assert!(Filter::of("/list", &[]).pager("", 1).needed());
        assert!(Filter::of("/list", &[("page", "t")]).pager("", 0).needed());
    }

    #[test]
    fn a_list_below_a_form_is_exported_at_the_address_of_its_page() {
        let filter = Filter::of("/orders/7/widen", &[("size", "50")]).at("/orders/7");
        assert_eq!(filter.export(), "/orders/7/export");
        assert_eq!(filter.pager("t", 50).next, "/orders/7?size=50&page=t&back=~");
    }
}
