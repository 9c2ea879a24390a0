//! Objects about which there is a theorem: exact answers in about the time of a sort.
//!
//! | object | precondition | theorem |
//! |---|---|---|
//! | queue | what is dequeued was enqueued once | [`queue`] |
//! | unordered queue | the same, or nobody found it empty | [`bag`] |
//! | stack | what is popped was pushed once | [`stack`] |
//! | set that is read | nothing is removed | [`growing`] |
//! | set that is not | no element is added twice, nothing is removed | [`by_element`] |
//! | counter | all additions are of one amount | [`counter`] |
//!
//! Each theory judges a whole history or a prefix of it; [`theory`] finds the first failing return with that. Where a precondition fails,
//! the engines answer.

#[cfg(test)]
mod agreement;
mod bag;
pub(crate) mod by_element;
mod counter;
mod coverage;
mod cuts;
mod elements;
mod growing;
pub(crate) mod objects;
mod order;
mod queue;
mod stack;
mod theory;

pub(crate) use theory::Inapplicable;
