//! What a test decides about one order before it arrives.

use super::fault::Fault;

/// How an order ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Status 2.
    Paid,
    /// Status 3.
    Cancelled,
    /// Status 4.
    Failed,
    /// It stays at the bank (status 5) until a later script ends it.
    Stays,
}

/// Overrides for one order. `None` means as for every other order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Script {
    /// The fault for this order, whatever the sandbox's own fault is.
    pub fault: Option<Fault>,
    /// The fault for queries of this order, if it is another one.
    pub query_fault: Option<Fault>,
    /// How it ends.
    pub ends: Option<Ending>,
    /// The fee stated in the answer to the submit, in rupiah.
    pub fee_idr: Option<i64>,
    /// The fee charged in the end, in rupiah, if it differs (protocol P23).
    pub final_fee_idr: Option<i64>,
}

impl Script {
    /// A script with only a fault.
    pub fn fault(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// A script with only an ending.
    pub fn ends(ending: Ending) -> Self {
        Self {
            ends: Some(ending),
            ..Self::default()
        }
    }
}
