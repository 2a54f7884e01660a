//! Events of the thread that runs a test.

use std::{
    any::Any,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, util::SubscriberInitExt as _};

/// Captures the events of this thread as lines, until it is dropped.
pub struct CapturedLog {
    lines: Lines,
    /// In the order in which they are dropped.
    _defaults: [Box<dyn Any>; 2],
}

impl CapturedLog {
    /// Begins, with this level.
    pub fn start(level: LevelFilter) -> Self {
        // While there is one subscriber alone, what a thread without it logs first is off for good.
        let other = tracing_subscriber::registry().set_default();
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(level)
            .with_writer(lines.clone())
            .finish();
        Self { lines, _defaults: [Box::new(subscriber.set_default()), Box::new(other)] }
    }

    /// Takes the lines so far that have this text.
    pub fn take(&self, text: &str) -> Vec<String> {
        let all = std::mem::take(&mut *self.lines.0.lock().unwrap());
        let all = String::from_utf8(all).unwrap();
        all.lines().filter(|line| line.contains(text)).map(ToOwned::to_owned).collect()
    }
}

impl std::fmt::Debug for CapturedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CapturedLog")
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
