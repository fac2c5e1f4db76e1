//! The draw of a sample that anyone can repeat.
//!
//! Population: the members by ascending id, each with the hash of its standing submission. Its hash is published with
//! the seed. A member's rank is SHA-256 over (seed, population hash, member id); the smallest ranks are drawn. A forced
//! member is in the sample besides. Source: T20, T24; a draw that anyone can repeat from its seed and population hash.

use super::{
    canonical::{Canonical, Hash},
    ids::ApplicationId,
};

/// One of those who may be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The member.
    pub id: ApplicationId,
    /// Hash of the submission that stands.
    pub submission_hash: String,
    /// In the sample whatever is drawn. Source: T23.
    pub forced: bool,
}

/// A candidate with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// The member.
    pub id: ApplicationId,
    /// SHA-256 over seed, population hash and id.
    pub rank: Hash,
    /// Whether it is in the sample.
    pub chosen: bool,
    /// Whether it would be in the sample whatever is drawn.
    pub forced: bool,
}

/// A draw, complete enough to be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// Random bytes, published.
    pub seed: Hash,
    /// Hash of the population.
    pub population_hash: Hash,
    /// How many were drawn by rank.
    pub size: usize,
    /// Every candidate by ascending rank.
    pub ranking: Vec<Ranked>,
}

impl Draw {
    /// The members in the sample, by ascending id.
    pub fn chosen(&self) -> Vec<ApplicationId> {
        let mut ids: Vec<_> =
            self.ranking.iter().filter(|ranked| ranked.chosen).map(|ranked| ranked.id).collect();
        ids.sort_unstable();
        ids
    }
}

/// SHA-256 over the candidates by ascending id with their submission hashes. Also the membership hash of a launch (T14).
pub fn population_hash(candidates: &[Candidate]) -> Hash {
    let mut sorted: Vec<_> = candidates.iter().collect();
    sorted.sort_unstable_by_key(|candidate| candidate.id);
    sorted
        .into_iter()
        .fold(Canonical::new("yuchong.reviews.population.v1"), |record, candidate| {
            record.bytes(candidate.id.0.as_bytes()).text(&candidate.submission_hash)
        })
        .hash()
}

/// How many of a population are drawn: the rate in thousandths, rounded up.
pub fn sample_size(population: usize, permille: u32) -> usize {
    let permille = usize::try_from(permille).unwrap_or(1000).min(1000);
    (population * permille).div_ceil(1000)
}

/// Draws.
pub fn draw(candidates: &[Candidate], permille: u32, seed: Hash) -> Draw {
    let population_hash = population_hash(candidates);
    let size = sample_size(candidates.len(), permille);
    let mut ranking: Vec<_> = candidates
        .iter()
        .map(|candidate| Ranked {
            id: candidate.id,
            rank: rank(&seed, &population_hash, candidate.id),
            chosen: candidate.forced,
            forced: candidate.forced,
        })
        .collect();
    ranking.sort_unstable_by_key(|ranked| (ranked.rank, ranked.id));
    for ranked in ranking.iter_mut().take(size) {
        ranked.chosen = true;
    }
    Draw { seed, population_hash, size, ranking }
}

/// A member's rank.
pub fn rank(seed: &Hash, population_hash: &Hash, id: ApplicationId) -> Hash {
    Canonical::new("yuchong.reviews.rank.v1").bytes(seed).bytes(population_hash).bytes(id.0.as_bytes()).hash()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn candidates(count: u128) -> Vec<Candidate> {
        (1..=count)
            .map(|n| Candidate {
                id: ApplicationId(Uuid::from_u128(n)),
                submission_hash: format!("{n:064x}"),
                forced: false,
            })
            .collect()
    }

    #[test]
    fn the_size_is_rounded_up_and_never_exceeds_the_population() {
        assert_eq!(sample_size(0, 200), 0);
        assert_eq!(sample_size(1, 1), 1);
        assert_eq!(sample_size(6, 200), 2);
        assert_eq!(sample_size(10, 200), 2);
        assert_eq!(sample_size(7, 1000), 7);
    }

    #[test]
    fn the_same_seed_draws_the_same_whatever_order_the_members_come_in() {
        let mut members = candidates(30);
        let one = draw(&members, 200, [7; 32]);
        members.reverse();
        assert_eq!(one, draw(&members, 200, [7; 32]));
        assert_eq!(one.chosen().len(), 6);
        assert_ne!(one.chosen(), draw(&members, 200, [8; 32]).chosen());
    }

    #[test]
    fn another_submission_is_another_population() {
        let mut members = candidates(3);
        let before = population_hash(&members);
        members[1].submission_hash = "00".into();
        assert_ne!(before, population_hash(&members));
    }

    #[test]
    fn a_forced_member_comes_besides_those_drawn() {
        let mut members = candidates(20);
        let plain = draw(&members, 100, [1; 32]);
        let left_out = plain.ranking.last().map(|ranked| ranked.id).expect("twenty members");
        members.iter_mut().filter(|member| member.id == left_out).for_each(|member| member.forced = true);
        let forced = draw(&members, 100, [1; 32]);
        assert_eq!(forced.chosen().len(), plain.chosen().len() + 1);
        assert!(forced.chosen().contains(&left_out));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_drawn_has_the_size_and_holds_every_forced_member(
            count in 0u128..60, permille in 1u32..=1000, seed: [u8; 32], forced in 0usize..60,
        ) {
            let mut members = candidates(count);
            members.iter_mut().take(forced).for_each(|member| member.forced = true);
            let drawn = draw(&members, permille, seed);
            let by_rank = drawn.ranking.iter().take(drawn.size).all(|ranked| ranked.chosen);
            let extra = drawn.ranking.iter().skip(drawn.size).all(|ranked| ranked.chosen == ranked.forced);
            proptest::prop_assert!(by_rank && extra);
            proptest::prop_assert_eq!(drawn.size, sample_size(members.len(), permille));
            proptest::prop_assert!(drawn.ranking.windows(2).all(|pair| pair[0].rank <= pair[1].rank));
        }
    }
}
