// The executor: a pool of threads that walk one list of commands together, with a barrier after every command, and the memory
// they need. Waiting threads spin first (a barrier costs 0.1-0.4 us while all cores are ours) and sleep when the wait is long
// (an idle trainer burns nothing, a busy neighbour does not stall us). Thread 0 is whoever calls xb_run; the others live in
// xb_worker: pthreads natively, JavaScript workers that share the memory in WebAssembly. One pool per process; xb_start,
// xb_run and xb_stop must not overlap. All that differs between platforms is in the #ifdef below.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE // cpu sets, clocks of threads
#endif
#include "xueba.h"

#define EXPORT __attribute__((visibility("default")))
#define MAX_THREADS 256
#define PAGE 65536 // WebAssembly's page; a multiple of every native one

typedef uint32_t Word __attribute__((aligned(64))); // a counter with a cache line of its own

static int pool = 1;      // threads, the caller of xb_run included
static Word generation;   // lists published so far
static uint32_t born;     // its value at xb_start
static Word arrived;      // the barrier: threads that reached it,
static Word phase;        // and barriers passed
static Word sleepers;     // threads asleep in wait_while
static uint32_t stopping; // the pool is to end
static uint32_t alive;    // threads inside xb_worker
static uint32_t broken;   // a thread trapped (xb_abort): the others must not wait for it
static const Command *list;
static int count;

#define GET(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define SET(x, v) __atomic_store_n(&(x), v, __ATOMIC_SEQ_CST)
#define ADD(x, v) __atomic_add_fetch(&(x), v, __ATOMIC_SEQ_CST)

#ifdef __wasm__
#define SPIN_BARRIER 200000 // no pause instruction: about 1 ns a turn
#define SPIN_IDLE 100000
#define pause_briefly() (void)0
static void sleep_while(uint32_t *p, uint32_t value) { __builtin_wasm_memory_atomic_wait32((int *)p, (int)value, -1); }
static void wake_all(uint32_t *p) { __builtin_wasm_memory_atomic_notify((int *)p, MAX_THREADS); }
static int spawn(int id) { return id > 0; } // JavaScript starts the workers and they call xb_worker
static void join_all(void) {}
static void keep_apart(void) {}

// There is no clock of a thread here. Spinning in vain means that the others lack a core: then be less patient, down to the
// price of a sleep. (A wait that is long for other reasons looks the same.)
static int patience; // any thread's guess will do
static void forget_crowds(void) { patience = SPIN_BARRIER; }
static int spins_now(void) { return patience; }
static void learn(int spun) {
  int spins = patience;
  if (!spun && spins > SPIN_BARRIER / 128) patience = spins / 2;
  if (spun && spins < SPIN_BARRIER) patience = spins + spins / 8;
}
static void begin_walk(int id) { (void)id; }
static void end_walk(int id) { (void)id; }
static void begin_sleep(void) {}
static void end_sleep(void) {}
#else
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#define SPIN_BARRIER 20000 // pauses of 40-140 cycles: about a millisecond
#define SPIN_IDLE 4000
#if defined(__x86_64__) || defined(__i386__)
#define pause_briefly() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define pause_briefly() __asm__ volatile("isb")
#else
#define pause_briefly() (void)0
#endif
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static pthread_t thread[MAX_THREADS];
EXPORT void xb_worker(int id);

static void sleep_while(uint32_t *p, uint32_t value) {
  pthread_mutex_lock(&mutex);
  while (GET(*p) == value) pthread_cond_wait(&woken, &mutex);
  pthread_mutex_unlock(&mutex);
}
static void wake_all(uint32_t *p) {
  (void)p;
  pthread_mutex_lock(&mutex);
  pthread_cond_broadcast(&woken);
  pthread_mutex_unlock(&mutex);
}

