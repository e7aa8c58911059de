//! Runs one search and prints its size.

use std::time::Instant;

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
struct Search(Setup);

impl Model for Search {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let after = |world: World, step: &Step| moves::after(&self.0, &world, *step).unwrap();
        vec![self.0.first_steps.iter().fold(World::begin(), after)]
    }

    fn actions(&self, _: &World, steps: &mut Vec<Step>) {
        steps::all(&self.0, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        moves::after(&self.0, world, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties: Vec<_> = (0..PROMISES.len()).map(property).collect();
        properties.push(Property::always(
            "every payout can still end",
            |_, world| promises::can_end(world),
        ));
        properties.push(Property::sometimes(REACHES_GOAL, |search: &Self, world| {
            promises::reaches_goal(&search.0, world)
        }));
        properties
    }
}

/// The promise with that number. stateright takes plain functions, which capture nothing.
fn property(number: usize) -> Property<Search> {
    const CONDITIONS: [fn(&Search, &World) -> bool; PROMISES.len()] = [
        |_, world| PROMISES[0].1(world),
        |_, world| PROMISES[1].1(world),
        |_, world| PROMISES[2].1(world),
        |_, world| PROMISES[3].1(world),
        |_, world| PROMISES[4].1(world),
        |_, world| PROMISES[5].1(world),
        |_, world| PROMISES[6].1(world),
        |_, world| PROMISES[7].1(world),
    ];
    Property::always(PROMISES[number].0, CONDITIONS[number])
}

/// Searches the whole space and fails on any broken promise.
#[track_caller]
pub(crate) fn holds(setup: Setup) {
    let started = Instant::now();
    let checker = Search(setup)
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
    let checker = Search(setup)
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
