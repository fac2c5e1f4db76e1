//! Places of calls: how many may be served at the same time, and of whom.
//!
//! Calls of the platform's own services share one number of places. Callers from outside have others: each operator a few,
//! strangers few in all and for a short time, so that nobody takes everybody's. Not: who may call what (`rpc`).
//! Source: decision record 41.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::to_bytes;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, timeout},
};
use tonic::{Status, body::Body};

use crate::{
    Failure,
    identity::Caller,
    turns::{Crowded, Turn, Turns},
};

/// Handlers that may run at the same time; more are refused at once, so that what was accepted is finished (R10).
/// Twice the largest pool with some waiting for each connection: beyond that a request would only wait out its deadline.
const IN_FLIGHT_MAX: usize = 512;

/// When somebody without a place may come again.
const AGAIN: Duration = Duration::from_secs(1);

/// What callers from outside may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Calls at a time of all who have shown a token.
    all: usize,
    /// Of those, calls of one operator: a stream of each kind for some systems of its own.
    own: usize,
    /// Requests of what anyone may call that are on their way at a time: they cost little until they are whole.
    arriving: usize,
    /// Bytes of such a request.
    stranger_bytes: usize,
    /// Calls of what anyone may call that are served at a time: half of the smallest pool.
    strangers: usize,
    /// How long such a call may take, its way here too: a wait for a connection (2 s) and two short statements.
    stranger_time: Duration,
    /// How long a caller may say nothing within a call.
    silence: Duration,
}

/// Source: decision record 41.
const OUTSIDE: Bounds = Bounds {
    all: IN_FLIGHT_MAX,
    own: 16,
    arriving: 256,
    stranger_bytes: 64 << 10,
    strangers: 8,
    stranger_time: Duration::from_secs(5),
    silence: Duration::from_secs(60),
};

/// The places of one port.
#[derive(Clone)]
pub(crate) enum Places {
    /// Of the platform's own services.
    Inside(Arc<Semaphore>),
    /// Of callers from outside.
    Outside(Outside),
}

/// See [`Places`].
#[derive(Clone)]
pub(crate) struct Outside {
    bounds: Bounds,
    known: Turns,
    arriving: Turns,
    strangers: Turns,
}

/// One place; the next call may begin when it is dropped.
pub(crate) enum Place {
    /// Until the handler has ended.
    Inside(OwnedSemaphorePermit),
    /// Of one whose token was shown: until the answer has gone, a stream of answers too.
    Known {
        /// See [`Turns`].
        turn: Turn,
        /// See [`Bounds`].
        silence: Duration,
    },
    /// On its way; once the request is whole, one of those that are served, until the answer has gone.
    Stranger {
        /// See [`Turns`].
        arriving: Turn,
        /// Of those that are served.
        served: Turns,
        /// See [`Bounds`].
        bounds: Bounds,
    },
}

impl Places {
    pub(crate) fn inside() -> Self {
        Places::Inside(Arc::new(Semaphore::new(IN_FLIGHT_MAX)))
    }

    pub(crate) fn outside() -> Self {
        Places::within(OUTSIDE)
    }

    fn within(bounds: Bounds) -> Self {
        let known = Turns::new(bounds.all, bounds.own);
        let arriving = Turns::new(bounds.arriving, bounds.arriving);
        let strangers = Turns::new(bounds.strangers, bounds.strangers);
        Places::Outside(Outside { bounds, known, arriving, strangers })
    }

    /// A place for a call; `whose` is none where anyone may call.
    ///
    /// # Errors
    /// `too_many_requests`, `too_many_calls`: RESOURCE_EXHAUSTED, with the time to wait.
    pub(crate) fn take(&self, whose: Option<&Caller>) -> Result<Place, Failure> {
        match self {
            Places::Inside(places) => {
                places.clone().try_acquire_owned().map(Place::Inside).map_err(|_| crowded())
            }
            Places::Outside(outside) => outside.take(whose),
        }
    }
}

impl Outside {
    fn take(&self, whose: Option<&Caller>) -> Result<Place, Failure> {
        let Some(caller) = whose else {
            let arriving = self.arriving.turn("").map_err(|_| turned_away("stranger", crowded()))?;
            return Ok(Place::Stranger { arriving, served: self.strangers.clone(), bounds: self.bounds });
        };
        let whose = caller.operator_id.map_or_else(|| caller.principal(), |id| id.to_string());
        let turn = self.known.turn(&whose).map_err(|no| match no {
            Crowded::Own(most) => turned_away("operator", crowded_by_oneself(most)),
            Crowded::All => turned_away("all", crowded()),
        })?;
        Ok(Place::Known { turn, silence: self.bounds.silence })
    }
}

