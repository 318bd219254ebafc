//! What both binaries do around the one library call: threads, logs, progress, signals, the exit code.

use holdfast::error::{Error, ErrorKind, Result};
use holdfast::train::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Draws the present stage where a person watches, logs it otherwise, and times it.
pub struct Watch {
    bar: Option<ProgressBar>,
    seconds: Vec<(String, f64)>,
    running: Option<(String, Instant)>,
}

impl Watch {
    /// Nothing has begun.
    pub fn new() -> Watch {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Watch { bar, seconds: Vec::new(), running: None }
    }

    /// Ends the running stage and returns the seconds of each, in order.
    pub fn finish(&mut self) -> Vec<(String, f64)> {
        self.end_stage();
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        tracing::info!(peak_rss_mib = peak_rss_mib(), "finished");
        self.seconds.clone()
    }

    fn end_stage(&mut self) {
        if let Some((name, began)) = self.running.take() {
            self.done(&name, began.elapsed().as_secs_f64());
        }
    }

    fn done(&mut self, name: &str, seconds: f64) {
        let seconds = (seconds * 1e3).round() / 1e3;
        tracing::info!(stage = name, seconds, "done");
        self.seconds.push((name.to_string(), seconds));
    }
}

impl Progress for Watch {
    fn stage(&mut self, name: &str) {
        self.end_stage();
        if let Some(bar) = &self.bar {
            bar.set_message(name.to_string());
        }
        self.running = Some((name.to_string(), Instant::now()));
    }

    fn end(&mut self) {
        self.end_stage();
    }

    fn beside(&mut self, name: &str, seconds: f64) {
        self.done(name, seconds);
    }
}

/// Sets up threads, logs, the panic message and signals. `threads` 0 means as many as the machine has.
pub fn set_up(threads: usize) -> Result<usize> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HOLDFAST_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // A second subscriber in one process is a fault of the caller that does no harm.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(String::new(), |place| format!(" at {}:{}", place.file(), place.line()));
        let _ = writeln!(std::io::stderr(), "error: a fault of holdfast itself{place}; please report it with the config (not the data)");
    }));
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP])
        .map_err(|error| Error::internal(format!("signals cannot be watched: {error}")))?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Output is written beside its target and renamed, so leaving at once leaves the old files whole.
            std::process::exit(128 + signal);
        }
    });
    let threads = if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| Error::internal(format!("threads cannot be started: {error}")))?;
    Ok(threads)
}

/// Runs the command, prints its error as one line and turns it into the exit code.
pub fn run(command: impl FnOnce() -> Result<()> + std::panic::UnwindSafe) -> ExitCode {
    match std::panic::catch_unwind(command) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            let _ = writeln!(std::io::stderr(), "error: {}", error.to_string().replace('\n', " "));
            ExitCode::from(error.kind().exit_code())
        }
        Err(_) => ExitCode::from(ErrorKind::Internal.exit_code()),
    }
}

/// Prints to stdout; a reader that has gone away is no error.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n"));
}

/// The most memory the process has held, in MiB; `None` where the system does not say.
pub fn peak_rss_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// A number with thousands separated, as people read it.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
