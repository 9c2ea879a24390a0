//! A lock that two hold at once, or that was let go twice.
//!
//! Between two acquires there is a release in every order, and between two releases an acquire. If none can be between two of the one
//! kind, because each of the other kind returned before both were called or was called after both returned, there is no order. Nor is
//! there one if the first of all has nothing to undo.

use super::reach::in_flight;
use super::words::{acknowledged, called, then};
use super::{Claim, call, is_ok, may_be};
use crate::budget::{Limit, Watch};
use crate::certify::meaning::{Item, Object};
use crate::verdict::AnomalyClass;

/// One of the two functions, as a sentence has it.
struct Kind {
    f: &'static str,
    undoes: &'static str,
    did: &'static str,
    though: &'static str,
    /// The state of the lock in which it cannot succeed.
    fails_if: &'static str,
}

const ACQUIRE: Kind = Kind {
    f: "acquire",
    undoes: "release",
    did: "acquired the lock",
    though: "nobody had let it go",
    fails_if: "held",
};

const RELEASE: Kind = Kind {
    f: "release",
    undoes: "acquire",
    did: "let the lock go",
    though: "nobody had acquired it",
    fails_if: "free",
};

pub(super) fn find(object: &Object<'_>, watch: &Watch<'_>) -> Result<Option<Claim>, Limit> {
    for kind in [ACQUIRE, RELEASE] {
        if let Some(claim) = twice(object, &kind).or_else(|| at_first(object, &kind)) {
            return Ok(Some(claim));
        }
        watch.look()?;
    }
    Ok(None)
}

fn twice(object: &Object<'_>, kind: &Kind) -> Option<Claim> {
    let same = of(object, kind.f).filter(|item| is_ok(item));
    let same: Vec<&Item<'_>> = same.collect();
    let others = in_flight(of(object, kind.undoes));
    let (first, second) = same.windows(2).find_map(|pair| {
        let (first, second) = (pair[0], pair[1]);
        let last = others.before(first.ret().max(second.ret()));
        let between = last.is_some_and(|(ret, _)| ret > call(first));
        (!between).then_some((first, second))
    })?;
    let succeeded = if first.ret() < call(second) {
        format!("{} succeeded", then(first, second, kind.f))
    } else {
        format!("{} succeeded as well", called(second, kind.f))
    };
    Some(Claim {
        class: AnomalyClass::CasMismatch,
        operations: vec![first.id(), second.id()],
        explanation: format!(
            "{}; {succeeded}, though {} in between",
            acknowledged(first, kind.did),
            kind.though
        ),
    })
}

fn at_first(object: &Object<'_>, kind: &Kind) -> Option<Claim> {
    if object.initial.as_text() != Some(kind.fails_if) {
        return None;
    }
    let first = of(object, kind.undoes).map(call).min();
    let lone = of(object, kind.f)
        .filter(|item| is_ok(item))
        .find(|item| first.is_none_or(|first| first > item.ret()))?;
    Some(Claim {
        class: AnomalyClass::CasMismatch,
        operations: vec![lone.id()],
        explanation: format!(
            "{} succeeded, though {} by then",
            called(lone, kind.f),
            kind.though
        ),
    })
}

/// The operations of a kind that may have taken effect.
fn of<'o, 'h>(object: &'o Object<'h>, f: &str) -> impl Iterator<Item = &'o Item<'h>> {
    let items = object.items.iter();
    items.filter(move |item| may_be(item) && item.operation.f == f)
}
