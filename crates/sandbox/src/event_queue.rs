//! The events to come, in one queue ordered by time.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::request::Submit;

/// An event that is due at some moment.
pub(super) enum Event {
    /// An order moves to its next status.
    Advance(String),
    /// A callback is sent.
    Callback(DueCallback),
    /// A delayed submit (by its index in the record) is booked.
    BookLate(usize, Box<Submit>),
}

/// A callback that must be sent now.
pub(super) struct DueCallback {
    pub(super) order_num: String,
    /// Whether it is outside the schedule of six.
    pub(super) extra: bool,
}

impl DueCallback {
    /// One outside the schedule of six.
    pub(super) fn extra(order_num: impl Into<String>) -> Self {
        Self {
            order_num: order_num.into(),
            extra: true,
        }
    }
}

/// Events due at the same moment keep the order in which they were added.
#[derive(Default)]
pub(super) struct EventQueue {
    events: BTreeMap<(Instant, u64), Event>,
    serial: u64,
}

impl EventQueue {
    /// Adds an event.
    pub(super) fn add(&mut self, due: Instant, event: Event) {
        self.serial = self.serial.saturating_add(1);
        self.events.insert((due, self.serial), event);
    }

    /// When the next event is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.events.keys().next().map(|(due, _)| *due)
    }

    /// Takes the next event if it is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Event> {
        let next = self.events.first_entry()?;
        (next.key().0 <= now).then(|| next.remove())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn events_come_when_due_and_in_order() {
        let now = Instant::now();
        let at = |ms| now.checked_add(Duration::from_millis(ms)).unwrap();
        let mut events = EventQueue::default();
        for (ms, name) in [(20, "c"), (10, "a"), (10, "b"), (30, "d")] {
            events.add(at(ms), Event::Advance(name.to_owned()));
        }
        let mut names = String::new();
        while let Some(Event::Advance(name)) = events.take_due(at(20)) {
            names.push_str(&name);
        }
        assert_eq!(names, "abc");
        assert_eq!(events.next_due(), Some(at(30)));
    }
}
