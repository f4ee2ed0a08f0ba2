//! Each kind of layer in PyTorch.

use fireclay_nn::{
    Conv1dSpec, Conv2dSpec, FeedForwardActivation, GruSpec, LayerKind, LstmSpec, PlacedLayer, PositionKind,
    RnnActivation, SimpleRnnSpec, Size2d, TransformerSpec,
};

use super::class::{Class, Variables, Writer};
use super::helpers::Helper;

/// Writes a layer: the module with its tensors, and what is done with it.
///
/// # Errors
/// Why it cannot be written.
pub(super) fn write(
    writer: &mut Writer,
    class: &mut Class,
    layer: &PlacedLayer,
    attribute: &str,
    variables: &mut Variables,
) -> Result<(), String> {
    let x = variables.x;
    let lengths = variables.lengths;
    let own = format!("self.{attribute}");
    let features = layer.input.shape().last().copied().unwrap_or(1);
    let channels = layer.input.shape().first().copied().unwrap_or(1);
    // Where a helper takes lengths, and they are known.
    let given = lengths.map_or(String::new(), |lengths| format!(", {lengths}"));
    let (mut init, mut forward) = (None, format!("{x} = {own}({x})"));
    match &layer.kind {
        LayerKind::Dense(spec) => {
            init = Some(format!("nn.Linear({features}, {}{})", spec.out_features, no_bias(spec.bias)));
        }
        LayerKind::Embedding(spec) => {
            let padding =
                spec.padding_idx.map_or(String::new(), |padding| format!(", padding_idx={padding}"));
            init = Some(format!("nn.Embedding({}, {}{padding})", spec.num_embeddings, spec.embedding_dim));
            variables.lengths = spec.padding_idx.map(|_| "lengths");
            if let Some(padding) = spec.padding_idx {
                writer.helpers.insert(Helper::TokenLengths);
                class.forward.push(format!("lengths = token_lengths({x}, {padding})"));
            }
            writer.embeddings.push((layer.name.clone(), attribute.to_owned()));
        }
        LayerKind::Lstm(spec) => {
            init = Some(recurrent(class, &own, Cell::from(spec), features));
            forward = read(writer, &own, x, &given, spec.return_sequences);
        }
        LayerKind::Gru(spec) => {
            init = Some(recurrent(class, &own, Cell::from(spec), features));
            forward = read(writer, &own, x, &given, spec.return_sequences);
        }
        LayerKind::SimpleRnn(spec) => {
            init = Some(recurrent(class, &own, Cell::from(spec), features));
            forward = read(writer, &own, x, &given, spec.return_sequences);
        }
        LayerKind::Conv2d(spec) => {
            let (made, pads) = conv2d(spec, layer.input.shape())?;
            init = Some(made);
            if let Some([top, bottom, left, right]) = pads {
                forward = format!("{x} = {own}(F.pad({x}, ({left}, {right}, {top}, {bottom})))");
            }
        }
        LayerKind::MaxPool2d(spec) => {
            let stride = spec.stride.unwrap_or(spec.kernel_size);
            let (kernel, stride, padding) = (pair(spec.kernel_size), pair(stride), pair(spec.padding));
            forward = format!("{x} = F.max_pool2d({x}, {kernel}, stride={stride}, padding={padding})");
        }
        LayerKind::AvgPool2d(spec) => {
            let stride = spec.stride.unwrap_or(spec.kernel_size);
            let (kernel, stride, padding) = (pair(spec.kernel_size), pair(stride), pair(spec.padding));
            let count = if spec.count_include_pad { "" } else { ", count_include_pad=False" };
            forward = format!("{x} = F.avg_pool2d({x}, {kernel}, stride={stride}, padding={padding}{count})");
        }
        LayerKind::GlobalAvgPool2d(_) => forward = format!("{x} = {x}.mean(dim=(2, 3))"),
        LayerKind::Flatten(_) => forward = format!("{x} = {x}.flatten(1)"),
        LayerKind::Dropout(spec) => forward = format!("{x} = F.dropout({x}, {:?}, self.training)", spec.rate),
        LayerKind::BatchNorm(spec) => {
            let rank = if layer.input.shape().len() == 3 { 2 } else { 1 };
            init = Some(format!(
                "nn.BatchNorm{rank}d({channels}, eps={:?}, momentum={:?})",
                spec.epsilon, spec.momentum
            ));
            if !spec.scale {
                class.init.push(format!("{own} = {}", init.take().unwrap_or_default()));
                class.init.push(format!("{own}.weight.requires_grad_(False)"));
            }
        }
        LayerKind::LayerNorm(spec) => {
            init = Some(format!("nn.LayerNorm({features}, eps={:?})", spec.epsilon))
        }
        LayerKind::Relu(_) => forward = format!("{x} = F.relu({x})"),
        LayerKind::LeakyRelu(spec) => {
            forward = format!("{x} = F.leaky_relu({x}, {:?})", spec.negative_slope);
        }
        LayerKind::Elu(spec) => forward = format!("{x} = F.elu({x}, {:?})", spec.alpha),
        LayerKind::Gelu(_) => forward = format!("{x} = F.gelu({x})"),
        LayerKind::Silu(_) => forward = format!("{x} = F.silu({x})"),
        LayerKind::Sigmoid(_) => forward = format!("{x} = torch.sigmoid({x})"),
        LayerKind::Tanh(_) => forward = format!("{x} = torch.tanh({x})"),
        LayerKind::Softplus(_) => forward = format!("{x} = F.softplus({x})"),
        LayerKind::Softmax(_) => forward = format!("{x} = {x}.softmax(dim=-1)"),
        LayerKind::MultiHeadAttention(spec) => {
            writer.helpers.insert(Helper::SelfAttention);
            let mut options = String::new();
            for (name, is) in [("causal", spec.causal), ("rotary", spec.rotary)] {
                options.push_str(&if is { format!(", {name}=True") } else { String::new() });
            }
            let dropout = spec.dropout;
            init = Some(format!(
                "SelfAttention({features}, {}{options}{}, dropout={dropout:?})",
                spec.num_heads,
                no_bias(spec.bias)
            ));
            forward = format!("{x} = {own}({x}{given})");
        }
        LayerKind::PositionEmbedding(spec) => match spec.kind {
            PositionKind::Learnt => {
                writer.helpers.insert(Helper::Positions);
                init = Some(format!("Positions({channels}, {features})"));
            }
            PositionKind::Sinusoidal => {
                writer.helpers.insert(Helper::Sinusoids);
                forward = format!("{x} = sinusoids({x})");
            }
            _ => return Err("its kind of positions has no translation".into()),
        },
        LayerKind::TransformerEncoder(spec) => {
            init = Some(transformer(writer, &spec.0, features, false)?);
            forward = format!("{x} = {own}({x}{given})");
        }
        LayerKind::TransformerDecoder(spec) => {
            init = Some(transformer(writer, &spec.0, features, true)?);
            forward = format!("{x} = {own}({x}{given})");
        }
        LayerKind::GlobalAvgPool1d(_) => {
            forward = match lengths {
                None => format!("{x} = {x}.mean(dim=1)"),
                Some(lengths) => {
                    writer.helpers.insert(Helper::MeanOfSteps);
                    format!("{x} = mean_of_steps({x}, {lengths})")
                }
            };
        }
        LayerKind::GlobalMaxPool1d(_) => {
            forward = match lengths {
                None => format!("{x} = {x}.amax(dim=1)"),
                Some(lengths) => {
                    writer.helpers.insert(Helper::MaxOfSteps);
                    format!("{x} = max_of_steps({x}, {lengths})")
                }
            };
        }
        LayerKind::FirstStep(_) => forward = format!("{x} = {x}[:, 0]"),
        LayerKind::Conv1d(spec) => {
            writer.helpers.insert(Helper::ConvSteps);
            init = Some(conv1d(spec, features));
            let padding = match spec.padding {
                fireclay_nn::Padding::Same => "\"same\"".to_owned(),
                explicit => format!("{:?}", explicit.pair(1, channels, 1, spec.stride)),
            };
            let taken = lengths.map_or(x.to_owned(), |lengths| format!("{x}, {lengths}"));
            forward = format!("{taken} = conv_steps({own}, {x}, {padding}{given})");
        }
        LayerKind::TiedDense(spec) => {
            writer.helpers.insert(Helper::TiedDense);
            let tied = layer.tied_to.as_deref().unwrap_or_default();
            let place = writer.embeddings.iter().position(|(name, _)| name == tied);
            let Some(place) = place else { return Err(format!("its embedding '{tied}' is not before it")) };
            let embedding = match class.is_block {
                true => format!("embeddings[{place}]"),
                false => format!("self.{}", writer.embeddings[place].1),
            };
            init = Some(format!("TiedDense({embedding}{})", no_bias(spec.bias)));
        }
        LayerKind::Whitening(spec) => {
            let out_channels = layer.output.shape().first().copied().unwrap_or(1);
            let kernel = pair(spec.kernel_size);
            let bias = no_bias(spec.bias);
            class.init.push(format!("{own} = nn.Conv2d({channels}, {out_channels}, {kernel}{bias})"));
            class.init.push(format!("{own}.weight.requires_grad_(False)"));
        }
        LayerKind::NaiveBayesBag(spec) => {
            writer.helpers.insert(Helper::NaiveBayesBag);
            let (tokens, outputs) = (spec.num_embeddings, spec.out_features);
            init = Some(format!("NaiveBayesBag({tokens}, {outputs}{})", no_bias(spec.bias)));
        }
        _ => return Err("there is no translation to PyTorch for it".into()),
    }
    if let Some(made) = init {
        class.init.push(format!("{own} = {made}"));
        // What a recurrent layer learns beside PyTorch's own.
        let learnt = std::mem::take(&mut class.after);
        class.init.extend(learnt);
    }
    class.forward.push(forward);
    Ok(())
}

