//! The badges of open pages: the stream of notifications as an EventSource, opened anew for each caller token.
//!
//! Ends after `live.minutes_max`, because each fresh token counts as use of the session, and when the person opens more than
//! a share; the script opens it again when the person does something.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    http::{StatusCode, header},
    response::{
        IntoResponse as _,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures::{Stream, stream};
use proto::notifications::{Change, WatchRequest};
use tokio::time::Instant;
use tonic::Streaming;

use super::Routes;
use crate::{Answer, Visitor, streams::Place};

/// Between two tries while notifications is away.
const PAUSE: Duration = Duration::from_secs(5);

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/live", get(follow)).route("/session", get(stay))
}

/// 继续使用: the session is used now; answers for how many seconds it lasts.
async fn stay(visitor: Visitor) -> Answer {
    // What was known a moment ago would not be asked of accounts again.
    visitor.portal.sessions.forget(visitor.session());
    let left = visitor.again().await?.lasts_secs();
    Ok(Json(serde_json::json!({ "left": left })).into_response())
}

async fn follow(visitor: Visitor) -> Answer {
    let Some(place) = visitor.portal.streams.open(&visitor.view.user_id) else {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")]).into_response());
    };
    let minutes = visitor.portal.config.live.minutes_max;
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let events = events(Following { visitor, place, until, changes: None, ended: false });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(25))).into_response())
}

struct Following {
    visitor: Visitor,
    place: Place,
    until: Instant,
    changes: Option<Streaming<Change>>,
    ended: bool,
}

fn events(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(following, |mut following| async move {
        if following.ended {
            return None;
        }
        let shutdown = following.visitor.portal.shutdown.clone();
        let event = tokio::select! {
            event = following.next() => event,
            () = shutdown.cancelled() => return None,
        };
        Some((Ok(event), following))
    })
}

impl Following {
    /// The next counts; `rest` once and then nothing when the time is over, the session has ended or follows elsewhere.
    async fn next(&mut self) -> Event {
        let (until, elsewhere) = (self.until, self.place.ended.clone());
        loop {
            let change = tokio::select! {
                change = self.change() => change,
                () = tokio::time::sleep_until(until) => Err(Ended),
                () = elsewhere.cancelled() => Err(Ended),
            };
            match change {
                Ok(Some(change)) => {
                    let left = self.visitor.lasts_secs();
                    let counts = serde_json::json!({ "tasks": change.open_tasks, "messages": change.unread_messages, "left": left });
                    return Event::default().event("counts").data(counts.to_string());
                }
                Ok(None) => self.changes = None,
                Err(Ended) => {
                    self.ended = true;
                    return Event::default().event("rest").data("{}");
                }
            }
        }
    }

    /// One change; none when the stream has to be opened anew.
    async fn change(&mut self) -> Result<Option<Change>, Ended> {
        let changes = match &mut self.changes {
            Some(changes) => changes,
            None => {
                self.visitor = match self.visitor.again().await {
                    Ok(visitor) => visitor,
                    Err(status) if status.code() == tonic::Code::Unauthenticated => return Err(Ended),
                    Err(_) => {
                        tokio::time::sleep(PAUSE).await;
                        return Ok(None);
                    }
                };
                match self.visitor.live(self.place.channel.clone()).watch(WatchRequest {}).await {
                    Ok(answer) => self.changes.insert(answer.into_inner()),
                    Err(_) => {
                        tokio::time::sleep(PAUSE).await;
                        return Ok(None);
                    }
                }
            }
        };
        // A stream that failed is opened anew like one that ended.
        Ok(changes.message().await.unwrap_or_default())
    }
}

/// There is nothing more to follow.
struct Ended;
