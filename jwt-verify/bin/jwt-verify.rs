//! The command `jwt-verify`: explains refusals, checks a set-up, lists keys, makes test tokens.

use std::process::ExitCode;

fn main() -> ExitCode {
    jwt_verify::cli::main()
}
