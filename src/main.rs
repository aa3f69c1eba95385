use std::process::ExitCode;

fn main() -> ExitCode {
    // Panics are told in a way that can be reported; everything else has its own sentences.
    if let Err(error) = color_eyre::install() {
        eprintln!("switchboard: {error}");
    }
    switchboard::cli::main()
}
