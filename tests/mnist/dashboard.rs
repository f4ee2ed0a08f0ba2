//! `train --dashboard` in a terminal, which util-linux's `script` makes, and without one.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::{scratch, shared, succeed};

const TRAIN: [&str; 9] = [
    "train",
    "--dashboard",
    "--model",
    "mlp",
    "--data-dir",
    "data",
    "--validation-split",
    "0.1",
    "--keep-best=true",
];

/// A run that ends long after anybody would have pressed a key.
const LONG: [&str; 2] = ["--epochs", "100000"];

/// A program in a terminal of 24 rows of 80 columns.
struct Terminal {
    child: Child,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Comes back with all that was written.
    reader: JoinHandle<Vec<u8>>,
}

/// What the program writes when it leaves the other screen.
const LEAVE: &[u8] = b"\x1b[?1049l";

impl Terminal {
    fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let typed = arguments.join(" ");
        let command = format!("stty cols 80 rows 24; exec {} {typed}", env!("CARGO_BIN_EXE_mnist"));
        let mut child = shared::command("script", folder)
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("util-linux's `script` makes the terminal");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size(24), size(80), 0)));
        let (of_reader, mut output) = (screen.clone(), child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            let (mut bytes, mut all) = ([0; 4096], Vec::new());
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                of_reader.lock().unwrap().process(&bytes[..read]);
                all.extend_from_slice(&bytes[..read]);
            }
            all
        });
        Terminal { child, screen, reader }
    }

    fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows some text.
    #[track_caller]
    fn wait_for(&self, text: &str) {
        let begin = Instant::now();
        while !self.contents().contains(text) {
            assert!(begin.elapsed() < Duration::from_secs(60), "no '{text}' in:\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end; the exit code and all lines that were written after the screen was left.
    fn end(mut self) -> (Option<i32>, String) {
        // Its end would be a key: Ctrl-D.
        let keys = self.child.stdin.take();
        let code = self.child.wait().unwrap().code();
        drop(keys);
        let all = self.reader.join().unwrap();
        let parser = self.screen.lock().unwrap();
        assert!(!parser.screen().alternate_screen(), "the other screen is still shown");
        assert!(!parser.screen().hide_cursor(), "the cursor is still hidden");
        let left = all.windows(LEAVE.len()).rposition(|bytes| bytes == LEAVE).expect("the screen was left");
        (code, String::from_utf8_lossy(&all[left..]).into_owned())
    }
}

fn size(size: u16) -> NonZeroU16 {
    size.try_into().unwrap()
}

#[test]
fn a_training_is_watched_and_its_results_stay_when_the_screen_is_gone() {
    let folder = scratch();
    let terminal = Terminal::start(folder.path(), &[&TRAIN[..], &["--epochs", "200"]].concat(), &[]);
    terminal.wait_for("[loss]");
    terminal.wait_for("val_accuracy");
    let (code, left) = terminal.end();
    assert_eq!(code, Some(0), "{left}");
    for epoch in [1, 200] {
        assert!(left.contains(&format!("epoch {epoch}/200 ")), "{left}");
    }
    assert!(left.contains("confusion matrix") && left.contains("saved mnist.fireclay"), "{left}");
}

#[test]
fn keys_choose_the_chart_and_end_the_training_with_a_checkpoint_that_is_watched_further() {
    let folder = scratch();
    let mut terminal = Terminal::start(folder.path(), &[&TRAIN[..], &LONG].concat(), &[]);
    terminal.wait_for("[loss]");
    terminal.press("\t");
    terminal.wait_for("[accuracy]");
    terminal.press("l");
    terminal.wait_for("logarithmic ┘");
    terminal.wait_for(" in epoch ");
    terminal.press("qqq");
    let (code, left) = terminal.end();
    assert_eq!(code, Some(130), "{left}");
    assert!(left.contains("interrupted; resume with: mnist train --resume runs/mlp-1"), "{left}");
    // Its history is there before anything new was measured: the best epoch is one of before.
    let mut terminal =
        Terminal::start(folder.path(), &["train", "--dashboard", "--resume", "runs/mlp-1"], &[]);
    terminal.wait_for(" in epoch ");
    terminal.press("\u{3}");
    let (code, left) = terminal.end();
    assert_eq!(code, Some(130), "{left}");
    assert!(left.contains("interrupted; resume with"), "{left}");
}

#[test]
fn no_colour_is_no_colour() {
    let folder = scratch();
    let mut terminal = Terminal::start(folder.path(), &[&TRAIN[..], &LONG].concat(), &[("NO_COLOR", "1")]);
    terminal.wait_for("• val_loss");
    terminal.wait_for(" in epoch ");
    {
        let parser = terminal.screen.lock().unwrap();
        let cells = (0..24).flat_map(|row| (0..80).map(move |column| (row, column)));
        let cell = |(row, column)| parser.screen().cell(row, column).map(vt100::Cell::fgcolor);
        assert!(cells.filter_map(cell).all(|colour| colour == vt100::Color::Default));
    }
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(130));
}

#[test]
fn without_a_terminal_lines_are_printed_as_ever() {
    let folder = scratch();
    let epochs = ["--epochs", "1", "--out", "m.fireclay", "--seed", "1", "--threads", "1"];
    let plain: Vec<&str> =
        TRAIN.iter().copied().filter(|word| *word != "--dashboard").chain(epochs).collect();
    let asked = [&TRAIN[..], &epochs].concat();
    let (without, with) = (succeed(folder.path(), &plain), succeed(folder.path(), &asked));
    assert!(with.stderr.contains("without a terminal there is no dashboard"), "{}", with.stderr);
    // Times differ from run to run.
    let words = |text: &str| {
        text.lines().map(|line| line.split_whitespace().next().map(String::from)).collect::<Vec<_>>()
    };
    assert_eq!(words(&with.stdout), words(&without.stdout));
    let json = succeed(folder.path(), &[&asked[..], &["--json"]].concat());
    assert!(json.stderr.contains("with --json there is no dashboard"), "{}", json.stderr);
    assert!(json.stdout.lines().all(|line| line.starts_with('{')), "{}", json.stdout);
}
