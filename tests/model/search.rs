//! Runs one search and prints its size.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Instant,
};

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::{
    moves,
    promises::{self, PROMISES},
    setup::Setup,
    steps::{self, Step},
    world::World,
};

/// Without it, a search that gets nowhere would pass.
const REACHES_GOAL: &str = "reaches its goal";

/// One search, as stateright takes it.
struct Search {
    setup: Setup,
    /// The promise that must be found broken.
    wanted: Option<&'static str>,
    /// It was. stateright would replace a path by a longer one.
    found: AtomicBool,
}

impl Search {
    fn of(setup: Setup, wanted: Option<&'static str>) -> Self {
        let found = AtomicBool::new(false);
        Self {
            setup,
            wanted,
            found,
        }
    }

    fn keeps(&self, number: usize, world: &World) -> bool {
        let (promise, keeps) = PROMISES[number];
        let broken = !keeps(world);
        let again = broken && self.wanted == Some(promise) && self.found.swap(true, Relaxed);
        !broken || again
    }
}

impl Model for Search {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let setup = &self.setup;
        let after = |world: World, step: &Step| moves::after(setup, &world, *step).unwrap();
        vec![setup.first_steps.iter().fold(World::begin(setup), after)]
    }

    fn actions(&self, _: &World, steps: &mut Vec<Step>) {
        steps::all(&self.setup, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        moves::after(&self.setup, world, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties: Vec<_> = (0..PROMISES.len()).map(property).collect();
        properties.push(Property::always(
            "every payout can still end",
            |_, world| promises::can_end(world),
        ));
        properties.push(Property::sometimes(REACHES_GOAL, |search: &Self, world| {
            promises::reaches_goal(&search.setup, world)
        }));
        properties
    }
}

/// The promise with that number. stateright takes plain functions, which capture nothing.
fn property(number: usize) -> Property<Search> {
    const CONDITIONS: [fn(&Search, &World) -> bool; PROMISES.len()] = [
        |search, world| search.keeps(0, world),
        |search, world| search.keeps(1, world),
        |search, world| search.keeps(2, world),
        |search, world| search.keeps(3, world),
        |search, world| search.keeps(4, world),
        |search, world| search.keeps(5, world),
        |search, world| search.keeps(6, world),
        |search, world| search.keeps(7, world),
        |search, world| search.keeps(8, world),
        |search, world| search.keeps(9, world),
        |search, world| search.keeps(10, world),
        |search, world| search.keeps(11, world),
        |search, world| search.keeps(12, world),
        |search, world| search.keeps(13, world),
    ];
    Property::always(PROMISES[number].0, CONDITIONS[number])
}

/// Searches the whole space and fails on any broken promise.
#[track_caller]
pub(crate) fn holds(setup: Setup) {
    let started = Instant::now();
    let checker = Search::of(setup, None)
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let (states, seconds) = (checker.unique_state_count(), started.elapsed());
    eprintln!(
        "{setup:?}: {states} states, depth {}, {seconds:.1?}",
        checker.max_depth()
    );
    let mut found = checker.discoveries();
    let reached = found.remove(REACHES_GOAL).is_some();
    let broken: Vec<String> = found
        .into_iter()
        .map(|(promise, path)| format!("\"{promise}\" by {:?}", path.into_actions()))
        .collect();
    assert!(broken.is_empty(), "{setup:?}\n{}", broken.join("\n"));
    assert!(reached, "{setup:?} never {REACHES_GOAL}");
}

/// Searches until the promise is broken, and prints the path.
#[track_caller]
pub(crate) fn breaks(setup: Setup, promise: &'static str) {
    let started = Instant::now();
    let checker = Search::of(setup, Some(promise))
        .checker()
        .threads(1)
        .finish_when(HasDiscoveries::AllOf([promise].into()))
        .spawn_bfs()
        .join();
    let path = checker.discovery(promise);
    let found: Vec<Step> = path.map_or_else(Vec::new, stateright::Path::into_actions);
    assert!(!found.is_empty(), "not broken: {setup:?}");
    let steps = [setup.first_steps, &found].concat();
    eprintln!(
        "{:?}: \"{promise}\" is broken in {} steps after {} states, {:.1?}: {steps:?}",
        setup.rule,
        steps.len(),
        checker.unique_state_count(),
        started.elapsed()
    );
}
