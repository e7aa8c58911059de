//! Whether a lane claims and, if not, why. The metrics and `payout status` both say what is kept here.

use std::sync::{Mutex, PoisonError};

use payout_domain::stop::StopReason;

use crate::metrics;

/// Why a lane claims nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The kind of reason.
    pub reason: StopReason,
    /// What this worker found, in words; may be empty. Without personal data.
    pub detail: String,
}

/// The current stop of one lane.
#[derive(Debug)]
pub struct Claims {
    merchant_code: String,
    stop: Mutex<Option<Stop>>,
}

impl Claims {
    /// Of a lane that has not begun: its keys are not proven.
    pub fn new(merchant_code: &str) -> Self {
        Self {
            merchant_code: merchant_code.to_owned(),
            stop: Mutex::new(Some(Stop {
                reason: StopReason::Keys,
                detail: String::new(),
            })),
        }
    }

    /// Nothing is claimed, for this reason. Every claim that is not made calls this, and most calls change nothing.
    pub fn stop(&self, reason: StopReason, detail: &str) {
        metrics::claims_stopped(&self.merchant_code, Some(reason));
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = stop.as_ref().is_some_and(|stop| {
            stop.reason == reason && (stop.detail == detail || detail.is_empty())
        });
        if !is_same {
            let detail = detail.to_owned();
            *stop = Some(Stop { reason, detail });
        }
    }

    /// The lane claims.
    pub fn open(&self) {
        metrics::claims_stopped(&self.merchant_code, None);
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Why nothing is claimed now.
    pub fn stopped(&self) -> Option<Stop> {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        stop.clone()
    }
}
