//! Stacks deep enough for any plan that a statement may become.
//!
//! Walks over plans grow the stack as they go ([`crate::visit::grow`]); what the compiler derives (clones, comparisons, drops) cannot, and
//! takes some hundred bytes a level. So every thread that holds plans has room for the deepest of them.

/// Stack of each thread. Only what is touched takes memory.
const THREAD_BYTES: usize = 64 << 20;

/// Gives all threads that are started from now on such a stack. To be called first thing in `main`, while there is one thread only.
pub fn deepen_threads() {
    // SAFETY: nobody else reads the environment yet.
    #[expect(clippy::disallowed_methods, reason = "there is one thread only")]
    unsafe {
        std::env::set_var("RUST_MIN_STACK", THREAD_BYTES.to_string());
    }
}
