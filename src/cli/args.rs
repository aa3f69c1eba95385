//! The command line as data.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// Dispatch leads to their owners: see every change before it is sent, watch it happen, take it back.
#[derive(Debug, Parser)]
#[command(
    name = "switchboard",
    version,
    after_help = "Without a command the screen opens. `switchboard demo` shows it on made-up data.",
    after_long_help = EXIT_CODES,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "Without a command the screen opens. `switchboard demo` shows it on made-up data.

Exit codes:
  0    all done (or nothing to do)
  2    wrong use, wrong configuration, wrong plan file: nothing was sent
  3    some items failed or were skipped; the others are done
  4    none was done
  5    the outcome of at least one item is not known yet: run `switchboard resume`
  6    refused: not confirmed, over --max, read-only profile
  130  stopped by Ctrl-C (items that were on the way are settled first)";

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// The configuration; the platform's config folder has the usual one
    #[arg(long, global = true, value_name = "FILE", env = "SWITCHBOARD_CONFIG", value_parser = maybe_empty(), value_hint = ValueHint::FilePath, hide_env_values = true, help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// The folder of journal, cache and log; usually in the platform's data folder
    #[arg(long, global = true, value_name = "DIR", env = "SWITCHBOARD_DATA_DIR", value_parser = maybe_empty(), value_hint = ValueHint::DirPath, hide_env_values = true, help_heading = "Everywhere")]
    pub data_dir: Option<PathBuf>,
    /// The profiles to work on, `all` for every one; usually default_profile, or the only one
    #[arg(short, long, global = true, value_name = "NAME[,NAME…]", value_delimiter = ',', help_heading = "Everywhere")]
    pub profile: Vec<String>,
    /// How results are printed: a table on a terminal, JSON Lines otherwise
    #[arg(long, global = true, value_enum, help_heading = "Everywhere")]
    pub format: Option<Format>,
    /// No colours, no box drawing, no motion
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub plain: bool,
}

/// A path, or nothing: an empty variable is one that is not set.
fn maybe_empty() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    /// One JSON object a line.
    Json,
    Csv,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the screen on built-in simulators, in a throw-away data folder
    Demo(DemoArgs),
    /// List leads
    Leads(LeadsArgs),
    /// List people with their load
    Owners,
    /// Leads themselves: create one
    Lead {
        #[command(subcommand)]
        command: LeadCommand,
    },
    /// Give leads to one owner, or to nobody
    Assign(AssignArgs),
    /// Spread leads over several owners
    Distribute(DistributeArgs),
    /// Add your approval to a plan file
    Approve(ApproveArgs),
    /// List campaigns and lead lists, with their agents where the vendor maps agents to lists
    Campaigns(CampaignsArgs),
    /// Say which agents dial which lead lists
    Map(MapArgs),
    /// Apply a saved plan file
    Apply(ApplyArgs),
    /// Turn a recipe into a plan
    Run(RunArgs),
    /// Show operations, newest first; with an operation its items
    Log(LogArgs),
    /// Take operations back, where nobody changed their leads since
    Undo(UndoArgs),
    /// Take an undo back
    Redo(RedoArgs),
    /// Settle operations that were cut off, then send what was not sent yet
    Resume(ResumeArgs),
    /// Remove operations from the history that are older than the setting `retention` says
    Prune(PruneArgs),
    /// Check configuration, secrets, reachability, clock and each profile's contract, with reads only
    Doctor,
    /// Run one simulator of a vendor until Ctrl-C
    #[command(disable_help_flag = true)]
    Sim(SimArgs),
    /// The configuration: write a commented one, say where it is, judge it
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print a shell's completions
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
}

#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Leads of each vendor; the small shop has a twentieth of them
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub leads: usize,
    /// The same seed makes the same data
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Args, Debug)]
pub struct LeadsArgs {
    /// Only leads that match this query, such as 'status:new owner:none score>50'
    #[arg(long = "where", value_name = "QUERY", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Fetch every lead's details where the vendor's list has no names (kenbun): one request a lead
    ///
    /// Without --names and --no-names they are fetched when the query asks for texts, and when at most 100 leads are
    /// printed; otherwise such leads have no name.
    #[arg(long, conflicts_with = "no_names")]
    pub names: bool,
    /// Fetch no details
    #[arg(long)]
    pub no_names: bool,
}

