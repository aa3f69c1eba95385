//! The engine behind two channels, for the screen.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use super::asking;
use super::cache::{self, Cache};
use super::desk::Desk;
use super::load;
use super::matrix::Survey;
use super::names::{self, NamesWish};
use super::outbox::Outbox;
use super::undo;
use super::{ApplyError, Engine, Only, Report, StopToken, UndoRequest, undoable_since};
use crate::domain::campaign::{Collections, LeadAsk};
use crate::domain::exchange::{Command, Event, LoadProgress, PartProgress, Problem};
use crate::domain::history::{OperationPart, kept_from};
use crate::domain::plan_file;
use crate::domain::query::Asked;
use crate::domain::selection::LeadKey;
use crate::domain::{OperationId, Plan, ProfileName, SafeText, Tally, TargetKind, Timestamp};
use crate::journal::{Journal, JournalError};
use crate::vendor::VendorError;

/// Entries of a lead's history that its detail page shows.
const MOST_EVENTS: usize = 10_000;

/// Operations that are looked at for the newest one of which something can still be taken back.
const MOST_CANDIDATES: usize = 10;

/// Starts the backend task on the current runtime. It ends after [`Command::Shutdown`], or when `commands` is closed;
/// either way what is in flight is awaited first.
pub fn spawn(engine: Engine, commands: mpsc::Receiver<Command>, events: mpsc::Sender<Event>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let outbox = Outbox::default();
        let delivery = tokio::spawn(outbox.clone().deliver(events));
        Backend::new(engine, outbox.clone()).run(commands).await;
        outbox.put(Event::Stopped);
        outbox.close();
        let _ = delivery.await;
    })
}

pub(super) struct Backend {
    pub(super) engine: Engine,
    pub(super) outbox: Outbox,
    /// Reads that may be dropped at any time.
    loads: HashMap<ProfileName, JoinHandle<()>>,
    wishes: HashMap<ProfileName, NamesWish>,
    detail: Option<JoinHandle<()>>,
    /// The plan that the screen waits for.
    planning: Option<AbortHandle>,
    pub(super) background: JoinSet<()>,
    /// Campaigns that are to be read, by profile.
    pub(super) surveys: HashMap<ProfileName, Survey>,
    /// Operations; they are awaited whatever happens.
    operations: JoinSet<()>,
    stops: Vec<StopToken>,
}

