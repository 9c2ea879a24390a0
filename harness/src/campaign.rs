//! `adrasteia campaign`: runs night after night, of which each learns from those before.
//!
//! | file | idea |
//! |---|---|
//! | `plan` | what was typed, checked: cells, and fresh runs in their order |
//! | `night` | what a night makes of it: what is made again, and where seeds go on |
//! | `record` | what is remembered of a run: a line of `campaign.jsonl` |
//! | `known` | which runs failed and have to be made again, by the lines |
//! | `program` | which build of the system was tested, and what of a command line is about it |
//! | `place` | where runs and their schedules lie, and what of them stays |
//! | `work` | the runs, made |
//! | `tell` | what the night came to |

mod known;
mod night;
mod place;
mod plan;
mod program;
mod record;
mod tell;
mod work;

use anyhow::Result;

use crate::cli::CampaignArgs;
use crate::config::{UsageError, check_out, check_place};
use crate::exit::Exit;
use crate::journal::Journal;
use crate::{interrupt, say};
use night::Night;
use place::Place;
use plan::Plan;
use record::Record;

/// Makes the runs of this night, and tells what they came to.
pub(crate) fn command(args: &CampaignArgs) -> Result<Exit> {
    let plan = match Plan::new(args) {
        Ok(plan) => plan,
        Err(error) => return Ok(refuse(&error)),
    };
    let place = Place::new(&args.out);
    if args.dry_run {
        return dry_run(args, &plan, &place);
    }
    if let Err(error) = check_out(&args.out) {
        return Ok(refuse(&error));
    }
    // Whatever ends this program ends the runs.
    nemesis::lab::enter()?;
    let ending = interrupt::ending("what came of the runs so far follows")?;
    let journal = Journal::open(place.journal())?;
    place.clear()?;
    let night = Night::after(&plan, &journal.lines());
    work::through(&plan, &night, &place, &journal, &ending)?;
    place.clear()?;
    tell::tell(args, &plan, &night, &place, &journal.lines())
}

fn dry_run(args: &CampaignArgs, plan: &Plan, place: &Place) -> Result<Exit> {
    if let Err(error) = check_place(&args.out) {
        return Ok(refuse(&error));
    }
    let lines: Vec<Record> = Journal::peek(&place.journal())?;
    for line in Night::after(plan, &lines).told(plan) {
        say::answer(line);
    }
    Ok(Exit::Valid)
}

fn refuse(error: &UsageError) -> Exit {
    say::aside(format_args!("adrasteia: {error}"));
    Exit::Usage
}
