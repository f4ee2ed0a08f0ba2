//! How answers are explained.

/// How an answer is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Mean gradient on the way from a baseline to the sample; adds up to the difference of the answers
    IntegratedGradients,
    /// Gradient times input
    GradientTimesInput,
    /// Mean gradient over samples with noise
    SmoothGrad,
    /// Where in a picture a convolution's features speak for the answer
    GradCam,
    /// What becomes of the answer when a part of the sample is covered or left out
    Occlusion,
    /// How much of each word the attention layers of a transformer carry on; the same for all classes
    AttentionRollout,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 6] = [
        Method::IntegratedGradients,
        Method::GradientTimesInput,
        Method::SmoothGrad,
        Method::GradCam,
        Method::Occlusion,
        Method::AttentionRollout,
    ];

    /// Its name as flags and requests have it.
    pub fn word(self) -> &'static str {
        match self {
            Method::IntegratedGradients => "integrated-gradients",
            Method::GradientTimesInput => "gradient-times-input",
            Method::SmoothGrad => "smooth-grad",
            Method::GradCam => "grad-cam",
            Method::Occlusion => "occlusion",
            Method::AttentionRollout => "attention-rollout",
        }
    }

    /// What it is, in a line.
    pub fn help(self) -> &'static str {
        match self {
            Method::IntegratedGradients => {
                "Mean gradient on the way from a baseline to the sample; adds up to the difference of the answers"
            }
            Method::GradientTimesInput => "Gradient times input",
            Method::SmoothGrad => "Mean gradient over samples with noise",
            Method::GradCam => "Where in a picture a convolution's features speak for the answer",
            Method::Occlusion => {
                "What becomes of the answer when a part of the sample is covered or left out"
            }
            Method::AttentionRollout => {
                "How much of each word the attention layers of a transformer carry on; the same for all classes"
            }
        }
    }

    /// Its name in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Method::IntegratedGradients => "integrated gradients",
            Method::GradientTimesInput => "gradient times input",
            Method::SmoothGrad => "SmoothGrad",
            Method::GradCam => "Grad-CAM",
            Method::Occlusion => "occlusion",
            Method::AttentionRollout => "attention rollout",
        }
    }

    /// What it finds, for people who have not heard of it.
    pub fn meaning(self) -> &'static str {
        match self {
            Method::IntegratedGradients => {
                "Integrated gradients change the sample step by step from a baseline that says nothing to what it is, and add up what each \
                 part does to the answer on the way. All parts together are the difference between the two answers."
            }
            Method::GradientTimesInput => {
                "Gradient times input asks how fast the answer changes with each part of the sample as it is, times how much of it there is. \
                 It sees small changes only: where a network is sure, it may find little."
            }
            Method::SmoothGrad => {
                "SmoothGrad asks how fast the answer changes with each part of the sample, on average over copies of it with a little noise. \
                 It says what the answer is sensitive to, and not how much each part gave to it."
            }
            Method::GradCam => {
                "Grad-CAM shows in which places of the picture the features of a convolution speak for the answer. It is as coarse as that \
                 convolution's output, and shows nothing that speaks against the answer."
            }
            Method::Occlusion => {
                "Occlusion covers or leaves out one part of the sample after another and looks how far the answer falls. Of two parts that say \
                 the same, neither is missed."
            }
            Method::AttentionRollout => {
                "Attention rollout shows how much of each word the attention layers carry on to the last of them. It is where the network looks, the \
                 same for every answer, and not whether a word speaks for it."
            }
        }
    }

    /// Whether it derives the model.
    pub fn is_of_gradients(self) -> bool {
        !matches!(self, Method::Occlusion | Method::AttentionRollout)
    }

    /// What a line calls parts with a large attribution.
    pub fn label(self) -> &'static str {
        if self == Method::AttentionRollout { "looks at" } else { "for" }
    }

    /// What the colour of parts with a large attribution stands for; nothing where that is the usual.
    pub fn colour(self) -> &'static str {
        if self == Method::AttentionRollout { "is carried on by the attention layers" } else { "" }
    }

    /// Whether it finds what speaks against an answer too.
    pub fn is_signed(self) -> bool {
        !matches!(self, Method::GradCam | Method::AttentionRollout)
    }
}

/// Where integrated gradients begin, and what covers pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Black
    Black,
    /// White
    White,
    /// The mean of the training data
    Mean,
}

impl Baseline {
    /// All of them.
    pub const ALL: [Baseline; 3] = [Baseline::Black, Baseline::White, Baseline::Mean];

    /// Its name as flags have it.
    pub fn word(self) -> &'static str {
        match self {
            Baseline::Black => "black",
            Baseline::White => "white",
            Baseline::Mean => "mean",
        }
    }

    /// What it is, in a line.
    pub fn help(self) -> &'static str {
        match self {
            Baseline::Black => "Black",
            Baseline::White => "White",
            Baseline::Mean => "The mean of the training data",
        }
    }

    /// What the sample is then.
    pub fn name(self) -> &'static str {
        match self {
            Baseline::Black => "a black picture",
            Baseline::White => "a white picture",
            Baseline::Mean => "a picture of the mean colour",
        }
    }
}
