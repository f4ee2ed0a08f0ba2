//! What each layer of a network gives, one after another.

use burn::tensor::Tensor;

use crate::layers::{Flow, Layer, PlannedLayer, run};
use crate::model::{Model, all_rows};
use crate::tensor::AnyTensor;

impl Model {
    /// Runs the network layer by layer and shows what each gives, under its name, also those inside blocks; what
    /// enters the network comes first, without a name. All layers run by themselves, in `f32`. What the
    /// network gives is that of [`Network::forward`](crate::Network::forward).
    ///
    /// # Panics
    /// If the input is not a batch of what the description takes.
    pub fn observe(&self, input: AnyTensor, seen: &mut dyn FnMut(Option<&str>, &AnyTensor)) -> Tensor<2> {
        self.check_input(&input);
        let plan = self.spec().plan().expect("a model's description was checked");
        seen(None, &input);
        all_rows(through(self.layers(), &plan.layers, Flow::of(input), seen).value)
    }
}

fn through(
    layers: &[Layer],
    plans: &[PlannedLayer],
    input: Flow,
    seen: &mut dyn FnMut(Option<&str>, &AnyTensor),
) -> Flow {
    layers.iter().zip(plans).fold(input, |flow, (layer, plan)| {
        let flow = match layer {
            Layer::Residual(block) => {
                let [inner, shortcut] = block.branches();
                let body = through(inner, &plan.body, flow.clone(), seen);
                let other = through(shortcut, &plan.shortcut, flow.clone(), seen);
                block.sum(flow, body, other)
            }
            layer => run(std::slice::from_ref(layer), flow),
        };
        seen(Some(&plan.name), &flow.value);
        flow
    })
}
