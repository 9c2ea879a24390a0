//! The `adrasteia` command: one experiment against real node processes, and one trustworthy answer.
//!
//! What was typed becomes a validated plan before anything starts ([`cli`] to [`config`]); the run itself happens
//! inside a lab of namespaces that the kernel removes whatever happens to this process; the answer leaves as an
//! exit code ([`exit`]).
#![forbid(unsafe_code)]

mod bench;
mod budget;
mod campaign;
mod check;
mod child;
mod cli;
mod clock;
mod config;
mod convert;
mod destination;
mod doctor;
mod exit;
mod headway;
mod interrupt;
mod jobs;
mod journal;
mod judgement;
mod list;
mod matrix;
mod progress;
mod replay;
mod run;
mod say;
mod serve;
mod source;
mod steps;
mod summary;
mod workload;

use clap::Parser;
use clap::error::ErrorKind;
use cli::{Cli, Command};
use exit::Exit;

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not mistakes; a closed pipe must not turn either into a panic.
            let _ = error.print();
            if error.kind() == ErrorKind::ArgumentConflict {
                say::aside(format_args!("Options stand behind their command."));
            }
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Valid.into()
            };
        }
    };
    dispatch(cli)
        .unwrap_or_else(|error| {
            say::aside(format_args!("adrasteia: {error:#}"));
            Exit::Harness
        })
        .into()
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    match cli.command {
        None => run::command(&cli.run),
        Some(Command::Run(args)) => run::command(&args),
        Some(Command::Check(args)) => check::command(&args),
        Some(Command::Convert(args)) => convert::command(&args),
        Some(Command::Bench(args)) => bench::command(&args),
        Some(Command::Replay(args)) => replay::replay(&args),
        Some(Command::Shrink(args)) => replay::shrink(&args),
        Some(Command::Matrix(args)) => matrix::command(&args),
        Some(Command::Campaign(args)) => campaign::command(&args),
        Some(Command::Summary(args)) => summary::command(&args),
        Some(Command::Serve(args)) => serve::command(&args),
        Some(Command::List(args)) => Ok(list::command(args.what)),
        Some(Command::Doctor) => Ok(doctor::command()),
        Some(Command::Node(args)) => target_node::run(args).map(|()| Exit::Valid),
    }
}
