//! Everything that is logged while the suites run, at every level, from every crate.

use std::{
    collections::HashSet,
    io::{self, Write},
    sync::{Mutex, OnceLock},
};

use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// Begins to capture; once for the process.
pub(crate) fn capture() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Sink)
            .init();
    });
}

/// How much has been logged so far.
pub(crate) fn mark() -> usize {
    LOG.lock().unwrap().len()
}

/// What has been logged since.
pub(crate) fn since(mark: usize) -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()[mark..]).into_owned()
}

/// The first piece of one of the secrets, of this many bytes, that is in the text.
pub(crate) fn piece<'s>(
    text: &str,
    secrets: impl IntoIterator<Item = &'s str>,
    length: usize,
) -> Option<String> {
    let pieces: HashSet<&[u8]> =
        secrets.into_iter().flat_map(|secret| secret.as_bytes().windows(length)).collect();
    let found = text.as_bytes().windows(length).find(|window| pieces.contains(window))?;
    Some(String::from_utf8_lossy(found).into_owned())
}
