//! Turns for what is dear, with the words for who gets none: workbooks and packages have a thread each, files on their way a
//! place on the disk.

use chassis::turns::{Crowded, Turn};

use crate::Refused;

/// See the module.
pub struct Turns {
    what: &'static str,
    turns: chassis::turns::Turns,
}

impl Turns {
    /// So many at a time, so many of one person; `what` says in a refusal what is being done.
    pub fn new(what: &'static str, all_max: usize, own_max: usize) -> Turns {
        Turns { what, turns: chassis::turns::Turns::new(all_max, own_max) }
    }

    /// One more for this person.
    ///
    /// # Errors
    /// The person has as many as one may have; as many as can be served are being served.
    pub fn turn(&self, person: &str) -> Result<Turn, Refused> {
        self.turns.turn(person).map_err(|crowded| match crowded {
            Crowded::Own(most) => Refused::crowded_by_oneself(self.what, most),
            Crowded::All => Refused::crowded(self.what),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_gets_no_turn_reads_why() {
        let text = |turn: Result<Turn, Refused>| turn.err().map(|refused| refused.text).unwrap_or_default();
        let turns = Turns::new("导出或打包", 2, 1);
        let _own = (turns.turn("li").expect("a turn"), turns.turn("wang").expect("a turn"));
        assert!(text(turns.turn("li")).contains("您已有 1 个导出或打包"));
        assert!(text(turns.turn("zhao")).contains("同时导出或打包的人较多"));
    }
}
