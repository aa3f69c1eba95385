//! The one loop: wait for signals, answers, keys and time; take in all that is there; do what follows; draw at most
//! once.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use super::files::Files;
use super::frames::Frames;
use super::source::{Outside, Source};
use super::workers::Workers;
use crate::app::{self, Action, Effect, Message, State};
use crate::backend::Clock;
use crate::domain::SafeText;
use crate::domain::exchange::{Command, Event, Problem};
use crate::input::{self, KeyMap};
use crate::term::{Signal, Surface};
use crate::ui;

/// What has arrived is taken in before a frame is drawn, but never more than this many things.
const MOST_AT_ONCE: usize = 512;

/// How often a screen is looked at again on which only time passes: fast while something runs, and for the ages of leads
/// once a minute.
const TICK: Duration = Duration::from_secs(1);
const SLOW_TICK: Duration = Duration::from_secs(60);

/// A `CONT` signal this soon after we were continued ourselves is the same one.
const SAME_CONTINUATION: Duration = Duration::from_secs(1);

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person left.
    Quit,
    /// By this signal.
    Signal(i32),
    /// The terminal disappeared.
    Gone,
    /// The backend ended by itself.
    BackendGone,
}

/// Everything the loop works with.
pub struct EventLoop<S, I> {
    pub state: State,
    pub keys: KeyMap,
    pub surface: S,
    pub source: I,
    pub commands: mpsc::Sender<Command>,
    pub events: mpsc::Receiver<Event>,
    pub clock: Clock,
    pub files: Files,
}

/// What is waited for.
enum Arrived {
    Outside(Outside),
    Event(Option<Box<Event>>),
    Answer(Message),
    /// There is room for a command.
    Room,
    Frame,
    Tick,
}

/// The loop while it runs.
struct Running<'a, S, I> {
    parts: &'a mut EventLoop<S, I>,
    workers: Workers,
    answers: UnboundedReceiver<Message>,
    answer: UnboundedSender<Message>,
    /// Commands that the backend has no room for yet.
    outbox: VecDeque<Command>,
    title: Option<SafeText>,
    frames: Frames,
    ticked_at: Instant,
    continued_at: Option<Instant>,
    ended: Option<Ended>,
    #[cfg(debug_assertions)]
    drawn: usize,
}

/// Panics after as many frames as `SWITCHBOARD_PANIC_AFTER` says, so that a test can see what becomes of the terminal.
/// There is no such thing in a release.
#[cfg(debug_assertions)]
fn panic_for_tests(drawn: &mut usize) {
    *drawn += 1;
    let wanted = std::env::var("SWITCHBOARD_PANIC_AFTER").ok().and_then(|wanted| wanted.parse::<usize>().ok());
    assert!(wanted != Some(*drawn), "a panic that was asked for");
}

impl<S: Surface, I: Source> EventLoop<S, I> {
    /// Runs until the person leaves, a signal says so, or there is nothing left to run with. The first frame is drawn
    /// before anything is waited for.
    pub async fn run(&mut self) -> Ended {
        let (answer, answers) = mpsc::unbounded_channel();
        let mut running = Running {
            workers: Workers::new(answer.clone()),
            answers,
            answer,
            outbox: VecDeque::new(),
            title: None,
            frames: Frames::default(),
            ticked_at: Instant::now(),
            continued_at: None,
            ended: None,
            #[cfg(debug_assertions)]
            drawn: 0,
            parts: self,
        };
        running.frames.change();
        let effects = running.parts.state.start();
        running.perform(effects);
        running.draw_if_due();
        loop {
            if let Some(ended) = running.ended {
                return ended;
            }
            let arrived = running.wait().await;
            running.tell_time();
            running.take_in(arrived);
            running.drain();
            running.draw_if_due();
        }
    }
}

