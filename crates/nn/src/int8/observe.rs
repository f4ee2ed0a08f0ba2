//! What each layer of a network gives, one after another.

use crate::layers::{Flow, Layer, PlannedLayer, run};
use crate::model::Model;
use crate::tensor::AnyTensor;

impl Model {
    /// Runs the network layer by layer and shows what each gives, under its name, also those inside blocks; what
    /// enters the network comes first, without a name. All layers run by themselves, in `f32`.
    ///
    /// # Panics
    /// If the input is not a batch of what the description takes.
    pub fn observe(&self, input: AnyTensor, seen: &mut dyn FnMut(Option<&str>, &AnyTensor)) {
        self.check_input(&input);
        let plan = self.spec().plan().expect("a model's description was checked");
        seen(None, &input);
        through(self.layers(), &plan.layers, Flow::of(input), seen);
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
