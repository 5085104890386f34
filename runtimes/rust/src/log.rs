use std::fmt::{self, Write};
use std::sync::{Arc, Weak};

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::host::{Queue, level};

/// A `tracing` layer that writes events to the host's log: nginx's `error.log`.
///
/// The SDK installs it on every thread that it starts, so `tracing::info!(…)` works in a handler.
/// [`Router::log_level`](crate::Router::log_level) and then the host's own level filter the events. A line is the
/// event's message and then its fields as `name=value`. A field named `level` (`emerg`, `alert`, `crit`, `err`, `warn`,
/// `notice`, `info`, `debug`) names one of the host's levels that `tracing` lacks:
///
/// ```
/// tracing::warn!(retries = 3, "no broker answers");
/// tracing::error!(level = "crit", "the certificate has expired");
/// ```
///
/// A subscriber of your own needs the layer from [`Config::log_layer`](crate::Config::log_layer). Events of an unloaded
/// runtime are dropped.
#[derive(Clone, Debug)]
pub struct LogLayer {
    queue: Weak<Queue>,
}

impl LogLayer {
    pub(crate) fn new(queue: &Arc<Queue>) -> Self {
        Self {
            queue: Arc::downgrade(queue),
        }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(queue) = self.queue.upgrade() {
            let line = Line::of(event);
            queue.log(line.level, &line.text());
        }
    }
}

/// An event in the form of the host's log.
struct Line {
    level: i32,
    message: String,
    fields: String,
}

impl Line {
    fn of(event: &Event<'_>) -> Self {
        let level = match *event.metadata().level() {
            Level::ERROR => level::ERR,
            Level::WARN => level::WARN,
            Level::INFO => level::INFO,
            Level::DEBUG | Level::TRACE => level::DEBUG,
        };
        let mut line = Self {
            level,
            message: String::new(),
            fields: String::new(),
        };
        event.record(&mut line);
        line
    }

    fn text(mut self) -> String {
        if self.message.is_empty() {
            return self.fields.trim_start().to_owned();
        }
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "level" {
            if let Some(level) = host_level(value) {
                self.level = level;
                return;
            }
        }
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

fn host_level(name: &str) -> Option<i32> {
    Some(match name {
        "emerg" => level::EMERG,
        "alert" => level::ALERT,
        "crit" => level::CRIT,
        "err" | "error" => level::ERR,
        "warn" => level::WARN,
        "notice" => level::NOTICE,
        "info" => level::INFO,
        "debug" => level::DEBUG,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<(i32, String)>>>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let line = Line::of(event);
            self.0.lock().unwrap().push((line.level, line.text()));
        }
    }

    fn lines(write: impl FnOnce()) -> Vec<(i32, String)> {
        let lines = Lines::default();
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(lines.clone()),
            write,
        );
        std::mem::take(&mut *lines.0.lock().unwrap())
    }

    #[test]
    fn levels_are_the_hosts() {
        let written = lines(|| {
            tracing::error!("e");
            tracing::warn!("w");
            tracing::info!("i");
            tracing::debug!("d");
            tracing::info!(level = "notice", "n");
            tracing::error!(level = "crit", "c");
        });
        let expected = [(4, "e"), (5, "w"), (7, "i"), (8, "d"), (6, "n"), (3, "c")];
        assert_eq!(written, expected.map(|(l, t)| (l, t.to_owned())));
    }

    #[test]
    fn fields_follow_the_message() {
        let written = lines(|| {
            tracing::info!(count = 3, who = "me", "got {}", "mail");
            tracing::info!(only = true);
            tracing::info!(level = "loud", "odd");
        });
        let texts: Vec<_> = written.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            ["got mail count=3 who=me", "only=true", "odd level=loud"]
        );
    }

    #[test]
    fn a_runtime_that_is_gone_logs_nowhere() {
        let layer = LogLayer { queue: Weak::new() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::error!("into the void");
        });
    }
}
