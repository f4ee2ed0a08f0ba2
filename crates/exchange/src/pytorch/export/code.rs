//! The file of Python around the layers.

use std::collections::HashMap;

use fireclay_nn::{LayerKind, PlacedLayer, TestTimeAugmentation};
use fireclay_store::{ModelCard, Preprocessing};

use super::class::{Class, Variables, Writer};
use super::helpers::{self, Helper};
use super::{described_input, layers};
use crate::Unsupported;

/// The Python of a network.
pub(super) struct Code {
    pub(super) text: String,
    /// From a layer's full name to what the Python calls it.
    pub(super) names: HashMap<String, String>,
    pub(super) unsupported: Vec<Unsupported>,
}

impl Code {
    pub(super) fn of(card: &ModelCard, placed: &[PlacedLayer]) -> Self {
        let mut writer = Writer::default();
        let mut network = Class::new(String::new(), String::new(), false);
        let mut variables = Variables { x: "x", lengths: None };
        writer.layers(placed, "", &mut network, &mut variables);
        network.forward.push("return x".into());
        let augmentation = card.spec.test_time_augmentation;
        if augmentation == TestTimeAugmentation::MirroredAndShifted {
            writer.helpers.insert(Helper::Shifted);
        }
        let mut text = head(card);
        for source in
            helpers::sources(&writer.helpers).into_iter().chain(writer.classes.iter().map(String::as_str))
        {
            text.push_str("\n\n");
            text.push_str(source);
        }
        text.push_str("\n\n");
        let plain = augmentation == TestTimeAugmentation::None;
        let arguments = if plain { "forward" } else { "logits" };
        text.push_str(&network.text("Network", &format!("{arguments}(self, x)"), &constants(card)));
        match augmented(augmentation) {
            Some(method) => text.push_str(method),
            None => writer.unsupported.push(Unsupported {
                position: "views".into(),
                name: String::new(),
                kind: format!("{augmentation:?}"),
                reason: "there is no translation to PyTorch for it".into(),
            }),
        }
        text.push_str(&prepare(card));
        Code { text, names: writer.names, unsupported: writer.unsupported }
    }
}

impl Writer {
    fn layers(
        &mut self,
        placed: &[PlacedLayer],
        position: &str,
        class: &mut Class,
        variables: &mut Variables,
    ) {
        for (index, layer) in placed.iter().enumerate() {
            let position = format!("{position}{}", index + 1);
            let own = layer.name.strip_prefix(&class.full).unwrap_or(&layer.name);
            let attribute = class.names.attribute(own);
            let python = format!("{}{attribute}", class.python);
            self.names.insert(layer.name.clone(), python);
            let written = match layer.kind {
                LayerKind::Residual(_) => {
                    self.block(layer, &position, &attribute, class, variables);
                    Ok(())
                }
                _ => layers::write(self, class, layer, &attribute, variables),
            };
            if let Err(reason) = written {
                let (name, kind) = (layer.name.clone(), layer.kind.type_name().to_owned());
                self.unsupported.push(Unsupported { position, name, kind, reason });
            }
            if layer.output.shape().len() != 2 {
                variables.lengths = None;
            }
        }
    }

    /// A residual block is a class of its own.
    fn block(
        &mut self,
        layer: &PlacedLayer,
        position: &str,
        attribute: &str,
        class: &mut Class,
        variables: &mut Variables,
    ) {
        let name = self.class_names.class(&layer.name);
        let (full, python) = (format!("{}.", layer.name), format!("{}{attribute}.", class.python));
        let mut block = Class::new(full, python, true);
        let known = variables.lengths.is_some();
        let lines = match known {
            true => "shortcut, shortcut_lengths = x, lengths",
            false => "shortcut = x",
        };
        block.forward.push(lines.into());
        let mut shortcut = Variables { x: "shortcut", lengths: known.then_some("shortcut_lengths") };
        self.layers(&layer.shortcut, &format!("{position}.shortcut."), &mut block, &mut shortcut);
        let mut body = Variables { x: "x", lengths: known.then_some("lengths") };
        self.layers(&layer.body, &format!("{position}."), &mut block, &mut body);
        let returns_lengths = body.lengths.is_some();
        let result = if returns_lengths { "return x + shortcut, lengths" } else { "return x + shortcut" };
        block.forward.push(result.into());
        let arguments = if known { "forward(self, x, lengths)" } else { "forward(self, x)" };
        self.classes.push(block.text(&name, arguments, &[]));
        class.init.push(format!("self.{attribute} = {name}({})", self.embedding_list(class)));
        let Variables { x, lengths } = variables.clone();
        let given = lengths.map_or(x.to_owned(), |lengths| format!("{x}, {lengths}"));
        let taken = match returns_lengths {
            true => given.clone(),
            false => x.to_owned(),
        };
        class.forward.push(format!("{taken} = self.{attribute}({given})"));
        if !returns_lengths {
            variables.lengths = None;
        }
    }

