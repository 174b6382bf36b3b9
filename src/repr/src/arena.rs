//! Memory for values made while an expression is evaluated.

use std::cell::RefCell;

/// Owns the bytes of intermediate values; what it hands out lives as long as the arena is borrowed.
///
/// Call [`Arena::clear`] between rows: it frees everything at once.
#[derive(Default)]
pub struct Arena {
    pieces: RefCell<Vec<Vec<u8>>>,
}

impl Arena {
    /// An empty arena; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `bytes` and lends them for the arena's life.
    pub fn bytes(&self, bytes: Vec<u8>) -> &[u8] {
        if bytes.is_empty() {
            return &[];
        }
        let (pointer, len) = (bytes.as_ptr(), bytes.len());
        self.pieces.borrow_mut().push(bytes);
        // SAFETY: a piece's heap memory does not move when the vector of pieces grows, is never
        // written again, and is freed only by `clear` or drop, which need the arena unborrowed.
        unsafe { std::slice::from_raw_parts(pointer, len) }
    }

    /// Keeps `text` and lends it for the arena's life.
    pub fn text(&self, text: String) -> &str {
        // SAFETY: the bytes come from a `String`.
        unsafe { std::str::from_utf8_unchecked(self.bytes(text.into_bytes())) }
    }

    /// Frees everything.
    pub fn clear(&mut self) {
        self.pieces.get_mut().clear();
    }
}
