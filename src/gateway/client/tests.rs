//! The client over real HTTP, against the sandbox and against servers that break the rules of HTTP.

mod broken_servers;
mod callbacks;
mod questions;
mod submits;
mod support;
