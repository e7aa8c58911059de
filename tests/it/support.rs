//! What the tests share.

pub(crate) mod claim;
pub(crate) mod database;
pub(crate) mod docs;
pub(crate) mod door;
pub(crate) mod pair;
pub(crate) mod refusal;
pub(crate) mod retold;
pub(crate) mod scissors;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod steps;
pub(crate) mod switch;
pub(crate) mod terminal;
pub(crate) mod world;
