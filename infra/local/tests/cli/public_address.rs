//! `barometer doctor` through the address that tools call, with something in front of the host as a tunnel is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::common::Data;
use crate::doctor::{check, report};

/// What stands in front of the host, as a tunnel does: it passes requests on to `to`, below `prefix` only.
fn tunnel(to: SocketAddr, prefix: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // The host keeps its connections open.
            std::thread::spawn(move || pass_on(stream.unwrap(), to, prefix));
        }
    });
    url
}

fn pass_on(mut stream: TcpStream, to: SocketAddr, prefix: &str) {
    let (mut request, mut some) = (Vec::new(), [0; 4096]);
    while !is_whole(&request) {
        let read = stream.read(&mut some).unwrap();
        request.extend_from_slice(&some[..read]);
    }
    if !request.starts_with(format!("POST {prefix}").as_bytes()) {
        let _ = stream.write_all(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
    }
    let mut host = TcpStream::connect(to).unwrap();
    host.write_all(&request).unwrap();
    let _ = std::io::copy(&mut host, &mut stream);
}

/// Its body has come as far as its head says.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    body.len() >= length.unwrap_or_default()
}

#[test]
fn a_signed_delivery_goes_through_the_address_that_tools_call() {
    let data = Data::new();
    let host = data.up("--empty");
    let ask = |address: &str| report(&data.run(&format!("doctor --json --address {address}")));
    let found = ask(&tunnel(host.address, "/hooks/"));
    check(&found, "connection hubspot", "public address", "ok", "a signed delivery came in through http://127.0.0.1");
    check(&found, "connection typeform", "public address", "ok", "came in");
    check(&found, "connection hubspot", "self-test", "ok", "taken, kept");
    let found = ask(&tunnel(host.address, "/hooks/crm/"));
    check(&found, "connection hubspot", "public address", "ok", "came in");
    check(&found, "connection typeform", "public address", "mend", "answered 404 in place of this host");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&ask(&format!("http://{closed}")), "connection hubspot", "public address", "mend", "start the tunnel");
    let offline = report(&data.run("doctor --offline --json"));
    check(&offline, "connection hubspot", "public address", "not_asked", "--address https://");
    data.run("doctor --address nowhere").refused(1, &["`nowhere` is not an address"]);
}
