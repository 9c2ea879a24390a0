//! `adrasteia matrix`: is every planted bug found, how fast, and does the healthy node keep its peace?
//!
//! Each run is this program started again in a lab of its own, so that runs may go on side by side.
//!
//! | file | idea |
//! |---|---|
//! | `trial` | under which faults each bug shows |
//! | `plan` | what was typed, checked: the list of runs |
//! | `outcome` | what one run came to |
//! | `store` | the file that remembers it |
//! | `work` | the missing runs, made |
//! | `summary`, `table` | what follows, and how it is told |

mod outcome;
mod plan;
mod store;
mod summary;
mod table;
mod trial;
mod work;

use anyhow::{Context as _, Result};

use crate::cli::MatrixArgs;
use crate::config::check_out;
use crate::exit::Exit;
use crate::{interrupt, say};
use plan::Plan;
use summary::Summary;

/// Makes the runs that are missing, and tells what all of them came to.
pub(crate) fn command(args: &MatrixArgs) -> Result<Exit> {
    let plan = match Plan::new(args).and_then(|plan| check_out(&args.out).map(|()| plan)) {
        Ok(plan) => plan,
        Err(error) => {
            say::aside(format_args!("adrasteia: {error}"));
            return Ok(Exit::Usage);
        }
    };
    // Whatever ends this program ends the runs.
    nemesis::lab::enter()?;
    let ending = interrupt::ending("what was found so far follows")?;
    let store = store::open(&plan.out)?;
    work::through(&plan, &store, &ending)?;
    let summary = Summary::of(&plan, &store.lines());
    tell(args, &plan, &summary)?;
    Ok(summary.exit(args.require_found))
}

fn tell(args: &MatrixArgs, plan: &Plan, summary: &Summary) -> Result<()> {
    let json = serde_json::to_string_pretty(summary).context("cannot write the result as JSON")?;
    let path = plan.out.join("matrix.json");
    std::fs::write(&path, format!("{json}\n"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    if args.json {
        say::answer(json);
    } else {
        for line in table::lines(summary) {
            say::answer(line);
        }
        say::answer(format_args!("\n{} has it as JSON", path.display()));
    }
    Ok(())
}
