//! The portal's cookies: which there are, how they are read and written.
//!
//! Every cookie is HttpOnly, SameSite=Lax, host-only. Source: reliability 11.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::config;

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Reference of the session at accounts; ends with the browser, or earlier at accounts.
    Session,
    /// Binds the forms of somebody who has not signed in.
    Visit,
    /// What a right password bought where more is asked for: opens the first password or the second factor, nothing else.
    Ticket,
    /// What the next page says has been done.
    Notice,
    /// Set while somebody wants large letters.
    Large,
}

impl Cookie {
    fn name(self) -> &'static str {
        match self {
            Cookie::Session => "session",
            Cookie::Visit => "visit",
            Cookie::Ticket => "ticket",
            Cookie::Notice => "notice",
            Cookie::Large => "large",
        }
    }

    /// Seconds that a browser keeps it; `None`: until it is closed.
    fn seconds(self) -> Option<u32> {
        match self {
            Cookie::Session | Cookie::Visit => None,
            // accounts ends a ticket after 10 minutes.
            Cookie::Ticket => Some(600),
            // One page; a slow line may take a while to get there.
            Cookie::Notice => Some(60),
            // A year.
            Cookie::Large => Some(31_536_000),
        }
    }
}

/// Reads and writes cookies as the settings mark them.
#[derive(Debug, Clone, Copy)]
pub struct Jar {
    secure: bool,
}

impl Jar {
    /// As the settings say.
    pub fn new(settings: &config::Cookies) -> Jar {
        Jar { secure: settings.secure }
    }

    fn name(self, cookie: Cookie) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{}", cookie.name())
    }

    /// The value that the browser sent; `None` for none and for an empty one.
    pub fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<String> {
        let name = self.name(cookie);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, value)| *key == name && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    }

    /// What the page before wants said.
    pub fn notice(self, headers: &HeaderMap) -> Option<String> {
        let value = self.read(headers, Cookie::Notice)?;
        String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()
    }

    /// Leaves words for the next page.
    pub fn set_notice(self, words: &str) -> HeaderValue {
        self.set(Cookie::Notice, &URL_SAFE_NO_PAD.encode(words))
    }

    /// Sets a cookie; the value holds base64url characters only.
    pub fn set(self, cookie: Cookie, value: &str) -> HeaderValue {
        let age = cookie.seconds().map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        self.header(cookie, value, &age)
    }

    /// Ends a cookie.
    pub fn end(self, cookie: Cookie) -> HeaderValue {
        self.header(cookie, "", "; Max-Age=0")
    }

    fn header(self, cookie: Cookie, value: &str, age: &str) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(cookie));
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secure_cookie_is_bound_to_the_host_and_kept_from_scripts() {
        let jar = Jar { secure: true };
        let set = jar.set(Cookie::Session, "abc");
        assert_eq!(set.to_str().unwrap(), "__Host-session=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("session=evil; __Host-session=abc; x=y"));
        assert_eq!(jar.read(&headers, Cookie::Session).as_deref(), Some("abc"));
        assert_eq!(jar.read(&headers, Cookie::Ticket), None);
    }
}
