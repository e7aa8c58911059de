//! The client over real HTTP, against the sandbox and against servers that break the rules of HTTP.

mod broken_servers;
mod callbacks;
mod dialects;
mod queries;
mod repeated_answers;
mod submits;
mod support;
