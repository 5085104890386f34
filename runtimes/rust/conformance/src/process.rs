//! The methods about child programs and the runtime's own process.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use resty_ffi::{Error, Request};
use tokio::signal::unix::{SignalKind, signal};

use crate::words::{number, text};

/// Exits the process with the code in the request, or 3.
pub fn exit(req: Request) -> Result<(), Error> {
    let code = match req.body() {
        None | Some([]) => 3,
        Some(_) => number(&req)? as i32,
    };
    std::process::exit(code)
}

/// A line `wait MS` or `end MS`, then a line for each word of the command. After the pause the method waits for the
/// program, with `end` after it has killed it.
struct Run<'a> {
    end: bool,
    pause: Duration,
    program: &'a str,
    arguments: Vec<&'a str>,
}

impl<'a> Run<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        let mut lines = text.split('\n');
        let (what, ms) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .ok_or_else(|| Error::msg("run wants: wait MS or end MS"))?;
        Ok(Self {
            end: what == "end",
            pause: Duration::from_millis(ms.parse()?),
            program: lines
                .next()
                .ok_or_else(|| Error::msg("run wants a program"))?,
            arguments: lines.collect(),
        })
    }
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}

/// std kills with SIGKILL.
pub fn run(req: Request) -> Result<String, Error> {
    let run = Run::parse(text(&req)?)?;
    let mut child = Command::new(run.program).args(run.arguments).spawn()?;
    thread::sleep(run.pause);
    if run.end {
        child.kill()?;
    }
    Ok(told(child.wait()?))
}

pub async fn run_async(req: Request) -> Result<String, Error> {
    let run = Run::parse(text(&req)?)?;
    let mut child = tokio::process::Command::new(run.program)
        .args(run.arguments)
        .spawn()?;
    tokio::time::sleep(run.pause).await;
    if run.end {
        child.start_kill()?;
    }
    Ok(told(child.wait().await?))
}

/// All environment variables, one on each line.
pub fn environment(_: Request) -> String {
    let mut variables: Vec<_> = std::env::vars()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    variables.sort();
    variables.join("\n")
}

/// The number of arguments after the program's name.
pub fn arguments(_: Request) -> String {
    std::env::args().skip(1).count().to_string()
}

/// Installs handlers for the signals that end or notify a process.
pub async fn signals(_: Request) -> Result<&'static str, Error> {
    let kinds = [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::child(),
    ];
    for kind in kinds {
        let _ = signal(kind)?;
    }
    Ok("asked")
}
