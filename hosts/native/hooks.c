/*
 * The hooks' cold path: what happens in a recorded program when its machine code (hook_x86_64.S)
 * finds the limit reached. Attaches the process and its threads to the session, waits or skips when
 * a ring is full, tells the consumer of processes, threads and object files, and notices fork. It
 * keeps errno, allocates nothing, prints nothing, blocks only when the session says *wait*, and
 * turns recording off for good when the consumer is gone.
 *
 * Threads and signals: any of it may run on any thread, and a handler may interrupt it anywhere and
 * come back in here. A thread attaches with its signals blocked; everything else is a sequence of
 * publishes, each whole by itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"
#include "record.h"
#include "session.h"

/* A limit is on a cache line of its own: the hooks of its thread read it all the time. */
#define LIMIT_STRIDE (64 / sizeof(uint64_t))

/* How long a thread waits for a ring to become free, and sleeps at most for room before it looks
 * whether the consumer lives. */
#define CLAIM_TRIES 2000
#define WAIT_NS 10000000u

/* Calls that a thread without a ring makes before it asks again. */
#define RETRY_EVENTS 4096u

#define PATH_BYTES_MAX 1024u

enum attach_state {
	ATTACH_NONE = 0,
	ATTACH_BUSY = 1,
	ATTACH_DONE = 2,
	ATTACH_OFF = 3, /* no session, or its consumer is gone: never again */
};

/* The process. After fork the child's copy is the parent's until process_forked() has run. */
static struct {
	_Atomic int state; /* enum attach_state */
	struct session session;
	uint64_t *limits; /* wiped by fork; [0] is 1 in the process that wrote it */
	uint64_t token, parent_token;
	pid_t pid;
	bool recorded;                 /* it has made events, or what it was forked from has */
	struct session_process *entry; /* NULL: the session's table was full */
	_Atomic uint32_t epoch;        /* counts forks: threads of an older epoch attach anew */
	_Atomic int announced;         /* enum attach_state of the process's own records */
	unsigned long long adds, subs; /* of the dynamic linker, when objects were last told */
	pthread_key_t thread_key;
	bool has_thread_key;
} process;

enum skip_kind {
	SKIP_NONE = 0,
	SKIP_CALL = 1, /* inside a call whose before found no room */
};

/* The thread, beside its producer. */
static __thread struct {
	struct ring *ring;
	uint32_t epoch;
	uint32_t stream; /* its number + 1 once it has one */
	bool attached;
	uint64_t look_pos; /* where to look again for loaded objects and for a sleeping consumer */
	uint32_t events_without_ring;
	/* A call that is skipped because the ring was full (on_full drop). */
	enum skip_kind skip;
	uint64_t skip_function, skip_site, skip_stack_pointer, skip_return_address;
	uint64_t skip_same;               /* calls of the same function and site open inside it */
	uint64_t lost_told, unwound_told; /* of the ring's counts */
} self __attribute__((tls_model("initial-exec")));

static _Atomic uint64_t zero_pos;
static uint64_t zero_limit;
/* Stands in for the rseq area where the C library registered none. */
static uint64_t no_rseq;

__thread struct hook_producer reel_hook_producer = {
	.producer_pos = &zero_pos,
	.limit = &zero_limit,
	.rseq_cs = &no_rseq,
};

/* ---- small things ---- */

