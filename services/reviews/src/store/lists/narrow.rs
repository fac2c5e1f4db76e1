//! The conditions of a list: what the caller may see, and what it asks for; and the walk along the index of a scope. Nothing
//! of what people typed becomes text of a statement.

use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Filter, Order, Own, Part};

type Query = QueryBuilder<Postgres>;

/// A part as it is walked: by keys of its own index, node by node.
pub(super) struct Walk {
    /// Where one place is asked for, that place; else the part itself.
    keys: Part,
    /// What the caller may see, where the keys do not say it.
    scope: Option<Part>,
    /// What is asked for beside the keys.
    filter: Filter,
}

impl Walk {
    /// A place that was asked for becomes the key: as a value of the statement it would tell the planner how many
    /// applications that place has, and a long one might be looked for in the index of the whole province.
    pub(super) fn of(part: &Part, filter: &Filter) -> Walk {
        let mut filter = filter.clone();
        let only =
            |codes: &[String], code: &String| codes.iter().filter(|own| *own == code).cloned().collect();
        let (keys, scope) = match part {
            Part::Counties(codes) => match filter.county.take() {
                Some(county) => (Part::Counties(only(codes, &county)), None),
                None => (part.clone(), None),
            },
            Part::Prefectures(codes) => match (filter.county.take(), &filter.prefecture) {
                (Some(county), _) => (Part::Counties(vec![county]), Some(part.clone())),
                (None, Some(city)) => (Part::Prefectures(only(codes, city)), None),
                (None, None) => (part.clone(), None),
            },
            Part::Province => match (filter.county.take(), &filter.prefecture) {
                (Some(county), _) => (Part::Counties(vec![county]), None),
                (None, Some(city)) => (Part::Prefectures(vec![city.clone()]), None),
                (None, None) => (part.clone(), None),
            },
            Part::Operator(_) | Part::Orders(_) => (part.clone(), None),
        };
        if matches!(keys, Part::Prefectures(_)) {
            filter.prefecture = None;
        }
        Walk { keys, scope, filter }
    }

    /// The keys as a table `own` of one column, `key`. One alone is a table that the planner does not look into.
    pub(super) fn keys(&self, query: &mut Query) {
        match &self.keys {
            Part::Operator(id) => query.push("(SELECT ").push_bind(*id).push(" OFFSET 0)"),
            Part::Orders(ids) => query.push("UNNEST(").push_bind(ids.clone()).push(")"),
            Part::Counties(codes) | Part::Prefectures(codes) => match codes.as_slice() {
                [code] => query.push("(SELECT ").push_bind(code.clone()).push("::text OFFSET 0)"),
                _ => query.push("UNNEST(").push_bind(codes.clone()).push(")"),
            },
            Part::Province => query.push("(SELECT 1)"),
        };
        query.push(" AS own (key)");
    }

    /// Ids and times of what stands at `node` under `own`, behind a row and in the order of the index, so many at most.
    ///
    /// The node is a range and part of the order, though it is one: else the planner, which guesses how many rows a node
    /// has, searches for a node without any in the order of time, through everything.
    pub(super) fn rows(
        &self,
        query: &mut Query,
        order: Order,
        after: Option<(OffsetDateTime, Uuid)>,
        most: i64,
    ) {
        self.seen(query);
        let (beyond, until, end, direction) = match order {
            Order::Newest => ("<", ">=", NEWEST, "DESC"),
            Order::Oldest | Order::Deadline => (">", "<=", OLDEST, "ASC"),
        };
        query.push(format!(" AND stage {until} node.stage AND (stage, last_at, id) {beyond} (node.stage, "));
        match after {
            Some((at, id)) => query.push_bind(at).push(", ").push_bind(id),
            None => query.push(end),
        };
        query
            .push(format!(") ORDER BY stage {direction}, last_at {direction}, id {direction} LIMIT {most})"));
    }

    /// What stands at `node` under `own`, so many at most; of a node it reads no more.
    ///
    /// The node is a range and part of the order, as in [`Walk::rows`], and how many are wanted is nothing that the planner
    /// can know: else it thinks that a place has few and gathers all that a place has.
    pub(super) fn node(&self, query: &mut Query, most: i64) {
        self.seen(query);
        query.push(format!(
            " AND stage >= node.stage AND stage <= node.stage ORDER BY stage, last_at, id LIMIT (SELECT {most}))"
        ));
    }

    /// Ids and times of what is under `own`, of what the caller may see and asks for.
    fn seen(&self, query: &mut Query) {
        query.push("(SELECT last_at, id FROM applications WHERE ").push(match self.keys {
            Part::Operator(_) => "operator_id = own.key",
            Part::Counties(_) => "county = own.key AND submission_version > 0",
            Part::Prefectures(_) => "prefecture = own.key AND submission_version > 0",
            Part::Orders(_) => "work_order_id = own.key",
            Part::Province => "submission_version > 0",
        });
        if let Some(part) = &self.scope {
            scope(query, std::slice::from_ref(part));
        }
        conditions(query, &self.filter, Way::Walked);
    }

    /// Whether the statement is one of few and has one good plan, so that connections keep it.
    pub(super) fn kept(&self) -> bool {
        self.filter.round.is_none() && !self.filter.picks()
    }
}

/// Before the first row of a list with the newest first.
const NEWEST: &str = "'infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid";
/// Before the first row of a list with the oldest first.
const OLDEST: &str = "'-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid";

/// Nodes as a table `node` of one column, `stage`. They are words of ours and stand in the text, so that a kept plan knows
/// how many there are.
pub(super) fn nodes(query: &mut Query, nodes: &[&'static str]) {
    query.push(format!("UNNEST('{{{}}}'::text[]) AS node (stage)", nodes.join(",")));
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
pub(super) fn conditions(query: &mut Query, filter: &Filter, way: Way) {
    if let Some(ids) = &filter.ids {
        query.push(" AND id = ANY(").push_bind(ids.clone()).push(")");
    }
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
    match &filter.own {
        Some(Own::Open(voices)) => can_act(query.push(" AND "), voices),
        Some(Own::Done(person, voices)) => {
            query
                .push(" AND id IN (SELECT application_id FROM deciders WHERE person_id = ")
                .push_bind(*person);
            query.push(" UNION SELECT application_id FROM opinions WHERE signed AND voice = ANY(");
            query.push_bind(voices.clone()).push("))");
            // Whoever has a voice may have to speak again; counties and cities are done with what they passed on.
            if !voices.is_empty() {
                query.push(" AND NOT (stage IN ('ExpertReview', 'ProvincialReview') AND ");
                can_act(query, voices);
                query.push(")");
            }
        }
        Some(Own::ThisMonth(person)) => {
            query
                .push(" AND id IN (SELECT application_id FROM decisions WHERE actor_id = ")
                .push_bind(*person);
            query.push(" AND decided_at >= date_trunc('month', now(), 'Asia/Shanghai'))");
        }
        None => {}
    }
    if let Some(struck) = &filter.struck {
        query.push(" AND struck = ANY(").push_bind(struck.clone()).push(")");
    }
    if filter.overdue {
        query.push(" AND deadline_at <= now()");
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

/// Whether one of the voices can still act at the node.
fn can_act(query: &mut Query, voices: &[String]) {
    query.push("COALESCE(awaited && ").push_bind(voices.to_vec()).push(", true)");
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