// Who spins while somebody else wants the core only loses his share of it; who sleeps while nobody does pays for two calls to the
// system and for waking a core, many times the wait. So every thread looks at its clocks: time in which it was neither running nor
// asleep was taken by a neighbour. If that was a fifth of the last 50 ms of any thread, all sleep early. Who sleeps early is given
// the core when he wakes, so that the clocks no longer tell; how often he is pushed off it does: 40 times a second or less, and he is alone.
#define WINDOW 50e-3  // s
#define CROWDED 0.2
#define PUSHED 40     // a second; a neighbour that computes pushes 100 to 5,000 times, a terminal or a server 10 to 30
static Word crowds; // threads that had a neighbour in their last window
static struct {
  double wall, awake, busy; // s: in lists, of that not asleep, of that on a core
  double began, ran;        // both clocks at the beginning of the list
  double since;             // the beginning of the window
  long pushed;              // times pushed off a core, until then
  int crowded;
} __attribute__((aligned(64))) life[MAX_THREADS];
static _Thread_local double asleep; // s, of this list
static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static long times_pushed(void) {
#ifdef RUSAGE_THREAD
  struct rusage used;
  return getrusage(RUSAGE_THREAD, &used) ? 0 : used.ru_nivcsw;
#else
  return 0; // back to spinning after a window; a neighbour that is still there is found again
#endif
}
static void forget_crowds(void) {
  SET(crowds, 0);
  __builtin_memset(life, 0, sizeof life);
}
static int spins_now(void) { return GET(crowds) ? SPIN_BARRIER / 128 : SPIN_BARRIER; }
static void learn(int spun) { (void)spun; }
static void begin_walk(int id) {
  asleep = 0;
  life[id].began = seconds(CLOCK_MONOTONIC), life[id].ran = seconds(CLOCK_THREAD_CPUTIME_ID);
}
static void end_walk(int id) {
  double wall = seconds(CLOCK_MONOTONIC) - life[id].began;
  life[id].wall += wall, life[id].awake += wall - asleep;
  life[id].busy += seconds(CLOCK_THREAD_CPUTIME_ID) - life[id].ran;
  if (life[id].wall < WINDOW) return;
  double now = seconds(CLOCK_MONOTONIC);
  long pushed = times_pushed();
  int crowded = life[id].crowded ? pushed - life[id].pushed > PUSHED * (now - life[id].since)
                                 : life[id].awake - life[id].busy > CROWDED * life[id].awake;
  if (crowded != life[id].crowded) ADD(crowds, crowded ? 1 : -1);
  life[id].crowded = crowded, life[id].pushed = pushed, life[id].since = now;
  life[id].wall = life[id].awake = life[id].busy = 0;
}
static void begin_sleep(void) { asleep -= seconds(CLOCK_MONOTONIC); }
static void end_sleep(void) { asleep += seconds(CLOCK_MONOTONIC); }

// With a thread for every core, each worker gets a core of its own: left alone, Linux wakes a worker where its waker runs, and
// with a busy neighbour both then share one core.
static void keep_apart(void) {
#ifdef __linux__
  cpu_set_t allowed, own;
  if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) != pool) return;
  for (int id = 0, cpu = 0; id < pool; id++, cpu++) {
    while (!CPU_ISSET(cpu, &allowed)) cpu++;
    if (id == 0) continue; // the caller's thread is not ours
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    pthread_setaffinity_np(thread[id], sizeof own, &own);
  }
#endif
}
static void *body(void *id) {
  xb_worker((int)(intptr_t)id);
  return 0;
}
static int spawn(int id) { return pthread_create(&thread[id], 0, body, (void *)(intptr_t)id) == 0; }
static void join_all(void) {
  for (int id = 1; id < pool; id++) pthread_join(thread[id], 0);
}
#endif

// Returns true once *p differs from `value`, false if it had to sleep for that. The sleeper counts itself before it looks
// again, the waker changes *p before it reads the count, both sequentially consistent: one of them sees the other.
static int wait_while(uint32_t *p, uint32_t value, int spins) {
  for (int i = 0; i < spins; i++) {
    if (__atomic_load_n(p, __ATOMIC_ACQUIRE) != value) return 1;
    pause_briefly();
  }
  begin_sleep();
  ADD(sleepers, 1);
  while (GET(*p) == value) sleep_while(p, value);
  ADD(sleepers, -1);
  end_sleep();
  return 0;
}

static void change(uint32_t *p, uint32_t value) {
  SET(*p, value);
  if (!GET(sleepers)) return;
  begin_sleep(); // who wakes others may have to wait for their lock
  wake_all(p);
  end_sleep();
}