static uint64_t now_ticks(void)
{
	if (process.session.control->clock == 0) {
		return __builtin_ia32_rdtsc();
	}
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t producer_pos(void)
{
	/* Relaxed: this thread's own. */
	return atomic_load_explicit(reel_hook_producer.producer_pos, memory_order_relaxed);
}

static uint64_t capacity(void)
{
	return reel_hook_producer.mask_bytes / SLOT_SIZE + 1;
}

static void wake_consumer(void)
{
	_Atomic uint32_t *sleeps = &process.session.control->consumer_sleeps;

	/* Relaxed: a wake that is missed costs the consumer's time limit, nothing more. */
	if (atomic_load_explicit(sleeps, memory_order_relaxed) &&
		atomic_exchange_explicit(sleeps, 0, memory_order_relaxed)) {
		syscall(SYS_futex, sleeps, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static bool consumer_gone(void)
{
	return atomic_load_explicit(&process.session.control->state, memory_order_relaxed) ==
		       SESSION_CLOSED ||
	       session_consumer_died(&process.session);
}

static void turn_off(void)
{
	atomic_store_explicit(&process.state, ATTACH_OFF, memory_order_relaxed);
}

/* True when the ring's counts of what was lost have grown since they were last told. */
static bool owes(void)
{
	return self.ring->lost != self.lost_told || self.ring->unwound != self.unwound_told;
}

/*
 * Lets the hooks run up to a quarter of the ring further, or to where the room ends. So the cold
 * path is met often enough to wake the consumer, and seldom enough not to matter.
 */
static void extend_limit(void)
{
	uint64_t pos = producer_pos();
	uint64_t room = ring_limit(self.ring, capacity());
	uint64_t next = pos + capacity() / 4;

	if (process.session.control->clock != 0 || self.skip != SKIP_NONE || owes()) {
		next = 0; /* the hooks cannot read this clock, or there is something to tell: every
			     event comes here */
	}
	*reel_hook_producer.limit = next < room ? next : room;
}

/* ---- writing records ---- */

/* Publishes when there is room; waits for it when told to. False: there was none, or recording is
 * over. */
static bool publish(const struct slot *records, uint64_t count, bool wait)
{
	while (reel_hook_publish(records, count, ring_limit(self.ring, capacity())) != 0) {
		uint64_t seen = ring_limit(self.ring, capacity()) - capacity();

		if (consumer_gone()) {
			turn_off();
			return false;
		}
		wake_consumer();
		if (!wait) {
			return false;
		}
		if (producer_pos() + count > seen + capacity()) {
			ring_wait(self.ring, seen, WAIT_NS);
		}
	}
	return true;
}

/* A record of any kind but the native two. `records` has room for the payload behind its first
 * slot. */
static bool publish_record(
	enum record_kind kind, uint64_t word, struct slot *records, uint64_t payload_bytes)
{
	uint64_t count = 1 + (payload_bytes + SLOT_SIZE - 1) / SLOT_SIZE;

	records[0].words[0] = now_ticks();
	records[0].words[1] = word;
	records[0].words[2] = (uint64_t)kind << 48 | count;
	records[0].words[3] = payload_bytes;
	return publish(records, count, process.session.control->on_full == REEL_ON_FULL_WAIT);
}

static bool publish_plain(enum record_kind kind, uint64_t word)
{
	struct slot record;

	return publish_record(kind, word, &record, 0);
}

/* ---- telling the consumer of the process ---- */

struct object_scan {
	bool changed_only; /* stop when nothing was loaded or unloaded since the last time */
	bool first;
};

/* Finds the GNU build-id among an object's notes, in memory. */
static void find_build_id(const struct dl_phdr_info *info, struct record_object *object)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_NOTE) {
			continue;
		}
		const char *note = (const char *)(info->dlpi_addr + header->p_vaddr);
		const char *end = note + header->p_memsz;

		while (end - note > (ptrdiff_t)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *head = (const void *)note;
			const char *name = note + sizeof(*head);
			const char *data = name + ((head->n_namesz + 3u) & ~3u);

			if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 &&
				memcmp(name, "GNU", 4) == 0 &&
				head->n_descsz <= sizeof(object->build_id)) {
				object->build_id_size = head->n_descsz;
				memcpy(object->build_id, data, head->n_descsz);
				return;
			}
			note = data + ((head->n_descsz + 3u) & ~3u);
		}
	}
}

static void find_range(const struct dl_phdr_info *info, struct record_object *object)
{
	object->base = info->dlpi_addr;
	object->begin = UINT64_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uint64_t begin = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_LOAD) {
			object->begin = begin < object->begin ? begin : object->begin;
			object->end = begin + header->p_memsz > object->end
					      ? begin + header->p_memsz
					      : object->end;
		}
	}
}

