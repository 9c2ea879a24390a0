//! Who wants to see the state as it is at one index.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::{
    kv::Kv,
    raft::LogIndex,
    replica::{Answer, Reason},
};

/// Viewers that may wait at once.
const VIEWERS_MAX: usize = 64;

/// A state, or why it cannot be seen.
pub(super) type View = Result<Kv, Answer>;

/// A wish to see the state.
#[derive(Debug)]
pub(super) struct Viewer {
    /// The last entry that is to be applied in it; none for the state as it is.
    pub(super) at: Option<LogIndex>,
    pub(super) reply: oneshot::Sender<View>,
}

/// Those who wait for an index to come.
#[derive(Debug, Default)]
pub(super) struct Viewers(BTreeMap<LogIndex, Vec<oneshot::Sender<View>>>);

impl Viewers {
    /// Shows the state, now or when it has reached the index; a clone costs nothing.
    pub(super) fn admit(&mut self, viewer: Viewer, kv: &Kv) {
        let at = viewer.at.unwrap_or(kv.applied());
        let view = if at == kv.applied() {
            Ok(kv.clone())
        } else if at < kv.applied() {
            Err(Answer::failed(Reason::Passed))
        } else if self.count() >= VIEWERS_MAX {
            Err(Answer::failed(Reason::Busy))
        } else {
            return self.0.entry(at).or_default().push(viewer.reply);
        };
        // A viewer that went away is told nothing.
        let _ = viewer.reply.send(view);
    }

    /// Tells those who wait for the state as it is now.
    pub(super) fn tell(&mut self, kv: &Kv) {
        while let Some(first) = self.0.first_entry() {
            if *first.key() > kv.applied() {
                return;
            }
            let reached = *first.key() == kv.applied();
            for reply in first.remove() {
                let passed = || Answer::failed(Reason::Passed);
                let _ = reply.send(reached.then(|| kv.clone()).ok_or_else(passed));
            }
        }
    }

    /// Those who still wait; who went away is forgotten.
    fn count(&mut self) -> usize {
        self.0.retain(|_, replies| {
            replies.retain(|reply| !reply.is_closed());
            !replies.is_empty()
        });
        self.0.values().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::{Body, Entry, Position, Term};

    fn advance(kv: &mut Kv) {
        let at = Position {
            term: Term(1),
            index: kv.applied().next(),
        };
        let body = Body::Noop;
        kv.apply(&Entry { at, body });
    }

    fn ask(viewers: &mut Viewers, kv: &Kv, at: Option<u64>) -> oneshot::Receiver<View> {
        let (reply, view) = oneshot::channel();
        let at = at.map(LogIndex);
        viewers.admit(Viewer { at, reply }, kv);
        view
    }

    #[test]
    fn a_state_is_shown_at_its_index_and_at_no_other() {
        let mut kv = Kv::default();
        let mut viewers = Viewers::default();
        advance(&mut kv);
        advance(&mut kv);
        let applied =
            |mut view: oneshot::Receiver<View>| view.try_recv().unwrap().unwrap().applied();
        assert_eq!(applied(ask(&mut viewers, &kv, None)), LogIndex(2));
        assert_eq!(applied(ask(&mut viewers, &kv, Some(2))), LogIndex(2));
        let mut passed = ask(&mut viewers, &kv, Some(1));
        let passed = passed.try_recv().unwrap().unwrap_err();
        assert_eq!(passed, Answer::failed(Reason::Passed));

        let mut later = ask(&mut viewers, &kv, Some(4));
        advance(&mut kv);
        viewers.tell(&kv);
        assert!(later.try_recv().is_err(), "not yet");
        advance(&mut kv);
        viewers.tell(&kv);
        advance(&mut kv);
        assert_eq!(applied(later), LogIndex(4));
    }

    #[test]
    fn an_index_that_is_skipped_is_passed() {
        let mut kv = Kv::default();
        let mut viewers = Viewers::default();
        let mut view = ask(&mut viewers, &kv, Some(1));
        advance(&mut kv);
        advance(&mut kv);
        viewers.tell(&kv);
        let passed = view.try_recv().unwrap().unwrap_err();
        assert_eq!(passed, Answer::failed(Reason::Passed));
    }

    #[test]
    fn only_so_many_wait_and_who_goes_away_makes_room() {
        let kv = Kv::default();
        let mut viewers = Viewers::default();
        let ask = |viewers: &mut Viewers| ask(viewers, &kv, Some(9));
        let waiting: Vec<_> = (0..VIEWERS_MAX).map(|_| ask(&mut viewers)).collect();
        let busy = ask(&mut viewers).try_recv().unwrap().unwrap_err();
        assert_eq!(busy, Answer::failed(Reason::Busy));
        drop(waiting);
        assert!(ask(&mut viewers).try_recv().is_err(), "it waits");
    }
}
