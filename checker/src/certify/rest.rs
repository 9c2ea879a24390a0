//! Checks a counterexample: that it follows from the history, and that it has no order.

use crate::budget::Watch;
use crate::certify::brute::{self, Piece};
use crate::certify::meaning::{Act, Item, Object};
use crate::certify::needs::Needs;
use crate::certify::visibility::{Covers, Visibility};
use crate::certify::{CertifyError, find};
use crate::counterexample::{Presence, Weakened};
use crate::history::{History, Outcome};

/// How many configurations are tried. They take up to 200 bytes each.
const MAX_CONFIGURATIONS: usize = 2_000_000;

pub(super) fn verify(
    history: &History,
    object: &Object<'_>,
    operations: &[Weakened],
    watch: &Watch<'_>,
) -> Result<(), CertifyError> {
    let mut kept = vec![false; history.operations.len()];
    let mut left: Vec<(&Item<'_>, Act<'_>)> = Vec::new();
    for weakened in operations {
        watch.step()?;
        let item = find(history, object, weakened.id)?;
        if std::mem::replace(&mut kept[weakened.id.0], true) {
            return Err(CertifyError::Duplicate { id: weakened.id });
        }
        claims_no_more(weakened, item)?;
        left.push((item, object.counted(item, weakened)));
    }
    nothing_seen_is_missing(object, &kept, operations, &left, watch)?;
    let pieces: Vec<Piece<'_>> = operations
        .iter()
        .zip(&left)
        .map(|(weakened, (_, act))| Piece {
            call: weakened.call,
            ret: weakened.ret.unwrap_or(u64::MAX),
            presence: weakened.presence,
            act,
        })
        .collect();
    match brute::has_order(object, &pieces, MAX_CONFIGURATIONS, watch)? {
        Some(false) => Ok(()),
        Some(true) => Err(CertifyError::Legal {
            key: object.key.cloned(),
            operations: pieces.len(),
        }),
        None => Err(CertifyError::TooLarge {
            key: object.key.cloned(),
            operations: pieces.len(),
            limit: MAX_CONFIGURATIONS,
        }),
    }
}

fn claims_no_more(weakened: &Weakened, item: &Item<'_>) -> Result<(), CertifyError> {
    let operation = item.operation;
    let ret = weakened.ret.unwrap_or(u64::MAX);
    let claim = match (operation.outcome, weakened.presence) {
        (Outcome::Fail, _) => return Err(CertifyError::Failed { id: weakened.id }),
        (Outcome::Info, Presence::Mandatory) => {
            "must take effect, though nobody knows whether it did"
        }
        _ if weakened.call > operation.call => "begins after its call",
        _ if ret < item.ret() => "ends before its return",
        (_, Presence::Optional) if weakened.ret.is_some() => "is optional, yet has an end",
        (Outcome::Ok | Outcome::Info, Presence::Mandatory | Presence::Optional) => return Ok(()),
    };
    Err(CertifyError::Stronger {
        id: weakened.id,
        claim,
    })
}

/// No mutation was left out that an operation left may have seen.
fn nothing_seen_is_missing<'h>(
    object: &Object<'h>,
    kept: &[bool],
    operations: &[Weakened],
    left: &[(&Item<'h>, Act<'h>)],
    watch: &Watch<'_>,
) -> Result<(), CertifyError> {
    let mut out = object
        .items
        .iter()
        .filter(|item| item.operation.outcome != Outcome::Fail && !kept[item.id().0])
        .take_while(|_| watch.step().is_ok());
    let seen = if object.shows_last() {
        let observers = left.iter().map(|(item, act)| (*item, act));
        let covers = Covers::new(left.iter().map(|(item, _)| *item));
        let visibility = Visibility::new(&covers, observers);
        out.find_map(|item| Some((item.id(), visibility.of(item)?)))
    } else {
        let left = operations.iter().zip(left);
        let needs = Needs::new(object, left.map(|(one, (item, act))| (*item, one, act)));
        out.find_map(|item| Some((item.id(), needs.of(item)?)))
    };
    watch.look()?;
    seen.map_or(Ok(()), |(id, seen_by)| {
        Err(CertifyError::Needed { id, seen_by })
    })
}
