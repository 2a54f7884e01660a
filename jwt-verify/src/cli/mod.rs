//! The command `jwt-verify`.

mod doctor;
mod explain;
mod key;
mod keys;
mod route;
mod settings;
mod shared_cache;
mod token;

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};
use serde::Serialize;

use self::settings::SettingFlags;

/// Exit codes of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 0: the token or the set-up is good.
    Good,
    /// 1: the token or the set-up is refused.
    Refused,
    /// 2: it cannot be told: wrong arguments or settings, or the issuer cannot be reached.
    Unknown,
}

impl Outcome {
    /// Returns the exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Refused => 1,
            Self::Unknown => 2,
        }
    }
}

const ABOUT: &str =
    "Explains why a token is refused, checks a set-up, lists keys, makes API keys and test tokens";

const EXAMPLES: &str = "\
Settings are the JWT_* variables of `JwtAuth::from_env`, or the flags of the same names, which win.

Exit codes: 0 good, 1 refused, 2 cannot tell.

Examples:
  echo \"$TOKEN\" | jwt-verify explain --issuer https://login.example.com --audience my-api
  jwt-verify explain --keys keys.json --file token.txt
  jwt-verify doctor
  jwt-verify keys --json
  API_KEY_SECRET=… jwt-verify key new --sub alice --scope posts:read --days 90
  jwt-verify token --key dev-key.pem --claim sub=alice --claim 'roles=[\"admin\"]'
  jwt-verify completions bash > /etc/bash_completion.d/jwt-verify";

#[derive(Debug, Parser)]
#[command(name = "jwt-verify", version, about = ABOUT, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    settings: SettingFlags,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explain why a token is accepted or refused, check by check
    ///
    /// The token is read from standard input, or from a file, never from an argument, which other
    /// users of the machine could read. No value of it is printed without --values.
    Explain(explain::ExplainCommand),
    /// Check the settings against the live issuer, and the Redis of `REDIS_URL`
    Doctor(doctor::DoctorCommand),
    /// List the keys of the issuer, and why keys are not usable
    Keys(keys::KeysCommand),
    /// Make API keys
    Key(key::KeyCommand),
    /// Make a token of a local test key, for development
    Token(token::TokenCommand),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Input and output of the command.
#[allow(missing_debug_implementations)]
pub struct Io<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard output.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let (mut input, mut output, mut errors) = (io::stdin(), io::stdout(), io::stderr());
    let io = Io { input: &mut input, output: &mut output, errors: &mut errors };
    let variable = |name: &str| std::env::var(name).ok();
    ExitCode::from(run(std::env::args_os(), &variable, io).code())
}

/// Runs the command with these arguments and variables.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<String>,
    mut io: Io<'_>,
) -> Outcome {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Help and version are printed as if they were errors.
        Err(message) if !message.use_stderr() => {
            return written(write!(io.output, "{message}"), Outcome::Good);
        }
        Err(message) => return written(write!(io.errors, "{message}"), Outcome::Unknown),
    };
    let Arguments { settings, json, command } = arguments;
    let lookup = settings.lookup(variable);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return written(writeln!(io.errors, "error: {error}"), Outcome::Unknown),
    };
    let result = tokio::task::LocalSet::new().block_on(&runtime, async {
        match command {
            Command::Explain(explain) => explain.run(&lookup, json, &mut io).await,
            Command::Doctor(doctor) => doctor.run(&lookup, json, &mut io).await,
            Command::Keys(keys) => keys.run(&lookup, json, &mut io).await,
            Command::Key(key) => key.run(&lookup, json, &mut io),
            Command::Token(token) => token.run(&lookup, json, &mut io),
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Arguments::command(), "jwt-verify", io.output);
                Ok(Outcome::Good)
            }
        }
    });
    result.unwrap_or_else(|problem| {
        let told = if json {
            print(&mut io, true, &serde_json::json!({"error": problem.0}))
        } else {
            writeln!(io.errors, "error: {}", problem.0).map_err(CommandError::from)
        };
        drop(told);
        Outcome::Unknown
    })
}

fn written(result: io::Result<()>, outcome: Outcome) -> Outcome {
    result.map_or(Outcome::Unknown, |()| outcome)
}

/// A reason for which nothing can be told.
#[derive(Debug)]
struct CommandError(String);

impl<E: fmt::Display> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Prints a value as JSON, or as the text of its own.
fn print<T: Serialize + fmt::Display>(
    io: &mut Io<'_>,
    json: bool,
    value: &T,
) -> Result<(), CommandError> {
    if json {
        serde_json::to_writer(&mut *io.output, value)?;
        writeln!(io.output)?;
    } else {
        write!(io.output, "{value}")?;
    }
    io.output.flush()?;
    Ok(())
}

/// Largest file that is read.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Reads a file, or standard input if none is named.
fn read(io: &mut Io<'_>, path: Option<&std::path::Path>) -> Result<String, CommandError> {
    let mut text = String::new();
    match path {
        Some(path) => {
            let file = std::fs::File::open(path);
            let read = file.and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
            read.map_err(|error| CommandError(format!("{}: {error}", path.display())))?;
        }
        None => drop(io.input.take(MAX_FILE).read_to_string(&mut text)?),
    }
    Ok(text)
}
