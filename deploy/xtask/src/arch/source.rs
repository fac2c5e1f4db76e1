//! Rust text without what is not code: comments, strings and test modules become blanks, lines stay where they are.
//!
//! Owns: that clearing and finding paths in what is left. Not: judging; and it is no parser – it knows just enough.

/// Blanks comments, string and character literals; every line keeps its number.
pub fn code(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let end = match (letter, letters.get(at + 1).copied()) {
            ('/', Some('/')) => end_of_line(&letters, at),
            ('/', Some('*')) => end_of_comment(&letters, at),
            ('"', _) => end_of_string(&letters, at),
            ('r', Some('"' | '#')) if !joined(&letters, at) => end_of_raw(&letters, at).unwrap_or(at),
            ('\'', _) => end_of_character(&letters, at),
            _ => at,
        };
        if end > at {
            out.extend(letters[at..end].iter().map(|letter| if *letter == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(letter);
            at += 1;
        }
    }
    out
}

/// Blanks every module behind `#[cfg(test)]` in cleared code.
pub fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let body = &out[start..];
        let end = match (body.find('{'), body.find(';')) {
            (Some(brace), Some(semicolon)) if semicolon < brace => semicolon + 1,
            (Some(brace), _) => closing(body, brace),
            (None, Some(semicolon)) => semicolon + 1,
            (None, None) => body.len(),
        };
        let blank: String =
            body[..end].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..start + end, &blank);
    }
    out
}

/// One place where a path starts with a name: `name::…`, with what follows in a group when it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Line from 1 on.
    pub line: usize,
    /// The segments after the first name: one for a plain path, several for `{a::x, b}`.
    pub next: Vec<String>,
}

/// Finds every path in cleared code that begins with `name`, e.g. `crate` or `sqlx`.
pub fn mentions(code: &str, name: &str) -> Vec<Mention> {
    let pattern = format!("{name}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&pattern) {
        let before = code[..at].chars().next_back();
        let joined = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':');
        // `::name` is a path from the root of all crates; anything else before it makes it another name.
        if joined && !code[..at].trim_end_matches(':').ends_with([' ', '\n', '(', '<', '&', '{', ',']) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + pattern.len()..];
        let next = if rest.trim_start().starts_with('{') { group(rest) } else { vec![identifier(rest)] };
        found.push(Mention { line, next });
    }
    found
}

/// The first segments of a group `{a::x, b, c::{d, e}}`.
fn group(rest: &str) -> Vec<String> {
    let start = rest.find('{').unwrap_or(0);
    let inside = &rest[start + 1..closing(rest, start).saturating_sub(1).max(start + 1)];
    let mut depth = 0_usize;
    let mut entries = vec![String::new()];
    for letter in inside.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                entries.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(entry) = entries.last_mut() {
            entry.push(letter);
        }
    }
    entries.iter().map(|entry| identifier(entry.trim())).filter(|entry| !entry.is_empty()).collect()
}

fn identifier(text: &str) -> String {
    text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The place behind the brace that closes the one at `open`.
fn closing(text: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn joined(letters: &[char], at: usize) -> bool {
    at > 0 && letters.get(at - 1).is_some_and(|letter| letter.is_alphanumeric() || *letter == '_')
}

fn end_of_line(letters: &[char], at: usize) -> usize {
    (at..letters.len()).find(|place| letters[*place] == '\n').unwrap_or(letters.len())
}

fn end_of_comment(letters: &[char], at: usize) -> usize {
    (at + 2..letters.len())
        .find(|place| letters[*place] == '*' && letters.get(place + 1) == Some(&'/'))
        .map_or(letters.len(), |place| place + 2)
}

fn end_of_string(letters: &[char], at: usize) -> usize {
    let mut place = at + 1;
    while place < letters.len() {
        match letters[place] {
            '\\' => place += 2,
            '"' => return place + 1,
            _ => place += 1,
        }
    }
    letters.len()
}

/// `r"…"` and `r#"…"#`; nothing when it is neither (a raw identifier).
fn end_of_raw(letters: &[char], at: usize) -> Option<usize> {
    let marks = letters[at + 1..].iter().take_while(|letter| **letter == '#').count();
    let open = at + 1 + marks;
    if letters.get(open) != Some(&'"') {
        return None;
    }
    (open + 1..letters.len())
        .find(|place| {
            let behind = letters.get(place + 1..place + 1 + marks);
            letters[*place] == '"' && behind.is_some_and(|marks| marks.iter().all(|mark| *mark == '#'))
        })
        .map(|place| place + 1 + marks)
}

/// A character literal; a lifetime is none and stays.
fn end_of_character(letters: &[char], at: usize) -> usize {
    match (letters.get(at + 1), letters.get(at + 2)) {
        (Some('\\'), _) => {
            (at + 3..letters.len()).find(|place| letters[*place] == '\'').map_or(at, |place| place + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_test_modules_are_no_code() {
        let text = "// use crate::rpc;\nlet a = \"crate::rpc \\\" \"; /* crate::rpc */ let c = '\"';\nuse crate::app;\n\
                    #[cfg(test)]\nmod tests {\n fn x() { crate::rpc::y() }\n}\nlet r = r#\"crate::rpc\"#; fn f<'a>(x: &'a str) {}\n";
        let code = without_tests(&code(text));
        assert_eq!(mentions(&code, "crate"), [Mention { line: 3, next: vec!["app".into()] }]);
        assert_eq!(code.matches('\n').count(), text.matches('\n').count());
        assert!(code.contains("fn f<'a>"));
    }

    #[test]
    fn groups_and_root_paths_are_found_and_longer_names_are_not() {
        let code = "use crate::{app::{self, x}, store,\n rpc::convert as c};\nfn f(a: ::sqlx::Error, b: my_sqlx::X, c: a::sqlx::X) {}";
        assert_eq!(mentions(code, "crate")[0].next, ["app", "store", "rpc"]);
        assert_eq!(mentions(code, "sqlx").len(), 1);
    }
}
