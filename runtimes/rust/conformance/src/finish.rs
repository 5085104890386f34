//! The work of `on_unload`.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use resty_ffi::{Error, Request};

use crate::words::text;

/// How long the work takes, and the file that records its end.
#[derive(Clone, Default)]
pub struct Finish(Arc<Mutex<Option<(u64, String)>>>);

impl Finish {
    /// Two handles of the same work.
    pub fn pair() -> (Self, Self) {
        let one = Self::default();
        (one.clone(), one)
    }

    /// `MS FILE`
    pub fn set(&self, req: &Request) -> Result<(), Error> {
        let (ms, file) = text(req)?.split_once(' ').unwrap_or_default();
        let work = (ms.parse()?, file.to_owned());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        Ok(())
    }

    pub async fn run(self) -> Result<(), Error> {
        let work = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((ms, file)) = work {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let mut file = OpenOptions::new().create(true).append(true).open(file)?;
            file.write_all(b"finished\n")?;
        }
        Ok(())
    }
}
