//! What the attributes of the Python are called.

use std::collections::HashSet;

/// Words of Python, and attributes that a module has anyway.
const TAKEN: [&str; 106] = [
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "match",
    "case",
    "type",
    "print",
    "T_destination",
    "add_module",
    "apply",
    "bfloat16",
    "buffers",
    "call_super_init",
    "children",
    "compile",
    "cpu",
    "cuda",
    "double",
    "dump_patches",
    "eval",
    "extra_repr",
    "float",
    "forward",
    "get_buffer",
    "get_extra_state",
    "get_parameter",
    "get_submodule",
    "half",
    "ipu",
    "load_state_dict",
    "modules",
    "mtia",
    "named_buffers",
    "named_children",
    "named_modules",
    "named_parameters",
    "parameters",
    "register_backward_hook",
    "register_buffer",
    "register_forward_hook",
    "register_forward_pre_hook",
    "register_full_backward_hook",
    "register_full_backward_pre_hook",
    "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook",
    "register_module",
    "register_parameter",
    "register_state_dict_post_hook",
    "register_state_dict_pre_hook",
    "requires_grad_",
    "set_extra_state",
    "set_submodule",
    "share_memory",
    "state_dict",
    "to",
    "to_empty",
    "train",
    "training",
    "xpu",
    "zero_grad",
    "classes",
    "logits",
    "prepare",
    "unscale",
    "threshold",
    "embeddings",
    "mirrored",
    "self",
    "super",
    "torch",
    "nn",
    "F",
    "math",
    "x",
];

/// The names inside one class.
#[derive(Default)]
pub(super) struct Names {
    used: HashSet<String>,
}

impl Names {
    /// The attribute for a layer.
    pub(super) fn attribute(&mut self, layer: &str) -> String {
        let mut name: String = layer.replace('-', "_");
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            name = format!("layer_{}", name.trim_start_matches('_'));
        }
        while TAKEN.contains(&name.as_str()) || self.used.contains(&name) {
            name.push('_');
        }
        self.used.insert(name.clone());
        name
    }

    /// The class for a block, given its full name: `Residual1Inner` for `residual_1.inner`.
    pub(super) fn class(&mut self, block: &str) -> String {
        let mut name = String::new();
        for part in block.split(|letter: char| !letter.is_ascii_alphanumeric()) {
            let mut letters = part.chars();
            name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            name = format!("Block{name}");
        }
        while self.used.contains(&name) || super::helpers::is_class(&name) || TAKEN.contains(&name.as_str()) {
            name.push('_');
        }
        self.used.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_pythons() {
        let mut names = Names::default();
        let attributes =
            ["conv2d_1", "class", "a-b", "a_b", "3", "train", "_x"].map(|name| names.attribute(name));
        assert_eq!(attributes, ["conv2d_1", "class_", "a_b", "a_b_", "layer_3", "train_", "layer_x"]);
        assert_eq!(names.class("residual_1.inner"), "Residual1Inner");
        assert_eq!(names.class("network"), "Network_");
        // As torch.nn.functional is called, and a method of networks that look at mirrored images.
        assert_eq!(names.class("f"), "F_");
        assert_eq!(names.attribute("mirrored"), "mirrored_");
    }
}
