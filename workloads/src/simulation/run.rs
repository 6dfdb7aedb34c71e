//! Generators run in a simulation.

use super::world::World;
use super::{Recorded, Simulation};
use crate::{Generator, GeneratorOptions, Object, Workload};

impl Simulation {
    /// So many operations of a workload; then nothing goes wrong any more, and its final phase.
    ///
    /// # Panics
    /// When there is no simulated service for the workload's model, and as
    /// [`run_generator`](Simulation::run_generator).
    pub fn run(
        &self,
        workload: &Workload,
        options: &GeneratorOptions,
        operations: u64,
    ) -> Recorded {
        let mut world = World::new(self, Object::of(workload.model).expect("no such model"));
        let mut load = (workload.generator)(options);
        world.drive(&mut (&mut *load).limit(operations));
        world.heal();
        world.drive(&mut *load.final_phase());
        world.into_recorded()
    }

    /// Everything that a generator has, against a service each of whose keys holds `object` in the
    /// beginning.
    ///
    /// # Panics
    /// When the generator asks for an operation that the object does not have or for a thread that
    /// is busy, or waits for what will never come.
    pub fn run_generator(&self, generator: &mut dyn Generator, object: Object) -> Recorded {
        let mut world = World::new(self, object);
        world.drive(generator);
        world.into_recorded()
    }
}
