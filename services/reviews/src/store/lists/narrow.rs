//! The conditions of a list: what the caller may see, and what it asks for. Nothing of what people typed becomes text of
//! a statement.

use sqlx::{Postgres, QueryBuilder};

use super::{Filter, Part};

type Query = QueryBuilder<Postgres>;

/// The part by which a list is walked: where one place is asked for, that place's own index; what else the part says is a
/// condition.
pub(super) fn walked(part: &Part, filter: &Filter) -> Part {
    match (part, &filter.county, &filter.prefecture) {
        (Part::Counties(_) | Part::Prefectures(_) | Part::Province, Some(county), _) => {
            Part::Counties(vec![county.clone()])
        }
        (Part::Province, None, Some(prefecture)) => Part::Prefectures(vec![prefecture.clone()]),
        (
            Part::Operator(_) | Part::Counties(_) | Part::Prefectures(_) | Part::Orders(_) | Part::Province,
            _,
            _,
        ) => part.clone(),
    }
}

/// The keys of a part: each is walked by itself, in the order of the page.
pub(super) fn keys(query: &mut Query, part: &Part) {
    match part {
        Part::Operator(id) => query.push(" CROSS JOIN UNNEST(").push_bind(vec![*id]),
        Part::Orders(ids) => query.push(" CROSS JOIN UNNEST(").push_bind(ids.clone()),
        Part::Counties(codes) | Part::Prefectures(codes) => {
            query.push(" CROSS JOIN UNNEST(").push_bind(codes.clone())
        }
        Part::Province => return,
    };
    query.push(") AS own (key)");
}

/// What belongs to the key that is walked.
pub(super) fn own(query: &mut Query, part: &Part) {
    query.push(match part {
        Part::Operator(_) => " AND operator_id = own.key",
        Part::Counties(_) => " AND county = own.key AND submission_version > 0",
        Part::Prefectures(_) => " AND prefecture = own.key AND submission_version > 0",
        Part::Orders(_) => " AND work_order_id = own.key",
        Part::Province => " AND submission_version > 0",
    });
}

/// What the caller may see: any of its parts; nothing where it has none.
pub(super) fn scope(query: &mut Query, parts: &[Part]) {
    query.push(" AND (");
    for (index, part) in parts.iter().enumerate() {
        query.push(if index > 0 { " OR " } else { "" });
        match part {
            Part::Operator(id) => query.push("operator_id = ").push_bind(*id),
            Part::Counties(codes) => places(query, "county", codes),
            Part::Prefectures(codes) => places(query, "prefecture", codes),
            Part::Orders(ids) => query.push("work_order_id = ANY(").push_bind(ids.clone()).push(")"),
            Part::Province => query.push("submission_version > 0"),
        };
    }
    query.push(if parts.is_empty() { "false)" } else { ")" });
}

/// What was submitted in one of these places. One alone is named alone: then its index gives the order too.
fn places<'q>(query: &'q mut Query, column: &str, codes: &[String]) -> &'q mut Query {
    query.push("submission_version > 0 AND ").push(column);
    match codes {
        [code] => query.push(" = ").push_bind(code.clone()),
        _ => query.push(" = ANY(").push_bind(codes.to_vec()).push(")"),
    }
}

/// How the rows are come by: it decides how what stands in another table is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the condition that leaves the fewest, whichever table it is about.
    Gathered,
    /// One after the other, in the order of the page: each row is asked for itself.
    Walked,
}

/// What the caller asks for, but for the nodes.
pub(super) fn filter(query: &mut Query, filter: &Filter, way: Way) {
    for (column, code) in [("prefecture", &filter.prefecture), ("county", &filter.county)] {
        if let Some(code) = code {
            query.push(" AND ").push(column).push(" = ").push_bind(code.clone());
        }
    }
    let ids = [
        ("operator_id", filter.operator),
        ("round_id", filter.round),
        ("work_order_id", filter.order),
        ("station_id", filter.station),
    ];
    for (column, id) in ids {
        if let Some(id) = id {
            query.push(" AND ").push(column).push(" = ").push_bind(id);
        }
    }
    if let Some(struck) = &filter.struck {
        query.push(" AND struck = ANY(").push_bind(struck.clone()).push(")");
    }
    if let Some(due_by) = filter.due_by {
        query.push(" AND deadline_at <= ").push_bind(due_by);
    }
    if let Some(text) = &filter.text {
        query.push(asks(way)).push("application_texts b WHERE b.application_id = applications.id AND (");
        named(query, text);
        query.push("))");
    }
    if filter.submitted_from.is_some() || filter.submitted_before.is_some() {
        query.push(asks(way)).push(
            "submissions b WHERE b.application_id = applications.id AND b.version = applications.submission_version",
        );
        for (compares, at) in [(" >= ", filter.submitted_from), (" < ", filter.submitted_before)] {
            if let Some(at) = at {
                query.push(" AND b.submitted_at").push(compares).push_bind(at);
            }
        }
        query.push(")");
    }
}

/// A question about the row beside: one that the planner may turn round, or one that it asks of each row.
const fn asks(way: Way) -> &'static str {
    match way {
        Way::Gathered => " AND EXISTS (SELECT 1 FROM ",
        Way::Walked => " AND (SELECT true FROM ",
    }
}

/// A piece of the station's or company's name; of what is no Chinese also the begin of a number or code, and of digits
/// the end of a number. Source: performance, rule 11.
fn named(query: &mut Query, text: &str) {
    query.push("b.bigrams @> bigrams(").push_bind(text.to_owned()).push(") AND strpos(b.names, ");
    query.push_bind(text.to_owned()).push(") > 0");
    if text.is_ascii() {
        let begin = format!("{}%", literal(&text.to_ascii_uppercase()));
        query.push(" OR b.application_no LIKE ").push_bind(begin.clone());
        query.push(" OR b.station_code LIKE ").push_bind(begin);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let end: String = text.chars().rev().collect();
        query.push(" OR reverse(b.application_no) LIKE ").push_bind(format!("{end}%"));
    }
}

/// The text as a pattern that stands for itself.
fn literal(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}
