//! The thread `ffi-rust`: sets the runtime up, takes its calls, ends it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Runtime};

use crate::answer::Outcome;
use crate::call::Calls;
use crate::host::{Arrivals, Batch, Body, Inbox, Incoming, Kind, Queue, level};
use crate::init::Init;
use crate::outbox::Outbox;
use crate::threads::{self, Log};
use crate::{Config, Error, Router, code, ending, panics};

/// How long cancelled handlers may take when the runtime is unloaded.
const UNLOAD: Duration = Duration::from_secs(1);
/// After this many batches in a row, waiting tasks get their turn.
const ROUNDS: u32 = 8;

/// Starts the thread and waits until it has set the runtime up.
pub(crate) fn launch<I: Init<M>, M>(queue: &Arc<Queue>, init: I) -> Result<(), Error> {
    panics::log_them();
    let (report, set_up) = mpsc::sync_channel(1);
    let main = queue.clone();
    let thread = thread::Builder::new()
        .name(threads::NAME.into())
        .spawn(move || run(main, init, &report))?;
    set_up
        .recv()
        .unwrap_or_else(|_| Err(Error::msg("the thread ended before the runtime was set up")))
        .inspect_err(|_| {
            // The thread must be gone before the host unloads the library.
            let _ = thread.join();
        })
}

fn run<I: Init<M>, M>(queue: Arc<Queue>, init: I, report: &mpsc::SyncSender<Result<(), Error>>) {
    let log = Log::new(&queue);
    log.enter();
    let ended = match log.builder(Builder::new_current_thread()).build() {
        Ok(runtime) => {
            let set_up = catch_unwind(AssertUnwindSafe(|| set_up(&queue, &runtime, init, &log)));
            match set_up.unwrap_or_else(|panic| Err(Error::panicked(panic))) {
                Ok(server) => {
                    queue.open();
                    let _ = report.send(Ok(()));
                    server.serve(runtime);
                    Ok(())
                }
                Err(error) => {
                    runtime.shutdown_background();
                    Err(error)
                }
            }
        }
        Err(error) => Err(error.into()),
    };
    log.leave();
    drop(queue);
    if let Err(error) = ended {
        let _ = report.send(Err(error));
    }
}

fn set_up<I: Init<M>, M>(
    queue: &Arc<Queue>,
    runtime: &Runtime,
    init: I,
    log: &Log,
) -> Result<Server, Error> {
    let config = Config::new(queue)?;
    let router = runtime.block_on(init.router(config))?;
    let subscriber = router.subscriber.clone();
    log.set(subscriber.unwrap_or_else(|| threads::to_host(queue, router.log_level)));
    let workers = match router.workers {
        0 => None,
        threads => {
            let mut builder = log.builder(Builder::new_multi_thread());
            Some(builder.worker_threads(threads).build()?)
        }
    };
    let pool = workers.as_ref().map(|workers| workers.handle().clone());
    let outbox = Arc::new(Outbox::new(queue, pool.is_some()));
    let _context = runtime.enter();
    Ok(Server {
        arrivals: queue.arrivals()?,
        calls: Arc::new(Calls::new(queue, &outbox, pool)),
        outbox,
        queue: queue.clone(),
        router,
        methods: Vec::new(),
        unopened: HashMap::new(),
        batch: Batch::new(queue.clone()),
        workers,
    })
}

struct Server {
    queue: Arc<Queue>,
    arrivals: AsyncFd<Arrivals>,
    router: Router,
    /// The route of each method by its number: `None` before the first call, `Some(None)` without a handler.
    methods: Vec<Option<Option<usize>>>,
    calls: Arc<Calls>,
    outbox: Arc<Outbox>,
    /// Streams to handlers of plain calls that wait for their first message.
    unopened: HashMap<u64, Incoming>,
    batch: Batch,
    workers: Option<Runtime>,
}