impl Place {
    /// Runs the handler on the request; the answer of a caller from outside keeps the place until it has gone.
    pub(crate) async fn hold<F>(
        self,
        request: http::Request<Body>,
        handler: impl FnOnce(http::Request<Body>) -> F,
    ) -> Result<http::Response<Body>, Infallible>
    where
        F: Future<Output = Result<http::Response<Body>, Infallible>>,
    {
        match self {
            Place::Inside(_permit) => handler(request).await,
            Place::Known { turn, silence } => {
                let attended = request.map(|body| Body::new(Attended::new(body, silence)));
                Ok(held(handler(attended).await?, turn))
            }
            Place::Stranger { arriving, served, bounds } => {
                let time = bounds.stranger_time;
                let answer = async {
                    let request = whole(request, bounds.stranger_bytes).await?;
                    let turn = served.turn("").map_err(|_| turned_away("stranger", crowded()))?;
                    drop(arriving);
                    let Ok(answer) = handler(request).await;
                    Ok(held(answer, turn))
                };
                let answer = timeout(time, answer).await.unwrap_or_else(|_| Err(too_slow(time)));
                Ok(answer.unwrap_or_else(|failure: Failure| Status::from(failure).into_http()))
            }
        }
    }
}

/// A request with its body in memory, so that it waits for nobody while it is served.
async fn whole(request: http::Request<Body>, most: usize) -> Result<http::Request<Body>, Failure> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(axum::body::Body::new(body), most).await.map_err(|_| too_large(most))?;
    Ok(http::Request::from_parts(parts, Body::new(axum::body::Body::from(body))))
}

fn held(answer: http::Response<Body>, turn: Turn) -> http::Response<Body> {
    answer.map(|body| Body::new(Held { body, _turn: turn }))
}

/// An answer that keeps a place until it has been sent, or nobody reads it any more.
struct Held {
    body: Body,
    _turn: Turn,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request that fails when its caller says nothing for too long.
struct Attended {
    body: Body,
    silence: Duration,
    alarm: Pin<Box<Sleep>>,
    /// Whether something is waited for, and the alarm is set.
    waiting: bool,
}

impl Attended {
    fn new(body: Body, silence: Duration) -> Self {
        Self { body, silence, alarm: Box::pin(tokio::time::sleep(silence)), waiting: false }
    }
}

impl http_body::Body for Attended {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waiting = false;
            return Poll::Ready(frame);
        }
        if !this.waiting {
            // Not before: while the handler is busy nobody listens, and the caller is not to blame.
            this.alarm.as_mut().reset(Instant::now() + this.silence);
            this.waiting = true;
        }
        this.alarm.as_mut().poll(context).map(|()| Some(Err(silent(this.silence).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn turned_away(whose: &'static str, failure: Failure) -> Failure {
    metrics::counter!("rpc_turned_away_total", "whose" => whose).increment(1);
    failure
}

fn crowded() -> Failure {
    Failure::busy("too_many_requests", "当前访问较多，请稍后重试").after(AGAIN)
}

fn crowded_by_oneself(most: usize) -> Failure {
    let text = format!("贵方系统已有 {most} 个调用同时进行，请等其中一个结束后再发起");
    Failure::busy("too_many_calls", text).after(AGAIN)
}

fn too_large(most: usize) -> Failure {
    Failure::invalid(
        "too_large",
        "",
        format!("请求超过 {} KiB 或未完整送达，请核对内容后重新发送", most >> 10),
    )
}

fn too_slow(time: Duration) -> Failure {
    Failure::unavailable("too_slow", format!("请求未在 {} 秒内完成，请稍后重试", time.as_secs()))
}

fn silent(silence: Duration) -> Failure {
    let text =
        format!("{} 秒内没有收到数据，通道已关闭，有数据时请重新建立，未回执的批次请重发", silence.as_secs());
    Failure::unavailable("stream_silent", text)
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, poll_fn, ready};

    use futures::{FutureExt as _, StreamExt as _, stream};
    use tonic::Code;
    use tonic_types::StatusExt as _;
    use uuid::Uuid;

    use http_body::Body as _;

    use super::*;
    use crate::error::Refusal;

    fn places() -> Places {
        let bounds = Bounds { all: 3, own: 2, arriving: 2, strangers: 1, ..OUTSIDE };
        Places::within(Bounds {
            stranger_time: Duration::from_millis(10),
            silence: Duration::from_millis(10),
            ..bounds
        })
    }

    fn operator(number: u128) -> Caller {
        Caller { operator_id: Some(Uuid::from_u128(number)), ..Caller::anonymous() }
    }

    fn refused(place: Result<Place, Failure>) -> String {
        let status = Status::from(place.err().expect("no place"));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.get_error_details().retry_info().is_some(), "when to come again");
        Refusal::read(&status).expect("details").reason
    }

    /// A body of these pieces, after which nothing comes any more and no end either.
    fn endless(pieces: Vec<&'static str>) -> Body {
        let pieces = stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)).chain(stream::pending());
        Body::new(axum::body::Body::from_stream(pieces))
    }

