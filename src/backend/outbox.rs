//! Events on their way to the screen: nobody in the engine ever waits for the screen, and what is out of date by the
//! time the screen looks is not sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use super::Watch;
use crate::domain::exchange::Event;
use crate::domain::{OperationId, ProfileName};

/// A queue of events that the newest of its kind replaces. Clones feed the same queue.
#[derive(Clone, Default)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Notify,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    closed: bool,
}

/// Events of which only the newest is worth telling.
#[derive(PartialEq)]
enum Kind<'a> {
    Progress(&'a OperationId),
    Leads(&'a ProfileName),
    People(&'a ProfileName),
    Waiting(&'a ProfileName),
}

fn kind(event: &Event) -> Option<Kind<'_>> {
    match event {
        Event::Progress { operation, .. } => Some(Kind::Progress(operation)),
        Event::Leads { profile, .. } => Some(Kind::Leads(profile)),
        Event::People { profile, .. } => Some(Kind::People(profile)),
        Event::Waiting { profile, .. } => Some(Kind::Waiting(profile)),
        _ => None,
    }
}

impl Outbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, event: Event) {
        let mut queue = self.queue();
        // The newer one takes the older one's place, so that what follows it still follows it. Only the waiting part
        // of the queue is looked at, and that is short unless the screen stands still.
        let older = kind(&event).and_then(|new| queue.events.iter().position(|e| kind(e).is_some_and(|k| k == new)));
        match older {
            Some(at) => queue.events[at] = event,
            None => queue.events.push_back(event),
        }
        drop(queue);
        self.shared.more.notify_one();
    }

    /// A watch that feeds this outbox.
    pub fn watch(&self) -> Watch {
        let outbox = self.clone();
        Watch::new(move |event| outbox.put(event))
    }

    /// No more events come; what is there is still sent.
    pub fn close(&self) {
        self.queue().closed = true;
        self.shared.more.notify_one();
    }

    /// Passes events on until the outbox is closed and empty, or nobody listens any more.
    pub async fn deliver(self, events: mpsc::Sender<Event>) {
        loop {
            let more = self.shared.more.notified();
            // The place first: until there is one, newer events may still replace what waits.
            let Ok(place) = events.reserve().await else { return };
            let (next, closed) = {
                let mut queue = self.queue();
                (queue.events.pop_front(), queue.closed)
            };
            match next {
                Some(event) => place.send(event),
                None if closed => return,
                None => {
                    drop(place);
                    more.await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exchange::{OperationProgress, Problem};

    fn progress(operation: &str, in_flight: usize) -> Event {
        let progress = OperationProgress { in_flight, ..OperationProgress::default() };
        Event::Progress { operation: operation.into(), progress }
    }

    #[tokio::test]
    async fn a_slow_screen_gets_the_newest_progress_and_everything_else_in_order() {
        let outbox = Outbox::default();
        outbox.put(progress("a", 1));
        outbox.put(Event::Failed { problem: Problem::new("one", "") });
        outbox.put(progress("b", 1));
        outbox.put(progress("a", 2));
        outbox.put(Event::Failed { problem: Problem::new("two", "") });
        outbox.close();
        let (sender, mut receiver) = mpsc::channel(1);
        let delivery = tokio::spawn(outbox.deliver(sender));
        let mut told = Vec::new();
        while let Some(event) = receiver.recv().await {
            told.push(match event {
                Event::Progress { operation, progress } => format!("{operation} {}", progress.in_flight),
                Event::Failed { problem } => problem.what,
                _ => String::new(),
            });
        }
        delivery.await.unwrap();
        assert_eq!(told, ["a 2", "one", "b 1", "two"]);
    }
}
