//! Connections that are open, in all and of each address: nobody takes all of them.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::proxies::Proxies;

/// Most open connections. More wait in the kernel's queue until one of them ends.
const CONNECTIONS_MAX: usize = 256;
/// Most open connections of one address. A browser opens six at most, and an idle one ends within ten seconds.
const OF_ONE_ADDRESS_MAX: usize = 32;
/// Longest time between two lines of the log about refused connections.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// Whom an address belongs to, as far as it can be told: an IPv6 network of 64 bits has one owner, with all its addresses.
pub(super) fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// The open connections.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// All connections of browsers behind a proxy come from it, and it has to limit them.
    proxies: Proxies,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    of: HashMap<IpAddr, usize>,
    /// Connections that were refused since the last line of the log.
    refused: u64,
    said: Option<Instant>,
}

/// One open connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _counted: Option<Counted>,
    _free: Option<OwnedSemaphorePermit>,
}

/// One connection of this owner.
#[derive(Debug)]
struct Counted {
    places: Arc<Places>,
    owner: IpAddr,
}

impl Places {
    pub(super) fn new(proxies: Proxies) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            proxies,
            taken: Mutex::default(),
        })
    }

    /// A place for a connection from this address; `None` if its owner has as many as one may have.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        // First, so that what is refused waits for nothing.
        let counted = if self.proxies.is_one(address) {
            None
        } else {
            Some(self.count(owner(address))?)
        };
        Some(Place {
            _counted: counted,
            // Never closed.
            _free: Arc::clone(&self.free).acquire_owned().await.ok(),
        })
    }

    fn count(self: &Arc<Self>, owner: IpAddr) -> Option<Counted> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of = taken.of.entry(owner).or_default();
        if *of < OF_ONE_ADDRESS_MAX {
            *of = of.saturating_add(1);
            let places = Arc::clone(self);
            return Some(Counted { places, owner });
        }
        taken.refused = taken.refused.saturating_add(1);
        if taken.said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            let refused = taken.refused;
            tracing::warn!(
                address = %owner,
                refused,
                "{owner} has {OF_ONE_ADDRESS_MAX} connections, and gets no more; refused of all addresses since the last \
                 such line: {refused}"
            );
            taken.refused = 0;
            taken.said = Some(Instant::now());
        }
        None
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut taken = self
            .places
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = taken.of.get_mut(&self.owner) {
            *of = of.saturating_sub(1);
            if *of == 0 {
                taken.of.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_leaves_places_for_others() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let places = Places::new(Proxies::None);
        let mut open = Vec::new();
        for place in 0..OF_ONE_ADDRESS_MAX {
            let from = address(&format!("2001:db8::{place:x}"));
            open.push(places.take(from).await.expect("a place"));
        }
        assert!(places.take(address("2001:db8::ffff:1")).await.is_none());
        assert!(places.take(address("2001:db8:0:1::1")).await.is_some());
        assert!(places.take(address("10.0.0.1")).await.is_some());
        open.pop();
        assert!(places.take(address("2001:db8::1")).await.is_some());
        drop(open);
        assert!(places.taken.lock().unwrap().of.is_empty());
    }

    #[tokio::test]
    async fn the_proxy_may_take_all_places() {
        let proxy = "127.0.0.1".parse().unwrap();
        let places = Places::new(Proxies::At(vec![proxy]));
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            open.push(places.take(proxy).await.expect("a place"));
        }
        open.clear();
        // Anybody else who connects is counted.
        for _ in 0..OF_ONE_ADDRESS_MAX {
            let place = places.take("10.0.0.1".parse().unwrap()).await;
            open.push(place.expect("a place"));
        }
        assert!(places.take("10.0.0.1".parse().unwrap()).await.is_none());
    }

    #[test]
    fn an_address_of_version_4_is_the_same_however_it_is_written() {
        let of = |text: &str| owner(text.parse().unwrap()).to_string();
        assert_eq!(of("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
