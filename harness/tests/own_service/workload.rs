//! The operations of the clients: three registers are read, written and swapped, and no others.

use stormproof::prelude::*;

/// Judged as any register is.
pub const WORKLOAD: Workload = Workload {
    name: "three-registers",
    summary: "three registers are read, written and swapped",
    model: "register",
    kinds: &["read", "write", "cas"],
    generator: |options| Box::new(ThreeRegisters::new(options)),
    probe: |key| [Invocation::mutation("write", key, json!(1)), Invocation::read(key)],
};

const KEYS: [&str; 3] = ["a", "b", "c"];

struct ThreeRegisters(Box<dyn Generator>);

impl ThreeRegisters {
    fn new(_: &GeneratorOptions) -> Self {
        let mut count = 0u64;
        let draw = from_fn(move |_| {
            count += 1;
            let key = KEYS[(count % 3) as usize];
            // Every value is written once, which makes it easy to tell who wrote what.
            Some(match count / 3 % 4 {
                0 => Invocation::mutation("write", key, json!(count)),
                // What the last write left, unless somebody else was faster.
                1 => Invocation::mutation("cas", key, json!([count - 3, count])),
                _ => Invocation::read(key),
            })
        });
        ThreeRegisters(draw.boxed())
    }
}

impl Generator for ThreeRegisters {
    fn next(&mut self, context: &Context) -> Next {
        self.0.next(context)
    }

    fn update(&mut self, context: &Context, event: &Event) {
        self.0.update(context, event);
    }
}

impl Load for ThreeRegisters {
    fn final_phase(&self) -> Box<dyn Generator> {
        operations(KEYS.map(Invocation::read)).boxed()
    }
}
