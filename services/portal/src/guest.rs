//! Somebody who has not signed in, or whose session does not matter for the page.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};
use chassis::connections::client_address;

use crate::{
    Answer, Portal, Refused,
    cookies::Cookie,
    csrf,
    frame::{self, Page},
};

/// A visitor without a name.
pub struct Guest {
    /// What all handlers share.
    pub portal: Arc<Portal>,
    /// Where the request comes from.
    pub address: IpAddr,
    headers: HeaderMap,
    visit: String,
    fresh: bool,
}

impl Guest {
    /// Whoever sent these headers from this address.
    pub fn of(portal: &Arc<Portal>, headers: &HeaderMap, address: IpAddr) -> Guest {
        let known = portal.jar.read(headers, Cookie::Visit);
        Guest {
            portal: portal.clone(),
            address,
            headers: headers.clone(),
            fresh: known.is_none(),
            visit: known.unwrap_or_else(csrf::secret),
        }
    }

    /// The frame of a public page.
    pub fn page(&self, title: &str) -> Page {
        Page {
            title: title.to_owned(),
            site: self.portal.config.site.clone(),
            notice: self.portal.jar.notice(&self.headers),
            form_token: csrf::token(&self.visit),
            large: self.cookie(Cookie::Large).is_some(),
            ..Page::default()
        }
    }

    /// A cookie of this browser.
    pub fn cookie(&self, cookie: Cookie) -> Option<String> {
        self.portal.jar.read(&self.headers, cookie)
    }

    /// 303 to `path`, whose page says what has been done; `cookies` are set or ended on the way.
    ///
    /// # Errors
    /// None; the type is a handler's.
    pub fn done(&self, path: &str, notice: &str, cookies: &[HeaderValue]) -> Answer {
        let mut response = frame::see_other(path);
        response.headers_mut().append(header::SET_COOKIE, self.portal.jar.set_notice(notice));
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        Ok(response)
    }

    /// The page, with the cookie that binds its forms.
    ///
    /// # Errors
    /// The template fails.
    pub fn show(&self, status: StatusCode, page: &impl askama::Template) -> Answer {
        let mut response = frame::show(status, page)?;
        if self.cookie(Cookie::Notice).is_some() {
            response.headers_mut().append(header::SET_COOKIE, self.portal.jar.end(Cookie::Notice));
        }
        if self.fresh {
            let cookie = self.portal.jar.set(Cookie::Visit, &self.visit);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

impl FromRequestParts<Arc<Portal>> for Guest {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Guest, Refused> {
        let address = client_address(parts, portal.config.server.forwarded_hops);
        Ok(Guest::of(portal, &parts.headers, address))
    }
}
