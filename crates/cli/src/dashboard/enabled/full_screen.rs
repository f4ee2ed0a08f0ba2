//! The terminal's other screen on standard error, where progress goes, entered once and left once, whoever leaves it first: the
//! end of the training, a second Ctrl-C, or a panic.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::queue;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// Whether the other screen is shown. Clones are the same screen.
#[derive(Clone, Debug, Default)]
pub struct FullScreen {
    on: Arc<Mutex<bool>>,
}

impl FullScreen {
    /// Shows the other screen, on which keys are not written.
    ///
    /// # Errors
    /// If the terminal does not take it; it is as it was then.
    pub fn enter(&self) -> io::Result<()> {
        let mut on = self.lock();
        enable_raw_mode()?;
        let mut commands = Vec::new();
        // Cleared, since a terminal without another screen stays on its own.
        let shown = queue!(commands, EnterAlternateScreen, Clear(ClearType::All), Hide)
            .and_then(|()| write(&commands));
        if let Err(error) = shown {
            let _ = disable_raw_mode();
            return Err(error);
        }
        *on = true;
        Ok(())
    }

    /// Goes back to the terminal as it was. Does nothing the second time.
    pub fn leave(&self) {
        let mut on = self.lock();
        if std::mem::take(&mut *on) {
            let mut commands = Vec::new();
            // Whoever leaves can do nothing about a terminal that is gone.
            let _ = queue!(commands, LeaveAlternateScreen, Show).and_then(|()| write(&commands));
            let _ = disable_raw_mode();
        }
    }

    /// Whether it is shown.
    pub fn is_on(&self) -> bool {
        *self.lock()
    }

    /// What a frame is written to.
    pub fn writer(&self) -> FrameWriter {
        FrameWriter { screen: self.clone(), frame: Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes each frame in one piece, and none to a screen that was left.
#[derive(Debug)]
pub struct FrameWriter {
    screen: FullScreen,
    frame: Vec<u8>,
}

impl Write for FrameWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut self.frame);
        // Held while it is written, so that nobody leaves in the middle of a frame.
        let on = self.screen.lock();
        if *on && !frame.is_empty() { write(&frame) } else { Ok(()) }
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut terminal = io::stderr().lock();
    terminal.write_all(bytes)?;
    terminal.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_to_a_screen_that_is_not_shown() {
        let screen = FullScreen::default();
        let mut writer = screen.writer();
        writer.write_all(b"frame").unwrap();
        writer.flush().unwrap();
        assert!(writer.frame.is_empty() && !screen.is_on());
        screen.leave();
    }
}
