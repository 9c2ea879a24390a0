//! Phrases, word by word.

use std::fmt;

/// A phrase that is being read.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: Vec<String>,
    next: usize,
}

/// What is wrong with a phrase: the word, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) String);

/// Shorthand for a refusal.
pub(super) fn wrong<T>(message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(message.into()))
}

impl Words {
    /// Signs between nodes stand for themselves, with spaces around them or not.
    pub(super) fn new(phrase: &str) -> Words {
        let mut spaced = phrase.replace("<->", "|");
        for sign in ["->", "<-", "|"] {
            spaced = spaced.replace(sign, &format!(" {sign} "));
        }
        Words {
            words: spaced.split_whitespace().map(str::to_owned).collect(),
            next: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.words.get(self.next).map(String::as_str)
    }

    /// The word after the next one.
    pub(super) fn second(&self) -> Option<&str> {
        self.words.get(self.next + 1).map(String::as_str)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    /// Takes the next word if it is one of these.
    pub(super) fn accept(&mut self, any_of: &[&str]) -> bool {
        let is_one = self.peek().is_some_and(|word| any_of.contains(&word));
        self.next += usize::from(is_one);
        is_one
    }

    /// Takes the next word if `read` makes something of it.
    pub(super) fn take<T>(
        &mut self,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Wrong> {
        match self.peek().map(|word| (word.to_owned(), read(word))) {
            Some((_, Some(value))) => {
                self.next += 1;
                Ok(value)
            }
            Some((word, None)) => wrong(format!("{word:?} stands where {what} should")),
            None => wrong(format!("{what} is missing at the end")),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), Wrong> {
        match self.peek() {
            None => Ok(()),
            Some(word) => wrong(format!("{word:?} is not understood there: leave it out")),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