impl<S: Surface, I: Source> Running<'_, S, I> {
    /// Waits for the first thing to happen.
    async fn wait(&mut self) -> Arrived {
        let frame_due = self.frame_due();
        let tick_due = self.ticked_at + if self.parts.state.needs_clock() { TICK } else { SLOW_TICK };
        let EventLoop { source, events, commands, .. } = &mut *self.parts;
        let room = async {
            match self.outbox.is_empty() {
                // A closed channel is noticed by its other half, the events.
                false => drop(commands.reserve().await),
                true => pending().await,
            }
        };
        let frame = async {
            match frame_due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = frame => Arrived::Frame,
            outside = source.next() => Arrived::Outside(outside),
            Some(message) = self.answers.recv() => Arrived::Answer(message),
            event = events.recv() => Arrived::Event(event.map(Box::new)),
            () = room => Arrived::Room,
            () = sleep_until(tick_due) => Arrived::Tick,
        }
    }

    /// Takes in whatever else is there already, so that one frame shows all of it.
    fn drain(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            if self.ended.is_some() {
                return;
            }
            let arrived = if let Some(outside) = self.parts.source.next().now_or_never() {
                Arrived::Outside(outside)
            } else if let Ok(message) = self.answers.try_recv() {
                Arrived::Answer(message)
            } else {
                match self.parts.events.try_recv() {
                    Ok(event) => Arrived::Event(Some(Box::new(event))),
                    Err(_) => return,
                }
            };
            self.take_in(arrived);
        }
    }

    fn take_in(&mut self, arrived: Arrived) {
        match arrived {
            Arrived::Outside(Outside::Input(event)) => {
                if let input::Event::Resize { width, height } = event {
                    self.parts.surface.resize(width, height);
                }
                let place = self.parts.state.context();
                if let Some(message) = input::message(event, place, &self.parts.keys) {
                    self.update(message);
                }
            }
            Arrived::Outside(Outside::Signal(signal)) => self.signal(signal),
            Arrived::Outside(Outside::Gone) => self.end(Ended::Gone),
            Arrived::Event(Some(event)) => self.update(Message::Backend(event)),
            Arrived::Event(None) => self.end(Ended::BackendGone),
            Arrived::Answer(message) => self.update(message),
            Arrived::Room => self.send_waiting(),
            // The frame itself comes after this.
            Arrived::Frame => {}
            Arrived::Tick => {
                self.ticked_at = Instant::now();
                self.frames.change();
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Resized => self.measure(),
            Signal::Interrupt => self.update(Message::Signal(app::Signal::Interrupt)),
            Signal::Suspend => self.update(Message::Act(Action::Suspend)),
            Signal::Terminate(number) => self.end(Ended::Signal(number)),
            Signal::Continued => {
                if self.continued_at.is_some_and(|at| at.elapsed() < SAME_CONTINUATION) {
                    return;
                }
                let reclaimed = self.parts.surface.reclaim();
                self.back_in_front(reclaimed);
            }
        }
    }

    fn measure(&mut self) {
        let (columns, rows) = self.parts.surface.measure();
        if (columns, rows) != self.parts.state.size {
            self.update(Message::Resize { columns, rows });
        }
    }

    fn back_in_front(&mut self, outcome: std::io::Result<()>) {
        self.continued_at = Some(Instant::now());
        self.title = None;
        if let Err(error) = outcome {
            let problem = Problem::new(format!("not suspended: {error}"), "");
            return self.update(Message::Backend(Box::new(Event::Failed { problem })));
        }
        self.tell_time();
        self.measure();
        self.update(Message::Resumed);
    }

    /// Ends for a reason from outside. The state hears of it, so that nothing new is handed out.
    fn end(&mut self, ended: Ended) {
        self.update(Message::Signal(app::Signal::Terminate));
        self.ended = Some(ended);
    }

    /// The state knows no clock: it is told the time before it is told what happened.
    fn tell_time(&mut self) {
        let now = (self.parts.clock)();
        let effects = app::update(&mut self.parts.state, Message::Now(now));
        self.perform(effects);
    }

    fn update(&mut self, message: Message) {
        self.frames.change();
        let effects = app::update(&mut self.parts.state, message);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(command) => {
                    self.outbox.push_back(command);
                    self.send_waiting();
                }
                Effect::Search(request) => {
                    self.frames.search(Instant::now());
                    self.workers.search(request);
                }
                Effect::Work(job) => self.workers.start(job),
                Effect::Copy(text) => {
                    let copied = self.parts.surface.copy(&text);
                    self.answer_with(Message::Copied(copied));
                }
                Effect::SaveFile { name, text } => self.parts.files.save(name, text, self.answer.clone()),
                Effect::ReadFile(path) => self.parts.files.read(path, self.answer.clone()),
                Effect::SaveView(view) => self.parts.files.save_view(view, self.answer.clone()),
                Effect::DeleteView(name) => self.parts.files.delete_view(name, self.answer.clone()),
                Effect::Title(title) => self.set_title(title),
                Effect::Repaint => self.parts.surface.repaint(),
                Effect::Suspend => {
                    let suspended = self.parts.surface.suspend();
                    self.back_in_front(suspended);
                }
                Effect::Quit => self.ended = self.ended.or(Some(Ended::Quit)),
            }
        }
        if self.parts.state.is_done() {
            self.ended = self.ended.or(Some(Ended::Quit));
        }
    }

    /// Into the queue rather than at once: a message may lead to an effect, which may lead to a message.
    fn answer_with(&self, message: Message) {
        // The other end is ours.
        let _ = self.answer.send(message);
    }

    fn send_waiting(&mut self) {
        while let Some(command) = self.outbox.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(command)) = self.parts.commands.try_send(command) {
                self.outbox.push_front(command);
                return;
            }
        }
    }

    fn set_title(&mut self, title: SafeText) {
        if self.title.as_ref() == Some(&title) {
            return;
        }
        match self.parts.surface.title(&title) {
            Ok(()) => self.title = Some(title),
            Err(_) => self.end_without_terminal(),
        }
    }

    fn frame_due(&self) -> Option<Instant> {
        self.frames.due(self.parts.state.leads.awaits_rows(), Instant::now())
    }

    /// Draws what has changed, unless the last frame was just now: then the next one shows it.
    fn draw_if_due(&mut self) {
        if self.ended.is_some() || self.frame_due().is_none_or(|due| due > Instant::now()) {
            return;
        }
        let state = &self.parts.state;
        if self.parts.surface.draw(&mut |cells| ui::view(state, cells)).is_err() {
            return self.end_without_terminal();
        }
        self.frames.drawn(state.leads.awaits_rows(), Instant::now());
        #[cfg(debug_assertions)]
        panic_for_tests(&mut self.drawn);
        if state.awaits_paint() {
            self.update(Message::Painted);
        }
    }

    fn end_without_terminal(&mut self) {
        if self.ended.is_none() {
            self.end(Ended::Gone);
        }
    }
}