/* Notes the linker's counts; false when nothing was loaded or unloaded since the last time. */
static bool has_changed(const struct dl_phdr_info *info, size_t size)
{
	if (size < sizeof(*info)) {
		return true; /* an old C library that does not count */
	}
	bool changed = info->dlpi_adds != process.adds || info->dlpi_subs != process.subs;

	process.adds = info->dlpi_adds;
	process.subs = info->dlpi_subs;
	return changed;
}

/*
 * The absolute path of an object, in `path`; its length, 0 when it has none: the program itself
 * comes first and without a name, a plug-in may have been opened by a relative one, the vdso has no
 * file.
 */
static size_t object_path(const char *name, bool first, char path[PATH_BYTES_MAX])
{
	ssize_t length = 0;

	if (first && (!name || !name[0])) {
		length = readlink("/proc/self/exe", path, PATH_BYTES_MAX);
		return length > 0 ? (size_t)length : 0;
	}
	if (!name || !strchr(name, '/')) {
		return 0;
	}
	if (name[0] != '/') {
		length = syscall(SYS_getcwd, path, PATH_BYTES_MAX / 2); /* counts its NUL */
		if (length <= 0) {
			return 0;
		}
		path[length - 1] = '/';
	}
	size_t rest = strnlen(name, PATH_BYTES_MAX - (size_t)length);

	memcpy(path + length, name, rest);
	return (size_t)length + rest;
}

static int tell_object(struct dl_phdr_info *info, size_t size, void *argument)
{
	/* One thread at a time tells objects, and its stack may be tiny. */
	static struct slot
		records[1 + (sizeof(struct record_object) + PATH_BYTES_MAX) / SLOT_SIZE + 1];
	struct object_scan *scan = argument;
	struct record_object object = {0};
	char *payload = (char *)&records[1];
	bool first = scan->first;

	scan->first = false;
	if (first && !has_changed(info, size) && scan->changed_only) {
		return 1;
	}
	size_t length = object_path(info->dlpi_name, first, payload + sizeof(object));

	if (length == 0) {
		return 0;
	}
	find_range(info, &object);
	find_build_id(info, &object);
	memcpy(payload, &object, sizeof(object));
	if (!publish_record(RECORD_OBJECT, 0, records, sizeof(object) + length)) {
		process.adds = 0; /* no room: again at the next occasion */
	}
	return 0;
}

/* 1 while a thread tells objects: whoever comes meanwhile has nothing to add. */
static _Atomic int telling;

/* Tells all objects, or, with `changed_only`, all of them when any was loaded or unloaded. */
static void tell_objects(bool changed_only)
{
	struct object_scan scan = {.changed_only = changed_only, .first = true};

	if (atomic_exchange_explicit(&telling, 1, memory_order_acquire) == 0) {
		dl_iterate_phdr(tell_object, &scan);
		atomic_store_explicit(&telling, 0, memory_order_release);
	}
}

static void tell_process(void)
{
	struct slot records[3];
	struct record_process *record = (struct record_process *)&records[1];

	process.recorded = true;
	if (process.entry) {
		atomic_store(&process.entry->recorded, 1);
	}
	_Static_assert(sizeof(struct record_process) <= 2 * sizeof(struct slot), "payload fits");
	memset(records, 0, sizeof(records));
	record->token = process.token;
	record->parent_token = process.parent_token;
	record->pid = (uint32_t)process.pid;
	record->parent_pid = (uint32_t)getppid();
	prctl(PR_GET_NAME, record->name);
	publish_record(RECORD_PROCESS, process.parent_token, records, sizeof(*record));
	tell_objects(false);
}

/* The first thread tells of the process; others wait until it has, so that the consumer knows their
 * addresses. */
