//! Connections to the servers of a client: opened on demand, reopened after a loss, chosen by the client's policy.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tonic::Status;

use crate::dial::{Driver, Sender, dial};
use crate::reflected::Reflected;
use crate::settings::{Policy, Settings, Target};

/// The first and the longest pause before an unreachable server is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A connection that is lost sooner counts as a failed attempt.
const SHORT_LIFE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub struct Connection {
    pub settings: Arc<Settings>,
    lines: Vec<Line>,
    turn: AtomicUsize,
    /// Notified when the state of a line changes.
    changed: Notify,
    pub reflected: Reflected,
}

/// A connection, or the place for one.
#[derive(Debug)]
struct Line {
    target: Target,
    /// The index among the lines to the same target.
    turn: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Idle,
    Connecting {
        task: AbortHandle,
        failures: u32,
    },
    Ready {
        sender: Sender,
        lost: Arc<Loss>,
        since: Instant,
        failures: u32,
    },
    Down {
        until: Instant,
        why: String,
        failures: u32,
    },
}

/// The reason why a connection ended, once it has.
#[derive(Debug, Default)]
pub struct Loss(Mutex<Option<String>>);

impl Loss {
    fn set(&self, why: String) {
        *lock(&self.0) = Some(why);
    }

    pub fn why(&self) -> Option<String> {
        lock(&self.0).clone()
    }
}

/// A connection that was chosen for a call.
pub struct Chosen {
    pub sender: Sender,
    pub target: Target,
    pub lost: Arc<Loss>,
    index: usize,
}

/// The state of a line, for the choice of one.
enum Look {
    Ready(Chosen),
    /// `again`: an earlier attempt failed.
    Connecting {
        again: bool,
    },
    Down {
        until: Instant,
        why: String,
    },
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    pub fn new(settings: Settings) -> Self {
        // Each server gets one line before any gets a second.
        let turns = 0..settings.connections;
        let lines = turns.flat_map(|turn| {
            settings
                .targets
                .iter()
                .map(move |target| (turn, target.clone()))
        });
        let lines = lines.map(|(turn, target)| Line {
            target,
            turn,
            state: Mutex::new(State::Idle),
        });
        Self {
            lines: lines.collect(),
            settings: Arc::new(settings),
            turn: AtomicUsize::new(0),
            changed: Notify::new(),
            reflected: Reflected::default(),
        }
    }

    /// Chooses a connection for a call. Waits while one is being made; with `wait` also while every server is down.
    pub async fn choose(self: &Arc<Self>, wait: bool) -> Result<Chosen, Status> {
        let turn = match self.settings.policy {
            Policy::RoundRobin => self.turn.fetch_add(1, Ordering::Relaxed),
            Policy::PickFirst => 0,
        };
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let mut connecting = false;
            let mut down: Option<(Instant, String)> = None;
            for k in 0..self.lines.len() {
                match self.look((turn.wrapping_add(k)) % self.lines.len()) {
                    Look::Ready(chosen) => return Ok(chosen),
                    Look::Connecting { again } => {
                        connecting = true;
                        if self.settings.policy == Policy::PickFirst && !again {
                            break;
                        }
                    }
                    Look::Down { until, why } => {
                        let sooner = down.as_ref().is_none_or(|(at, _)| until < *at);
                        if sooner {
                            down = Some((until, why));
                        }
                    }
                }
            }
            match down {
                _ if connecting => changed.await,
                Some((until, _)) if wait => {
                    let _ = tokio::time::timeout_at(until.into(), changed).await;
                }
                Some((_, why)) => return Err(Status::unavailable(why)),
                None => return Err(Status::unavailable("there is no server to connect to")),
            }
        }
    }

    /// The state of a line. Starts to connect if the line has no connection and no pause.
    fn look(self: &Arc<Self>, index: usize) -> Look {
        let line = &self.lines[index];
        let mut state = lock(&line.state);
        let failures = match &*state {
            State::Ready { sender, lost, .. } => {
                return Look::Ready(Chosen {
                    sender: sender.clone(),
                    target: line.target.clone(),
                    lost: lost.clone(),
                    index,
                });
            }
            State::Down { until, why, .. } if *until > Instant::now() => {
                return Look::Down {
                    until: *until,
                    why: why.clone(),
                };
            }
            State::Connecting { failures, .. } => {
                return Look::Connecting {
                    again: *failures > 0,
                };
            }
            State::Down { failures, .. } => *failures,
            State::Idle => 0,
        };
        let (weak, settings) = (Arc::downgrade(self), self.settings.clone());
        let task = tokio::spawn(make(weak, settings, line.target.clone(), line.turn, index))
            .abort_handle();
        *state = State::Connecting { task, failures };
        Look::Connecting {
            again: failures > 0,
        }
    }

    /// Takes the result of an attempt.
    fn made(self: &Arc<Self>, index: usize, dialed: Result<(Sender, Driver), String>) {
        let line = &self.lines[index];
        let mut state = lock(&line.state);
        let failures = match &*state {
            State::Connecting { failures, .. } => *failures,
            _ => 0,
        };
        *state = match dialed {
            Ok((sender, driver)) => {
                // The new connection may lead to a server with other methods.
                self.reflected.forget_all();
                let lost = Arc::new(Loss::default());
                tokio::spawn(drive(
                    Arc::downgrade(self),
                    self.settings.clone(),
                    index,
                    driver,
                    lost.clone(),
                ));
                State::Ready {
                    sender,
                    lost,
                    since: Instant::now(),
                    failures,
                }
            }
            Err(why) => State::down(&line.target, &why, failures),
        };
        drop(state);
        self.changed.notify_waiters();
    }

    /// Takes a connection out of use, because its server is about to end. Its running calls continue.
    pub fn retire(&self, chosen: &Chosen) {
        self.ended(chosen.index, &chosen.lost);
    }

    /// Takes the end of a connection.
    fn ended(&self, index: usize, loss: &Arc<Loss>) {
        let line = &self.lines[index];
        let mut state = lock(&line.state);
        if let State::Ready {
            lost,
            since,
            failures,
            ..
        } = &*state
        {
            if !Arc::ptr_eq(lost, loss) {
                return;
            }
            *state = match loss.why() {
                Some(why) if since.elapsed() < SHORT_LIFE => {
                    State::down(&line.target, &why, *failures)
                }
                _ => State::Idle,
            };
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

impl State {
    fn down(target: &Target, why: &str, failures: u32) -> Self {
        let pause = FIRST_PAUSE
            .mul_f64(1.6_f64.powi(failures.min(10) as i32))
            .min(LONGEST_PAUSE);
        Self::Down {
            until: Instant::now() + pause,
            why: format!("{}: {why}", target.name),
            failures: failures + 1,
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let State::Connecting { task, .. } = &*lock(&self.state) {
            task.abort();
        }
    }
}

/// Connects without a reference to the `Connection`, which aborts this task when it is dropped.
async fn make(
    connection: Weak<Connection>,
    settings: Arc<Settings>,
    target: Target,
    turn: usize,
    index: usize,
) {
    let dialed = dial(&target, &settings, turn).await;
    if let Some(connection) = connection.upgrade() {
        connection.made(index, dialed);
    }
}

/// Runs a connection until it is lost or has no more users.
async fn drive(
    connection: Weak<Connection>,
    settings: Arc<Settings>,
    index: usize,
    driver: Driver,
    lost: Arc<Loss>,
) {
    driver.run(&settings, |why| lost.set(why)).await;
    if let Some(connection) = connection.upgrade() {
        connection.ended(index, &lost);
    }
}