#[derive(Debug, Subcommand)]
pub enum LeadCommand {
    /// Create a lead, where the vendor has a call for it (StateSet)
    ///
    /// A creation is in the log, not in the history: nothing takes it back. It is sent once; where the answer is lost, the
    /// leads are read for the e-mail address.
    New(NewLeadArgs),
}

#[derive(Args, Debug)]
pub struct NewLeadArgs {
    #[arg(long, value_name = "NAME")]
    pub first_name: String,
    #[arg(long, value_name = "NAME")]
    pub last_name: String,
    /// The e-mail address; no two leads of a vendor may have the same
    #[arg(long, value_name = "ADDRESS")]
    pub email: String,
    #[arg(long, value_name = "NUMBER")]
    pub phone: Option<String>,
    /// The job title
    #[arg(long)]
    pub title: Option<String>,
    /// Where the lead comes from, in the vendor's words
    #[arg(long)]
    pub source: Option<String>,
    /// Any other field by the vendor's name, such as 'mailingCity=Berlin'; may be given several times
    #[arg(long = "field", value_name = "NAME=VALUE")]
    pub fields: Vec<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// Which leads.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The leads that match this query, such as 'status:new owner:none score>50'
    #[arg(long = "where", value_name = "QUERY", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// The leads whose ids are in FILE (- is standard input), one a line; empty lines and # lines do not count
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ids: Option<String>,
}

#[derive(Args, Debug)]
pub struct AssignArgs {
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// To whom.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct Target {
    /// The new owner: an id, an e-mail address, or a name that fits exactly one person
    #[arg(long, value_name = "OWNER")]
    pub to: Option<String>,
    /// Take the owner away
    #[arg(long)]
    pub unassign: bool,
}

#[derive(Args, Debug)]
pub struct DistributeArgs {
    /// The new owners, with weights for --by weights
    #[arg(long, value_name = "A,B,C[:weight]", value_delimiter = ',', required = true)]
    pub to: Vec<String>,
    /// How leads are spread
    #[arg(long, value_enum, default_value = "round-robin")]
    pub by: SpreadBy,
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// How leads are spread over owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SpreadBy {
    /// One after the other, in turn
    RoundRobin,
    /// To whoever has the fewest, so that loads become even
    Balance,
    /// In proportion to the weights
    Weights,
}

/// What every command that changes leads takes.
#[derive(Args, Clone, Debug, Default)]
pub struct WriteArgs {
    /// Also leads that are closed, lost or deleted, which a new plan skips otherwise; a saved plan, taking back and
    /// going on are about their own leads, closed or not
    #[arg(long)]
    pub include_closed: bool,
    /// Print the plan, send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write the plan to a new file, send nothing
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Do not ask; without a terminal nothing is sent without this
    #[arg(short, long)]
    pub yes: bool,
    /// Refuse a plan with more changes than this
    #[arg(long, value_name = "N")]
    pub max: Option<usize>,
    /// Why; kept with the operation
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// With --out: `apply` waits for this time (14:00, 2026-11-01T06:00, or 2h) and reads every lead again then
    #[arg(long, value_name = "TIME", requires = "out")]
    pub not_before: Option<String>,
}

#[derive(Args, Debug)]
pub struct ApproveArgs {
    /// A file that --out wrote
    #[arg(value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
}

#[derive(Args, Debug)]
pub struct RunArgs {
    /// A recipe, as the screen saves them
    #[arg(value_hint = ValueHint::FilePath)]
    pub recipe: PathBuf,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Args, Debug)]
pub struct PruneArgs {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; without a terminal nothing is removed without this
    #[arg(short, long)]
    pub yes: bool,
    /// Remove what is older than this instead of what the setting `retention` says: 365d, or 2026-01-01
    #[arg(long, value_name = "TIME")]
    pub before: Option<String>,
}