static void stop_if_broken(void) {
  if (GET(broken)) __builtin_trap();
}

void barrier(void) {
  if (pool == 1) return;
  uint32_t now = GET(phase);
  stop_if_broken();
  if (ADD(arrived, 1) == (uint32_t)pool) {
    SET(arrived, 0);
    change(&phase, now + 1);
  } else {
    learn(wait_while(&phase, now, spins_now()));
    stop_if_broken();
  }
}

// Called for a thread that trapped, which only WebAssembly survives: the other threads trap at their next barrier.
EXPORT void xb_abort(void) {
  SET(broken, 1);
  change(&phase, GET(phase) + 1);
  change(&generation, GET(generation) + 1);
}

// Opcode 0 measures the machine: independent FMAs in registers, as many as hide the latency of two units; or bfloat16 ones.
#ifdef __wasm__
#define CHAINS 8 // V8 keeps no more in registers
#else
#define CHAINS 12
#endif
static volatile float sink;
static double fma_peak(int64_t iterations, float one, float other) {
  vf a = one - (vf){0}, b = other - (vf){0}, x[CHAINS];
  for (int i = 0; i < CHAINS; i++) x[i] = (float)i - (vf){0};
  for (int64_t n = iterations; n > 0; n--)
    for (int i = 0; i < CHAINS; i++) x[i] = FMA(x[i], a, b);
  for (int i = 1; i < CHAINS; i++) x[0] += x[i];
  sink = x[0][0];
  return 2.0 * CHAINS * VW * iterations;
}
static double flops; // of one thread
static void peak(const Command *c, int id, int threads) {
  (void)threads;
  int64_t n = (int64_t)c->address[0];
  double done = c->dim[0] ? bf16_peak(n) : fma_peak(n, c->scalar[0], c->scalar[1]);
  if (id == 0) flops = done;
}

#define ENTRY(name) k_##name,
static Kernel *const table[] = {peak, KERNELS(ENTRY)};
#define OPCODES (int)(sizeof table / sizeof *table)

static void walk(const Command *commands, int n, int id, int threads) {
  if (threads > 1) begin_walk(id);
  for (int i = 0; i < n; i++) {
    table[commands[i].op](&commands[i], id, threads);
    barrier();
  }
  if (threads > 1) end_walk(id);
}

// The life of thread `id` (1 ... threads-1): walks every list published after xb_start, returns at xb_stop.
EXPORT void xb_worker(int id) {
  ADD(alive, 1);
  for (uint32_t seen = born;; seen++) {
    wait_while(&generation, seen, SPIN_IDLE);
    if (GET(stopping) || GET(broken)) break;
    walk(list, count, id, pool); // both stay as they are until every thread has passed the list's last barrier
  }
  ADD(alive, -1);
  if (GET(sleepers)) wake_all(&alive);
}

// Runs the list on all threads and returns when the last command is complete: 0, or 1 + the index of the first command whose
// opcode is unknown (then nothing has run).
EXPORT int xb_run(const Command *commands, int n) {
  for (int i = 0; i < n; i++)
    if (commands[i].op < 0 || commands[i].op >= OPCODES) return i + 1;
  if (n <= 0) return 0;
  list = commands, count = n;
  if (pool > 1) change(&generation, generation + 1);
  walk(commands, n, 0, pool);
  return 0;
}

// Stops the workers and waits for those that have entered xb_worker.
EXPORT void xb_stop(void) {
  if (pool == 1) return;
  SET(stopping, 1);
  change(&generation, generation + 1);
  join_all();
  for (uint32_t n; (n = GET(alive)) > 0;) wait_while(&alive, n, SPIN_IDLE);
  pool = 1;
}

// Starts the pool (stopping an earlier one) and returns the number of threads it has: fewer than asked for if the system
// gives no more. In WebAssembly the caller then starts threads-1 workers that call xb_worker(1), xb_worker(2), ...
EXPORT int xb_start(int threads) {
  xb_stop();
  bf16_start();
  SET(stopping, 0);
  forget_crowds();
  born = generation;
  int n = threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads;
  // The workers read `pool` only after a list has been published, so that it may be set when all are known to run.
  int id = 1;
  while (id < n && spawn(id)) id++;
  pool = id;
  keep_apart();
  return pool;
}

