//! What an operator means to say to a return, kept with the form until it is handed in.
//!
//! No part of a submission: what is said is what the submission itself carries, and only that is hashed (see `app/submit.rs`).

use std::collections::BTreeMap;

use super::application::Returned;

/// Texts by item, and the return that they are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// The submission that was returned; 0 where nothing was said yet.
    pub submission: i32,
    /// Texts by item.
    pub texts: BTreeMap<String, String>,
}

impl Answers {
    /// What of these texts is about this return; a blank one, and one to an item that it does not name, is nothing.
    pub fn drafted(returned: &Returned, texts: BTreeMap<String, String>) -> Answers {
        let texts = texts
            .into_iter()
            .filter(|(item, text)| returned.items.contains(item) && !text.trim().is_empty())
            .collect();
        Answers { submission: returned.submission, texts }
    }

    /// Items and texts, where they are about this return: nothing once it is answered, or after another one. They come back
    /// with the return where the submission that answered it is withdrawn (T03, T10).
    pub fn said_to<'a>(&'a self, returned: &'a Returned) -> impl Iterator<Item = (&'a str, &'a str)> {
        let current = self.submission == returned.submission;
        let said = self.texts.iter().filter(move |(item, _)| current && returned.items.contains(item));
        said.map(|(item, text)| (item.as_str(), text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returned(submission: i32) -> Returned {
        Returned { items: vec!["manager".into(), "M1".into()], open_all: false, submission }
    }

    #[test]
    fn answers_are_about_one_return_and_about_what_it_named() {
        let texts = [("manager", "仍由本人负责"), ("M1", " "), ("address", "未变")];
        let texts = texts.into_iter().map(|(item, text)| (item.to_owned(), text.to_owned())).collect();
        let answers = Answers::drafted(&returned(2), texts);
        let said = |returned: &Returned| answers.said_to(returned).count();
        assert_eq!(answers.said_to(&returned(2)).collect::<Vec<_>>(), [("manager", "仍由本人负责")]);
        assert_eq!((said(&returned(3)), said(&Returned::default())), (0, 0));
    }
}
