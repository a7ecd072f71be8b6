//! As much of an HTTP server as a test needs that plays one on a socket.

use std::collections::BTreeMap;
use std::io::BufRead;

/// One request as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The first line, without its end.
    pub line: String,
    /// By name, in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; what is no text in it is replaced.
    pub body: String,
}

/// The next request of a connection; `None` once it is closed.
pub fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        match header.trim().split_once(':') {
            Some((name, value)) => drop(headers.insert(name.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { line: line.trim().to_owned(), headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// The answer 200 with these headers, each with its line's end, and this body.
pub fn ok(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        let sent = "POST /a HTTP/1.1\r\nContent-Length: 2\r\nX-A:  b \r\n\r\nhiGET /b HTTP/1.1\r\n\r\n";
        let mut stream = sent.as_bytes();
        let first = read(&mut stream).unwrap();
        assert_eq!((first.line.as_str(), first.body.as_str()), ("POST /a HTTP/1.1", "hi"));
        assert_eq!(first.headers["x-a"], "b");
        assert_eq!(read(&mut stream).unwrap().line, "GET /b HTTP/1.1");
        assert_eq!(read(&mut stream), None);
        assert_eq!(read(&mut "GET / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhi".as_bytes()), None, "it broke off");
        assert_eq!(ok("a: b\r\n", "hi"), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\na: b\r\n\r\nhi");
    }
}
