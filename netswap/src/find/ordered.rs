//! Tasks that many threads do at once, and whose results come out in the order of the tasks.
//!
//! Each task has a place in the order, and may have further tasks come behind it: a folder has those
//! of what stands in it. The threads always take the first task that waits, so that what is needed
//! next is done next, and a bounded number of results is held while an earlier one is still missing.
//! So memory does not grow with the tree, however slow a single file is.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::Duration;

/// A place in the order: the number of the first task, then of the one among those behind it, and so
/// on. Compared from the left, so what comes behind a task comes before the next one.
type Position = Vec<u32>;

/// What a task has done.
pub struct Done<Task, Item> {
    /// What came of it, in order.
    pub items: Vec<Item>,
    /// The tasks that come behind it, in order.
    pub tasks: Vec<Task>,
}

/// As many results are held until an earlier one is there. With four times as many, 32 threads on two
/// processors wait less for one another (a tenth of a scan), and take 10 MiB more.
const MOST_HELD: usize = 1024;

/// As many are handed out at once, if they come within `PATIENCE`: to wake a thread costs as much as
/// to read a file.
const BATCH: usize = 256;

const PATIENCE: Duration = Duration::from_millis(20);

struct Queue<Task, Item> {
    state: Mutex<State<Task, Item>>,
    /// There is a task to take, or none will come any more.
    tasks: Condvar,
    /// There is a result to hand out, or none will come any more.
    items: Condvar,
}

struct State<Task, Item> {
    waiting: BTreeMap<Position, Task>,
    running: BTreeSet<Position>,
    done: BTreeMap<Position, Vec<Item>>,
    /// How many items `done` holds.
    held: usize,
    threads: usize,
    /// How many threads wait for a task: as many are woken at most, since each call costs.
    idle: usize,
    /// Whether a result is waited for.
    is_awaited: bool,
    is_stopped: bool,
}

/// Does the tasks and those that come behind them with this many threads; `emit` is given each item
/// in order, on this thread. Its error ends it all.
pub fn run<Task: Send, Item: Send, Error>(
    jobs: NonZeroUsize,
    tasks: Vec<Task>,
    work: impl Fn(Task) -> Done<Task, Item> + Sync,
    mut emit: impl FnMut(Item) -> Result<(), Error>,
) -> Result<(), Error> {
    let queue = Queue::of(tasks);
    thread::scope(|scope| {
        let _stop = Stop(&queue, || true);
        queue.lock().start_threads(scope, &queue, jobs, &work);
        if queue.lock().threads == 0 {
            return queue.work_alone(&work, &mut emit);
        }
        while let Some(items) = queue.next() {
            items.into_iter().flatten().try_for_each(&mut emit)?;
        }
        Ok(())
    })
}

impl<Task, Item> Queue<Task, Item> {
    fn of(tasks: Vec<Task>) -> Self {
        let state = State {
            waiting: (0..).map(|number| vec![number]).zip(tasks).collect(),
            running: BTreeSet::new(),
            done: BTreeMap::new(),
            held: 0,
            threads: 0,
            idle: 0,
            is_awaited: false,
            is_stopped: false,
        };
        Queue { state: Mutex::new(state), tasks: Condvar::new(), items: Condvar::new() }
    }

