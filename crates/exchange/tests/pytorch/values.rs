//! What tensors of all kinds are read as.

use fireclay_exchange::pytorch::{ElementType, TensorFile};

use crate::support::{fixture, message};

fn counted(range: impl Iterator<Item = usize>) -> Vec<f32> {
    range.map(|value| value as f32).collect()
}

#[test]
fn views_and_numbers_are_those_of_pytorch() {
    for name in ["values.pt", "values_legacy.pt"] {
        let mut file = TensorFile::open(fixture(name)).unwrap();
        assert_eq!(file.tensors()[0].name, "whole");
        assert_eq!(file.tensors()[6].element, ElementType::BF16);
        let mut read = |name: &str| file.read(name).unwrap();
        assert_eq!(read("whole").values, counted(0..24));
        let turned = read("turned");
        assert_eq!(turned.shape, [6, 4]);
        assert_eq!(turned.values, counted((0..6).flat_map(|column| (0..4).map(move |row| row * 6 + column))));
        assert_eq!(read("part").values, [7.0, 9.0, 11.0, 13.0, 15.0, 17.0]);
        assert_eq!(read("shared").shape, [2, 12]);
        assert_eq!(read("half").values, [0.5, -2.0]);
        assert_eq!(read("bfloat").values, [0.5, -3.0]);
        assert_eq!(read("double").values, [0.1, 1e30]);
        assert_eq!(read("long").values, [-1.0, 16_777_216.0]);
        assert_eq!(
            [read("int"), read("short"), read("char")].map(|tensor| tensor.values[0]),
            [7.0, -7.0, -128.0]
        );
        assert_eq!(read("byte").values, [255.0]);
        assert_eq!(read("bool").values, [1.0, 0.0]);
        assert_eq!((read("scalar").shape, read("scalar").values), (vec![], vec![2.5]));
        assert_eq!((read("empty").shape, read("empty").values), (vec![0, 3], vec![]));
        assert_eq!(read("parameter").values, [1.0, 1.0]);
        let error = message(file.read("repeated"));
        assert!(error.contains("repeats the 24 values of its storage to [40, 6]"), "{error}");
        let error = message(file.read("large"));
        assert!(error.contains("tensor 'large': it holds 16777217, which no f32 is"), "{error}");
        assert!(message(file.read("nothing")).contains("no such tensor"));
    }
}
