//! Colours of attributions, mixed in Oklab so that equal steps look equal
//! ([Ottosson 2020](https://bottosson.github.io/posts/oklab/)).

/// What speaks for an answer, and what against it: vermilion and blue of Okabe and Ito, for people with any colour vision.
pub const FOR: [u8; 3] = [0xd5, 0x5e, 0x00];
pub const AGAINST: [u8; 3] = [0x00, 0x72, 0xb2];

/// A colour on its way to that of an attribution: `share` is from -1, all against, to 1, all for.
pub fn mixed(ground: [u8; 3], share: f32) -> [u8; 3] {
    let end = oklab(if share < 0.0 { AGAINST } else { FOR });
    let start = oklab(ground);
    let share = share.abs().min(1.0);
    srgb([0, 1, 2].map(|part| start[part] + share * (end[part] - start[part])))
}

/// A pixel without its colours, neither very dark nor very light, so that others are seen on it.
pub fn faded(pixel: [u8; 3]) -> [u8; 3] {
    let [lightness, ..] = oklab(pixel);
    srgb([0.22 + 0.55 * lightness, 0.0, 0.0])
}

fn oklab(colour: [u8; 3]) -> [f32; 3] {
    let [r, g, b] = colour.map(|byte| {
        let value = f32::from(byte) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

fn srgb([lightness, a, b]: [f32; 3]) -> [u8; 3] {
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let linear = [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ];
    linear.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let value = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back_and_the_ends_are_the_two_colours() {
        for colour in [[0, 0, 0], [255, 255, 255], [17, 200, 99], FOR, AGAINST] {
            assert_eq!(srgb(oklab(colour)), colour);
            assert_eq!((mixed(colour, 1.0), mixed(colour, -1.0), mixed(colour, 0.0)), (FOR, AGAINST, colour));
            let [r, g, b] = faded(colour);
            assert!(r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1 && r > 25 && r < 230, "{r} {g} {b}");
        }
    }
}
