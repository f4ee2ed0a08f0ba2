//! Steps, and waiting until all ranks have done one.
//!
//! Who is a little early looks again at once where each rank has a core, and lets others run where they have not; then it sleeps until it is
//! woken. So ranks that have a core each lose no time, and more ranks than cores do not take it from each other.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::futex;
use rustix::time::Timespec;

use super::segment::{Control, Segment};
use crate::GroupError;
use crate::call::Call;
use crate::mesh::{AbsenceClock, Cause, Mesh};

/// How often a waiting rank looks without asking what time it is: about a microsecond.
const LOOKS: u32 = 20;
/// How long it goes on so, where each rank has a core, before it sleeps. It is a little longer than other processes get a core for: ranks
/// that give theirs up at once where others want it come back one after the other, and each then waits for the other.
const SPIN: Duration = Duration::from_millis(4);
/// How often it lets others run where ranks are more than cores, most likely the rank that it waits for.
const YIELDS: u32 = 40;
/// How long it sleeps before it looks whether the others are still there.
const SLEEP: Duration = Duration::from_millis(50);

/// The steps that a rank has done.
pub struct Steps {
    done: u32,
    has_core: bool,
}

impl Steps {
    pub fn new(size: usize) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Steps { done: 0, has_core: size <= cores }
    }

    /// Another step is done: what this rank wrote before is there for all.
    pub fn publish(&mut self, control: &Control) {
        self.done = self.done.wrapping_add(1);
        control.step.store(self.done, Ordering::SeqCst);
        if control.sleepers.load(Ordering::SeqCst) > 0 {
            // It fails only for an address that is none.
            let _ = futex::wake(&control.step, futex::Flags::empty(), i32::MAX as u32);
        }
    }

    /// Waits until all ranks have done as many steps.
    pub fn wait(
        &self,
        mesh: &Mesh,
        segment: &Segment,
        call: Call,
        limit: Duration,
    ) -> Result<(), GroupError> {
        for peer in mesh.others() {
            let control = segment.control(peer);
            if !self.is_there_soon(control) {
                self.sleep(mesh, segment, peer, call, limit)?;
            }
        }
        Ok(())
    }

    /// Whether a rank does the step while this one looks, or lets others run.
    fn is_there_soon(&self, control: &Control) -> bool {
        let look = || {
            (0..LOOKS).any(|_| {
                std::hint::spin_loop();
                self.is_reached(control)
            })
        };
        if self.is_reached(control) || look() {
            return true;
        }
        if !self.has_core {
            return (0..YIELDS).any(|_| {
                thread::yield_now();
                self.is_reached(control)
            });
        }
        let clock = Instant::now();
        while clock.elapsed() < SPIN {
            if look() {
                return true;
            }
        }
        false
    }

    fn is_reached(&self, control: &Control) -> bool {
        // The counts wrap around; nobody is ever more than a few steps away.
        control.step.load(Ordering::Acquire).wrapping_sub(self.done) as i32 >= 0
    }

    /// Sleeps until a rank has done the step.
    fn sleep(
        &self,
        mesh: &Mesh,
        segment: &Segment,
        peer: usize,
        call: Call,
        limit: Duration,
    ) -> Result<(), GroupError> {
        let control = segment.control(peer);
        let timeout = Timespec { tv_sec: 0, tv_nsec: SLEEP.as_nanos() as i64 };
        let mut clock = AbsenceClock::new(limit);
        loop {
            control.sleepers.fetch_add(1, Ordering::SeqCst);
            let seen = control.step.load(Ordering::SeqCst);
            if !self.is_reached(control) {
                // It returns at once if the step has changed, or after the timeout; whatever it says, the step is looked at.
                let _ = futex::wait(&control.step, futex::Flags::empty(), seen, Some(&timeout));
            }
            control.sleepers.fetch_sub(1, Ordering::SeqCst);
            if self.is_reached(control) {
                return Ok(());
            }
            if mesh.any_gone() {
                let gone = |peer| mesh.gone(peer).filter(|_| !self.is_reached(segment.control(peer)));
                if let Some(cause) = mesh.others().find_map(gone) {
                    return Err(mesh.fail(cause));
                }
            }
            if let Some(waited) = clock.passed() {
                return Err(mesh.fail(Cause::absent(peer, call, waited)));
            }
        }
    }
}