static void announce_process(void)
{
	int expected = ATTACH_NONE;

	if (atomic_compare_exchange_strong(&process.announced, &expected, ATTACH_BUSY)) {
		tell_process();
		atomic_store(&process.announced, ATTACH_DONE);
		return;
	}
	while (atomic_load(&process.announced) == ATTACH_BUSY && !consumer_gone()) {
		sched_yield();
	}
}

/* ---- attaching ---- */

static void enter_process(void)
{
	struct session_control *control = process.session.control;

	process.pid = getpid();
	process.entry = NULL;
	process.token = atomic_fetch_add(&control->next_token, 1);
	for (uint32_t i = 0; i < SESSION_PROCESS_COUNT; i++) {
		struct session_process *entry = &control->processes[i];
		uint32_t expected = PROCESS_FREE;

		if (atomic_compare_exchange_strong(&entry->state, &expected, PROCESS_CLAIMED)) {
			entry->pid = (uint32_t)process.pid;
			entry->token = process.token;
			atomic_store(&entry->recorded, process.recorded);
			atomic_store_explicit(&entry->state, PROCESS_LIVE, memory_order_release);
			process.entry = entry;
			return;
		}
	}
}

static void thread_ended(void *argument);

/* Attaches the process once. True when there is a session. */
static bool attach_process(void)
{
	int expected = ATTACH_NONE;

	if (!atomic_compare_exchange_strong(&process.state, &expected, ATTACH_BUSY)) {
		return expected == ATTACH_DONE;
	}
	const char *path = getenv(SESSION_ENVIRONMENT);
	bool attached = path && session_attach(path, &process.session) == 0;

	if (attached) {
		size_t bytes = (process.session.ring_count + 1) * LIMIT_STRIDE * sizeof(uint64_t);
		void *limits = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		attached = limits != MAP_FAILED && madvise(limits, bytes, MADV_WIPEONFORK) == 0;
		process.limits = limits;
	}
	if (attached) {
		process.limits[0] = 1;
		process.has_thread_key = pthread_key_create(&process.thread_key, thread_ended) == 0;
		enter_process();
	}
	atomic_store(&process.state, attached ? ATTACH_DONE : ATTACH_OFF);
	return attached;
}

/* In a forked child: it is a process of its own, and none of the parent's threads but this one came
 * along. */
static void process_forked(void)
{
	process.parent_token = process.token;
	process.limits[0] = 1;
	atomic_store(&process.announced, ATTACH_NONE);
	atomic_store(&telling, 0);
	enter_process();
	atomic_fetch_add(&process.epoch, 1);
}

/* A child that records nothing yet is known to the consumer all the same. */
static void child_forked(void)
{
	if (atomic_load(&process.state) == ATTACH_DONE && process.limits[0] == 0) {
		process_forked();
	}
}

static struct ring *claim_ring(void)
{
	bool wait = process.session.control->on_full == REEL_ON_FULL_WAIT;
	struct ring *ring = session_claim_ring(&process.session);

	for (int i = 0; !ring && wait && i < CLAIM_TRIES && !consumer_gone(); i++) {
		wake_consumer();
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		ring = session_claim_ring(&process.session);
	}
	return ring;
}