fn no_bias(bias: bool) -> &'static str {
    if bias { "" } else { ", bias=False" }
}

fn pair(size: Size2d) -> String {
    let [height, width] = size.dims();
    format!("({height}, {width})")
}

/// The module, and zeros above, below, to the left and right where both sides differ.
fn conv2d(spec: &Conv2dSpec, input: &[usize]) -> Result<(String, Option<[usize; 4]>), String> {
    let &[channels, height, width] = input else { return Err("its input is no image".into()) };
    let (kernel, stride, dilation) = (spec.kernel_size.dims(), spec.stride.dims(), spec.dilation.dims());
    let pads = |axis: usize, size: usize| {
        let covered = dilation[axis] * (kernel[axis] - 1) + 1;
        spec.padding.pair(axis, size, covered, stride[axis])
    };
    let ((top, bottom), (left, right)) = (pads(0, height), pads(1, width));
    let mut options = String::new();
    for (name, value) in [("stride", spec.stride), ("dilation", spec.dilation)] {
        if value.dims() != [1, 1] {
            options.push_str(&format!(", {name}={}", pair(value)));
        }
    }
    let is_even = top == bottom && left == right;
    if is_even && top + left > 0 {
        options.push_str(&format!(", padding=({top}, {left})"));
    }
    if spec.groups != 1 {
        options.push_str(&format!(", groups={}", spec.groups));
    }
    let made = format!(
        "nn.Conv2d({channels}, {}, {}{options}{})",
        spec.out_channels,
        pair(spec.kernel_size),
        no_bias(spec.bias)
    );
    Ok((made, (!is_even).then_some([top, bottom, left, right])))
}

