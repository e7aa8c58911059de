//! Books a submit as an order.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    event_queue::Event,
    order::{Order, Status, debit_idr},
    request::{FeeType, Refusal, Submit},
    state::SandboxState,
};

/// Jakarta is UTC+7 and has no daylight saving time (protocol P4).
const JAKARTA_AHEAD: TimeDelta = TimeDelta::hours(7);

impl SandboxState {
    /// Accepts an order. From here on it is paid or fails, whatever the answer says.
    pub(super) fn book(
        &mut self,
        seen: usize,
        submit: Submit,
        now: Instant,
    ) -> Result<Order, Refusal> {
        let order_num = submit.order_num.clone();
        if self.orders.contains_key(&order_num) {
            return Err("order already exists".into());
        }
        let fee_idr = self.script(&order_num).fee_idr;
        let fee_idr = fee_idr.unwrap_or(self.settings.fee_idr);
        if submit.fee_type == FeeType::FromAmount && submit.money_idr <= fee_idr {
            return Err("the amount does not cover the fee".into());
        }
        self.account = debit_idr(&submit, fee_idr)
            .and_then(|debit_idr| self.account.freeze(debit_idr))
            .ok_or("insufficient balance")?;
        let order = Order {
            platform_order_num: self.next_platform_order_num(),
            submit,
            fee_idr,
            status: Status::New,
            booked_at: Utc::now(),
            notified: 0,
            acknowledged: false,
            final_reads: 0,
        };
        self.orders.insert(order_num.clone(), order.clone());
        if let Some(seen) = self.submits.get_mut(seen) {
            seen.booked = true;
        }
        let processing = Duration::from_millis(self.settings.pace.processing_ms);
        self.after(now, processing, Event::Advance(order_num));
        Ok(order)
    }

    /// Schedules the booking of a submit that gets no answer now.
    pub(super) fn book_later(&mut self, seen: usize, submit: Submit, now: Instant) {
        let delay = Duration::from_millis(self.settings.pace.late_booking_ms);
        self.after(now, delay, Event::BookLate(seen, Box::new(submit)));
    }

    fn next_platform_order_num(&self) -> String {
        let count = self.orders.len().saturating_add(1);
        let now = Utc::now().checked_add_signed(JAKARTA_AHEAD);
        let now = now.unwrap_or_default().format("%Y%m%d%H%M%S");
        format!("W{now}{count:06}")
    }
}
