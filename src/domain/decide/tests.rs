//! The rules of `decide`, one promise each.
