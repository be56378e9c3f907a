//! Runs cases, of which each follows from a seed and its number, and tells what came of them.

#![expect(clippy::disallowed_macros, reason = "whoever runs the long form wants to see progress")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// No case takes a hundredth of it: what does, hangs.
const HANG: Duration = Duration::from_secs(60);
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

    /// Runs them all; a failure is made as small as it gets.
    pub(crate) fn all<S: Strategy>(self, strategy: &S, check: impl Fn(&S::Value) -> Outcome)
    where
        S::Value: Debug,
    {
        let Self { name, seed, numbers } = self;
        let at = watch(name, seed, numbers.start);
        let begun = Instant::now();
        let settled_after = numbers.start + (numbers.end - numbers.start) / 10;
        let mut settled = 0;
        let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
        println!("{name}: SEED={seed}, {} cases", numbers.end - numbers.start);
        for number in numbers.clone() {
            at.store(number, Ordering::Relaxed);
            let outcome = case(strategy, seed, number, &check).unwrap_or_else(|failure| {
                panic!("{failure}\nagain: make fuzz SEED={seed} CASE={number}")
            });
            *outcomes.entry(outcome).or_default() += 1;
            if number == settled_after {
                settled = memory("VmRSS");
            }
            if number % 100_000 == 99_999 {
                let (seconds, memory) = (begun.elapsed().as_secs(), memory("VmRSS"));
                println!("{name}: {} cases, {seconds} s, {memory} KiB", number + 1);
            }
        }
        at.store(u64::MAX, Ordering::Relaxed);
        let (seconds, now, peak) = (begun.elapsed().as_secs(), memory("VmRSS"), memory("VmHWM"));
        println!(
            "{name}: {} cases in {seconds} s; {settled} KiB after a tenth of them, {now} KiB at \
             the end, {peak} KiB at most",
            numbers.end - numbers.start
        );
        for (outcome, times) in outcomes {
            println!("{times:>12} {outcome}");
        }
        assert!(now < settled + GROWTH, "the process grew by {} KiB", now - settled);
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

/// Ends the process if a case does not end: then no assertion is ever reached.
fn watch(name: &'static str, seed: u64, first: u64) -> Arc<AtomicU64> {
    let at = Arc::new(AtomicU64::new(first));
    let watched = Arc::clone(&at);
    thread::spawn(move || {
        let mut last = u64::MAX;
        loop {
            thread::sleep(HANG);
            match watched.load(Ordering::Relaxed) {
                u64::MAX => break,
                number if number == last => {
                    println!("{name}: hangs\nagain: make fuzz SEED={seed} CASE={number}");
                    process::abort();
                }
                number => last = number,
            }
        }
    });
    at
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