#[derive(Args, Debug)]
pub struct CampaignsArgs {
    /// Only this campaign
    #[arg(long, value_name = "ID")]
    pub campaign: Option<String>,
    /// Keep what is listed as a snapshot under this name
    #[arg(long, value_name = "NAME", group = "about")]
    pub snapshot: Option<String>,
    /// List the snapshots that are kept; one is taken before every change of mappings
    #[arg(long, group = "about", conflicts_with = "campaign")]
    pub snapshots: bool,
    /// What differs between a snapshot and now, or between two; #7 is the snapshot with that number
    #[arg(long, value_name = "NAME[,NAME]", value_delimiter = ',', num_args = 1, action = clap::ArgAction::Set, group = "about")]
    pub diff: Option<Vec<String>>,
}

#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").args(["lead", "from", "restore"]).required(true))]
pub struct MapArgs {
    /// The campaign that the lists are in; with --from and --restore only its lists count
    #[arg(long, value_name = "ID", required_unless_present_any = ["from", "restore"])]
    pub campaign: Option<String>,
    /// Lead lists whose agents change
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    pub lead: Vec<String>,
    /// Agents who shall dial these lists: user ids, or names that fit exactly one agent
    #[arg(long, value_name = "USER,…", value_delimiter = ',', requires = "lead", conflicts_with_all = ["from", "restore"])]
    pub add: Vec<String>,
    /// Agents who shall no longer dial these lists
    #[arg(long, value_name = "USER,…", value_delimiter = ',', requires = "lead", conflicts_with_all = ["from", "restore"])]
    pub remove: Vec<String>,
    /// A shift plan (- is standard input): CSV or JSON as `campaigns` prints it. The lists that it names get exactly its
    /// agents, all others stay as they are
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub from: Option<String>,
    /// Back to what a snapshot holds
    #[arg(long, value_name = "SNAPSHOT")]
    pub restore: Option<String>,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// A file that --out wrote
    #[arg(value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Args, Debug)]
pub struct LogArgs {
    /// An operation's id, or its beginning
    pub operation: Option<String>,
    /// At most this many operations
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only what this person did
    #[arg(long, value_name = "NAME", conflicts_with = "operation")]
    pub who: Option<String>,
    /// Only operations that found or wrote this owner: an id or a full name
    #[arg(long, value_name = "OWNER", conflicts_with = "operation")]
    pub owner: Option<String>,
    /// Everything that ever happened to this lead, item by item
    #[arg(long, value_name = "ID")]
    pub lead: Option<String>,
    /// Only operations that went to this vendor
    #[arg(long, value_name = "VENDOR", conflicts_with = "operation")]
    pub vendor: Option<String>,
    /// Only with items in one of these states: planned, done, failed, skipped, not_sent, unknown
    #[arg(long, value_name = "STATE[,STATE…]", value_delimiter = ',')]
    pub state: Vec<String>,
    /// Only since this time: 14:00, 2026-11-01, 2026-11-01T14:00:00Z, or 2h
    #[arg(long, value_name = "TIME", conflicts_with = "operation")]
    pub since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME", conflicts_with = "operation")]
    pub until: Option<String>,
}

#[derive(Args, Debug)]
pub struct UndoArgs {
    /// Operations by id, or its beginning; the newest that can be taken back when none is named
    pub operations: Vec<String>,
    /// Everything since this time: 14:00, 2026-11-01, 2026-11-01T14:00:00Z, or 2h
    #[arg(long, value_name = "TIME", conflicts_with = "operations")]
    pub since: Option<String>,
    /// Only what this person did
    #[arg(long, value_name = "NAME", requires = "since")]
    pub who: Option<String>,
    /// Only the items whose ids are in FILE (- is standard input)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ids: Option<String>,
    /// Also where somebody else changed the owner since
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Args, Debug)]
pub struct RedoArgs {
    /// An undo's id, or its beginning; the newest one when none is named
    pub operation: Option<String>,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Args, Debug)]
