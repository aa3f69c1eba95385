//! The grid of a campaign with 300 lists and 600 agents, and one with 600 lists and 300 agents: how long a step takes from
//! the message to the written frame, and how many bytes that is; what painting and planning cost.
//!
//! `cargo bench --bench matrix` (add `-- --quick` for a short look)

mod common;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use switchboard::app::{Action, Job, Message, Options, State, update};
use switchboard::domain::campaign::{Collection, CollectionKind, MappingRecord};
use switchboard::domain::exchange::Event;
use switchboard::domain::matrix::MatrixTold;
use switchboard::domain::{Capabilities as Can, PersonId, TargetKind, VendorKind};
use switchboard::input::KeyMap;
use switchboard::term::{Capabilities, Colours, Screen, Surface};
use switchboard::ui::view;

fn main() {
    let steps = if common::quick() { 40 } else { 250 };
    for (size, lists, agents) in [((200, 50), 300, 600), ((200, 50), 600, 300), ((80, 24), 600, 300)] {
        println!("{lists} lists x {agents} agents, {}x{}", size.0, size.1);
        let mut desk = Desk::new(size, lists, agents);
        desk.measure("cell to the right", Action::CursorRight, 20);
        for _ in 0..60 {
            desk.act(Action::CursorRight);
            desk.act(Action::CursorDown);
        }
        desk.measure("one row scrolled", Action::CursorDown, steps.min(lists - 62));
        desk.measure("one column scrolled", Action::CursorRight, steps.min(agents - 85));
        desk.measure("one page scrolled", Action::PageUp, 5);
        desk.measure("one cell painted", Action::Mark, steps);
        desk.measure("a column painted", Action::PaintColumn, steps / 10);
        desk.measure("turned round", Action::Transpose, 10);
        desk.plan();
    }
}

/// Counts what is written to it.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<usize>>);

impl Counter {
    fn take(&self) -> usize {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Desk {
    state: State,
    screen: Screen<Counter>,
    written: Counter,
}

/// A mapping of which a tenth is on.
fn mappings(lists: usize, agents: usize) -> Vec<MappingRecord> {
    let id = |agent: usize| PersonId::new(format!("agent_{agent:03}"));
    let all: BTreeSet<PersonId> = (0..agents).map(id).collect();
    let record = |list: usize| {
        let mapped: BTreeSet<PersonId> =
            (0..agents).filter(|agent| (list * 31 + agent * 17).is_multiple_of(10)).map(id).collect();
        MappingRecord {
            target: MappingRecord::target_of("7", &list.to_string()),
            process: "Sales".into(),
            campaign_id: "7".to_owned(),
            campaign_name: "Winter sale".into(),
            lead_id: list.to_string(),
            lead_name: format!("Lead {list}").as_str().into(),
            enabled: true,
            others: &all - &mapped,
            agents: Ok(mapped),
        }
    };
    (0..lists).map(record).collect()
}

impl Desk {
    fn new(size: (u16, u16), lists: usize, agents: usize) -> Self {
        let capabilities = Capabilities { colours: Colours::Indexed, plain: false, extras: true };
        let written = Counter::default();
        let mut desk = Self {
            state: State::new(Options::default(), KeyMap::new().labels(), size, common::now()),
            screen: Screen::new(written.clone(), capabilities, size.0, size.1),
            written,
        };
        let can = Arc::new(Can { targets: TargetKind::Mappings, ..Can::plain(VendorKind::Exotel, &[]) });
        let profile = "center".into();
        desk.tell(Event::Opened { profile, capabilities: can, read_only: false });
        let campaign = Collection {
            kind: CollectionKind::Campaign,
            id: "7".to_owned(),
            name: "Winter sale".into(),
            status: "Sales".into(),
        };
        desk.told(MatrixTold::Campaigns { campaigns: Arc::new(vec![campaign]), agents: Arc::default() });
        desk.act(Action::Accept);
        let records = Arc::new(mappings(lists, agents));
        let begun = Instant::now();
        desk.told(MatrixTold::Mappings { campaign: "7".to_owned(), records, read_at: common::now(), whole: true });
        println!("{:<28} {}", "campaign taken in", common::ms(begun.elapsed()));
        desk.draw();
        desk.written.take();
        desk
    }

    fn told(&mut self, told: MatrixTold) {
        self.tell(Event::Matrix { profile: "center".into(), told });
    }

    fn tell(&mut self, event: Event) {
        update(&mut self.state, Message::Backend(Box::new(event)));
    }

    fn draw(&mut self) {
        let state = &self.state;
        Surface::draw(&mut self.screen, &mut |cells| view(state, cells)).expect("nothing can fail here");
    }

    fn act(&mut self, action: Action) {
        update(&mut self.state, Message::Act(action));
        self.draw();
        self.written.take();
    }

    fn measure(&mut self, what: &str, action: Action, steps: usize) {
        let mut times: Vec<Duration> = Vec::new();
        let mut sizes = Vec::new();
        for _ in 0..steps.max(1) {
            let begun = Instant::now();
            update(&mut self.state, Message::Act(action));
            self.draw();
            times.push(begun.elapsed());
            sizes.push(self.written.take());
        }
        times.sort_unstable();
        sizes.sort_unstable();
        println!(
            "{what:<28} message to written {} (worst {}), {} bytes (most {})",
            common::ms(times[times.len() / 2]),
            common::ms(times[times.len() - 1]),
            sizes[sizes.len() / 2],
            sizes[sizes.len() - 1]
        );
    }

    /// The plan of what is painted, and more: every tenth row.
    fn plan(&mut self) {
        for _ in 0..10 {
            self.act(Action::PaintRow);
            self.act(Action::CursorDown);
        }
        let effects = update(&mut self.state, Message::Act(Action::PlanMapping));
        let job = effects.into_iter().find_map(|effect| match effect {
            switchboard::app::Effect::Work(job @ Job::PlanMapping(_)) => Some(job),
            _ => None,
        });
        let Some(job) = job else { return };
        let (time, planned) = common::timed(|| job.run(&|| false));
        if let Some(Message::Planned { plan, .. }) = planned {
            println!("{:<28} {} for {} lists", "plan", common::ms(time), plan.changes());
        }
    }
}
