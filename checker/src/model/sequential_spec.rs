//! Every [`Model`] as a `stateright` specification, so that one specification serves our checker,
//! stateright's testers and stateright's model checker. Only with the feature `stateright`.

use stateright::semantics::SequentialSpec;

use crate::model::Model;

/// An object of a model in some state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sequential<M: Model> {
    /// The specification.
    pub model: M,
    /// The content of the object.
    pub state: M::State,
}

impl<M: Model> SequentialSpec for Sequential<M> {
    type Op = M::Input;
    type Ret = M::Output;

    fn invoke(&mut self, input: &M::Input) -> M::Output {
        let (state, output) = self.model.apply(&self.state, input);
        self.state = state;
        output
    }

    fn is_valid_step(&mut self, input: &M::Input, output: &M::Output) -> bool {
        match self.model.step(&self.state, input, Some(output)) {
            Some(state) => {
                self.state = state;
                true
            }
            None => false,
        }
    }
}
