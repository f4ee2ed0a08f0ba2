//! Requests, and what is believed of the answers.
//!
//! Redirects are followed here, not by the HTTP library, because where they may lead is our decision: never from
//! `https` to anything weaker, never to another scheme.

use std::io;
use std::time::Duration;

use ureq::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, LOCATION, RANGE};
use ureq::{Agent, Body};

use super::{FetchOptions, Trouble};
use crate::error::MirrorProblem;

pub(super) type Response = ureq::http::Response<Body>;

/// More than any mirror needs.
const MOST_REDIRECTS: u32 = 5;

pub(super) struct Client {
    options: FetchOptions,
    connect_timeout: Duration,
}

impl Client {
    pub(super) fn new(options: FetchOptions) -> Self {
        Self { connect_timeout: options.connect_timeout, options }
    }

    /// Asks for `url`, from byte `offset` on if the file there still has that `etag`.
    pub(super) fn get(&mut self, url: &str, resume: Option<(u64, &str)>) -> Result<Response, Trouble> {
        let mut url = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.get_once(&url, resume)?;
            match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => {
                    let to = response.headers().get(LOCATION).map(|value| value.as_bytes());
                    let to = String::from_utf8_lossy(to.unwrap_or_default()).into_owned();
                    url = redirect(&url, &to)
                        .map_err(|expected| Trouble::Lasting(MirrorProblem::Redirect { to, expected }))?;
                }
                status @ (408 | 429 | 500..=599) => {
                    return Err(Trouble::Passing(MirrorProblem::Status { status }));
                }
                200 | 206 | 416 => return Ok(response),
                status => return Err(Trouble::Lasting(MirrorProblem::Status { status })),
            }
        }
        Err(Trouble::Lasting(MirrorProblem::Redirect { to: url, expected: "at most 5 redirects" }))
    }

    fn get_once(&mut self, url: &str, resume: Option<(u64, &str)>) -> Result<Response, Trouble> {
        let mut request = self.agent(url).get(url).header(ACCEPT_ENCODING, "identity");
        if let Some((offset, etag)) = resume {
            request = request.header(RANGE, format!("bytes={offset}-")).header(IF_RANGE, etag);
        }
        request.call().map_err(|error| {
            if matches!(error, ureq::Error::Timeout(_)) {
                // No network, most likely: the other mirrors get less time.
                self.connect_timeout = self.options.connect_timeout / 3;
            }
            match problem(error) {
                problem @ MirrorProblem::Unreachable(_) => Trouble::Lasting(problem),
                problem => Trouble::Passing(problem),
            }
        })
    }

    fn agent(&self, url: &str) -> Agent {
        let mut config = Agent::config_builder()
            .user_agent(concat!("fireclay-data/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(self.connect_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .timeout_per_read(Some(self.options.silence_timeout))
            .timeout_per_write(Some(self.options.silence_timeout));
        if is_this_machine(url) {
            // A proxy would look for itself.
            config = config.proxy(None);
        }
        config.build().into()
    }
}

fn is_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        (host.strip_prefix(name)).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

/// Where a redirect from `from` leads, or what it should have been.
fn redirect(from: &str, to: &str) -> Result<String, &'static str> {
    let (scheme, rest) = from.split_once("://").ok_or("an absolute address")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let target = if let Some(rest) = to.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if to.starts_with('/') {
        format!("{scheme}://{host}{to}")
    } else if to.is_empty() {
        return Err("an address");
    } else if to.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':')) {
        to.to_owned()
    } else {
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
        format!("{scheme}://{folder}/{to}")
    };
    let starts =
        |prefix: &str| (target.get(..prefix.len())).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if starts("https://") || (starts("http://") && scheme.eq_ignore_ascii_case("http")) {
        Ok(target)
    } else if scheme.eq_ignore_ascii_case("http") {
        Err("http or https")
    } else {
        Err("https")
    }
}

/// What an answer to a request for the rest of a file is.
pub(super) enum Part206 {
    /// Exactly the rest that was asked for.
    Continues,
    /// The whole file: it changed, or the server serves no parts.
    WholeFile,
    /// Something else; nothing that is here can be used.
    Mismatch,
}