fn conv1d(spec: &Conv1dSpec, features: usize) -> String {
    let mut options = String::new();
    for (name, value) in [("stride", spec.stride), ("dilation", spec.dilation), ("groups", spec.groups)] {
        if value != 1 {
            options.push_str(&format!(", {name}={value}"));
        }
    }
    let bias = no_bias(spec.bias);
    format!("nn.Conv1d({features}, {}, {}{options}{bias})", spec.out_channels, spec.kernel_size)
}

/// The fields that recurrent layers share.
struct Cell {
    class: &'static str,
    hidden_size: usize,
    num_layers: usize,
    bidirectional: bool,
    dropout: f64,
    learnt: &'static [&'static str],
    options: &'static str,
}

macro_rules! cell {
    ($spec:ty, $class:literal, $states:expr, $options:expr) => {
        impl From<&$spec> for Cell {
            fn from(spec: &$spec) -> Self {
                let options: fn(&$spec) -> &'static str = $options;
                Cell {
                    class: $class,
                    hidden_size: spec.hidden_size,
                    num_layers: spec.num_layers,
                    bidirectional: spec.bidirectional,
                    dropout: spec.dropout,
                    learnt: if spec.learn_initial_state { $states } else { &[] },
                    options: options(spec),
                }
            }
        }
    };
}
cell!(LstmSpec, "LSTM", &["h_0", "c_0"], |_| "");
cell!(GruSpec, "GRU", &["h_0"], |_| "");
cell!(SimpleRnnSpec, "RNN", &["h_0"], |spec| match spec.activation {
    RnnActivation::Relu => ", nonlinearity=\"relu\"",
    _ => "",
});

