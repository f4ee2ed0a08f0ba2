use super::*;
use crate::check::{Random, cpus};

/// The batch value by value.
fn expected(levels: &Levels, images: &[u8], pixels: usize, indices: &[u32], layout: Layout) -> Vec<u32> {
    let channels = levels.channels();
    let mut output = vec![0; indices.len() * channels * pixels];
    for (sample, index) in indices.iter().enumerate() {
        for channel in 0..channels {
            for pixel in 0..pixels {
                let byte = images[(*index as usize * channels + channel) * pixels + pixel];
                let at = match layout {
                    Layout::ChannelsFirst => (sample * channels + channel) * pixels + pixel,
                    Layout::ChannelsLast => (sample * pixels + pixel) * channels + channel,
                };
                output[at] = levels.table(channel)[usize::from(byte)].to_bits();
            }
        }
    }
    output
}

fn check(levels: &Levels, samples: usize, pixels: usize, batch: usize, random: &mut Random) {
    let images: Vec<u8> =
        (0..samples * levels.channels() * pixels).map(|_| random.below(256) as u8).collect();
    let indices: Vec<u32> = (0..batch).map(|_| random.below(samples) as u32).collect();
    for layout in [Layout::ChannelsFirst, Layout::ChannelsLast] {
        let expected = expected(levels, &images, pixels, &indices, layout);
        for cpu in cpus() {
            let mut found = vec![f32::NAN; expected.len()];
            gather_images(cpu, levels, &images, pixels, &indices, layout, &mut found);
            let found: Vec<u32> = found.into_iter().map(f32::to_bits).collect();
            let channels = levels.channels();
            assert!(found == expected, "{channels} channels of {pixels} pixels, {layout:?}, {cpu:?}");
        }
    }
}

/// The normalisations of MNIST and CIFAR-10, and none.
fn usual() -> [Levels; 3] {
    [
        Levels::new(&[0.1307], &[0.3081]),
        Levels::new(&[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616]),
        Levels::new(&[0.0], &[1.0]),
    ]
}

#[test]
fn tables_hold_the_formula() {
    let levels = Levels::new(&[0.25, 0.5], &[0.5, 2.0]);
    assert_eq!(levels.table(0)[255], 1.5);
    assert_eq!(levels.table(1)[0], -0.25);
    assert_eq!(levels.table(1)[7], (7.0f32 / 255.0 - 0.5) / 2.0);
}

#[test]
fn images_of_all_sizes_have_the_tables_bits() {
    let mut random = Random::new(1);
    for pixels in 0..=64 {
        for levels in usual() {
            check(&levels, 3, pixels, 2, &mut random);
        }
    }
    for channels in [2, 4, 5, 17] {
        let levels = Levels::new(&random.numbers(channels), &vec![0.3; channels]);
        check(&levels, 2, 35, 3, &mut random);
    }
}

#[test]
fn large_batches_have_the_tables_bits() {
    let mut random = Random::new(2);
    let [_, cifar, _] = usual();
    check(&cifar, 20, 1024, 203, &mut random);
}

#[test]
fn usual_normalisations_are_computed() {
    assert!(usual().iter().all(|levels| levels.is_computable));
    let mut random = Random::new(3);
    for _ in 0..300 {
        let levels = Levels::new(&[random.number()], &[random.number().abs() + 0.001]);
        assert!(levels.is_computable, "{:?}", levels.terms);
    }
}

#[test]
fn what_cannot_be_computed_is_looked_up() {
    let mut random = Random::new(4);
    // The reciprocal of the least numbers is infinite.
    let levels = Levels::new(&[0.5, 0.5], &[0.25, 1e-40]);
    assert!(!levels.is_computable);
    check(&levels, 3, 33, 4, &mut random);
}

#[test]
#[should_panic(expected = "image 2 of 2")]
fn an_index_beyond_the_images_panics() {
    let [levels, ..] = usual();
    gather_images(Cpu::best(1), &levels, &[0; 8], 4, &[2], Layout::ChannelsFirst, &mut [0.0; 4]);
}

#[test]
#[should_panic(expected = "length of the output")]
fn an_output_of_another_length_panics() {
    let [levels, ..] = usual();
    gather_images(Cpu::best(1), &levels, &[0; 8], 4, &[1], Layout::ChannelsFirst, &mut [0.0; 5]);
}