impl Backend {
    fn new(engine: Engine, outbox: Outbox) -> Self {
        Self {
            engine,
            outbox,
            loads: HashMap::new(),
            wishes: HashMap::new(),
            detail: None,
            planning: None,
            background: JoinSet::new(),
            surveys: HashMap::new(),
            operations: JoinSet::new(),
            stops: Vec::new(),
        }
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.open();
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(Command::Shutdown) => break,
                    Some(command) => self.take(command),
                },
                Some(_) = self.operations.join_next() => self.stops.retain(|stop| !stop.is_over()),
                Some(_) = self.background.join_next() => {}
            }
        }
        // Reads are dropped, writes are not.
        self.background.abort_all();
        self.loads.values().chain(&self.detail).for_each(JoinHandle::abort);
        self.stops.iter().for_each(StopToken::stop);
        while self.operations.join_next().await.is_some() {}
    }

    /// Tells what there is at the start.
    fn open(&mut self) {
        for profile in self.engine.profiles() {
            self.outbox.put(match profile.capabilities {
                Ok(capabilities) => Event::Opened { profile: profile.name, capabilities, read_only: profile.read_only },
                Err(problem) => Event::NotOpened { profile: profile.name, problem },
            });
        }
        for desk in self.engine.inner.desks.iter().flatten() {
            let wish = NamesWish::default();
            self.wishes.insert(desk.name.clone(), wish.clone());
            if !desk.capabilities.names_in_rows {
                self.background.spawn(names::fetch(desk.clone(), wish, self.outbox.clone()));
            }
            self.background.spawn(tell_pauses(desk.clone(), self.outbox.clone()));
            self.background.spawn(show_kept(self.engine.clone(), desk.clone(), self.outbox.clone()));
        }
        self.ask(
            |engine| engine.journal().interrupted(),
            |operations| (!operations.is_empty()).then_some(Event::Interrupted { operations }),
        );
        if let Some(retention) = self.engine.inner.tuning.retention {
            self.ask(
                move |engine| engine.journal().prunable(kept_from(engine.now(), retention)),
                |old| (old.operations > 0).then(|| Event::Notice { text: too_old(old.operations) }),
            );
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Load { profile } => self.load(profile),
            Command::Names { leads } => self.names(leads),
            Command::Ask { profile, asked } => self.ask_vendor(profile, asked),
            Command::AllNames { profile } => self.all_names(&profile),
            Command::Detail { lead } => self.detail(lead),
            Command::Apply { plan } => {
                self.operate(|engine, watch, stop| async move { engine.apply(plan, watch, stop).await });
            }
            Command::ApplyFile { file, plan } => {
                self.operate(|engine, watch, stop| async move { engine.apply_file(&file, plan, watch, stop).await });
            }
            Command::WritePlan { plan, asked, findings } => self.write_plan(plan, asked, findings),
            Command::OpenPlan { text } => self.open_plan(text),
            Command::RecentChanges { within } => self.ask(
                move |engine| {
                    let since = engine.now().checked_sub(within).unwrap_or(Timestamp::MIN);
                    engine.journal().touched_since(since)
                },
                |touched| Some(Event::RecentChanges { touched: Arc::new(touched) }),
            ),
            Command::Resume { operation, settle_only } => self.operate(move |engine, watch, stop| async move {
                engine.resume(&operation, settle_only, watch, stop).await
            }),
            Command::GiveUp { operation } => {
                self.operate(move |engine, watch, stop| async move { engine.give_up(&operation, watch, stop).await })
            }
            Command::Stop { operation } => {
                self.engine.stop(&operation);
            }
            Command::Pause { operation, paused } => {
                self.engine.pause(&operation, paused);
            }
            Command::Throttle { operation, slower } => {
                self.engine.throttle(&operation, slower);
            }
            Command::PlanUndo { operations, items } => {
                let only = items.map_or(Only::All, Only::Items);
                self.plan_undo(UndoRequest { operations, only, force: false, ..UndoRequest::default() });
            }
            Command::PlanForcedUndo { operation, items } => {
                let (operations, only) = (vec![operation], Only::Items(items));
                self.plan_undo(UndoRequest { operations, only, force: true, ..UndoRequest::default() });
            }
            Command::PlanUndoSince { since, who } => self.plan_undo_since(since, who),
            Command::PlanNewestUndo { redo } => self.plan_newest_undo(redo),
            Command::PlanListsAgain { operation } => {
                let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
                self.make_plan(async move { outbox.put(planned(None, engine.plan_lists_again(operation).await)) });
            }
            Command::History { offset, limit } => self.ask(
                move |engine| {
                    let journal = engine.journal();
                    Ok((journal.operations(offset, limit)?, journal.count()?))
                },
                move |(operations, total)| Some(Event::History { operations, total, offset }),
            ),
            Command::HistoryWhere { filter, offset, limit } => {
                let asked = filter.clone();
                self.ask(
                    move |engine| {
                        let journal = engine.journal();
                        Ok((journal.operations_where(&asked, offset, limit)?, journal.count_where(&asked)?))
                    },
                    move |(operations, total)| Some(Event::HistoryFound { filter, operations, total, offset }),
                );
            }
            Command::Items { operation, offset, limit } => {
                let id = operation.clone();
                self.ask(
                    move |engine| {
                        let total = engine.journal().operation(&id)?.tally.total();
                        Ok((engine.journal().items(&id, offset, limit)?, total))
                    },
                    move |(items, total)| Some(Event::Items { operation, items, total, offset }),
                );
            }
            Command::Matrix { profile, ask } => self.matrix(profile, ask),
            Command::Parts { operation } => {
                let id = operation.clone();
                self.ask(
                    move |engine| parts_of(engine.journal(), &id),
                    move |parts| Some(Event::Parts { operation, parts }),
                );
            }
            Command::Shutdown => {}
        }
    }

    /// Asks the journal away from the async threads and tells the answer.
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        question: impl FnOnce(&Engine) -> Result<T, JournalError> + Send + 'static,
        answer: impl FnOnce(T) -> Option<Event> + Send + 'static,
    ) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        self.background.spawn(async move {
            let told = tokio::task::spawn_blocking(move || question(&engine)).await;
            let event = match told {
                Ok(Ok(told)) => answer(told),
                Ok(Err(error)) => Some(Event::Failed { problem: Problem::new(error.to_string(), "") }),
                Err(broken) => Some(Event::Failed { problem: Problem::new(broken.to_string(), "") }),
            };
            event.into_iter().for_each(|event| outbox.put(event));
        });
    }

    fn load(&mut self, profile: ProfileName) {
        if let Some(older) = self.loads.remove(&profile) {
            older.abort();
        }
        let desk = match self.engine.inner.desk(&profile) {
            Ok(desk) => desk,
            Err(error) => {
                self.outbox.put(Event::LoadFailed { profile, problem: error.problem() });
                return;
            }
        };
        if let Some(wish) = self.wishes.get(&profile) {
            wish.forget_failures();
        }
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        let wish = self.wishes.get(&profile).cloned().unwrap_or_default();
        self.loads.insert(profile, tokio::spawn(load_profile(engine, desk, wish, outbox)));
    }

    /// Lets the vendor say which leads a question means. Nobody else waits for the answer.
    fn ask_vendor(&mut self, profile: ProfileName, asked: Asked) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        self.background.spawn(async move {
            let found = match engine.inner.desk(&profile) {
                Ok(desk) => match asking::ask(&desk, &asked).await {
                    Ok(asking) => {
                        if let Some((table, progress)) = asking.changed {
                            outbox.put(Event::Leads { profile: profile.clone(), table, progress });
                        }
                        for sentence in asking.troubles {
                            outbox.put(Event::Failed { problem: Problem::new(sentence, "") });
                        }
                        Ok(asking.answer)
                    }
                    Err(error) => Err(problem(error)),
                },
                Err(error) => Err(error.problem()),
            };
            outbox.put(Event::Answered { profile, asked, found });
        });
    }

    fn all_names(&mut self, profile: &ProfileName) {
        if let (Ok(desk), Some(wish)) = (self.engine.inner.desk(profile), self.wishes.get(profile)) {
            wish.all(&desk);
        }
    }

    fn names(&mut self, leads: Vec<LeadKey>) {
        let mut by_profile: HashMap<ProfileName, Vec<_>> = HashMap::new();
        for lead in leads {
            by_profile.entry(lead.profile).or_default().push(lead.id);
        }
        for desk in self.engine.inner.desks.iter().flatten() {
            if let Some(wish) = self.wishes.get(&desk.name) {
                // A profile that is not in the wish is not visible any more.
                wish.replace(desk, by_profile.remove(&desk.name).unwrap_or_default());
            }
        }
    }

    fn detail(&mut self, lead: LeadKey) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        // Only the lead that is looked at now.
        if let Some(older) = self.detail.take() {
            older.abort();
        }
        self.detail = Some(tokio::spawn(async move {
            let key = lead.clone();
            let events = engine.inner.ask(move |journal| journal.lead_events(&key, MOST_EVENTS)).await;
            let events = events.unwrap_or_else(|error| {
                outbox.put(Event::Failed { problem: Problem::new(error.to_string(), "") });
                Vec::new()
            });
            let record = engine.detail(&lead.profile, &lead.id).await;
            if let (Ok(record), Ok(desk)) = (&record, engine.inner.desk(&lead.profile))
                && let Some((table, progress)) = desk.enrich(std::slice::from_ref(record))
            {
                outbox.put(Event::Leads { profile: lead.profile.clone(), table, progress });
            }
            outbox.put(Event::Detail { lead, record: record.map(Box::new).map_err(problem), events });
        }));
    }

    fn operate<F>(&mut self, work: impl FnOnce(Engine, super::Watch, StopToken) -> F)
    where
        F: Future<Output = Result<Report, ApplyError>> + Send + 'static,
    {
        let stop = StopToken::new();
        self.stops.push(stop.clone());
        let outbox = self.outbox.clone();
        let work = work(self.engine.clone(), outbox.watch(), stop.clone());
        self.operations.spawn(async move {
            match work.await {
                Ok(report) => {
                    for (_, problem) in report.cut_short {
                        outbox.put(Event::Failed { problem });
                    }
                }
                Err(error) => outbox.put(match error.cut_off().cloned() {
                    Some(operation) => Event::Lost { operation, problem: error.problem() },
                    None => Event::NotStarted { problem: error.problem() },
                }),
            }
            stop.end();
        });
    }

    /// Makes a plan that reads. The screen waits for one at a time: what was asked for before is given up, so that its
    /// answer is not taken for this one's, and its reads are spared.
    fn make_plan(&mut self, making: impl Future<Output = ()> + Send + 'static) {
        let making = self.background.spawn(making);
        if let Some(earlier) = self.planning.replace(making) {
            earlier.abort();
        }
    }

    fn plan_undo(&mut self, request: UndoRequest) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        let asked = request.operations.first().cloned();
        self.make_plan(async move { outbox.put(planned(asked, undo::plan_with_redos(&engine, request).await)) });
    }

    fn plan_undo_since(&mut self, since: Timestamp, who: Option<SafeText>) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        self.make_plan(async move {
            let found = engine.inner.ask(move |journal| undoable_since(journal, since, who.as_ref())).await;
            outbox.put(match found {
                Ok(found) if found.is_empty() => {
                    let what = format!("nothing that was done since {since} can be taken back");
                    Event::NotPlanned { problem: Problem::new(what, "") }
                }
                Ok(found) => {
                    let operations = found.into_iter().map(|operation| operation.id).collect();
                    let request = UndoRequest { operations, since: Some(since), ..UndoRequest::default() };
                    planned(None, engine.plan_undo(request).await)
                }
                Err(error) => Event::NotPlanned { problem: Problem::new(error.to_string(), "") },
            });
        });
    }

    /// Makes a file's text of a plan, away from the async threads: it may be long.
    fn write_plan(&mut self, plan: Arc<Plan>, asked: String, findings: Vec<SafeText>) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        self.background.spawn(async move {
            let text = tokio::task::spawn_blocking(move || {
                let mut file = engine.plan_file(&plan, &asked);
                file.findings = findings;
                let text = file.to_text().map_err(|error| error.to_string())?;
                String::from_utf8(text).map_err(|error| error.to_string())
            });
            outbox.put(match text.await {
                Ok(Ok(text)) => Event::PlanWritten { text },
                Ok(Err(why)) => failed(format!("the plan could not be written down: {why}")),
                Err(broken) => failed(format!("the plan could not be written down: {broken}")),
            });
        });
    }

    /// Understands a plan file, and reads what is left of it.
    fn open_plan(&mut self, text: Arc<Vec<u8>>) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        self.make_plan(async move {
            let parsed = tokio::task::spawn_blocking(move || plan_file::parse(&text)).await;
            let file = match parsed {
                Ok(Ok(file)) => file,
                Ok(Err(why)) => return outbox.put(not_planned(format!("{why}; nothing was sent"))),
                Err(broken) => return outbox.put(not_planned(broken.to_string())),
            };
            if let Err(error) = engine.is_for_here(&file) {
                return outbox.put(Event::NotPlanned { problem: error.problem() });
            }
            let plan = match engine.without_unusable(file.clone().into_plan()) {
                Ok(plan) => engine.recheck(plan).await,
                Err(error) => Err(error.problem()),
            };
            outbox.put(match plan {
                Ok(plan) => Event::PlanOpened { file: Arc::new(file), plan: Arc::new(plan) },
                Err(problem) => Event::NotPlanned { problem },
            });
        });
    }

    fn plan_newest_undo(&mut self, redo: bool) {
        let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
        self.make_plan(async move {
            let candidates = engine.inner.ask(move |journal| journal.undoable(redo, MOST_CANDIDATES)).await;
            let candidates: Vec<OperationId> = match candidates {
                Ok(found) => found.into_iter().map(|operation| operation.id).collect(),
                Err(error) => {
                    return outbox.put(Event::NotPlanned { problem: Problem::new(error.to_string(), "") });
                }
            };
            outbox.put(if candidates.is_empty() {
                let what = if redo { "there is no undo to take back" } else { "there is nothing to take back" };
                Event::NotPlanned { problem: Problem::new(what, "") }
            } else {
                planned(None, engine.plan_newest_undo(candidates, None).await)
            });
        });
    }
}

