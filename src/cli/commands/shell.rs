//! `completions` and `man`: for the shell and the manual.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Out;

pub fn completions(shell: Shell, out: &mut Out) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "switchboard", &mut text);
    out.write(|to| to.write_all(&text))?;
    out.flush()?;
    Ok(Exit::Done)
}

/// One page: the whole, then each command with its options.
pub fn man(out: &mut Out) -> Result<Exit, Failure> {
    let page = page().map_err(|error| Failure::nothing(format!("the manual page cannot be made: {error}")))?;
    out.write(|to| to.write_all(&page))?;
    out.flush()?;
    Ok(Exit::Done)
}

fn page() -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    let mut command = Cli::command();
    // Fills in the parts that are only worked out when arguments are parsed, such as global options.
    command.build();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for inner in command.get_subcommands() {
        let name = inner.get_name().to_uppercase();
        writeln!(text, ".SH \"SWITCHBOARD {name}\"")?;
        let mut options = Vec::new();
        let shown = inner.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
        let man = clap_mangen::Man::new(shown);
        man.render_description_section(&mut options)?;
        man.render_options_section(&mut options)?;
        // Sections of a section: they stand below the command's own heading.
        text.write_all(String::from_utf8_lossy(&options).replace("\n.SH ", "\n.SS ").as_bytes())?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_names_every_command_and_its_options() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for word in ["SWITCHBOARD ASSIGN", "SWITCHBOARD RESUME", "settle\\-only", "Exit codes", "dry\\-run"] {
            assert!(page.contains(word), "{word} in\n{page}");
        }
    }
}
