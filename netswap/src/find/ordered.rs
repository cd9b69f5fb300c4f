//! Runs tasks on many threads and returns the results in the order of the tasks.
//!
//! Each task has a position in the order and may add further tasks directly behind it. For example,
//! a folder adds tasks for its entries. The threads always take the first waiting task, so the
//! result needed next is computed next. While an earlier result is missing, only a limited number
//! of later results is held. So memory use does not grow with the tree, however slow a single file
//! is.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::Duration;

/// A position in the order: the number of the first task, then the number among the tasks that it
/// added, and so on. Positions are compared from the left. So the tasks that a task added come
/// before the next task.
type Position = Vec<u32>;

/// The result of a task: its items, and the tasks that it added, in order.
pub struct TaskResult<Task, Item> {
    pub items: Vec<Item>,
    pub tasks: Vec<Task>,
}

/// At most 1,024 results wait for an earlier one. A limit of 4,096 saves 32 threads on 2 CPUs 10 %
/// of a scan, because they wait less for one another. It costs 10 MiB more.
const MAX_HELD: usize = 1024;

/// Results to collect before the receiving thread is woken. Waking a thread costs as much as
/// reading a file. After `MAX_WAIT`, the receiver takes the results that exist.
const BATCH: usize = 256;

const MAX_WAIT: Duration = Duration::from_millis(20);

struct Queue<Task, Item> {
    state: Mutex<State<Task, Item>>,
    /// Notified when there is a task to take, or when all tasks are done.
    tasks: Condvar,
    /// Notified when there is a result to emit, or when all tasks are done.
    items: Condvar,
}

struct State<Task, Item> {
    waiting: BTreeMap<Position, Task>,
    running: BTreeSet<Position>,
    finished: BTreeMap<Position, Vec<Item>>,
    /// The number of items in `finished`.
    held: usize,
    threads: usize,
    /// The number of threads that wait for a task. Only these are woken, because each call costs
    /// time.
    idle: usize,
    /// Whether the receiver waits for a result.
    is_awaited: bool,
    is_stopped: bool,
}

/// Runs the tasks, and those that they add, on at most this many threads. Calls `emit` with each
/// item in order, on the calling thread. An error from `emit` stops everything.
pub fn run<Task: Send, Item: Send, Error>(
    jobs: NonZeroUsize,
    tasks: Vec<Task>,
    work: impl Fn(Task) -> TaskResult<Task, Item> + Sync,
    mut emit: impl FnMut(Item) -> Result<(), Error>,
) -> Result<(), Error> {
    let queue = Queue::new(tasks);
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
    fn new(tasks: Vec<Task>) -> Self {
        let state = State {
            waiting: (0..).map(|number| vec![number]).zip(tasks).collect(),
            running: BTreeSet::new(),
            finished: BTreeMap::new(),
            held: 0,
            threads: 0,
            idle: 0,
            is_awaited: false,
            is_stopped: false,
        };
        Queue { state: Mutex::new(state), tasks: Condvar::new(), items: Condvar::new() }
    }

    /// Runs the loop of one thread: takes and finishes tasks until none is left.
    fn work<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        jobs: NonZeroUsize,
        work: &'scope (impl Fn(Task) -> TaskResult<Task, Item> + Sync),
    ) where
        Task: Send,
        Item: Send,
    {
        let mut state = self.lock();
        loop {
            if state.is_stopped || state.is_over() {
                return;
            }
            let Some((position, task)) = state.start() else {
                state.idle += 1;
                state = self.tasks.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            };
            drop(state);
            let result = work(task);
            state = self.lock();
            let added = result.tasks.len();
            state.finish(&position, result);
            state.start_threads(scope, self, jobs, work);
            if state.is_over() {
                self.tasks.notify_all();
                self.items.notify_one();
                return;
            }
            // This thread takes one of the new tasks itself, so one thread fewer is woken.
            for _ in 0..state.idle.min(added.saturating_sub(1)) {
                self.tasks.notify_one();
            }
            if state.is_awaited && state.held >= BATCH && state.has_next() {
                self.items.notify_one();
            }
        }
    }

    /// Runs all tasks on the calling thread, if the system can't start any other.
    fn work_alone<Error>(
        &self,
        work: impl Fn(Task) -> TaskResult<Task, Item>,
        emit: &mut impl FnMut(Item) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut state = self.lock();
        while let Some((position, task)) = state.start() {
            state.finish(&position, work(task));
            while let Some(items) = state.next() {
                items.into_iter().try_for_each(&mut *emit)?;
            }
        }
        Ok(())
    }

    /// Waits for the next items in the order and takes all that are available. Returns `None` when
    /// all tasks are done.
    fn next(&self) -> Option<Vec<Vec<Item>>> {
        let mut state = self.lock();
        loop {
            let items: Vec<_> = std::iter::from_fn(|| state.next()).collect();
            if !items.is_empty() {
                // Taking these items may have made room for more.
                if state.idle > 0 && state.can_start() {
                    self.tasks.notify_all();
                }
                return Some(items);
            }
            if state.is_stopped || state.is_over() {
                return None;
            }
            state.is_awaited = true;
            let wait = self.items.wait_timeout(state, MAX_WAIT);
            (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
            state.is_awaited = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<Task, Item>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Task: Send, Item: Send> State<Task, Item> {
    /// Starts as many threads as there is work for. A single file needs only one.
    fn start_threads<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        queue: &'scope Queue<Task, Item>,
        jobs: NonZeroUsize,
        work: &'scope (impl Fn(Task) -> TaskResult<Task, Item> + Sync),
    ) {
        let wanted = jobs.get().min(self.waiting.len() + self.running.len());
        while self.threads < wanted {
            let spawned = thread::Builder::new().spawn_scoped(scope, move || {
                let _stop = Stop(queue, thread::panicking);
                queue.work(scope, jobs, work);
            });
            if spawned.is_err() {
                // The threads already started do all the work. If there are none, `run` does it.
                break;
            }
            self.threads += 1;
        }
    }
}

impl<Task, Item> State<Task, Item> {
    /// Whether the first waiting task can start: there is room for its results, or the held results
    /// wait for it.
    fn can_start(&self) -> bool {
        let is_waited_for = |first| self.finished.keys().next().is_none_or(|held| first < held);
        let mut waiting = self.waiting.keys();
        waiting.next().is_some_and(|first| self.held < MAX_HELD || is_waited_for(first))
    }

    /// Takes the first waiting task, if it can start.
    fn start(&mut self) -> Option<(Position, Task)> {
        let (position, task) = self.can_start().then(|| self.waiting.pop_first())??;
        self.running.insert(position.clone());
        Some((position, task))
    }

    fn finish(&mut self, position: &Position, result: TaskResult<Task, Item>) {
        self.running.remove(position);
        for (number, task) in (0..).zip(result.tasks) {
            self.waiting.insert([&position[..], &[number]].concat(), task);
        }
        if !result.items.is_empty() {
            self.held += result.items.len();
            self.finished.insert(position.clone(), result.items);
        }
    }

    /// Whether the first held items are next: no task that still waits or runs can produce earlier
    /// ones.
    fn has_next(&self) -> bool {
        let others = [self.waiting.keys().next(), self.running.first()];
        let is_first = |held| others.into_iter().flatten().all(|other| held < other);
        self.finished.keys().next().is_some_and(is_first)
    }

    fn next(&mut self) -> Option<Vec<Item>> {
        let (_, items) = self.has_next().then(|| self.finished.pop_first())??;
        self.held -= items.len();
        Some(items)
    }

    fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }
}

/// A guard that can end all waiting when it is dropped. This happens at the end of `run` and when a
/// thread panics. Otherwise the other threads would wait for the task of that thread forever.
struct Stop<'a, Task, Item>(&'a Queue<Task, Item>, fn() -> bool);

