//! Colours of the plots and timelines: Okabe and Ito's set, which readers with any colour vision can tell apart
//! ("Color Universal Design", 2008). A colour never carries a meaning alone; a shape or a word goes with it.

use plotters::style::RGBColor;

pub(crate) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(crate) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(crate) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(crate) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
pub(crate) const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub(crate) const YELLOW: RGBColor = RGBColor(240, 228, 66);
pub(crate) const SKY: RGBColor = RGBColor(86, 180, 233);

/// Text and axes. The plots' style sheet replaces exactly this colour on a dark background.
pub(crate) const INK: RGBColor = RGBColor(55, 59, 65);
/// Text on the bar of a fault, legible on every colour of a fault.
pub(crate) const ON_FAULT: RGBColor = RGBColor(17, 19, 22);
/// Grid lines; replaced on a dark background too.
pub(crate) const GRID: RGBColor = RGBColor(226, 228, 232);

/// The colour of a kind of fault.
pub(crate) fn fault(kind: &str) -> RGBColor {
    match kind {
        "partition" => SKY,
        "kill" => VERMILLION,
        "pause" => YELLOW,
        "member" => PURPLE,
        "transfer" => ORANGE,
        _ => GREEN,
    }
}

/// A colour as CSS writes it.
pub(crate) fn css(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}