fn failed(what: String) -> Event {
    Event::Failed { problem: Problem::new(what, "") }
}

fn not_planned(what: String) -> Event {
    Event::NotPlanned { problem: Problem::new(what, "") }
}

/// What came out of an operation at each of its profiles.
fn parts_of(journal: &Journal, id: &OperationId) -> Result<Vec<PartProgress>, JournalError> {
    let summary = journal.operation(id)?;
    let mut tallies = journal.part_tallies(id)?;
    tallies.resize(summary.parts.len(), Tally::default());
    let part =
        |(part, tally): (OperationPart, Tally)| PartProgress { profile: part.profile, tally, trouble: String::new() };
    Ok(summary.parts.into_iter().zip(tallies).map(part).collect())
}

/// `asked`: the operation that was named.
fn planned(asked: Option<OperationId>, plan: Result<Plan, Problem>) -> Event {
    match plan {
        Ok(plan) => Event::Planned { asked, plan: Arc::new(plan) },
        Err(problem) => Event::NotPlanned { problem },
    }
}

/// Old operations are never removed unasked.
fn too_old(operations: usize) -> String {
    let are = if operations == 1 { "1 operation is".to_owned() } else { format!("{operations} operations are") };
    format!("{are} older than the setting `retention`; `switchboard prune` says which, and removes them")
}

