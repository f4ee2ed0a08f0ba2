//! A method for each kind of layer, from the table of all layers.

use super::ModelSpec;
use crate::layers::*;
use crate::shapes::Size2d;

macro_rules! define_methods {
    ($(
        $(#[$doc:meta])* $kind:ident($spec:ident) = $word:literal => $module:ident {
            $(#[$method_doc:meta])* $method:ident($($argument:ident: $type:ty),*) = $new:expr
        }
    )*) => {
        impl ModelSpec {
            $(
                $(#[$method_doc])*
                pub fn $method(self $(, $argument: $type)*) -> Self {
                    self.layer($new)
                }
            )*
        }
    };
}
with_all_layers!(define_methods);
