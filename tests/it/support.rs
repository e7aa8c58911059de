//! What the tests stand on.

pub(crate) mod database;
pub(crate) mod door;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod world;