pub(super) fn problem(error: VendorError) -> Problem {
    Problem::new(error.message, error.remedy)
}

/// Loads people, campaigns and leads side by side.
async fn load_profile(engine: Engine, desk: Arc<Desk>, wish: NamesWish, outbox: Outbox) {
    let profile = desk.name.clone();
    let mut whole = None;
    let people = async {
        let read = match desk.capabilities.targets {
            TargetKind::Leads => engine.load_people(&profile).await,
            // Agents come with the campaigns that they are in; asking all campaigns for them now could take minutes.
            TargetKind::Mappings => Ok(desk.vendor.roster()),
        };
        match read {
            Ok(people) => {
                outbox.put(Event::People { profile: profile.clone(), people: Arc::new(people) });
                let capabilities = desk.told_capabilities();
                if !Arc::ptr_eq(&capabilities, &desk.capabilities) {
                    outbox.put(Event::Learned { profile: profile.clone(), capabilities });
                }
            }
            Err(error) => outbox.put(Event::LoadFailed { profile: profile.clone(), problem: problem(error) }),
        }
    };
    let leads = async {
        // Kept leads are on the screen within a moment; without them the rows would be seen to start from nothing.
        desk.cache_looked_at.cancelled().await;
        let mut show = |table, progress| outbox.put(Event::Leads { profile: profile.clone(), table, progress });
        match load::load(&desk, &LeadAsk::everything(), &engine.inner.clock, &mut show).await {
            Ok(loaded) => {
                whole = Some(loaded.table.clone());
                if desk.capabilities.all_names {
                    wish.all(&desk);
                }
                for sentence in loaded.troubles {
                    outbox.put(Event::Failed { problem: Problem::new(sentence, "") });
                }
            }
            Err(error) => outbox.put(Event::LoadFailed { profile: profile.clone(), problem: problem(error) }),
        }
    };
    let collections = async {
        match desk.vendor.collections().await {
            Ok(found) => {
                // Whoever had none before and has none now need not hear of it.
                if !found.is_empty() || desk.told_collections() {
                    desk.tell_collections();
                    let collections = Arc::new(Collections::new(found));
                    outbox.put(Event::Collections { profile: profile.clone(), collections });
                }
            }
            Err(error) => {
                let what = format!("{profile}: the campaigns and lists could not be read: {}", error.message);
                outbox.put(Event::Failed { problem: Problem::new(what, error.remedy) });
            }
        }
    };
    tokio::join!(people, collections, leads);
    if let (Some(table), Some(folder)) = (whole, &engine.inner.data_folder) {
        cache::save_in_background(Cache::of(&desk, folder), table, desk.people());
    }
}

