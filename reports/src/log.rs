//! What the nodes wrote around the moment something went wrong.

/// Lines of several logs, merged by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogExcerpt {
    /// In the order of time.
    pub lines: Vec<LogLine>,
    /// Lines of that time that are too many to be shown.
    pub left_out: usize,
    /// How far before and after the moments that matter lines were looked for.
    pub margin_ns: u64,
    /// What a reader should know, one sentence each: whose times nobody understands, whose clock was wrong.
    pub notes: Vec<String>,
}

/// A line, with those below it that have no time of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, by the clock of its node, on the clock of the history.
    pub at_ns: u64,
    /// Who wrote it.
    pub node: String,
    /// As it was written.
    pub text: String,
}