pub struct ResumeArgs {
    /// An operation's id, or its beginning; when none is named, all that were cut off, and the newest ones as long as
    /// something of them was not sent
    pub operation: Option<String>,
    /// Only find out what happened; send nothing more
    #[arg(long)]
    pub settle_only: bool,
    /// Never send what was not sent yet; what is done stays, what is not known is found out, and no start asks again
    #[arg(long, requires = "operation", conflicts_with = "settle_only")]
    pub give_up: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Args, Debug)]
pub struct SimArgs {
    /// capillary, exotel, instantly, kenbun or stateset
    #[arg(required_unless_present = "help")]
    pub vendor: Option<String>,
    /// Print help; with a vendor also its switches, and the faults
    #[arg(short, long)]
    pub help: bool,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    pub addr: SocketAddr,
    /// Leads; for Exotel lead lists in the largest campaign [default: 5000, Exotel 48]
    #[arg(long, value_name = "N")]
    pub leads: Option<usize>,
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub owners: usize,
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub campaigns: usize,
    /// The same seed makes the same data and the same faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// A fault to show, such as latency=50ms; may be given several times
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<String>,
    /// A switch of the vendor's contract; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub switch: Vec<String>,
}

/// `HOST:PORT`, where the host may be a name.
fn address(text: &str) -> Result<SocketAddr, String> {
    std::net::ToSocketAddrs::to_socket_addrs(text)
        .map_err(|error| error.to_string())?
        .next()
        .ok_or_else(|| "this host has no address".to_owned())
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write a commented configuration; an existing one is never overwritten
    Init,
    /// Print where the configuration is
    Path,
    /// Judge the configuration
    Check,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_made() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_use_is_refused() {
        for (line, good) in [
            ("leads --where -status:new --limit 3", true),
            ("-p a,b leads", true),
            ("leads --profile all --format csv", true),
            ("assign --to jane --ids -", true),
            ("assign --to jane", false),
            ("assign --ids -", false),
            ("assign --to jane --unassign --ids -", false),
            ("assign --to jane --ids - --where x", false),
            ("assign --to jane --ids - --dry-run --yes", true),
            ("distribute --to a,b:2 --by weights --where x --yes", true),
            ("distribute --to a,b --by chance --where x", false),
            ("undo a b --force", true),
            ("undo a --since 14:00", false),
            ("undo --who me", false),
            ("undo --since 14:00 --who me", true),
            ("sim kenbun --addr 127.0.0.1:0 --fault a --fault b --switch x=y", true),
            ("sim kenbun --addr localhost:0", true),
            ("sim kenbun --addr nowhere", false),
            ("approve plan.json", true),
            ("approve", false),
            ("run recipe.toml --yes --max 5", true),
            ("assign --to jane --ids - --out f --not-before 14:00", true),
            ("assign --to jane --ids - --not-before 14:00", false),
            ("log --who me --state failed,unknown --since 2h --until 1h --lead x --vendor kenbun --owner y", true),
            ("log op --lead x --state done", true),
            ("log op --who me", false),
            ("prune --dry-run --before 365d", true),
            ("sim", false),
            ("sim --help", true),
            ("sim kenbun -h", true),
            ("campaigns", true),
            ("campaigns --campaign 7 --snapshot morning", true),
            ("campaigns --diff a,b", true),
            ("campaigns --snapshots --diff a", false),
            ("map --campaign 7 --lead 40 --lead 41 --add a,b --remove c --yes", true),
            ("map --campaign 7 --lead 40 41 --add a", true),
            ("map --lead 40 --add a", false),
            ("map --campaign 7 --add a", false),
            ("map --from shift.csv --dry-run", true),
            ("map --from shift.csv --restore morning", false),
            ("map --from shift.csv --lead 40", false),
            ("map --restore morning --add a", false),
            ("nonsense", false),
        ] {
            let words = std::iter::once("switchboard").chain(line.split(' '));
            assert_eq!(Cli::try_parse_from(words).is_ok(), good, "{line}");
        }
    }
}
