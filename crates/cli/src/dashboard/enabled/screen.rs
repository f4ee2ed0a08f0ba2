//! The thread that draws and reads keys.

use std::io;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use fireclay::train::Event;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event;

use super::full_screen::{FrameWriter, FullScreen};
use super::keys::{Request, press};
use super::state::TrainingState;
use super::view::{Theme, View, draw};
use crate::interrupt::{InterruptOnCtrlC, Press};
use crate::output::Output;

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(100);

/// How long a key is waited for, and so how long the end of the training waits for the thread.
const KEY_WAIT: Duration = Duration::from_millis(50);

/// A frame is drawn after so long although nothing happened, so that the clock goes on.
const IDLE_FRAME: Duration = Duration::from_secs(1);

/// Lines of what was printed that are looked at.
const LINES: usize = 100;

/// The screen while it is shown. Dropped, it restores the terminal and lets the output print what it held.
pub struct Screen {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<TrainingState>,
    /// Changes with the state.
    revision: AtomicU64,
    stop: AtomicBool,
    start: Instant,
    full_screen: FullScreen,
    output: Arc<Output>,
    interrupt: InterruptOnCtrlC,
}

impl Screen {
    /// Shows the screen.
    ///
    /// # Errors
    /// If the terminal cannot show it.
    pub fn open(
        state: TrainingState,
        output: &Arc<Output>,
        interrupt: &InterruptOnCtrlC,
    ) -> io::Result<Self> {
        let full_screen = FullScreen::default();
        full_screen.enter()?;
        output.hold();
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            revision: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            start: Instant::now(),
            full_screen,
            output: output.clone(),
            interrupt: interrupt.clone(),
        });
        let of_press = Arc::downgrade(&shared);
        interrupt.on_press(move |press| of_press.upgrade().is_some_and(|shared| shared.pressed(press)));
        restore_on_panic(&shared);
        let of_thread = shared.clone();
        let thread = spawn(move || {
            // A terminal that is gone needs no restoring, and the training goes on without it.
            let _ = of_thread.run();
            of_thread.leave();
        });
        Ok(Screen { shared, thread: Some(thread) })
    }

    /// Tells of an event.
    pub fn tell(&self, event: &Event) {
        let elapsed = self.shared.start.elapsed().as_secs_f64();
        self.shared.state().event(event, elapsed);
        self.shared.changed();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.shared.leave();
    }
}

impl Shared {
    fn run(&self) -> io::Result<()> {
        let mut terminal = Terminal::new(CrosstermBackend::new(self.full_screen.writer()))?;
        let mut view = View { theme: Theme::of_environment(), ..View::default() };
        let mut drawn: Option<(u64, Instant)> = None;
        while !self.stop.load(Ordering::SeqCst) && self.full_screen.is_on() {
            if event::poll(KEY_WAIT)? {
                match event::read()? {
                    event::Event::Key(key) => {
                        let request = press(&key, &mut view);
                        if self.act(request)? == Drawn::Nothing {
                            // `clear` would ask the terminal where its cursor is, and read keys until it answers.
                            terminal.resize(terminal.size()?.into())?;
                        }
                        if request.is_some() {
                            drawn = None;
                        }
                    }
                    event::Event::Resize(..) => drawn = None,
                    _ => {}
                }
            }
            let revision = self.revision.load(Ordering::SeqCst);
            let is_due = drawn.is_none_or(|(of, at)| {
                let past = at.elapsed();
                past >= IDLE_FRAME || (of != revision && past >= FRAME)
            });
            if is_due && !self.stop.load(Ordering::SeqCst) {
                self.frame(&mut terminal, &mut view)?;
                drawn = Some((revision, Instant::now()));
            }
        }
        Ok(())
    }

    fn frame(
        &self,
        terminal: &mut Terminal<CrosstermBackend<FrameWriter>>,
        view: &mut View,
    ) -> io::Result<()> {
        view.elapsed = self.start.elapsed().as_secs_f64();
        let lines = self.output.last_lines(LINES);
        terminal.draw(|frame| {
            let area = frame.area();
            draw(&self.state(), view, &lines, area, frame.buffer_mut());
        })?;
        Ok(())
    }

    /// Does what a key asked for; what is on the screen afterwards.
    fn act(&self, request: Option<Request>) -> io::Result<Drawn> {
        match request {
            Some(Request::End) if !self.interrupt.is_pressed() => self.interrupt.pressed(),
            Some(Request::CtrlC) => self.interrupt.pressed(),
            Some(Request::Suspend) => {
                self.full_screen.leave();
                suspend();
                self.full_screen.enter()?;
                return Ok(Drawn::Nothing);
            }
            _ => {}
        }
        Ok(Drawn::AsBefore)
    }

    /// Ctrl-C was pressed, or a key or signal that counts as it.
    fn pressed(&self, press: Press) -> bool {
        let is_on = self.full_screen.is_on();
        match press {
            Press::EndsAfterStep => {
                self.state().is_ending = true;
                self.changed();
            }
            Press::EndsAtOnce => self.leave(),
        }
        is_on
    }

    fn leave(&self) {
        self.full_screen.leave();
        self.output.release();
    }

    fn changed(&self) {
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    fn state(&self) -> MutexGuard<'_, TrainingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is on the screen.
#[derive(PartialEq)]
enum Drawn {
    AsBefore,
    Nothing,
}

/// Restores the terminal before a panic is told, in whatever thread it is.
fn restore_on_panic(shared: &Arc<Shared>) {
    let shared = Arc::downgrade(shared);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if let Some(shared) = shared.upgrade() {
            shared.leave();
        }
        before(info);
    }));
}

/// Stops the program as Ctrl-Z does, until the shell lets it go on.
#[cfg(unix)]
fn suspend() {
    // A signal that cannot be sent leaves the training running, as nothing else would.
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTSTP);
}

#[cfg(not(unix))]
fn suspend() {}
