//! Whose files these are.

/// Bytes a node's name takes in headers.
pub(super) const NAME_BYTES: usize = 32;

/// Whose files these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// At most 32 bytes.
    pub(crate) node: String,
    pub(crate) cluster: u64,
}

/// A name at its fixed width.
pub(super) fn encode_name(name: &str) -> [u8; NAME_BYTES] {
    let mut bytes = [0; NAME_BYTES];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

/// The name in a fixed width.
pub(super) fn decode_name(bytes: &[u8]) -> String {
    let name = bytes.split(|&byte| byte == 0).next().unwrap_or(&[]);
    String::from_utf8_lossy(name).into_owned()
}
