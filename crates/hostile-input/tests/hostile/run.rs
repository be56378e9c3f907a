//! Runs cases, of which each follows from a seed and its number, and tells what came of them.

#![expect(clippy::disallowed_macros, reason = "whoever runs the long form wants to see progress")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::num::NonZero;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// No case takes a hundredth of it: what does, hangs.
const HANG: Duration = Duration::from_mins(1);
/// By so many KiB the process may grow once its buffers and clients are there.
const GROWTH: u64 = 64 * 1024;

/// What came of a case, in one word, or what is wrong with it.
pub(crate) type Outcome = Result<String, String>;

/// A number of cases.
pub(crate) struct Run {
    name: &'static str,
    seed: u64,
    numbers: std::ops::Range<u64>,
}

impl Run {
    /// As many as `CASES` says, or one of settings for a hundred of events; or the one that `CASE`
    /// says.
    pub(crate) fn of(name: &'static str, cases: u64) -> Self {
        let seed = setting("SEED").unwrap_or_else(|| u64::from(process::id()));
        let cases = match (name, setting::<u64>("CASES")) {
            (_, None) => cases,
            ("events", Some(all)) => all,
            (_, Some(all)) => all.div_ceil(100),
        };
        let numbers = setting("CASE").map_or(0..cases, |number: u64| number..number + 1);
        Self { name, seed, numbers }
    }

    /// Runs them all, on all processors; a failure is made as small as it gets.
    pub(crate) fn all<S, C>(&self, strategy: impl Fn() -> S + Sync, checker: impl Fn() -> C + Sync)
    where
        S: Strategy,
        S::Value: Debug,
        C: Fn(&S::Value) -> Outcome,
    {
        let Self { name, seed, numbers } = self;
        let cases = numbers.end - numbers.start;
        println!("{name}: SEED={seed}, {cases} cases");
        let progress = Progress::from(numbers.start);
        let begun = Instant::now();
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let (strategy, check, begins) = (strategy(), checker(), watch(name, *seed));
                    while let Some(number) = progress.next(numbers.end) {
                        let _ = begins.send(number);
                        progress.note(case(&strategy, *seed, number, &check), number);
                        let done = number + 1 - numbers.start;
                        if done == cases.div_ceil(10) {
                            progress.settled.store(memory("VmRSS"), Ordering::Relaxed);
                        }
                        if done.is_multiple_of(100_000) {
                            let (seconds, memory) = (begun.elapsed().as_secs(), memory("VmRSS"));
                            println!("{name}: {done} cases, {seconds} s, {memory} KiB");
                        }
                    }
                });
            }
        });
        if let Some((number, failure)) = progress.failure.into_inner().unwrap() {
            panic!("{failure}\nagain: make fuzz SEED={seed} CASE={number}");
        }
        let settled = progress.settled.into_inner();
        let (seconds, now, peak) = (begun.elapsed().as_secs(), memory("VmRSS"), memory("VmHWM"));
        println!(
            "{name}: {cases} cases in {seconds} s; {settled} KiB after a tenth of them, {now} KiB \
             at the end, {peak} KiB at most"
        );
        for (outcome, times) in progress.outcomes.into_inner().unwrap() {
            println!("{times:>12} {outcome}");
        }
        assert!(now < settled + GROWTH, "the process grew by {} KiB", now - settled);
    }
}

/// How far all threads are.
struct Progress {
    next: AtomicU64,
    settled: AtomicU64,
    outcomes: Mutex<BTreeMap<String, u64>>,
    failure: Mutex<Option<(u64, String)>>,
}

impl Progress {
    fn from(first: u64) -> Self {
        Self {
            next: AtomicU64::new(first),
            settled: AtomicU64::default(),
            outcomes: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    /// The next case, unless all were run or one has failed.
    fn next(&self, end: u64) -> Option<u64> {
        let has_failed = self.failure.lock().unwrap().is_some();
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|it| *it < end && !has_failed)
    }

    fn note(&self, outcome: Result<String, String>, number: u64) {
        match outcome {
            Ok(outcome) => *self.outcomes.lock().unwrap().entry(outcome).or_default() += 1,
            Err(failure) => *self.failure.lock().unwrap() = Some((number, failure)),
        }
    }
}

fn case<S: Strategy>(
    strategy: &S,
    seed: u64,
    number: u64,
    check: impl Fn(&S::Value) -> Outcome,
) -> Result<String, String>
where
    S::Value: Debug,
{
    // Neighbours must not look alike, which this generator's would.
    let spread = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(seed ^ spread).to_le_bytes());
    bytes[8..].copy_from_slice(&spread.rotate_left(32).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tree = strategy.new_tree(&mut runner).map_err(|reason| reason.to_string())?;
    let found = std::cell::RefCell::new(String::new());
    let result = runner.run_one(tree, |value| {
        *found.borrow_mut() = check(&value).map_err(TestCaseError::fail)?;
        Ok(())
    });
    match result {
        Ok(_) => Ok(found.into_inner()),
        Err(TestError::Fail(reason, value)) => Err(format!("{reason}\nby {value:#?}")),
        Err(TestError::Abort(reason)) => Err(reason.to_string()),
    }
}

/// Where to tell of each case that begins. The process ends if none does for too long: no assertion
/// would be reached then.
fn watch(name: &'static str, seed: u64) -> mpsc::Sender<u64> {
    let (begins, begun) = mpsc::channel();
    thread::spawn(move || {
        let mut last = None;
        loop {
            match begun.recv_timeout(HANG) {
                Ok(number) => last = Some(number),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let number = last.unwrap_or_default();
                    println!("{name}: hangs\nagain: make fuzz SEED={seed} CASE={number}");
                    process::abort();
                }
            }
        }
    });
    begins
}

/// A figure of this process in KiB, as Linux keeps it; 0 elsewhere.
fn memory(figure: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(figure)?.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_default()
}

fn setting<T: FromStr>(variable: &str) -> Option<T> {
    let value = env::var(variable).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value} must be a number")))
}
