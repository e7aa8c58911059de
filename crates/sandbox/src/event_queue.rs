//! The events to come, in one queue ordered by time.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use tokio::time::Instant;

use super::request::Submit;

/// An event that is due at some moment.
pub(super) enum Event {
    /// An order moves to its next status.
    Advance(String),
    /// One of the six scheduled callbacks of an order.
    Callback(String),
    /// A callback outside the schedule.
    ExtraCallback(String),
    /// A delayed submit (by its index in the record) is booked.
    BookLate(usize, Box<Submit>),
}

/// Events due at the same moment keep the order in which they were added.
#[derive(Default)]
pub(super) struct EventQueue {
    entries: BinaryHeap<Reverse<Entry>>,
    serial: u64,
}

impl EventQueue {
    /// Adds an event.
    pub(super) fn add(&mut self, due: Instant, event: Event) {
        self.serial = self.serial.saturating_add(1);
        self.entries.push(Reverse(Entry {
            due,
            serial: self.serial,
            event,
        }));
    }

    /// When the next event is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.entries.peek().map(|Reverse(entry)| entry.due)
    }

    /// Takes the next event if it is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Event> {
        if self.next_due()? > now {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry.event)
    }
}

struct Entry {
    due: Instant,
    serial: u64,
    event: Event,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.serial).cmp(&(other.due, other.serial))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

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