pub(super) fn check_206(response: &Response, offset: u64, total: u64, etag: &str) -> Part206 {
    if response.status() == 200 {
        return Part206::WholeFile;
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let range = header(CONTENT_RANGE).and_then(parse_content_range);
    let same_file = header(ETAG).is_none_or(|found| found == etag);
    let same_total =
        range.is_some_and(|(start, size)| start == offset && size.is_none_or(|size| size == total));
    if response.status() == 206 && same_file && same_total { Part206::Continues } else { Part206::Mismatch }
}

/// First byte and total size (`None` for `*`) of `bytes FIRST-LAST/TOTAL`.
fn parse_content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        number => Some(number.parse().ok()?),
    };
    Some((first.trim().parse().ok()?, total))
}

/// The validator of this version of the file; a weak one does not promise equal bytes.
pub(super) fn strong_etag(response: &Response) -> Option<String> {
    let etag = response.headers().get(ETAG)?.to_str().ok()?;
    (etag.starts_with('"') && etag.len() < 1_000).then(|| etag.to_owned())
}

pub(super) fn content_length(response: &Response) -> Option<u64> {
    let length = response.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.trim().parse().ok()
}

pub(super) fn looks_like_html(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype", "<html", "<head", "<?xml"].iter().any(|tag| text.starts_with(tag))
}

/// Tells a server that cannot be reached from one that answers badly.
pub(super) fn problem(error: ureq::Error) -> MirrorProblem {
    let unreachable = match &error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::Timeout(_) => true,
        // Everything but a connection that was there and broke. A name that cannot be resolved has no kind of its own.
        ureq::Error::Io(error) => !matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
        ),
        _ => false,
    };
    if unreachable {
        MirrorProblem::Unreachable(Box::new(error))
    } else {
        MirrorProblem::Http(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_keep_to_the_scheme_or_a_stronger_one() {
        let from = "https://a.org/x/y.gz?q=1";
        assert_eq!(redirect(from, "https://b.org/z").unwrap(), "https://b.org/z");
        assert_eq!(redirect(from, "/z").unwrap(), "https://a.org/z");
        assert_eq!(redirect(from, "z").unwrap(), "https://a.org/x/z");
        assert_eq!(redirect(from, "//b.org/z").unwrap(), "https://b.org/z");
        assert_eq!(redirect(from, "HTTPS://b.org/z").unwrap(), "HTTPS://b.org/z");
        assert_eq!(redirect("http://a.org", "z").unwrap(), "http://a.org/z");
        assert_eq!(redirect("http://a.org/", "https://a.org/").unwrap(), "https://a.org/");
        assert_eq!(redirect(from, "http://a.org/x/y.gz"), Err("https"));
        for other in ["file:///etc/passwd", "ftp://a.org/x", "data:,x", "gopher:x", "HTTP://a.org"] {
            assert_eq!(redirect(from, other), Err("https"), "{other}");
        }
        assert_eq!(redirect("http://a.org/", "file:///etc/passwd"), Err("http or https"));
        assert_eq!(redirect(from, ""), Err("an address"));
    }

    #[test]
    fn content_ranges() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for bad in ["", "bytes */10", "5-9/10", "bytes 5-9", "bytes x-9/10", "bytes 5-9/x"] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_loopback_counts_as_this_machine() {
        for url in ["http://localhost/x", "http://127.0.0.1:80/x", "http://[::1]:1/x", "http://localhost"] {
            assert!(is_this_machine(url), "{url}");
        }
        for url in ["http://localhost.evil.org/x", "https://a.org/localhost", "localhost"] {
            assert!(!is_this_machine(url), "{url}");
        }
    }

    #[test]
    fn web_pages_are_recognised() {
        assert!(looks_like_html(b"\xef\xbb\xbf\n <!DOCTYPE html>"));
        assert!(looks_like_html(b"<HTML>"));
        assert!(!looks_like_html(b"\x1f\x8b\x08"));
        assert!(!looks_like_html(b""));
    }
}
