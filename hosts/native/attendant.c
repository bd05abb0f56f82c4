/*
 * The consumer's own process; see attendant.h. Given a request and a socket, it promises a complete
 * trace under the output's name, or one message that says why not.
 */
#define _GNU_SOURCE
#include "attendant.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "consumer.h"
#include "kin.h"
#include "session.h"
#include "symbols.h"
#include "writer.h"

#define TEND_NS UINT64_C(100000000)

/* After the program's end: how long other processes may take to end before they are said to live
 * on, and how often it looks. */
#define GRACE_NS UINT64_C(200000000)
#define GRACE_STEP_NS UINT64_C(2000000)

struct attendant {
	const struct attendant_request *request;
	int socket; /* -1 once nobody listens */
	struct writer *writer;
	struct session session;
	bool has_session;
	struct symbols *symbols;
	struct consumer *consumer;
	int program; /* pidfd; -1: not started yet, or it cannot be watched */
	bool abandoned, ended, told;
	enum reel_reason reason;
	uint64_t ended_ns;
	struct reel_error error;
};

/* Somebody asks the attendant to end, which it does once the launching process is gone. */
static volatile sig_atomic_t asked_to_stop;

static void note_stop(int signal)
{
	asked_to_stop = signal == SIGTERM;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- becoming a process of its own ---- */

/* Keeps nothing open that belongs to the launching process or the program: whoever waits for the
 * end of a pipe must not wait for the attendant. Returns the socket's new number. */
static int keep_only(int socket)
{
	int kept = fcntl(socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int null = open("/dev/null", O_RDWR);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++) {
		dup2(null, fd);
	}
	if (kept > STDERR_FILENO + 1) {
		close_range(STDERR_FILENO + 1, (unsigned)kept - 1, 0);
	}
	close_range((unsigned)kept + 1, ~0u, 0);
	return kept;
}

/* Signals of the terminal and of others are not for it; only the wake and, in the background,
 * SIGTERM are. Blocked ones make failing writes return errors. */
static void detach(void)
{
	struct sigaction action = {.sa_handler = note_stop};
	sigset_t blocked;

	setsid();
	prctl(PR_SET_NAME, "reel-consumer");
	sigemptyset(&action.sa_mask);
	sigaction(ATTENDANT_WAKE, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigfillset(&blocked);
	sigdelset(&blocked, ATTENDANT_WAKE);
	sigdelset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* ---- messages ---- */

static void tell(struct attendant *attendant, enum attendant_message_kind kind, int status,
	uint64_t number, const char *text)
{
	struct attendant_message message = {.kind = kind, .status = status, .number = number};

	if (attendant->consumer) {
		message.events = consumer_event_count(attendant->consumer);
	}
	if (text) {
		strncpy(message.text, text, sizeof(message.text) - 1);
	}
	if (attendant->socket >= 0) {
		send(attendant->socket, &message, sizeof(message), MSG_NOSIGNAL);
	}
}

static void note_end(struct attendant *attendant, enum reel_reason reason)
{
	attendant->ended = true;
	attendant->reason = reason;
	attendant->ended_ns = now_ns();
}

static void hear(struct attendant *attendant, const struct attendant_message *message)
{
	switch (message->kind) {
	case MESSAGE_STARTED:
		attendant->program = pidfd_open((pid_t)message->number, 0);
		break;
	case MESSAGE_ENDED:
		note_end(attendant,
			WIFSIGNALED(message->status) ? REEL_REASON_KILLED : REEL_REASON_EXIT);
		break;
	case MESSAGE_ABANDON:
		attendant->abandoned = true;
		break;
	default:
		break;
	}
}

/* Takes what has arrived. Without the launching process it is the attendant that has to notice the
 * program's end; how it ended nobody can say then. */
static void listen_to_launcher(struct attendant *attendant)
{
	struct attendant_message message;

	while (attendant->socket >= 0) {
		ssize_t size = recv(attendant->socket, &message, sizeof(message), MSG_DONTWAIT);

		if (size == (ssize_t)sizeof(message)) {
			hear(attendant, &message);
		} else if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		} else {
			close(attendant->socket);
			attendant->socket = -1;
		}
	}
	struct pollfd program = {.fd = attendant->program, .events = POLLIN};

	if (!attendant->ended && (attendant->program < 0 || poll(&program, 1, 0) > 0)) {
		note_end(attendant, REEL_REASON_KILLED);
	}
}

/* ---- setting up ---- */

/* The invariant time stamp counter, or the system's clock where there is none. */
static enum clock_kind machine_clock(void)
{
#if defined(__x86_64__)
	uint32_t leaf = 0x80000007, eax, ebx, ecx, edx;

	__asm__("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(0x80000000), "c"(0));
	if (eax < leaf) {
		return CLOCK_MONO;
	}
	__asm__("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(leaf), "c"(0));
	return edx & (1u << 8) ? CLOCK_TSC : CLOCK_MONO;
#else
	return CLOCK_MONO;
#endif
}

static int set_up(struct attendant *attendant)
{
	const struct attendant_request *request = attendant->request;
	const struct reel_recorder_options *recorder = request->recorder;
	enum clock_kind clock = machine_clock();
	struct writer_options options = {.codec = recorder->codec,
		.codec_level = recorder->codec_level,
		.clock = clock,
		.metadata = request->metadata,
		.producer = "native"};
	int status =
		writer_create(request->output, &options, &attendant->writer, &attendant->error);

	if (status < 0) {
		return status;
	}
	status = session_create(session_directories(), recorder->memory_bytes, recorder->on_full,
		clock, &attendant->session, &attendant->error);
	if (status < 0) {
		return status;
	}
	attendant->has_session = true;
	attendant->symbols = symbols_create(NULL, 0);
	if (!attendant->symbols) {
		return reel_fail(&attendant->error, REEL_ENOMEM, "out of memory");
	}
	struct consumer_options consumer = {
		.recorder = recorder, .resolver = symbols_resolver(attendant->symbols)};

	return consumer_create(&attendant->session, attendant->writer, &consumer,
		&attendant->consumer, &attendant->error);
}

static void tear_down(struct attendant *attendant)
{
	consumer_destroy(attendant->consumer);
	attendant->consumer = NULL;
	if (attendant->has_session) {
		session_destroy(&attendant->session);
	}
	symbols_destroy(attendant->symbols);
}

/* ---- attending ---- */

static bool in_grace(const struct attendant *attendant)
{
	return now_ns() - attendant->ended_ns <= GRACE_NS;
}

/* Whether recorded processes still keep the attendant; tells the launching process of them when
 * they take longer than the grace. */
static bool stays_for(struct attendant *attendant, uint32_t live)
{
	if (!attendant->ended) {
		return true;
	}
	if (live == 0) {
		return in_grace(attendant) && kin_alive(attendant->session.path);
	}
	if (!attendant->told && !attendant->request->wait_children && !in_grace(attendant)) {
		attendant->told = true;
		tell(attendant, MESSAGE_LIVE, 0, live, NULL);
	}
	return true;
}

/* True when it was asked to stop and nobody else is in charge. */
static bool stopped(struct attendant *attendant)
{
	if (!asked_to_stop || attendant->socket >= 0) {
		return false;
	}
	attendant->reason = REEL_REASON_STOPPED;
	return true;
}

/* How often to look after processes: often while the program's end may be the end of all. */
static uint64_t tend_interval_ns(const struct attendant *attendant)
{
	return attendant->ended && in_grace(attendant) ? GRACE_STEP_NS : TEND_NS;
}

/*
 * Drains until the program has ended and no recorded process lives. 0, or the status of a failure
 * after which the trace cannot grow.
 */
static int attend(struct attendant *attendant)
{
	uint64_t tended_ns = 0;

	for (;;) {
		listen_to_launcher(attendant);
		if (attendant->abandoned || stopped(attendant)) {
			return 0;
		}
		int64_t taken = consumer_drain(attendant->consumer);
		uint64_t interval_ns = tend_interval_ns(attendant);

		if (taken < 0) {
			return (int)taken;
		}
		/* At once when the end was heard: the first look is the last as a rule. */
		if (now_ns() - tended_ns >= interval_ns ||
			(attendant->ended && tended_ns < attendant->ended_ns)) {
			tended_ns = now_ns();
			if (!stays_for(attendant, consumer_tend(attendant->consumer))) {
				return 0;
			}
		}
		if (taken == 0) {
			consumer_sleep(attendant->consumer, interval_ns);
		}
	}
}

/* Writes the trace's end. What a failed write left of it stays under the name in the message. */
static int finish(struct attendant *attendant, int status)
{
	/* From here on nobody waits for room any more. */
	atomic_store(&attendant->session.control->state, SESSION_CLOSED);
	if (status == 0) {
		status = consumer_finish(attendant->consumer, attendant->reason);
	}
	int finished = writer_finish(attendant->writer, &attendant->error);

	if (status < 0 && finished == 0) {
		return reel_fail(&attendant->error, status, "%s: the trace is incomplete: %s",
			attendant->request->output, reel_status_str(status));
	}
	return finished;
}

_Noreturn void attendant_run(const struct attendant_request *request, int socket)
{
	struct attendant attendant = {
		.request = request, .program = -1, .reason = REEL_REASON_EXIT};
	int status;

	detach();
	attendant.socket = keep_only(socket);
	status = set_up(&attendant);
	if (status == 0) {
		tell(&attendant, MESSAGE_READY, 0, 0, attendant.session.path);
		status = attend(&attendant);
	} else {
		attendant.abandoned = true;
	}
	if (attendant.abandoned) {
		writer_abandon(attendant.writer);
	} else {
		status = finish(&attendant, status);
	}
	tell(&attendant, status < 0 ? MESSAGE_FAILED : MESSAGE_FINISHED, status, 0,
		attendant.error.text);
	tear_down(&attendant);
	_exit(status < 0);
}
