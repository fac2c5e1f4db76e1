//! Live streams that are open: a few of one person, so many of this process, on connections that no page uses.
//!
//! A server lets one connection have so many calls at a time, and a stream is a call that lasts: on the connection of the
//! pages a hundred open windows would make every page wait. Source: decision records 36 and 43.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::rpc::STREAMS_MAX;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Of one person, in however many sessions: windows that are in sight at a time. The next one ends the oldest, whose page follows again when
/// somebody does something there.
const OWN_MAX: usize = 4;
/// Of one connection, so that one that is ending never keeps another waiting.
const CONNECTION_MAX: usize = STREAMS_MAX as usize - 10;

/// See the module.
#[derive(Clone)]
pub struct Streams(Arc<Shared>);

struct Shared {
    most: usize,
    connections: Vec<Channel>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// In the order in which they were opened.
    streams: Vec<One>,
    opened: u64,
}

struct One {
    number: u64,
    person: String,
    connection: usize,
    ended: CancellationToken,
}

/// The place of one stream; the next may have it when it is dropped.
pub struct Place {
    /// Where it asks.
    pub channel: Channel,
    /// Raised when the person has opened too many after it.
    pub ended: CancellationToken,
    number: u64,
    streams: Streams,
}

impl Streams {
    /// As many as `most` at a time, on connections that `connect` makes; nobody has to be there.
    pub fn new(most: usize, connect: impl Fn() -> Channel) -> Streams {
        let connections = (0..most.div_ceil(CONNECTION_MAX)).map(|_| connect()).collect();
        Streams(Arc::new(Shared { most, connections, open: Mutex::default() }))
    }

    /// A place for one more of this person; the person's oldest ends where there are as many as one may have. `None` where the
    /// process has as many as it may have.
    pub fn open(&self, person: &str) -> Option<Place> {
        let mut open = self.lock();
        if open.streams.len() >= self.0.most {
            return None;
        }
        let taken =
            |connection: usize| open.streams.iter().filter(|one| one.connection == connection).count();
        let connection = (0..self.0.connections.len()).find(|number| taken(*number) < CONNECTION_MAX)?;
        let channel = self.0.connections.get(connection)?.clone();
        let own = open.streams.iter().filter(|one| one.person == person && !one.ended.is_cancelled());
        if own.clone().count() >= OWN_MAX {
            own.take(1).for_each(|oldest| oldest.ended.cancel());
        }
        open.opened += 1;
        let (number, ended) = (open.opened, CancellationToken::new());
        open.streams.push(One { number, person: person.to_owned(), connection, ended: ended.clone() });
        Some(Place { channel, ended, number, streams: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let number = self.number;
        self.streams.lock().streams.retain(|one| one.number != number);
    }
}

#[cfg(test)]
mod tests {
    use tonic::transport::Endpoint;

    use super::*;

    fn streams(most: usize) -> Streams {
        Streams::new(most, || Endpoint::from_static("http://127.0.0.1:9").connect_lazy())
    }

    #[tokio::test]
    async fn the_fifth_window_of_a_person_ends_its_oldest_and_nobody_elses() {
        let streams = streams(10);
        let other = streams.open("other").expect("a place");
        let own: Vec<_> = (0..5).map(|_| streams.open("li").expect("a place")).collect();
        let ended: Vec<_> = own.iter().map(|place| place.ended.is_cancelled()).collect();
        assert_eq!(ended, [true, false, false, false, false]);
        let sixth = streams.open("li").expect("a place");
        assert!(
            own[1].ended.is_cancelled() && !own[2].ended.is_cancelled(),
            "one that is ending does not count"
        );
        assert!(!other.ended.is_cancelled());
        drop((own, sixth, other));
        assert!(streams.lock().streams.is_empty());
    }

    #[tokio::test]
    async fn no_connection_is_full_and_the_process_has_only_so_many() {
        let streams = streams(150);
        let open: Vec<_> =
            (0..150).map(|person| streams.open(&format!("{person}")).expect("a place")).collect();
        for connection in 0..2 {
            let taken = streams.lock().streams.iter().filter(|one| one.connection == connection).count();
            assert_eq!(taken, [90, 60][connection]);
        }
        assert!(streams.open("late").is_none());
        drop(open);
        assert!(streams.open("late").is_some());
    }
}