    /// What each thread does.
    fn work<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        jobs: NonZeroUsize,
        work: &'scope (impl Fn(Task) -> Done<Task, Item> + Sync),
    ) where
        Task: Send,
        Item: Send,
    {
        let mut state = self.lock();
        loop {
            if state.is_stopped || state.is_over() {
                return;
            }
            let Some((place, task)) = state.start() else {
                state.idle += 1;
                state = self.tasks.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            };
            drop(state);
            let done = work(task);
            state = self.lock();
            let more = done.tasks.len();
            state.finish(&place, done);
            state.start_threads(scope, self, jobs, work);
            if state.is_over() {
                self.tasks.notify_all();
                self.items.notify_one();
                return;
            }
            // This thread takes one of the new tasks itself.
            for _ in 0..state.idle.min(more.saturating_sub(1)) {
                self.tasks.notify_one();
            }
            if state.is_awaited && state.held >= BATCH && state.has_next() {
                self.items.notify_one();
            }
        }
    }

    /// What is left to do where the system gives no thread at all.
    fn work_alone<Error>(
        &self,
        work: impl Fn(Task) -> Done<Task, Item>,
        emit: &mut impl FnMut(Item) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut state = self.lock();
        while let Some((place, task)) = state.start() {
            state.finish(&place, work(task));
            while let Some(items) = state.next() {
                items.into_iter().try_for_each(&mut *emit)?;
            }
        }
        Ok(())
    }

    /// Waits for the next items in the order, and takes all that there are. `None`: there will be none
    /// any more.
    fn next(&self) -> Option<Vec<Vec<Item>>> {
        let mut state = self.lock();
        loop {
            let items: Vec<_> = std::iter::from_fn(|| state.next()).collect();
            if !items.is_empty() {
                // There may be room for more.
                if state.idle > 0 && state.can_start() {
                    self.tasks.notify_all();
                }
                return Some(items);
            }
            if state.is_stopped || state.is_over() {
                return None;
            }
            state.is_awaited = true;
            let wait = self.items.wait_timeout(state, PATIENCE);
            (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
            state.is_awaited = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<Task, Item>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().is_stopped = true;
        self.tasks.notify_all();
        self.items.notify_all();
    }
}

impl<Task: Send, Item: Send> State<Task, Item> {
    /// Starts as many threads as there is work for: a single file needs no more than one.
    fn start_threads<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        queue: &'scope Queue<Task, Item>,
        jobs: NonZeroUsize,
        work: &'scope (impl Fn(Task) -> Done<Task, Item> + Sync),
    ) {
        let wanted = jobs.get().min(self.waiting.len() + self.running.len());
        while self.threads < wanted {
            let spawned = thread::Builder::new().spawn_scoped(scope, move || {
                let _stop = Stop(queue, thread::panicking);
                queue.work(scope, jobs, work);
            });
            if spawned.is_err() {
                // Those that there are do it all; see `run` for none.
                break;
            }
            self.threads += 1;
        }
    }
}

impl<Task, Item> State<Task, Item> {
    /// Whether there is room for the results of the first task that waits, or it is what the results
    /// that are held wait for.
    fn can_start(&self) -> bool {
        let Some((first, _)) = self.waiting.first_key_value() else {
            return false;
        };
        let is_waited_for = || self.done.first_key_value().is_none_or(|(done, _)| first < done);
        self.held < MOST_HELD || is_waited_for()
    }

    /// Takes the first task that waits, if it can be started.
    fn start(&mut self) -> Option<(Position, Task)> {
        let (place, task) = self.can_start().then(|| self.waiting.pop_first())??;
        self.running.insert(place.clone());
        Some((place, task))
    }

    fn finish(&mut self, place: &Position, done: Done<Task, Item>) {
        self.running.remove(place);
        for (number, task) in (0..).zip(done.tasks) {
            self.waiting.insert([&place[..], &[number]].concat(), task);
        }
        if !done.items.is_empty() {
            self.held += done.items.len();
            self.done.insert(place.clone(), done.items);
        }
    }

    /// Whether there are items that none can come before any more.
    fn has_next(&self) -> bool {
        let Some((place, _)) = self.done.first_key_value() else {
            return false;
        };
        let is_before = |other: Option<&Position>| other.is_none_or(|other| place < other);
        is_before(self.waiting.first_key_value().map(|(place, _)| place))
            && is_before(self.running.first())
    }

    fn next(&mut self) -> Option<Vec<Item>> {
        let (_, items) = self.has_next().then(|| self.done.pop_first())??;
        self.held -= items.len();
        Some(items)
    }

    /// Whether all tasks are done.
    fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }
}

/// Ends all waiting when it is dropped: at the end, and when a thread panics, whose task would be
/// waited for.
struct Stop<'a, Task, Item>(&'a Queue<Task, Item>, fn() -> bool);