impl<Task, Item> Drop for Stop<'_, Task, Item> {
    fn drop(&mut self) {
        let Stop(queue, is_due) = self;
        if is_due() {
            queue.lock().is_stopped = true;
            queue.tasks.notify_all();
            queue.items.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    /// Runs a task that is a number. Below 1000, it adds the ten numbers made by appending a digit.
    fn tree(task: u32) -> TaskResult<u32, u32> {
        // Some tasks take longer, so that the threads overtake one another.
        if task % 7 == 0 {
            thread::sleep(Duration::from_micros(300));
        }
        let tasks =
            if task < 1000 { (0..10).map(|digit| task * 10 + digit).collect() } else { vec![] };
        TaskResult { items: vec![task], tasks }
    }

    #[test]
    fn results_are_in_task_order() {
        for count in [1, 2, 16] {
            let mut seen = Vec::new();
            run(jobs(count), (1..10).collect(), tree, |task| {
                seen.push(task.to_string());
                Ok::<_, Infallible>(())
            })
            .unwrap();
            assert_eq!(seen.len(), 9 + 90 + 900 + 9000);
            assert!(seen.is_sorted(), "sorted as text, a prefix first");
        }
    }

    #[test]
    fn number_of_held_results_is_limited() {
        let begun = AtomicUsize::new(0);
        let most_begun = AtomicUsize::new(0);
        let work = |task: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            if task == 0 {
                // Wait long enough for the other tasks to run out of room.
                while begun.load(Ordering::Relaxed) < MAX_HELD {
                    thread::sleep(Duration::from_millis(1));
                }
                thread::sleep(Duration::from_millis(50));
                most_begun.store(begun.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            TaskResult { items: vec![task], tasks: Vec::new() }
        };
        let mut count = 0;
        run(jobs(4), (0..3 * MAX_HELD).collect(), work, |task| {
            assert_eq!(task, count);
            count += 1;
            Ok::<_, Infallible>(())
        })
        .unwrap();
        assert_eq!(count, 3 * MAX_HELD);
        assert!(most_begun.into_inner() <= MAX_HELD + 4);
    }

    #[test]
    fn all_threads_run_tasks_at_once() {
        let waiting = AtomicUsize::new(0);
        // Each task waits for all others, and gives up after 30 seconds.
        let work = |_: usize| {
            let start = Instant::now();
            waiting.fetch_add(1, Ordering::SeqCst);
            while waiting.load(Ordering::SeqCst) < 50 && start.elapsed() < Duration::from_secs(30) {
                thread::sleep(Duration::from_millis(1));
            }
            TaskResult { items: vec![waiting.load(Ordering::SeqCst)], tasks: Vec::new() }
        };
        let check = |count| if count == 50 { Ok(()) } else { Err(count) };
        run(jobs(50), (0..50).collect(), work, check).unwrap();
    }

    #[test]
    fn receiver_error_stops_the_run() {
        let mut count = 0;
        let result = run(jobs(4), (1..10).collect(), tree, |_| {
            count += 1;
            if count == 20 { Err("enough") } else { Ok(()) }
        });
        assert_eq!((result, count), (Err("enough"), 20));
    }

    #[test]
    fn task_panic_stops_the_run() {
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
    fn calling_thread_alone_gives_the_same_results() {
        let queue = Queue::new((1..10).collect());
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
    fn run_without_tasks_ends_at_once() {
        run(jobs(4), Vec::new(), tree, |_| Err("nothing")).unwrap();
    }
}