static void own_ring(struct ring *ring)
{
	struct session *session = &process.session;
	uint64_t index = (uint64_t)(ring - session->rings);

	if (!self.stream) {
		self.stream = 1 + atomic_fetch_add(&session->control->next_stream, 1);
	}
	ring->pid = (uint32_t)process.pid;
	ring->tid = (uint32_t)syscall(SYS_gettid);
	ring->stream = self.stream - 1;
	ring->token = process.token;
	ring->lost = ring->unwound = 0;
	self.lost_told = self.unwound_told = 0;
	self.skip = SKIP_NONE;
	memset(ring->name, 0, sizeof(ring->name));
	/* Release, acquired by the consumer: whoever sees it open sees its owner. */
	atomic_store_explicit(&ring->state, RING_OPEN, memory_order_release);
	self.ring = ring;
	reel_hook_producer.slots = (struct slot *)(session->base + ring->slots_offset);
	reel_hook_producer.mask_bytes = (ring->capacity - 1) * SLOT_SIZE;
	reel_hook_producer.limit = &process.limits[(index + 1) * LIMIT_STRIDE];
	*reel_hook_producer.limit = 0;
	if (__rseq_size > 0) {
		struct rseq *area =
			(struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

		reel_hook_producer.rseq_cs = (uint64_t *)(void *)&area->rseq_cs;
	}
	reel_hook_producer.producer_pos = &ring->producer_pos;
}

static void tell_thread(void)
{
	struct slot records[2];

	memset(records, 0, sizeof(records));
	prctl(PR_GET_NAME, (char *)&records[1]);
	publish_record(RECORD_THREAD, 0, records, 16);
}

/* Gives the thread a ring, with its signals blocked. */
static void attach_thread(void)
{
	uint64_t all = ~UINT64_C(0), old;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(old));
	if (self.attached) { /* a handler came first */
		goto out;
	}
	if (self.epoch != atomic_load(&process.epoch)) { /* forked: a stream of its own */
		self.epoch = atomic_load(&process.epoch);
		self.stream = 0;
	}
	struct ring *ring = claim_ring();

	if (ring) {
		self.look_pos = 0;
		self.events_without_ring = 0;
		own_ring(ring);
		self.attached = true;
		announce_process();
		tell_thread();
		if (process.has_thread_key) {
			pthread_setspecific(process.thread_key, &self);
		}
	}
out:
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
}

/* A thread ends: its ring goes back. Hooks that still come (other destructors) attach it again,
 * same stream. */
static void thread_ended(void *argument)
{
	(void)argument;
	if (!self.attached || self.epoch != atomic_load(&process.epoch)) {
		return;
	}
	struct ring *ring = self.ring;

	self.attached = false;
	reel_hook_producer.limit = &zero_limit;
	reel_hook_producer.producer_pos = &zero_pos;
	self.ring = NULL;
	prctl(PR_GET_NAME, ring->name);
	/* Release, acquired by the consumer: it sees every record of the thread. */
	atomic_store_explicit(&ring->state, RING_DONE, memory_order_release);
}

/* Counts an event of a thread that has no ring; true when it is time to ask for one again. */
static bool count_without_ring(void)
{
	atomic_fetch_add_explicit(
		&process.session.control->lost_without_ring, 1, memory_order_relaxed);
	return ++self.events_without_ring % RETRY_EVENTS == 0;
}

/* True when this thread has a ring of this process to write to. */
static bool ready(void)
{
	int state = atomic_load_explicit(&process.state, memory_order_acquire);

	if (state == ATTACH_NONE ? !attach_process() : state != ATTACH_DONE) {
		return false;
	}
	if (process.limits[0] == 0) {
		process_forked();
	}
	if (self.attached &&
		self.epoch == atomic_load_explicit(&process.epoch, memory_order_relaxed)) {
		return true;
	}
	if (self.events_without_ring && !count_without_ring()) {
		return false;
	}
	self.attached = false;
	attach_thread();
	if (!self.attached) {
		count_without_ring();
	}
	return self.attached;
}

/* ---- full rings, on_full drop ---- */

/* Tells what is owed: exits that found no room, then events that were lost. True when nothing is
 * owed any more. */
static bool settle(void)
{
	uint64_t unwound = self.ring->unwound;
	uint64_t lost = self.ring->lost;

	if (self.unwound_told != unwound && publish_plain(RECORD_UNWIND, unwound)) {
		self.unwound_told = unwound;
	}
	if (self.unwound_told == unwound && self.lost_told != lost &&
		publish_plain(RECORD_GAP, lost)) {
		self.lost_told = lost;
	}
	return !owes();
}

/* What a hook was called with. */
struct hook_call {
	uint64_t function, call_site, stack_pointer, return_address;
	enum record_kind kind;
};

/*
 * True when a before shows that the skipped call's frame is gone: it comes from above its stack
 * pointer, or from the same height and another place, or it is the same instance of the same
 * function again, which cannot nest in itself (an inlined one of it can).
 */
