//! What keys do: most change the view, two end the training.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::View;

/// What a key asks for besides another view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Nothing, but the screen is to be drawn.
    Redraw,
    /// `q`: end after this step. Pressed again it asks for no more.
    End,
    /// Ctrl-C, which a terminal does not turn into a signal while it passes on keys.
    CtrlC,
    /// Ctrl-Z, likewise.
    Suspend,
}

/// Does what a key asks of the view; what else it asks for.
pub fn press(key: &KeyEvent, view: &mut View) -> Option<Request> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => return Some(Request::CtrlC),
        KeyCode::Char('z') if control => return Some(Request::Suspend),
        KeyCode::Char('l') if control => {}
        KeyCode::Char('q') => return Some(Request::End),
        KeyCode::Tab | KeyCode::Right => view.chart = view.chart.wrapping_add(1),
        KeyCode::BackTab | KeyCode::Left => view.chart = view.chart.wrapping_sub(1),
        KeyCode::Char('l') => view.logarithmic ^= true,
        KeyCode::Char('+' | '=') => view.zoom = (view.zoom + 1).min(View::MOST_ZOOM),
        KeyCode::Char('-') => view.zoom = view.zoom.saturating_sub(1),
        _ => return None,
    }
    Some(Request::Redraw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_change_the_view_or_end_the_training() {
        let mut view = View::default();
        let mut type_in = |code, modifiers| {
            let request = press(&KeyEvent::new(code, modifiers), &mut view);
            (request, view.chart, view.logarithmic, view.zoom)
        };
        let plain = KeyModifiers::NONE;
        let redraw = Some(Request::Redraw);
        assert_eq!(type_in(KeyCode::Tab, plain), (redraw, 1, false, 0));
        assert_eq!(type_in(KeyCode::Char('l'), plain), (redraw, 1, true, 0));
        assert_eq!(type_in(KeyCode::Char('+'), plain), (redraw, 1, true, 1));
        assert_eq!(type_in(KeyCode::BackTab, KeyModifiers::SHIFT), (redraw, 0, true, 1));
        assert_eq!(type_in(KeyCode::Char('-'), plain), (redraw, 0, true, 0));
        assert_eq!(type_in(KeyCode::Char('q'), plain).0, Some(Request::End));
        assert_eq!(type_in(KeyCode::Char('c'), KeyModifiers::CONTROL).0, Some(Request::CtrlC));
        assert_eq!(type_in(KeyCode::Char('c'), plain).0, None);
        assert_eq!(type_in(KeyCode::Char('z'), KeyModifiers::CONTROL).0, Some(Request::Suspend));
    }
}
