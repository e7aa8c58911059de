//! The sandbox's state, and the only code that changes it. It reads no clock.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{
    account::BalanceView,
    chance,
    event_queue::{DueCallback, Event, EventQueue},
    fault::Fault,
    order::{Order, Status},
    script::{Ending, Script},
    settings::Settings,
    view::SeenSubmit,
};

/// Orders, money, faults and coming events.
pub(super) struct SandboxState {
    pub(super) settings: Settings,
    pub(super) account: BalanceView,
    pub(super) orders: HashMap<String, Order>,
    pub(super) submits: Vec<SeenSubmit>,
    /// How often each order was queried, booked or not.
    pub(super) queries: HashMap<String, u32>,
    pub(super) fault: Option<Fault>,
    scripts: HashMap<String, Script>,
    events: EventQueue,
}

impl SandboxState {
    /// Creates a state without orders.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            account: BalanceView {
                balance: settings.balance_idr,
                freeze: 0,
                paid: 0,
            },
            orders: HashMap::new(),
            submits: Vec::new(),
            queries: HashMap::new(),
            fault: None,
            scripts: HashMap::new(),
            events: EventQueue::default(),
            settings,
        }
    }

    /// Records a submit permanently and returns its index in the record.
    pub(super) fn record(&mut self, seen: SeenSubmit) -> usize {
        self.submits.push(seen);
        self.submits.len().saturating_sub(1)
    }

    /// What was decided about this order.
    pub(super) fn script(&self, order_num: &str) -> Script {
        self.scripts.get(order_num).copied().unwrap_or_default()
    }

    /// The fault that applies to this order now.
    pub(super) fn fault_for(&self, order_num: &str) -> Option<Fault> {
        self.script(order_num).fault.or(self.fault)
    }

    /// The fault that applies to queries of this order now.
    pub(super) fn query_fault_for(&self, order_num: &str) -> Option<Fault> {
        let script = self.script(order_num).query_fault;
        script.or_else(|| self.fault_for(order_num))
    }

    /// Scripts one order. If it waits at the bank and the script ends it, it moves on.
    pub(super) fn set_script(&mut self, order_num: String, script: Script, now: Instant) {
        let may_end = script.ends.is_some_and(|ending| ending != Ending::Stays);
        let order = self.orders.get(&order_num);
        let waits = order.is_some_and(|order| order.status == Status::AtBank);
        self.scripts.insert(order_num.clone(), script);
        if may_end && waits {
            self.events.add(now, Event::Advance(order_num));
        }
    }

    /// Moves an order through all its statuses at once. Returns false if it does not end.
    pub(super) fn end_at_once(&mut self, order_num: &str) -> bool {
        let ending = self.ending(order_num);
        while self.step(order_num, ending).is_some() {}
        self.orders
            .get(order_num)
            .is_some_and(|order| order.status.is_final())
    }

    /// When the next event is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.events.next_due()
    }

    /// Runs every due event and returns the callbacks that must be sent now.
    pub(super) fn run_due(&mut self, now: Instant) -> Vec<DueCallback> {
        let mut callbacks = Vec::new();
        while let Some(event) = self.events.take_due(now) {
            match event {
                Event::Advance(order_num) => self.advance(order_num, now),
                Event::Callback(callback) => callbacks.push(callback),
                Event::BookLate(seen, submit) => {
                    let booked = self.book(seen, *submit, now);
                    if let (Err(refusal), Some(seen)) = (booked, self.submits.get_mut(seen)) {
                        seen.message = refusal.message;
                    }
                }
            }
        }
        callbacks
    }

    /// Records the outcome of one callback and schedules the next of the six.
    pub(super) fn notified(&mut self, due: DueCallback, acknowledged: bool, now: Instant) {
        let repeats = self.fault_for(&due.order_num) == Some(Fault::DuplicateCallbacks);
        let Some(order) = self.orders.get_mut(&due.order_num) else {
            return;
        };
        order.acknowledged |= acknowledged;
        if due.extra {
            return;
        }
        order.notified = order.notified.saturating_add(1);
        if order.acknowledged && !repeats {
            return;
        }
        if let Some(delay) = self.settings.pace.callback_delay(order.notified) {
            self.after(now, delay, Event::Callback(due));
        }
    }

    fn advance(&mut self, order_num: String, now: Instant) {
        let pace = self.settings.pace.clone();
        let fault = self.fault_for(&order_num);
        let Some(status) = self.step(&order_num, self.ending(&order_num)) else {
            return;
        };
        let callback = |order_num, extra| Event::Callback(DueCallback { order_num, extra });
        if status.is_final() {
            let mut delay = pace.callback_delay(0).unwrap_or_default();
            if fault == Some(Fault::LateCallback) {
                delay = delay.saturating_add(Duration::from_millis(pace.late_callback_ms));
            }
            return self.after(now, delay, callback(order_num, false));
        }
        if fault == Some(Fault::ProgressCallbacks) {
            self.events.add(now, callback(order_num.clone(), true));
        }
        let next_ms = if status == Status::AtBank {
            pace.ending_ms
        } else {
            pace.at_bank_ms
        };
        self.after(
            now,
            Duration::from_millis(next_ms),
            Event::Advance(order_num),
        );
    }

    /// Moves one order to its next status, and its money with it; `None` if there is no next status.
    fn step(&mut self, order_num: &str, ending: Ending) -> Option<Status> {
        let final_fee_idr = self.script(order_num).final_fee_idr;
        let order = self.orders.get_mut(order_num)?;
        order.status = order.status.next(ending)?;
        let frozen_idr = order.debit_idr()?;
        match order.status {
            Status::Paid => {
                order.fee_idr = final_fee_idr.unwrap_or(order.fee_idr);
                self.account = self.account.pay(frozen_idr, order.debit_idr()?);
            }
            Status::Cancelled | Status::Failed => self.account = self.account.release(frozen_idr),
            Status::New | Status::Processing | Status::AtBank => {}
        }
        Some(order.status)
    }

    fn ending(&self, order_num: &str) -> Ending {
        let Settings {
            seed, fail_percent, ..
        } = self.settings;
        let by_chance = || chance::ending(seed, order_num, fail_percent);
        self.script(order_num).ends.unwrap_or_else(by_chance)
    }

    /// Schedules an event; one beyond the clock's range is due now.
    pub(super) fn after(&mut self, now: Instant, delay: Duration, event: Event) {
        self.events
            .add(now.checked_add(delay).unwrap_or(now), event);
    }
}