fn recurrent(class: &mut Class, own: &str, cell: Cell, features: usize) -> String {
    let Cell { class: name, hidden_size, num_layers, bidirectional, dropout, learnt, options } = cell;
    let directions = if bidirectional { &["", "_reverse"][..] } else { &[""] };
    for state in learnt {
        for layer in 0..num_layers {
            for direction in directions {
                class.after.push(format!(
                    "{own}.register_parameter(\"{state}_l{layer}{direction}\", nn.Parameter(torch.zeros({hidden_size})))"
                ));
            }
        }
    }
    let mut all = String::new();
    if num_layers != 1 {
        all.push_str(&format!(", num_layers={num_layers}"));
    }
    if bidirectional {
        all.push_str(", bidirectional=True");
    }
    if dropout > 0.0 {
        all.push_str(&format!(", dropout={dropout:?}"));
    }
    format!("nn.{name}({features}, {hidden_size}{all}, batch_first=True{options})")
}

fn read(writer: &mut Writer, own: &str, x: &str, given: &str, return_sequences: bool) -> String {
    writer.helpers.insert(Helper::Recurrent);
    let sequences = if return_sequences { ", return_sequences=True" } else { "" };
    format!("{x} = recurrent({own}, {x}{given}{sequences})")
}

fn transformer(
    writer: &mut Writer,
    spec: &TransformerSpec,
    features: usize,
    causal: bool,
) -> Result<String, String> {
    writer.helpers.insert(Helper::Transformer);
    let activation = match spec.activation {
        FeedForwardActivation::Gelu => "F.gelu",
        FeedForwardActivation::Relu => "F.relu",
        _ => return Err("its activation has no translation".into()),
    };
    let python = |is: bool| if is { "True" } else { "False" };
    Ok(format!(
        "Transformer({features}, num_layers={}, final_norm={}, epsilon={:?}, num_heads={}, dim_feedforward={}, \
         activation={activation}, norm_first={}, causal={}, rotary={}, dropout={:?})",
        spec.num_layers,
        python(spec.final_norm),
        spec.epsilon,
        spec.num_heads,
        spec.dim_feedforward,
        python(spec.norm_first),
        python(causal),
        python(spec.rotary),
        spec.dropout
    ))
}
