//! Checks a witness: an order that proves an object linearizable.

use crate::budget::Watch;
use crate::certify::meaning::Object;
use crate::certify::{CertifyError, find};
use crate::history::{History, OpId, Outcome};

/// One pass over the witness and one over the object.
pub(super) fn verify(
    history: &History,
    object: &Object<'_>,
    witness: &[OpId],
    watch: &Watch<'_>,
) -> Result<(), CertifyError> {
    let mut placed = vec![false; history.operations.len()];
    let mut state = object.initial_state();
    let mut last_called = None;
    for &id in witness {
        watch.step()?;
        let item = find(history, object, id)?;
        if item.operation.outcome == Outcome::Fail {
            return Err(CertifyError::Failed { id });
        }
        if std::mem::replace(&mut placed[id.0], true) {
            return Err(CertifyError::Duplicate { id });
        }
        // Of all operations before this one it is enough to remember the one called last.
        if let Some((call, behind)) = last_called
            && item.ret() < call
        {
            return Err(CertifyError::RealTime { id, behind });
        }
        last_called = last_called.max(Some((item.operation.call, id)));
        if !object.accepts(&mut state, &item.act) {
            return Err(CertifyError::Refused { id });
        }
    }
    let missing = object
        .items
        .iter()
        .find(|item| item.operation.outcome == Outcome::Ok && !placed[item.id().0]);
    missing.map_or(Ok(()), |item| Err(CertifyError::Missing { id: item.id() }))
}