    fn asked(body: Body) -> http::Request<Body> {
        http::Request::new(body)
    }

    /// A handler that answers at once.
    fn answers(
        body: impl Fn() -> Body,
    ) -> impl FnOnce(http::Request<Body>) -> Ready<Result<http::Response<Body>, Infallible>> {
        move |_| ready(Ok(http::Response::new(body())))
    }

    async fn next(body: &mut Body) -> Option<Result<Frame<Bytes>, Status>> {
        poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
    }

    #[test]
    fn one_operator_cannot_take_all_places_and_strangers_take_none_of_them() {
        let places = places();
        let (one, two) = (operator(1), operator(2));
        let own = [places.take(Some(&one)).expect("a place"), places.take(Some(&one)).expect("a place")];
        assert_eq!(refused(places.take(Some(&one))), "too_many_calls");
        let strangers = [places.take(None).expect("a place"), places.take(None).expect("a place")];
        assert_eq!(refused(places.take(None)), "too_many_requests");
        let other = places.take(Some(&two)).expect("a place");
        assert_eq!(refused(places.take(Some(&two))), "too_many_requests");
        drop((own, strangers));
        assert!(places.take(Some(&one)).is_ok() && places.take(None).is_ok());
        drop(other);
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_answer_has_gone_and_not_before() {
        let places = Places::within(Bounds { own: 1, ..OUTSIDE });
        let one = operator(1);
        let place = places.take(Some(&one)).expect("a place");
        let answer = place.hold(asked(Body::empty()), answers(|| endless(vec!["a receipt"]))).await;
        let mut body = answer.expect("an answer").into_body();
        assert!(next(&mut body).await.expect("a piece").is_ok());
        assert_eq!(refused(places.take(Some(&one))), "too_many_calls");
        drop(body);
        assert!(places.take(Some(&one)).is_ok());
    }

    #[tokio::test]
    async fn a_stranger_is_served_within_a_short_time_or_not_at_all() {
        let places = places();
        let place = places.take(None).expect("a place");
        let answer = place.hold(asked(Body::empty()), |_| std::future::pending()).await.expect("an answer");
        let status = Status::from_header_map(answer.headers()).expect("a status");
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "too_slow"));
        let place = places.take(None).expect("a place");
        let answer = place.hold(asked(Body::empty()), answers(Body::empty)).await.expect("an answer");
        assert!(Status::from_header_map(answer.headers()).is_none(), "the place is free again");
    }

    #[tokio::test]
    async fn a_request_on_its_way_takes_no_place_from_strangers_that_are_served() {
        let places = places();
        let slow = places.take(None).expect("a place");
        let slow = slow.hold(asked(endless(vec!["half"])), |_| async { unreachable!("it is not whole") });
        let place = places.take(None).expect("a place");
        let (slow, answer) =
            tokio::join!(slow, place.hold(asked(Body::empty()), answers(|| endless(vec!["a token"]))));
        let status = Status::from_header_map(slow.expect("an answer").headers()).expect("a status");
        assert_eq!(status.message(), "too_slow");
        let answer = answer.expect("an answer");
        let place = places.take(None).expect("a place");
        let second = place.hold(asked(Body::empty()), |_| async { unreachable!("one is served") }).await;
        let status = Status::from_header_map(second.expect("an answer").headers()).expect("a status");
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "too_many_requests"));
        drop(answer);
    }

    #[tokio::test]
    async fn a_stranger_sends_no_more_than_a_request_holds() {
        let places = Places::within(Bounds { stranger_bytes: 8, ..OUTSIDE });
        let place = places.take(None).expect("a place");
        let large = asked(endless(vec!["a request", " of more"]));
        let answer = place.hold(large, |_| async { unreachable!("it is too large") }).await;
        let status = Status::from_header_map(answer.expect("an answer").headers()).expect("a status");
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "too_large"));
    }

    #[tokio::test]
    async fn a_caller_that_falls_silent_is_told_so() {
        let place = places().take(Some(&operator(1))).expect("a place");
        let handler = async |request: http::Request<Body>| {
            let mut body = request.into_body();
            assert!(next(&mut body).await.expect("a piece").is_ok());
            let status = next(&mut body).await.expect("no end").expect_err("silence");
            assert_eq!((status.code(), status.message()), (Code::Unavailable, "stream_silent"));
            Ok(http::Response::new(Body::empty()))
        };
        place.hold(asked(endless(vec!["a batch"])), handler).await.expect("an answer");
    }

    #[tokio::test]
    async fn callers_from_inside_may_be_silent() {
        let place = Places::inside().take(None).expect("a place");
        let handler = async |request: http::Request<Body>| {
            assert!(next(&mut request.into_body()).now_or_never().is_none());
            Ok(http::Response::new(Body::empty()))
        };
        let answer = place.hold(asked(endless(Vec::new())), handler).await;
        assert!(answer.expect("an answer").into_body().is_end_stream());
    }
}
