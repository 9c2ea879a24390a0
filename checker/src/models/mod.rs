//! The sequential models a history can be judged by.

pub(crate) mod adapter;
pub(crate) mod buffer;
mod choice;
pub(crate) mod counter;
pub(crate) mod kv_append;
pub(crate) mod list_append;
pub(crate) mod machine;
mod model;
pub(crate) mod multi_register;
mod name;
pub(crate) mod objects;
mod padded;
pub(crate) mod queue;
pub(crate) mod register;
pub(crate) mod set;
mod spec;
pub(crate) mod stack;
pub(crate) mod unordered_queue;

pub(crate) use choice::choose;
pub use choice::{ModelChoice, ModelReason};
pub use model::{Call, Model};
pub use name::{ModelName, UnknownModel};
pub use spec::{BadInitial, ModelSpec};

/// An object that nothing was done to yet.
pub(crate) fn machine_of(spec: &ModelSpec) -> Box<dyn machine::Machine> {
    match spec.name {
        ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::Mutex => {
            register::machine(spec)
        }
        ModelName::MultiRegister => multi_register::machine(spec),
        ModelName::KvAppend => adapter::machine(kv_append::KvAppend::new(spec)),
        ModelName::Set => adapter::machine(set::Set::new(spec)),
        ModelName::Queue => adapter::machine(queue::Queue::new(spec)),
        ModelName::UnorderedQueue => adapter::machine(unordered_queue::UnorderedQueue::new(spec)),
        ModelName::Stack => adapter::machine(stack::Stack::new(spec)),
        ModelName::Counter => adapter::machine(counter::Counter::new(spec)),
        ModelName::ListAppend => list_append::machine(spec),
    }
}
