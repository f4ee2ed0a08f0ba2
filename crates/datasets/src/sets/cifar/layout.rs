//! What the files of the two sets are called, hold and digest to.

use crate::download::RemoteFile;

/// Red, green and blue planes of 32 rows.
pub(super) const SHAPE: [usize; 3] = [3, 32, 32];

/// Bytes of one image.
pub(super) const PIXELS: usize = 3 * 32 * 32;

/// One of the two sets.
pub(super) struct Layout {
    /// Of the published set, and of any other records in its form.
    pub(super) name: &'static str,
    pub(super) other_name: &'static str,
    /// The labels that come before the pixels of each record, one byte each.
    pub(super) labels: &'static [Label],
    /// Those that train and, last, the one that tests.
    pub(super) files: &'static [Published],
    /// The sub-folder that the archive unpacks to, and that of the cache.
    pub(super) folder: &'static str,
    pub(super) cache: &'static str,
    pub(super) archive: &'static str,
    pub(super) archive_bytes: u64,
    pub(super) archive_sha256: &'static str,
}

/// One label of a record.
pub(super) struct Label {
    pub(super) what: &'static str,
    /// The file of the classes' names, and the published names.
    pub(super) names_file: &'static str,
    pub(super) names: &'static [&'static str],
}

/// One file as published.
pub(super) struct Published {
    pub(super) name: &'static str,
    pub(super) sha256: &'static str,
}

impl Layout {
    /// Bytes of one record.
    pub(super) fn record_bytes(&self) -> usize {
        self.labels.len() + PIXELS
    }

    pub(super) fn remote_file(&self) -> RemoteFile {
        RemoteFile {
            name: self.archive.to_owned(),
            sha256: self.archive_sha256.to_owned(),
            bytes: self.archive_bytes,
            urls: vec![format!("https://www.cs.toronto.edu/~kriz/{}", self.archive)],
        }
    }
}

pub(super) const CIFAR_10: Layout = Layout {
    name: "CIFAR-10",
    other_name: "CIFAR-10 records",
    labels: &[Label { what: "label", names_file: "batches.meta.txt", names: &TEN }],
    files: &[
        Published {
            name: "data_batch_1.bin",
            sha256: "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        },
        Published {
            name: "data_batch_2.bin",
            sha256: "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        },
        Published {
            name: "data_batch_3.bin",
            sha256: "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        },
        Published {
            name: "data_batch_4.bin",
            sha256: "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        },
        Published {
            name: "data_batch_5.bin",
            sha256: "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        },
        Published {
            name: "test_batch.bin",
            sha256: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        },
    ],
    folder: "cifar-10-batches-bin",
    cache: "cifar-10",
    archive: "cifar-10-binary.tar.gz",
    archive_bytes: 170_052_171,
    archive_sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
};

pub(super) const CIFAR_100: Layout = Layout {
    name: "CIFAR-100",
    other_name: "CIFAR-100 records",
    labels: &[
        Label { what: "coarse label", names_file: "coarse_label_names.txt", names: &TWENTY },
        Label { what: "fine label", names_file: "fine_label_names.txt", names: &HUNDRED },
    ],
    files: &[
        Published {
            name: "train.bin",
            sha256: "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
        },
        Published {
            name: "test.bin",
            sha256: "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
        },
    ],
    folder: "cifar-100-binary",
    cache: "cifar-100",
    archive: "cifar-100-binary.tar.gz",
    archive_bytes: 168_513_733,
    archive_sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
};

const TEN: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

const TWENTY: [&str; 20] = [
    "aquatic_mammals",
    "fish",
    "flowers",
    "food_containers",
    "fruit_and_vegetables",
    "household_electrical_devices",
    "household_furniture",
    "insects",
    "large_carnivores",
    "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores",
    "medium_mammals",
    "non-insect_invertebrates",
    "people",
    "reptiles",
    "small_mammals",
    "trees",
    "vehicles_1",
    "vehicles_2",
];

const HUNDRED: [&str; 100] = [
    "apple",
    "aquarium_fish",
    "baby",
    "bear",
    "beaver",
    "bed",
    "bee",
    "beetle",
    "bicycle",
    "bottle",
    "bowl",
    "boy",
    "bridge",
    "bus",
    "butterfly",
    "camel",
    "can",
    "castle",
    "caterpillar",
    "cattle",
    "chair",
    "chimpanzee",
    "clock",
    "cloud",
    "cockroach",
    "couch",
    "crab",
    "crocodile",
    "cup",
    "dinosaur",
    "dolphin",
    "elephant",
    "flatfish",
    "forest",
    "fox",
    "girl",
    "hamster",
    "house",
    "kangaroo",
    "keyboard",
    "lamp",
    "lawn_mower",
    "leopard",
    "lion",
    "lizard",
    "lobster",
    "man",
    "maple_tree",
    "motorcycle",
    "mountain",
    "mouse",
    "mushroom",
    "oak_tree",
    "orange",
    "orchid",
    "otter",
    "palm_tree",
    "pear",
    "pickup_truck",
    "pine_tree",
    "plain",
    "plate",
    "poppy",
    "porcupine",
    "possum",
    "rabbit",
    "raccoon",
    "ray",
    "road",
    "rocket",
    "rose",
    "sea",
    "seal",
    "shark",
    "shrew",
    "skunk",
    "skyscraper",
    "snail",
    "snake",
    "spider",
    "squirrel",
    "streetcar",
    "sunflower",
    "sweet_pepper",
    "table",
    "tank",
    "telephone",
    "television",
    "tiger",
    "tractor",
    "train",
    "trout",
    "tulip",
    "turtle",
    "wardrobe",
    "whale",
    "willow_tree",
    "wolf",
    "woman",
    "worm",
];
