//! Opens an HTTP/2 connection to an address.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::{TlsConnector, rustls};

use crate::explain::explain;
use crate::http2;
use crate::settings::{Place, Settings, Target};

/// The window of one stream: a slow reader delays its own messages only.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// h2's limit on headers, as a multiple of max_metadata_size. Above its limit h2 silently drops fields of trailers, and
/// ends the connection when headers come in many frames; so its limit is far above ours.
const HEADERS_IN_H2: usize = 8;

pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

pub type Sender = SendRequest<Bytes>;

/// The part of a connection that must be polled for it to live.
pub struct Driver {
    connection: Connection<Box<dyn Io>, Bytes>,
    pings: PingPong,
}

/// Connects, or returns why it cannot. `turn` counts the connections to the same target, so that each begins with
/// another address of a name that has several.
pub async fn dial(
    target: &Target,
    settings: &Settings,
    turn: usize,
) -> Result<(Sender, Driver), String> {
    let dialed = tokio::time::timeout(settings.connect_timeout, async {
        let io = open(target, settings, turn).await?;
        let headers = settings.max_metadata_size.saturating_mul(HEADERS_IN_H2);
        let mut builder = Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(headers).unwrap_or(u32::MAX))
            .enable_push(false);
        let (sender, mut connection) = builder
            .handshake(io)
            .await
            .map_err(|error| http2::sentence(&error))?;
        let mut pings = connection.ping_pong().expect("it is taken once");
        // A server that refuses the client's certificate, or speaks another protocol, reports it only now.
        let answered = tokio::select! {
            biased;
            ended = &mut connection => Err(ended),
            pong = pings.ping(Ping::opaque()) => Ok(pong.is_ok()),
        };
        let ended = match answered {
            Ok(true) => return Ok((sender, Driver { connection, pings })),
            Ok(false) => connection.await,
            Err(ended) => ended,
        };
        let why = ended.map_or_else(|error| http2::sentence(&error), |()| CLOSED.to_owned());
        Err(why + hint(settings))
    });
    dialed.await.unwrap_or_else(|_| {
        let seconds = settings.connect_timeout.as_secs_f64();
        Err(format!("no connection within {seconds} s"))
    })
}

const CLOSED: &str = "the server closed the connection";

impl Driver {
    /// Runs until the connection ends. `lost` gets the reason before the streams fail.
    pub async fn run(self, settings: &Settings, lost: impl FnOnce(String)) {
        let Self {
            mut connection,
            pings,
        } = self;
        tokio::select! {
            ended = &mut connection => if let Err(error) = ended {
                lost(http2::sentence(&error));
            },
            () = silence(pings, settings) => {
                let seconds = settings.keepalive_timeout.as_secs_f64();
                lost(format!("the server did not answer a ping within {seconds} s"));
            }
        }
    }
}

/// Returns when a ping is not answered in time.
async fn silence(mut pings: PingPong, settings: &Settings) {
    let Some(interval) = settings.keepalive else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(interval).await;
        match tokio::time::timeout(settings.keepalive_timeout, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection itself reports how it ended.
            Ok(Err(_)) => return std::future::pending().await,
            Err(_) => return,
        }
    }
}

/// Whether the server ended the handshake, not the client's own check.
fn refused(error: &io::Error) -> bool {
    let own = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    own.is_none_or(|error| matches!(error, rustls::Error::AlertReceived(_)))
}

/// Why a server may have refused the connection.
fn hint(settings: &Settings) -> &'static str {
    settings.tls.as_ref().map_or("", |tls| tls.identity.hint())
}

async fn open(target: &Target, settings: &Settings, turn: usize) -> Result<Box<dyn Io>, String> {
    let (io, host): (Box<dyn Io>, &str) = match &target.place {
        Place::Unix { path } => {
            let stream = UnixStream::connect(path)
                .await
                .map_err(|error| explain(&error))?;
            (Box::new(stream), "localhost")
        }
        Place::Tcp { host, port } => (Box::new(tcp(host, *port, turn).await?), host),
    };
    let Some(tls) = &settings.tls else {
        return Ok(io);
    };
    let name = tls.name_of(host).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::clone(&tls.config))
        .connect(name, ReadFirst(io))
        .await;
    let stream = stream.map_err(|error| {
        let hint = if refused(&error) { hint(settings) } else { "" };
        format!("TLS: {}{hint}", explain(&error))
    })?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err("TLS: the server does not speak HTTP/2".to_owned());
    }
    Ok(Box::new(stream))
}

/// A connection that hides failed writes, so that its end is seen when it is read: a server's reason for closing is
/// there.
struct ReadFirst(Box<dyn Io>);

impl AsyncRead for ReadFirst {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ReadFirst {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0)
            .poll_write(cx, bytes)
            .map(|written| match written {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
                written => written,
            })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

async fn tcp(host: &str, port: u16, turn: usize) -> Result<TcpStream, String> {
    let found = lookup_host((host, port))
        .await
        .map_err(|error| format!("\"{host}\" is not found: {error}"))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    if addresses.is_empty() {
        return Err(format!("\"{host}\" has no address"));
    }
    let count = addresses.len();
    addresses.rotate_left(turn % count);
    let mut last = io::Error::other("no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(explain(&last))
}
