//! The few messages of etcd's protocol that are needed, by the field numbers of `rpc.proto` and `kv.proto` of etcd 3.4.
//!
//! Fields that nobody reads are left out: a protobuf reader skips what it does not know.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct PutRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PutResponse {}

/// One key, read linearizably: that is the default.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RangeResponse {
    #[prost(message, repeated, tag = "2")]
    pub kvs: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValue {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StatusRequest {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    /// The member that leads; 0 where none is known.
    #[prost(uint64, tag = "4")]
    pub leader: u64,
    #[prost(uint64, tag = "6")]
    pub raft_term: u64,
}

impl StatusResponse {
    /// The member that answered; 0 where it did not say.
    pub(super) fn own_id(&self) -> u64 {
        self.header.as_ref().map_or(0, |header| header.member_id)
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResponseHeader {
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MoveLeader {
    #[prost(uint64, tag = "1")]
    pub target_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Moved {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_written_as_the_protocol_says() {
        let put = PutRequest {
            key: b"k".to_vec(),
            value: b"vw".to_vec(),
        };
        assert_eq!(put.encode_to_vec(), b"\x0a\x01k\x12\x02vw");
        assert_eq!(
            MoveLeader { target_id: 300 }.encode_to_vec(),
            b"\x08\xac\x02"
        );
    }

    #[test]
    fn an_answer_is_understood_although_it_says_more() {
        // header { cluster_id: 1, member_id: 2, revision: 3 }, version: "3.4", leader: 2, raft_term: 5
        let bytes = b"\x0a\x06\x08\x01\x10\x02\x18\x03\x12\x033.4\x20\x02\x30\x05";
        let status = StatusResponse::decode(&bytes[..]).unwrap();
        assert_eq!(
            (status.own_id(), status.leader, status.raft_term),
            (2, 2, 5)
        );
        // header {}, kvs [{ key: "k", create_revision: 7, value: "v" }], count: 1
        let range =
            RangeResponse::decode(&b"\x0a\x00\x12\x08\x0a\x01k\x10\x07\x2a\x01v\x20\x01"[..]);
        assert_eq!(range.unwrap().kvs[0].value, b"v");
    }
}