impl<Task, Item> Drop for Stop<'_, Task, Item> {
    fn drop(&mut self) {
        if self.1() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    /// A task is a number; below 1000 it has the ten numbers behind it that begin with it.
    fn tree(task: u32) -> Done<u32, u32> {
        // Some take longer, so that the threads overtake one another.
        if task.is_multiple_of(7) {
            thread::sleep(Duration::from_micros(300));
        }
        let tasks =
            if task < 1000 { (0..10).map(|digit| task * 10 + digit).collect() } else { vec![] };
        Done { items: vec![task], tasks }
    }

    #[test]
    fn results_come_in_the_order_of_the_tasks_whatever_the_number_of_threads() {
        for count in [1, 2, 16] {
            let mut seen = Vec::new();
            run(jobs(count), (1..10).collect(), tree, |task| {
                seen.push(task.to_string());
                Ok::<_, Infallible>(())
            })
            .unwrap();
            assert_eq!(seen.len(), 9 + 90 + 900 + 9000);
            assert!(seen.is_sorted(), "as the words of a dictionary, a prefix first");
        }
    }

    #[test]
    fn no_more_results_are_held_than_allowed_while_the_first_is_awaited() {
        let begun = AtomicUsize::new(0);
        let most_begun = AtomicUsize::new(0);
        let work = |task: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            if task == 0 {
                // Long enough for the others to run out of room.
                while begun.load(Ordering::Relaxed) < MOST_HELD {
                    thread::sleep(Duration::from_millis(1));
                }
                thread::sleep(Duration::from_millis(50));
                most_begun.store(begun.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            Done { items: vec![task], tasks: Vec::new() }
        };
        let mut count = 0;
        run(jobs(4), (0..3 * MOST_HELD).collect(), work, |task| {
            assert_eq!(task, count);
            count += 1;
            Ok::<_, Infallible>(())
        })
        .unwrap();
        assert_eq!(count, 3 * MOST_HELD);
        assert!(most_begun.into_inner() <= MOST_HELD + 4);
    }

    #[test]
    fn as_many_tasks_as_allowed_wait_at_once() {
        let waiting = AtomicUsize::new(0);
        // Each waits for all others, and gives up only where they can't come.
        let work = |_: usize| {
            let start = Instant::now();
            waiting.fetch_add(1, Ordering::SeqCst);
            while waiting.load(Ordering::SeqCst) < 50 && start.elapsed() < Duration::from_secs(30) {
                thread::sleep(Duration::from_millis(1));
            }
            Done { items: vec![waiting.load(Ordering::SeqCst)], tasks: Vec::new() }
        };
        let is_met = |count| if count == 50 { Ok(()) } else { Err(count) };
        run(jobs(50), (0..50).collect(), work, is_met).unwrap();
    }

    #[test]
    fn an_error_of_the_receiver_ends_it() {
        let mut count = 0;
        let result = run(jobs(4), (1..10).collect(), tree, |_| {
            count += 1;
            if count == 20 { Err("enough") } else { Ok(()) }
        });
        assert_eq!((result, count), (Err("enough"), 20));
    }

    #[test]
    fn a_panic_in_a_task_ends_it_and_is_passed_on() {
        let result = std::panic::catch_unwind(|| {
            let work = |task: u32| {
                assert_ne!(task, 55, "for the test");
                tree(task)
            };
            run(jobs(4), (1..10).collect(), work, |_| Ok::<_, Infallible>(()))
        });
        assert!(result.is_err());
    }

    #[test]
    fn without_any_thread_the_same_comes_out() {
        let queue = Queue::of((1..10).collect());
        let mut seen = Vec::new();
        let emit = &mut |task: u32| {
            seen.push(task.to_string());
            Ok::<_, Infallible>(())
        };
        queue.work_alone(tree, emit).unwrap();
        assert_eq!(seen.len(), 9 + 90 + 900 + 9000);
        assert!(seen.is_sorted());
    }

    #[test]
    fn without_tasks_it_is_over_at_once() {
        run(jobs(4), Vec::new(), tree, |_| Err("nothing")).unwrap();
    }
}