impl Server {
    fn serve(mut self, runtime: Runtime) {
        // Panics of handlers are caught where these are called. This catches the others, such as a panic in the `Drop`
        // of an author's payload, so that the host learns that the runtime has ended.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.take_calls()))) {
            let error = Error::panicked(panic);
            self.queue.log(
                level::CRIT,
                &format!("the runtime ends, because its thread panicked: {error}"),
            );
        }
        runtime.block_on(self.unload());
        if let Some(workers) = self.workers.take() {
            workers.shutdown_background();
        }
        // This drops the author's own tasks before the queue.
        runtime.shutdown_background();
    }

    async fn take_calls(&mut self) {
        let mut inbox = Inbox::new(self.queue.clone());
        let mut rounds = 0;
        while let Ok(n) = inbox.fill() {
            if n == 0 {
                rounds = 0;
                self.wait().await;
                continue;
            }
            for frame in &mut inbox {
                self.take(frame);
            }
            self.batch.send();
            rounds += 1;
            if rounds == ROUNDS {
                rounds = 0;
                tokio::task::yield_now().await;
                self.outbox.flush();
            }
        }
    }

    /// Waits for frames. While waiting, sends the answers of tasks.
    async fn wait(&mut self) {
        poll_fn(|cx| {
            while self.outbox.poll(&mut self.batch, cx).is_ready() {
                self.batch.send();
            }
            match self.arrivals.poll_read_ready(cx) {
                Poll::Ready(Ok(mut ready)) => {
                    // It is edge-triggered: the next frame makes it ready again.
                    ready.clear_ready();
                    Poll::Ready(())
                }
                // The driver is shutting down, which cannot happen while this runs on it.
                Poll::Ready(Err(_)) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
    }

    fn take(&mut self, frame: Incoming) {
        match frame.kind {
            Kind::Call if frame.arg == 0 => {
                let id = frame.id;
                if let Some(outcome) = self.call(frame) {
                    self.batch.end(id, outcome);
                }
            }
            Kind::Call => self.open(frame),
            Kind::Data => match self.calls.flow(frame.id) {
                Some(flow) => flow.deliver(frame),
                None => self.first_message(frame),
            },
            Kind::Cancel => match self.unopened.remove(&frame.id) {
                Some(call) => self.batch.end(call.id, Err(unanswered())),
                None => self.calls.cancel(frame.id),
            },
            Kind::Window => {
                if let Some(flow) = self.calls.flow(frame.id) {
                    flow.widen(frame.arg);
                }
            }
            Kind::Dict => {
                let Incoming {
                    id,
                    status,
                    nil,
                    body,
                    ..
                } = frame;
                self.queue
                    .questions
                    .answer(id, dict_answer(status, nil, body));
            }
            Kind::Other => {}
        }
    }

    fn call(&mut self, frame: Incoming) -> Option<Outcome> {
        let index = self.route_of(frame.method);
        match self.router.at(index) {
            Some(route) => route.start(&self.calls, frame.id, frame.into()),
            None => Some(Err(self.no_method(frame.method))),
        }
    }

    /// Starts a stream.
    fn open(&mut self, frame: Incoming) {
        let (id, method) = (frame.id, frame.method);
        let index = self.route_of(method);
        let outcome = match self.router.at(index) {
            Some(route) => match route.open(&self.calls, frame) {
                Ok(outcome) => outcome,
                Err(call) => {
                    self.unopened.insert(id, call);
                    None
                }
            },
            None => Some(Err(self.no_method(method))),
        };
        if let Some(outcome) = outcome {
            self.batch.end(id, outcome);
        }
    }

    /// Starts a plain call with the first message of its stream. Any other message belongs to a stream that is over.
    fn first_message(&mut self, frame: Incoming) {
        if frame.nil && !frame.end {
            return;
        }
        if let Some(mut call) = self.unopened.remove(&frame.id) {
            call.end = frame.end;
            call.nil = frame.nil;
            call.body = frame.body;
            self.open(call);
        }
    }

    #[inline]
    fn route_of(&mut self, method: u32) -> Option<usize> {
        match self.methods.get(method as usize) {
            Some(Some(route)) => *route,
            _ => self.look_up(method),
        }
    }

    /// Finds the route of a method at its first call.
    #[cold]
    fn look_up(&mut self, method: u32) -> Option<usize> {
        let index = method as usize;
        let route = self
            .router
            .find(self.queue.method(method).unwrap_or_default());
        if self.methods.len() <= index {
            self.methods.resize(index + 1, None);
        }
        self.methods[index] = Some(route);
        route
    }

    fn no_method(&self, method: u32) -> Error {
        let text = self
            .router
            .no_method(&self.queue.name(), &self.name_of(method));
        Error::new(code::NO_METHOD, text)
    }

    fn name_of(&self, method: u32) -> String {
        let name = self.queue.method(method).unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    /// Cancels the running calls, answers them, and runs the author's `on_unload`, each within a bounded time.
    async fn unload(&mut self) {
        let finishing = std::mem::take(&mut self.router.on_unload);
        let (patience, end) = if finishing.is_empty() {
            (UNLOAD, Instant::now())
        } else {
            let left = self.queue.finish(true);
            (UNLOAD.min(left / 2), Instant::now() + left)
        };
        self.queue.questions.give_up();
        for id in std::mem::take(&mut self.unopened).into_keys() {
            self.batch.end(id, Err(unanswered()));
        }
        self.batch.send();
        self.calls.cancel_all();
        let deadline = Instant::now() + patience;
        while !self.calls.idle() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.outbox.flush();
        self.calls.end_all();
        if !finishing.is_empty() {
            ending::finish(&self.queue, finishing, end).await;
            self.queue.finish(false);
        }
    }
}

fn unanswered() -> Error {
    let text = "the call was cancelled before its first message came";
    Error::new(code::CANCELLED, text)
}

fn dict_answer(status: i32, nil: bool, body: Body) -> Result<Option<Body>, Error> {
    match status {
        0 => Ok((!nil).then_some(body)),
        status if nil => {
            let text = "the shared dict gave no answer: the host has no memory left, or unloads the runtime";
            Err(Error::new(status, text))
        }
        status => Err(Error::new(status, String::from_utf8_lossy(&body))),
    }
}
