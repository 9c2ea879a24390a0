//! The patient: a replicated key-value store on Raft whose bugs can be switched on.
//!
//! A test harness needs something to test, and to be trusted it needs something that is wrong in known
//! ways. Without `--bug` a node of this crate is linearizable under lost, late, repeated and reordered
//! messages, partitions, pauses, kills and power loss; with `--bug` it breaks in exactly one way, and
//! [`Bug`] says which anomaly that must show. It knows nothing of the harness.
//!
//! # Running one
//! ```text
//! target-node --id n1 --client-addr 127.0.0.1:8001 --peer-addr 127.0.0.1:7001 --data /tmp/n1 \
//!             --peers n1=127.0.0.1:7001,n2=127.0.0.1:7002,n3=127.0.0.1:7003 \
//!             --client-addrs n1=127.0.0.1:8001,n2=127.0.0.1:8002,n3=127.0.0.1:8003
//! curl -X PUT  localhost:8001/kv/a     -d '{"value": 5}'
//! curl -X POST localhost:8001/kv/a/cas -d '{"expected": 5, "value": 6}'
//! curl         localhost:8001/kv/a
//! curl         localhost:8001/status
//! ```
//! Another program embeds a node with [`NodeArgs`] and [`run`].
//!
//! # What clients ask
//! | request | meaning |
//! |---|---|
//! | `GET /kv/{key}?level=…` | read; an absent key reads null |
//! | `PUT /kv/{key}` `{"value": …}` | write; null deletes |
//! | `DELETE /kv/{key}` | delete |
//! | `POST /kv/{key}/cas` `{"expected": …, "value": …}` | write if the key holds `expected` |
//! | `POST /kv/{key}/append` `{"value": …}` | put behind the end of a list; absent is empty |
//! | `POST /kv/{key}/add` `{"amount": n}` | add to an integer; absent is 0; answers the sum |
//! | `POST /locks/{lock}/acquire` `{"owner": …}` | take a lock, or be told again that one has it; answers a token that grows with every grant |
//! | `POST /locks/{lock}/release` `{"owner": …, "token": n}` | free it; the token may be left out |
//! | `POST /txn` `{"conditions": [{"key", "expected"}], "operations": [{"op", "key", …}]}` | all of it or none; `op` is `read`, `write`, `delete`, `append` or `add` |
//! | `GET /status`, `GET /health` | this node alone |
//! | `GET /metrics` | counters and histograms for Prometheus |
//! | `GET /log?from=n&limit=n` | entries of this node's log, by kind |
//! | `GET /openapi.json` | all of this, for programs |
//! | `GET /state-hash?index=n` | the hash of the state once entry `n` is applied, or as it is now: equal on all nodes |
//!
//! `?timeout_ms=n` makes any of them wait less than 5 s, which is also the most.
//!
//! A read sees everything that was complete before it began (`linearizable`, or `log`, which proves it by an entry of
//! its own; `follower`, at any node; `lease`, as far as clocks can be relied on), or at least the entry `min_index` (`monotonic`), or whatever the node has (`local`).
//!
//! # Once
//! A change that is sent twice may take place twice, unless it belongs to a session: `POST /sessions?idle_ms=n` answers a
//! `client`, and each change then has the headers `Session-Client`, `Session-Sequence` (a number of the client's choice, the
//! same when it is sent again) and, to have old answers dropped, `Session-Acknowledged` (the first sequence without an answer).
//! Whatever node leads, the second time is answered as the first was. A session ends after 10 minutes of silence, or `idle_ms`, by
//! a time that stands still while the cluster is down; `POST /sessions/{client}/keep-alive` is a sign of life.
//!
//! `session_expired` says that *this* request was not executed and never will be. Who has sent the same
//! sequence before, and got no answer, knows as little about that one as before: its outcome stays unknown.
//!
//! # Members, leadership, snapshots
//! A node started with `--peers`, or with a `--directory` file that says the same, begins a cluster with these members, which may
//! be given by names that DNS knows; one started with `--join` and `--cluster` (by default
//! the names in `--peers`, as in `n1,n2,n3`) waits to be added. The leader takes these, and answers when they are done:
//!
//! | request | meaning |
//! |---|---|
//! | `POST /admin/members` `{"add": {"id", "peer_addr", "client_addr"}}` | a server joins: it receives the log, and votes once it has caught up |
//! | … `{"add_learner": {…}}`, `{"remove": {"id"}}` | it only receives the log; it leaves |
//! | … `{"replace": [{…}, …]}` | these become the voters, through joint consensus if more than one differs |
//! | `POST /admin/transfer` `{"to": id}` or `{}` | hand leadership over |
//! | `POST /admin/snapshot` | the asked node writes its state out and shortens its log |
//!
//! A node that lost its disk is not heard under its old name until it was removed and added again.
//!
//! # What clients are told
//! Every answer is one JSON object: `outcome` is `ok` (200), `fail` (4xx or 503: certainly without effect, now
//! and later) or `unknown` (504: it may have taken effect, or may yet); then `value` (reads, sums), `values` (transactions), `token`
//! (locks), `client` (sessions), `error` and `message`, `node`, `leader`, `leader_url`, `term`,
//! and `index`, the last log entry the node has applied. A read that is not served is a `fail`.
//!
//! | error | outcome | status |
//! |---|---|---|
//! | `not_leader` | fail | 421 |
//! | `cas_mismatch`, `wrong_type`, `lock_held`, `lock_not_held` | fail | 409 |
//! | `too_large` | fail | 413 |
//! | `bad_request`, `not_found` | fail | 400, 404 |
//! | `session_expired`, `passed` (state hashes) | fail | 410 |
//! | `change_under_way`, `bad_members` | fail | 409 |
//! | `not_caught_up`, `transfer_failed` | fail | 503 |
//! | `busy`, `behind` (monotonic reads) | fail | 503 |
//! | `timeout`, `stopping` | fail for reads, unknown for changes | 503, 504 |
//! | `leadership_lost` | unknown | 504 |
//!
//! # A state on disk
//! `--state disk` keeps values in a file, and in memory those that changed since the last snapshot; locks and sessions stay in
//! memory. What is durable is the same in both modes, snapshots and the log: the file is made anew from them at each
//! start and after each snapshot that is received, in the folder `state` of the data folder, and is never synced. Nodes of both kinds
//! may be in one cluster, and a node may change its kind with a restart. A read of what is not in the cache waits for the disk. A file that cannot be
//! read or written ends the node with an error that names it; nothing that came of such a read has left it. Bits that
//! the disk changed in it are not noticed here, but by `/state-hash`.
//!
//! As much as changes between two snapshots is in memory twice, as state and as log, so a large state needs
//! `--snapshot-factor 0` or 1 to profit; each snapshot still writes all of it.
//!
//! 200 000 keys of 256 bytes, written in 53 s to a node alone that was started with `--snapshot-factor 0`, took 94 MiB of resident memory
//! in memory and 45 MiB on disk; after a restart 89 and 35 MiB. 600 000 took 57 MiB on disk: more came together while a larger snapshot was
//! taken; the file is up to several times as large as what it holds.
//! ```text
//! curl -sSZ --parallel-max 64 -o /dev/null -X PUT 'localhost:8001/kv/key[1-200000]' \
//!      -d "{\"value\": \"$(head -c 256 /dev/zero | tr '\0' x)\"}"
//! ```
//!
//! # How it is built
//! - `raft`: the algorithm, as a function of time and input. No sockets, clocks, threads.
//! - `log`: what must be remembered, in segment files; one sync a batch, before anything is said that depends on it.
//! - `kv`: the state machine: values, locks, transactions, sessions, and images of all of it; values in layers, over a base that may be on disk.
//! - `table`: a file for the values of a state that is kept on disk.
//! - `replica`: one node without sockets, threads and files; the process and the simulation both own one.
//! - `transport`: messages between nodes over TCP, dropped rather than queued without bound.
//! - `server`: one task that owns the replica and never waits for the disk, and the HTTP door.
//! - `sim` (tests only): clusters of the real parts in virtual time, with the laws of Raft checked after every event.
#![forbid(unsafe_code)]

mod args;
mod bug;
mod config;
mod directory;
mod kv;
mod log;
mod raft;
mod replica;
mod server;
#[cfg(test)]
mod sim;
mod table;
mod transport;

pub use args::{BadTimeoutRange, DiskKind, NodeArgs, StateKind, TimeoutRange};
pub use bug::{Bug, BugSet, UnknownBug};
pub use config::ConfigError;
pub use directory::{BadMember, BadPlace, DirectoryError, Member, Place};
pub use log::LogProbe;
pub use server::run;
