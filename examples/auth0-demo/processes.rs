//! The API beside the website.

use std::{
    env,
    error::Error,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use crate::settings::Settings;

/// A process that ends with this one.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the API, and says where it is.
pub(crate) fn start_api(settings: &Settings) -> Result<(String, Process), Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    // The secret of the website is none of its business, nor is anything else.
    command.arg("api").env_clear();
    command.env("JWT_ISSUER", &settings.issuer).env("JWT_AUDIENCE", &settings.audience);
    if let Some(namespace) = &settings.namespace {
        command.env("AUTH0_ROLES_NAMESPACE", namespace);
    }
    if let Ok(filter) = env::var("RUST_LOG") {
        command.env("RUST_LOG", filter);
    }
    let mut process = Process(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
    let output = process.0.stdout.take().ok_or("the API has no output")?;
    let mut lines = BufReader::new(output);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let url = line.split_whitespace().find_map(|word| word.strip_suffix(';')).unwrap_or_default();
    if !url.starts_with("http://") {
        return Err("the API does not start".into());
    }
    // What it prints from now on goes where this prints.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::stdout()));
    Ok((url.to_owned(), process))
}

/// Ends this process when the one that has started it is gone, however that went: its end of the
/// standard input is closed then.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}
