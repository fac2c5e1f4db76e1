//! 通知公告 as pages print it: paragraphs with addresses told apart as text, audiences and states in words.

use proto::notifications::{NoticeContent, PublishedNotice};

use crate::{format, stage::Tag};

/// For whom a notice may be, in the order of the form. Source: notifications, NoticeContent.audiences.
pub const AUDIENCES: [(&str, &str); 4] = [
    ("public", "社会公众（无需登录）"),
    ("operators", "运营企业"),
    ("authorities", "市、县级主管部门"),
    ("panels", "专家组、省级厅委"),
];

/// Audiences in words.
pub fn audiences(codes: &[String]) -> String {
    let known = AUDIENCES.iter().filter(|(code, _)| codes.iter().any(|one| one == code));
    known.map(|(_, words)| *words).collect::<Vec<_>>().join("、")
}

/// Where a revision stands.
pub fn state(code: &str) -> Tag {
    let (text, class) = match code {
        "Draft" => ("草稿", "draft"),
        "Published" => ("已发布", "ok"),
        "Replaced" => ("已被修订", ""),
        "Withdrawn" => ("已撤回", "danger"),
        _ => ("—", ""),
    };
    Tag { text: text.to_owned(), class }
}

/// A part of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// As it was written.
    pub text: String,
    /// Whether it is an address of a web page; shown as text, led to by nobody but the reader.
    pub address: bool,
}

/// One paragraph; lines within it are kept.
pub type Paragraph = Vec<Piece>;

/// A text as paragraphs: an empty line ends one.
pub fn paragraphs(body: &str) -> Vec<Paragraph> {
    let mut found: Vec<Vec<&str>> = vec![Vec::new()];
    for line in body.lines() {
        match (line.trim().is_empty(), found.last_mut()) {
            (false, Some(last)) => last.push(line.trim_end()),
            (true, Some(last)) if !last.is_empty() => found.push(Vec::new()),
            _ => {}
        }
    }
    found.retain(|lines| !lines.is_empty());
    found.into_iter().map(|lines| pieces(&lines.join("\n"))).collect()
}

/// Tells addresses from the words around them.
fn pieces(mut text: &str) -> Paragraph {
    let mut found = Vec::new();
    let mut add = |text: &str, address| {
        if !text.is_empty() {
            found.push(Piece { text: text.to_owned(), address });
        }
    };
    while let Some(start) = ["http://", "https://"].iter().filter_map(|scheme| text.find(scheme)).min() {
        let rest = &text[start..];
        let odd = |letter: char| !letter.is_ascii_graphic() || matches!(letter, '<' | '>' | '"' | '\'' | '`');
        let end = rest.find(odd).unwrap_or(rest.len());
        let address = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
        add(&text[..start], false);
        add(address, !address.ends_with("//"));
        text = &rest[address.len().max(1)..];
    }
    add(text, false);
    found
}

/// A published notice in a list of its readers.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Its title.
    pub title: String,
    /// Its page.
    pub path: String,
    /// Day of its publication.
    pub day: String,
    /// Who publishes it.
    pub office: String,
    /// Whether it stands above the others today.
    pub pinned: bool,
}

impl Line {
    /// As notifications lists it.
    pub fn of(found: &PublishedNotice) -> Line {
        let content = found.content.clone().unwrap_or_default();
        Line {
            title: content.title,
            path: format!("/notices/{}", found.notice_id),
            day: format::date(found.published_at.as_ref()),
            office: office(&found.office),
            pinned: found.pinned,
        }
    }
}

/// A notice as its readers see it.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Its title.
    pub title: String,
    /// Who publishes it, and when; empty for a draft.
    pub line: String,
    /// What it says.
    pub paragraphs: Vec<Paragraph>,
}

impl Told {
    /// What is said, with a line below the title.
    pub fn of(content: &NoticeContent, line: String) -> Told {
        Told { title: content.title.clone(), line, paragraphs: paragraphs(&content.body) }
    }
}

/// Who publishes; the platform where no office is named.
pub fn office(name: &str) -> String {
    if name.is_empty() { "平台管理员".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> Vec<Vec<(String, bool)>> {
        let pieces =
            |paragraph: Paragraph| paragraph.into_iter().map(|one| (one.text, one.address)).collect();
        paragraphs(body).into_iter().map(pieces).collect()
    }

    #[test]
    fn an_empty_line_ends_a_paragraph_and_lines_within_it_are_kept() {
        let expected = vec![vec![("一\n二".to_owned(), false)], vec![("三".to_owned(), false)]];
        assert_eq!(told("\n一\n二  \n \n\n三\n"), expected);
        assert!(told(" \n").is_empty());
    }

    #[test]
    fn an_address_ends_where_chinese_or_punctuation_begins() {
        let text = "见https://a.example/x?y=1。另见 http://b.example/(1). <b>http://</b>";
        let expected = [
            ("见", false),
            ("https://a.example/x?y=1", true),
            ("。另见 ", false),
            ("http://b.example/(1", true),
            ("). <b>", false),
            ("http://", false),
            ("</b>", false),
        ];
        assert_eq!(told(text), [expected.map(|(text, address)| (text.to_owned(), address)).to_vec()]);
    }

    #[test]
    fn every_audience_has_words() {
        let all: Vec<String> = AUDIENCES.iter().map(|(code, _)| (*code).to_owned()).collect();
        assert_eq!(audiences(&all).matches('、').count(), 5);
        assert_eq!(audiences(&["operators".to_owned()]), "运营企业");
    }
}