// Does `iterations` of the loop above on every thread; returns the floating-point operations done (0: no such unit). The caller
// takes the time.
EXPORT double xb_peak_flops(double iterations, int half) {
  Command c = {.op = 0, .dim = {half}, .scalar = {0.999f, 0.001f}, .address = {iterations}};
  xb_run(&c, 1);
  return flops * pool;
}

// The caller's thread alone, without a list: which of several builds has the fastest tile is asked before any pool is started.
EXPORT double xb_tile_flops(double iterations) { return tile_flops((int64_t)iterations); }

// What multiplies bfloat16: 0 nothing, 1 AVX512_BF16, 2 AMX.
EXPORT int xb_bf16_unit(void) { return bf16_unit(); }

// What is larger than a megabyte lies on whole huge pages: products walk through more small pages than a core remembers, and a
// virtual machine looks each up twice.
#ifdef MADV_HUGEPAGE
#define HUGE_PAGE ((size_t)2 << 20)
static int is_huge(size_t bytes) { return bytes > HUGE_PAGE / 2; }
#else
#define HUGE_PAGE (size_t)PAGE
static int is_huge(size_t bytes) { return (void)bytes, 0; }
#endif
static size_t whole_pages(size_t bytes) {
  size_t page = is_huge(bytes) ? HUGE_PAGE : PAGE;
  return (bytes + page - 1) / page * page;
}

// Zeroed memory, 64-byte aligned, taken from the system as it is touched; 0 when there is none.
EXPORT void *xb_reserve(size_t bytes) {
  bytes = whole_pages(bytes);
#ifdef __wasm__
  size_t old = __builtin_wasm_memory_grow(0, bytes / PAGE);
  return old == (size_t)-1 ? 0 : (void *)(old * PAGE);
#else
  size_t spare = is_huge(bytes) ? HUGE_PAGE : 0;
  char *p = mmap(0, bytes + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return 0;
#ifdef MADV_HUGEPAGE
  if (spare) { // what lies before the first huge page and after the last goes back
    size_t skip = -(uintptr_t)p % HUGE_PAGE;
    if (skip) munmap(p, skip);
    p += skip;
    munmap(p + bytes, spare - skip);
    madvise(p, bytes, MADV_HUGEPAGE);
  }
#endif
  return p;
#endif
}

// Gives memory of xb_reserve back (WebAssembly's memory only grows: there it is lost).
EXPORT void xb_release(void *p, size_t bytes) {
#ifdef __wasm__
  (void)p, (void)bytes;
#else
  if (p) munmap(p, whole_pages(bytes));
#endif
}

EXPORT void xb_copy(void *to, const void *from, size_t bytes) { __builtin_memmove(to, from, bytes); }

// Scratch buffers only grow, by a quarter more than asked for, and stay until the process ends.
typedef struct {
  char *p;
  size_t bytes;
  char apart[64 - 2 * sizeof(size_t)];
} Buffer;
static Buffer own[MAX_THREADS], panels[MAX_THREADS], common, common_panels;
static uint32_t lock;

static void *at_least(Buffer *b, size_t bytes) {
  if (b->bytes < bytes) {
    size_t size = whole_pages(bytes + bytes / 4);
    xb_release(b->p, b->bytes);
    b->p = xb_reserve(size);
    if (!b->p) __builtin_trap();
    b->bytes = size;
  }
  return b->p;
}

static void *at_least_locked(Buffer *b, size_t bytes) {
  while (__atomic_exchange_n(&lock, 1, __ATOMIC_SEQ_CST)) stop_if_broken(), pause_briefly();
  void *p = at_least(b, bytes);
  SET(lock, 0);
  return p;
}

void *scratch(int id, size_t bytes) { return at_least(&own[id], bytes); }
void *panel_scratch(int id, size_t bytes) { return at_least(&panels[id], bytes); }
void *shared_scratch(size_t bytes) { return at_least_locked(&common, bytes); }
void *shared_panel_scratch(size_t bytes) { return at_least_locked(&common_panels, bytes); }