static bool skip_is_gone(const struct hook_call *call)
{
	bool same_instance = call->function == self.skip_function &&
			     call->return_address == self.skip_return_address;

	return call->stack_pointer > self.skip_stack_pointer ||
	       (call->stack_pointer == self.skip_stack_pointer &&
		       (call->call_site != self.skip_site || same_instance));
}

/* Inside a skipped call: true when this event belongs to it. The skip ends with the call's own
 * exit, or when its frame is gone. */
static bool skipped(const struct hook_call *call)
{
	bool same = call->function == self.skip_function && call->call_site == self.skip_site;

	if (call->kind == RECORD_NATIVE_AFTER) {
		if (same && self.skip_same-- == 0) {
			self.skip = SKIP_NONE;
		}
	} else if (skip_is_gone(call)) {
		self.skip = SKIP_NONE;
		return false;
	} else if (same) {
		self.skip_same++;
	}
	self.ring->lost++;
	return true;
}

/* The ring is full and nobody waits: a before starts a skip, an exit is folded into what is owed.
 */
static void lose(const struct hook_call *call)
{
	if (call->kind == RECORD_NATIVE_AFTER) {
		self.ring->unwound++;
		return;
	}
	self.ring->lost++;
	self.skip = SKIP_CALL;
	self.skip_function = call->function;
	self.skip_site = call->call_site;
	self.skip_stack_pointer = call->stack_pointer;
	self.skip_return_address = call->return_address;
	self.skip_same = 0;
}

/* ---- the cold path ---- */

static void record_event(const struct hook_call *call)
{
	bool wait = process.session.control->on_full == REEL_ON_FULL_WAIT;
	uint64_t low = call->kind == RECORD_NATIVE_BEFORE ? call->return_address << 48 : 0;

	if (self.skip != SKIP_NONE && skipped(call)) {
		return;
	}
	if (producer_pos() >= self.look_pos) { /* a quarter of the ring further */
		self.look_pos = producer_pos() + capacity() / 4;
		tell_objects(true);
		wake_consumer();
	}

	struct slot record = {{now_ticks(), call->function | low,
		call->call_site | (uint64_t)call->kind << 48, call->stack_pointer}};

	if (!(settle() && publish(&record, 1, wait)) && !wait) {
		lose(call);
	}
}

void reel_hook_slow(uint64_t function, uint64_t call_site, uint64_t stack_pointer,
	uint64_t return_address, uint32_t kind)
{
	int saved = errno;

	if (ready()) {
		record_event(&(struct hook_call){function, call_site & RECORD_ADDRESS_MASK,
			stack_pointer, return_address, (enum record_kind)kind});
		if (self.attached) {
			extend_limit();
		}
	}
	errno = saved;
}

/* ---- start and end of the process ---- */

__attribute__((constructor)) static void start(void)
{
	int saved = errno;

	pthread_atfork(NULL, NULL, child_forked);
	attach_process();
	errno = saved;
}

void reel_hook_exits(void)
{
	/* A vfork child has the parent's memory but must not end the parent. */
	if (atomic_load(&process.state) != ATTACH_DONE || process.limits[0] == 0 ||
		getpid() != process.pid) {
		return;
	}
	if (self.attached) {
		tell_objects(true);
	}
	if (process.entry) {
		atomic_store(&process.entry->state, PROCESS_ENDED);
	}
}

__attribute__((destructor)) static void finish(void)
{
	int saved = errno;

	reel_hook_exits();
	errno = saved;
}

unsigned long long reel_hook_before_unload(void)
{
	if (self.attached && process.limits[0] == 1) {
		tell_objects(true);
	}
	return process.subs;
}

void reel_hook_after_unload(unsigned long long unloads)
{
	if (!self.attached || process.limits[0] != 1) {
		return;
	}
	tell_objects(true);
	if (process.subs != unloads) {
		publish_plain(RECORD_OBJECTS_CHANGE, 0);
		tell_objects(false);
	}
}