/// Shows the leads of an earlier session until the first load is done.
async fn show_kept(engine: Engine, desk: Arc<Desk>, outbox: Outbox) {
    // However this ends: a load waits for it.
    let _looked = desk.cache_looked_at.clone().drop_guard();
    let Some(folder) = &engine.inner.data_folder else { return };
    let cache = Cache::of(&desk, folder);
    // Of very many the first fill the screen while the others are read.
    let beginning = cache.clone();
    if let Ok(Some((table, total))) = tokio::task::spawn_blocking(move || beginning.load_beginning()).await {
        let (loaded, total) = (table.len(), Some(total));
        let progress = LoadProgress { loaded, total, finished: false, read_at: None, named: None };
        outbox.put(Event::Leads { profile: desk.name.clone(), table, progress });
    }
    let Ok(Some(kept)) = tokio::task::spawn_blocking(move || cache.load()).await else { return };
    // Shown, and not used for anything: people may have left since.
    if desk.people().is_none() && !kept.people.is_empty() {
        outbox.put(Event::People { profile: desk.name.clone(), people: Arc::new(kept.people) });
    }
    if let Some((table, progress)) = desk.set_cached(kept.table) {
        outbox.put(Event::Leads { profile: desk.name.clone(), table, progress });
    }
}

/// Tells when the profile waits because its vendor asked for it.
async fn tell_pauses(desk: Arc<Desk>, outbox: Outbox) {
    let mut pauses = desk.gate.pauses();
    while pauses.changed().await.is_ok() {
        let until = *pauses.borrow_and_update();
        if let Some(until) = until {
            outbox.put(Event::Waiting { profile: desk.name.clone(), until });
        }
    }
}