    /// The embeddings that a block is given, in which a list keeps them from being its own.
    fn embedding_list(&self, class: &Class) -> String {
        if class.is_block {
            return "embeddings".into();
        }
        let known: Vec<String> =
            self.embeddings.iter().map(|(_, attribute)| format!("self.{attribute}")).collect();
        format!("[{}]", known.join(", "))
    }
}

fn head(card: &ModelCard) -> String {
    let mut text = format!(
        "\"\"\"A network of {} parameters that Fireclay {} made, for PyTorch.\n\n",
        card.spec.summary().map_or(0, |summary| summary.parameters()),
        card.fireclay_version.replace(['\\', '"'], "")
    );
    text.push_str("    from safetensors.torch import load_file\n\n");
    text.push_str("    network = Network()\n");
    text.push_str("    network.load_state_dict(load_file(\"FILE.safetensors\"), strict=True)\n");
    text.push_str("    network.eval()\n\n");
    text.push_str(&format!("It takes {}.\n", described_input(&card.spec)));
    if card.preprocessing.is_some() {
        text.push_str("Network.prepare is what was done to them before.\n");
    }
    if card.target_scale.is_some() {
        text.push_str("Network.unscale turns what it gives into the numbers that were to be predicted.\n");
    }
    if card.text.is_some() || card.table.is_some() {
        text.push_str("How texts or tables become its input is written in the Fireclay model.\n");
    }
    text.push_str(
        "\"\"\"\n\nimport math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n",
    );
    text
}

fn constants(card: &ModelCard) -> Vec<String> {
    let mut lines = Vec::new();
    if !card.classes.is_empty() {
        // A text of JSON is one of Python's.
        let classes: Vec<String> =
            card.classes.iter().filter_map(|class| serde_json::to_string(class).ok()).collect();
        lines.push("# In the order of the outputs.".into());
        lines.push(format!("classes = [{}]", classes.join(", ")));
    }
    if let Some(threshold) = card.threshold {
        lines.push("# The second class is predicted where its probability is above this.".into());
        lines.push(format!("threshold = {threshold:?}"));
    }
    lines
}

/// How the network is applied to several versions of an image.
fn augmented(augmentation: TestTimeAugmentation) -> Option<&'static str> {
    Some(match augmentation {
        TestTimeAugmentation::None => "",
        TestTimeAugmentation::Mirrored => concat!(
            "\n    def forward(self, x):\n",
            "        if self.training:\n",
            "            return self.logits(x)\n",
            "        return (self.logits(x) + self.logits(x.flip(3))) * 0.5\n"
        ),
        TestTimeAugmentation::MirroredAndShifted => concat!(
            "\n    def mirrored(self, x):\n",
            "        return (self.logits(x) + self.logits(x.flip(3))) * 0.5\n",
            "\n    def forward(self, x):\n",
            "        if self.training:\n",
            "            return self.logits(x)\n",
            "        moved = self.mirrored(shifted(x, True)) + self.mirrored(shifted(x, False))\n",
            "        return self.mirrored(x) * 0.5 + moved * 0.25\n"
        ),
        _ => return None,
    })
}

/// The methods for what is done before and after.
fn prepare(card: &ModelCard) -> String {
    let mut text = String::new();
    let rank = card.spec.input.shape().len();
    if let Some(Preprocessing { mean, std }) = &card.preprocessing {
        let tail = ", 1".repeat(rank.saturating_sub(1));
        let values = |values: &[f32]| format!("torch.tensor({values:?}).view(-1{tail})");
        text.push_str("\n    @staticmethod\n    def prepare(x):\n");
        text.push_str("        \"\"\"What the network takes, from bytes or from numbers of 0 to 1.\"\"\"\n");
        text.push_str("        x = x / 255 if x.dtype == torch.uint8 else x\n");
        text.push_str(&format!("        mean = {}\n        std = {}\n", values(mean), values(std)));
        text.push_str("        return (x - mean.to(x)) / std.to(x)\n");
    }
    if let Some(Preprocessing { mean, std }) = &card.target_scale {
        text.push_str("\n    @staticmethod\n    def unscale(y):\n");
        text.push_str(
            "        \"\"\"The numbers that were to be predicted, from what the network gives.\"\"\"\n",
        );
        text.push_str(&format!(
            "        return y * torch.tensor({std:?}).to(y) + torch.tensor({mean:?}).to(y)\n"
        ));
    }
    text
}
