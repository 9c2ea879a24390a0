//! Parts of one object that do not concern each other, judged one by one.
//!
//! The whole has an order if and only if each part has (Herlihy and Wing 1990, theorem 1), also up to any return: so the first
//! failing return of the whole is the first of any part. Witnesses are merged by points: give each operation of a part's witness
//! the point max(own call, point before), which is not behind its return; in any order by points an operation that returned before
//! another was called comes first.

use crate::engine::{Answer, Standing};
use crate::history::{History, OpId};
use crate::models::machine::NEVER;

/// The answer for the whole, from those for its parts.
pub(crate) fn together(history: &History, answers: Vec<Answer>) -> Answer {
    let mut placed: Vec<(u64, OpId)> = Vec::new();
    let mut first: Option<(u64, OpId)> = None;
    let mut unknown: Option<(Standing, _)> = None;
    for answer in answers {
        match answer {
            Answer::Valid(order) => place(history, &order, &mut placed),
            Answer::Invalid { stuck, .. } => {
                let failure = (returns(history, stuck), stuck);
                first = Some(first.map_or(failure, |first| first.min(failure)));
            }
            Answer::Unknown {
                limit,
                proven_until,
                peak_configurations,
            } => {
                let standing = Standing {
                    returns: 0,
                    proven_until,
                    peak_configurations,
                };
                let (before, limit) = unknown.unwrap_or((standing, limit));
                unknown = Some((less_known(history, before, standing), limit));
            }
        }
    }
    if let Some((_, stuck)) = first {
        return Answer::Invalid {
            stuck,
            states: Vec::new(),
        };
    }
    if let Some((standing, limit)) = unknown {
        return standing.unknown(limit);
    }
    placed.sort_by_key(|(point, _)| *point);
    Answer::Valid(placed.into_iter().map(|(_, id)| id).collect())
}

fn place(history: &History, order: &[OpId], placed: &mut Vec<(u64, OpId)>) {
    let mut point = 0;
    for id in order {
        point = point.max(history.operation(*id).call);
        placed.push((point, *id));
    }
}

fn returns(history: &History, id: OpId) -> u64 {
    history.operation(id).ret.unwrap_or(NEVER)
}

/// The whole is proven as far as the part that is proven least far.
fn less_known(history: &History, one: Standing, other: Standing) -> Standing {
    let reach = |standing: &Standing| standing.proven_until.map(|id| returns(history, id));
    let least = if reach(&other) < reach(&one) {
        other
    } else {
        one
    };
    Standing {
        peak_configurations: one.peak_configurations.max(other.peak_configurations),
        ..least
    }
}
