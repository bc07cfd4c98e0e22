/* wsload: a WebSocket load generator. One thread, epoll, libc; libssl for wss. RFC 6455.
 *
 *     wsload echo       URL [--connections N] [--window W] [--size BYTES] [--seconds S | --messages M]
 *     wsload paced      URL --rate R [--connections N] [--window W] [--size BYTES] [--seconds S | --messages M]
 *     wsload handshakes URL [--connections C] [--seconds S]
 *     wsload idle       URL [--connections N] [--seconds S]
 *     wsload tls
 *     with any that has a URL: [--authorization VALUE] [--subprotocol NAME] [--watch PID,PID…]
 *
 * echo        keeps W messages in flight on each of N connections and checks every byte that comes back
 * paced       sends R messages a second, each at its time, whether or not earlier ones are back; latency counts from the
 *             time a message was due. With W (4096 unless told) in flight on a connection it is an "overrun"
 * handshakes  opens, waits for the 101, closes properly, again; C at a time
 * idle        opens N connections, prints {"open":N}, holds them until stdin ends or S seconds have passed
 * tls         prints the version of the TLS library; exit code 1 when there is none
 *
 * URL is ws://127.0.0.1:PORT/path?query or wss:// (an IPv4 address or localhost). --watch names processes whose
 * processor time is added up over the measured time ("cpu_seconds"). The result is one line of JSON on stdout.
 * Exit code 0 when nothing went wrong, 1 when a counter under "errors" is above zero, 2 for wrong usage.
 *
 * One file, because everything in it works on the same connections and the same stage of the run; the rest is in headers.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "proctime.h"
#include "tls.h"

enum { CHUNK = 256 * 1024, RESPONSE_MAX = 4096, OPENING_AT_ONCE = 32, GIVE_UP_AFTER = 1000, PACED_WINDOW = 4096 };
static const uint64_t SECOND = 1000000000ull;
static const double TICK = 100e-6;          /* paced: messages that are due within so many seconds go out together */
static const unsigned char MASK[4] = {0x37, 0xFA, 0x21, 0x3D};
/* The sample key and its answer, RFC 6455 section 1.3: the answer can be checked without SHA-1. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum mode { ECHO, PACED, HANDSHAKES, IDLE };
static const char *const MODES[] = {"echo", "paced", "handshakes", "idle"};
enum stage { OPENING, WARMING, MEASURING, DRAINING, CLOSING, DONE };
enum phase { UNUSED, CONNECTING, SECURING, AWAITING_101, OPEN, AWAITING_END, FINISHED };

struct connection {
    int fd;
    void *tls;                      /* the session; NULL on ws */
    enum phase phase;
    int blocked;                    /* epoll watches for room to write */
    uint64_t since;                 /* when connect was called, or the Close sent; ns */
    char *response;                 /* the handshake's answer as far as it has come */
    size_t response_len;
    uint64_t owed;                  /* bytes of data frames still to be written */
    size_t at;                      /* where in a frame the next written byte stands */
    size_t again;                   /* so many bytes of data were refused by TLS and must be offered again as they are */
    unsigned char control[256];     /* Pong or Close waiting for a frame boundary */
    size_t control_len;
    unsigned char head[10];         /* the incoming header as far as it has come */
    size_t head_len;
    uint64_t left;                  /* payload bytes of the incoming frame still to come */
    uint64_t got;                   /* payload bytes of the incoming message so far */
    int inside;                     /* a message has begun and its last frame has not ended */
    unsigned char ping[125];
    uint64_t *sent_at;              /* ring of `window` times, oldest message first; ns */
    unsigned oldest, in_flight;
};

static struct {
    enum mode mode;
    struct sockaddr_in address;
    char request[8192];
    const char *subprotocol;
    unsigned connections, window;
    size_t size;
    double seconds, rate;
    uint64_t messages;
    const char *watched;
    int secure;
} option = {.connections = 1, .size = 125, .seconds = 3};

static struct {
    uint64_t connect, refused, protocol, lost, timeout, missing, overrun;
} errors;

static int poller, timer;
static enum stage stage = OPENING;
static uint64_t now, stage_began, measured_from, measured_to;
static unsigned opening, opened, finished, failed;
static uint64_t started, completed, counted, cpu_from, cpu_to;
static uint64_t due, batch, pace_began;      /* paced: messages due so far, due at once; when the first was, ns */
static struct histogram latency;
static struct connection *connections;
static unsigned char incoming[CHUNK];
static unsigned char *payload, *frames;     /* what is sent: one payload, and window + 1 masked frames of it */
static size_t frame_size;

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- the wire: everything that knows about TLS --------------------------------------------------------- */

static ssize_t wire_read(struct connection *l, void *to, size_t len)
{
    return l->tls ? tls_read(l->tls, to, len) : recv(l->fd, to, len, 0);
}

static ssize_t wire_write(struct connection *l, const void *from, size_t len)
{
    if (l->tls)
        return tls_write(l->tls, from, len);
    ssize_t done = send(l->fd, from, len, MSG_NOSIGNAL);
    return done < 0 && errno == EAGAIN ? 0 : done;
}

static int wire_has_more(struct connection *l) { return l->tls && tls_has_more(l->tls); }

static void wire_close(struct connection *l)
{
    if (l->tls)
        tls_close(l->tls);
    l->tls = NULL;
    close(l->fd);
}

static void watch(struct connection *l, int operation, int writing)
{
    struct epoll_event event = {.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = l};
    epoll_ctl(poller, operation, l->fd, &event);
    l->blocked = writing;
}

static void hang_up(struct connection *l)
{
    if (l->phase == CONNECTING || l->phase == SECURING || l->phase == AWAITING_101)
        opening--;
    wire_close(l);
    l->phase = option.mode == HANDSHAKES && stage < DRAINING ? UNUSED : FINISHED;
    finished += l->phase == FINISHED;
}

static void fail(struct connection *l, uint64_t *error)
{
    ++*error;
    ++failed;
    errors.missing += l->in_flight;
    l->in_flight = 0;
    hang_up(l);
}

/* ---- frames out ---------------------------------------------------------------------------------------- */

static size_t make_head(unsigned char *to, unsigned char first, size_t len)
{
    size_t at = 2;
    to[0] = first;
    to[1] = (unsigned char)(0x80 | (len < 126 ? len : len < 65536 ? 126 : 127));
    for (int shift = len < 126 ? -8 : len < 65536 ? 8 : 56; shift >= 0; shift -= 8)
        to[at++] = (unsigned char)((uint64_t)len >> shift);
    memcpy(to + at, MASK, 4);
    return at + 4;
}

static size_t make_frame(unsigned char *to, unsigned char first, const unsigned char *data, size_t len)
{
    size_t head = make_head(to, first, len);
    for (size_t i = 0; i < len; i++)
        to[head + i] = data[i] ^ MASK[i & 3];
    return head + len;
}

static void make_payload(void)
{
    payload = malloc(option.size + 1);
    for (size_t i = 0; i < option.size; i++)
        payload[i] = (unsigned char)(i * 31 + i / 251);
    frames = malloc((option.window + 1) * (option.size + 14));
    frame_size = make_frame(frames, 0x82, payload, option.size);
    for (unsigned i = 1; i <= option.window; i++)
        memcpy(frames + i * frame_size, frames, frame_size);
}

/* Writes what is owed. Control frames go out only where a data frame has ended. */
static void flush(struct connection *l)
{
    while (l->owed || l->control_len) {
        int control = l->control_len && !l->at && !l->again;
        size_t rest = (option.window + 1) * frame_size - l->at;
        size_t len = control ? l->control_len : l->owed < rest ? (size_t)l->owed : rest;
        if (!control && l->control_len)
            len = frame_size - l->at;
        if (l->again)
            len = l->again;
        ssize_t done = wire_write(l, control ? l->control : frames + l->at, len);
        if (done < 0) {
            fail(l, &errors.lost);
            return;
        }
        if (control) {
            memmove(l->control, l->control + done, l->control_len -= (size_t)done);
        } else {
            l->owed -= (uint64_t)done;
            l->at = (l->at + (size_t)done) % frame_size;
            l->again = l->tls ? len - (size_t)done : 0;
        }
        if ((size_t)done < len)
            break;
    }
    int writing = l->owed || l->control_len;
    if (writing != l->blocked)
        watch(l, EPOLL_CTL_MOD, writing);
}

/* Sends `count` messages whose latency counts from `at`. */
static void send_messages(struct connection *l, unsigned count, uint64_t at)
{
    for (; count && (!option.messages || started < option.messages); count--) {
        l->sent_at[(l->oldest + l->in_flight++) % option.window] = at;
        l->owed += frame_size;
        started++;
    }
    flush(l);
}

static void send_control(struct connection *l, unsigned char first, const unsigned char *data, size_t len)
{
    if (l->control_len + len + 6 <= sizeof l->control)
        l->control_len += make_frame(l->control + l->control_len, first, data, len);
    flush(l);
}

static void say_goodbye(struct connection *l)
{
    static const unsigned char normal[] = {1000 >> 8, 1000 & 0xFF};
    l->phase = AWAITING_END;
    l->since = now;
    send_control(l, 0x88, normal, sizeof normal);
}

/* ---- frames in ----------------------------------------------------------------------------------------- */

static size_t head_size(const struct connection *l)
{
    unsigned len = l->head[1] & 0x7F;
    return l->head_len < 2 || len < 126 ? 2 : len == 126 ? 4 : 10;
}

/* A header is whole: is it one that may come now? */
static int begin_frame(struct connection *l)
{
    unsigned opcode = l->head[0] & 0x0F;
    l->left = l->head_len > 2 ? 0 : l->head[1] & 0x7F;
    for (size_t i = 2; i < l->head_len; i++)
        l->left = l->left << 8 | l->head[i];
    if (l->head[0] & 0x70 || l->head[1] & 0x80)
        return 0;
    if (opcode >= 8)
        return l->left <= 125 && l->head[0] & 0x80;
    int expected = opcode == (l->inside ? 0u : 2u) && l->in_flight && l->got + l->left <= option.size;
    l->inside = 1;
    return expected;
}

static void complete_message(struct connection *l)
{
    uint64_t took = now - l->sent_at[l->oldest];
    l->oldest = (l->oldest + 1) % option.window;
    l->in_flight--;
    l->got = 0;
    l->inside = 0;
    completed++;
    if (stage == MEASURING) {
        histogram_add(&latency, took);
        counted++;
    }
}

/* The frame's last byte is here. False when that makes a protocol error. */
static int end_frame(struct connection *l, unsigned *messages)
{
    unsigned opcode = l->head[0] & 0x0F;
    size_t len = l->head[1] & 0x7F;
    int final = l->head[0] & 0x80;
    l->head_len = 0;
    if (opcode == 9)
        send_control(l, 0x8A, l->ping, len);
    else if (opcode < 8 && final) {
        if (l->got != option.size)
            return 0;
        complete_message(l);
        ++*messages;
    }
    return opcode != 8;
}

static int take_payload(struct connection *l, const unsigned char *data, size_t len)
{
    unsigned opcode = l->head[0] & 0x0F;
    if (opcode >= 8)
        memcpy(l->ping + ((size_t)l->head[1] - l->left), data, len);
    else if (memcmp(payload + l->got, data, len))
        return 0;
    else
        l->got += len;
    l->left -= len;
    return 1;
}

static void take_frames(struct connection *l, const unsigned char *data, size_t len)
{
    unsigned messages = 0;
    int legal = 1;
    while (len && legal && l->phase == OPEN) {
        size_t used = 0;
        if (l->head_len < head_size(l)) {
            l->head[l->head_len++] = *data;
            used = 1;
            legal = l->head_len < head_size(l) || begin_frame(l);
        } else {
            used = l->left < len ? (size_t)l->left : len;
            legal = take_payload(l, data, used);
        }
        data += used, len -= used;
        if (legal && l->head_len == head_size(l) && !l->left)
            legal = end_frame(l, &messages);
    }
    if (!legal)
        fail(l, (l->head[0] & 0x0F) == 8 ? &errors.lost : &errors.protocol);
    else if (messages && option.mode == ECHO && stage < DRAINING && l->phase == OPEN)
        send_messages(l, messages, now);
}

/* ---- handshake ----------------------------------------------------------------------------------------- */

static void dial(struct connection *l)
{
    int yes = 1;
    *l = (struct connection){.response = l->response, .sent_at = l->sent_at, .since = now, .phase = CONNECTING};
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    opening++;
    if (l->fd < 0 || (connect(l->fd, (struct sockaddr *)&option.address, sizeof option.address) && errno != EINPROGRESS)) {
        fail(l, &errors.connect);
        return;
    }
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(l, EPOLL_CTL_ADD, 1);
}

static void ask(struct connection *l)
{
    size_t len = strlen(option.request);
    if (wire_write(l, option.request, len) != (ssize_t)len) {
        fail(l, &errors.connect);
        return;
    }
    l->phase = AWAITING_101;
    if (l->blocked)
        watch(l, EPOLL_CTL_MOD, 0);
}

static void secure(struct connection *l)
{
    ssize_t result = tls_connect(l->tls);
    if (result > 0)
        ask(l);
    else if (!result || errno != EAGAIN)
        fail(l, &errors.connect);
    else if (l->blocked)
        watch(l, EPOLL_CTL_MOD, 0);     /* a ClientHello always fits, so what is wanted is an answer */
}

static void connected(struct connection *l)
{
    int problem = 0;
    socklen_t size = sizeof problem;
    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem) {
        fail(l, &errors.connect);
    } else if (option.secure) {
        l->phase = SECURING;
        l->tls = tls_open(l->fd);
        secure(l);
    } else {
        ask(l);
    }
}

static int is_welcome(const char *response)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\r\nSec-WebSocket-Protocol: %s\r\n", option.subprotocol ? option.subprotocol : "");
    return !strncmp(response, "HTTP/1.1 101 ", 13)
        && strcasestr(response, "\r\nSec-WebSocket-Accept: " ACCEPT "\r\n")
        && (option.subprotocol ? strcasestr(response, wanted) != NULL
                               : !strcasestr(response, "\r\nSec-WebSocket-Protocol:"));
}

static void refused(struct connection *l)
{
    if (!errors.refused)
        fprintf(stderr, "wsload: the handshake was refused: %.*s\n", (int)strcspn(l->response, "\r"), l->response);
    fail(l, &errors.refused);
}

static void welcomed(struct connection *l)
{
    opening--;
    opened++;
    l->phase = OPEN;
    if (option.mode != HANDSHAKES)
        return;
    if (stage == MEASURING) {
        histogram_add(&latency, now - l->since);
        counted++;
    }
    say_goodbye(l);
}

static void read_response(struct connection *l, const unsigned char *data, size_t len)
{
    if (!l->response)
        l->response = malloc(RESPONSE_MAX + 1);
    size_t before = l->response_len, room = RESPONSE_MAX - before;
    memcpy(l->response + before, data, len < room ? len : room);
    l->response[l->response_len += len < room ? len : room] = 0;
    const char *end = strstr(l->response, "\r\n\r\n");
    if (!end && len < room)
        return;
    if (!end || !is_welcome(l->response)) {
        refused(l);
        return;
    }
    size_t used = (size_t)(end + 4 - l->response) - before;
    welcomed(l);
    if (l->phase == OPEN && used < len)
        take_frames(l, data + used, len - used);
}

/* ---- the course of a run ------------------------------------------------------------------------------- */

static void enter(enum stage next)
{
    stage = next;
    stage_began = now;
    if (next == MEASURING) {
        measured_from = now;
        cpu_from = processor_ns(option.watched);
    }
    if (next == DRAINING) {
        measured_to = now;
        cpu_to = processor_ns(option.watched);
    }
}

static void open_more(void)
{
    for (unsigned i = 0; i < option.connections && opening < OPENING_AT_ONCE; i++)
        if (connections[i].phase == UNUSED)
            dial(&connections[i]);
}

static void everyone(void (*act)(struct connection *))
{
    for (unsigned i = 0; i < option.connections; i++)
        if (connections[i].phase == OPEN)
            act(&connections[i]);
}

static void send_window(struct connection *l) { send_messages(l, option.window, now); }

static void start_pace(void)
{
    batch = option.rate * TICK < 1 ? 1 : (uint64_t)(option.rate * TICK);
    uint64_t pause = (uint64_t)((double)batch / option.rate * 1e9);
    struct timespec time = {(time_t)(pause / SECOND), (long)(pause % SECOND)};
    struct itimerspec pace = {time, time};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &timer};
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    timerfd_settime(timer, 0, &pace, NULL);
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    pace_began = now;
}

static void send_due(struct connection *l, uint64_t at)
{
    if (l->phase != OPEN)
        return;
    if (l->in_flight == option.window)
        errors.overrun++;
    else
        send_messages(l, 1, at);
}

/* Sends what is due by now, one message on each connection in turn. */
static void keep_pace(void)
{
    uint64_t expired;
    if (read(timer, &expired, sizeof expired) < 0 || stage >= DRAINING)
        return;
    uint64_t at;
    while ((at = pace_began + (uint64_t)((double)due / option.rate * 1e9)) <= now) {
        for (uint64_t i = 0; i < batch; i++)
            send_due(&connections[due++ % option.connections], at);
    }
}

static void start_work(void)
{
    if (option.mode == IDLE) {
        printf("{\"open\":%u}\n", opened);
        fflush(stdout);
    }
    enter(option.mode == IDLE || option.messages ? MEASURING : WARMING);
    if (option.mode == ECHO)
        everyone(send_window);
    if (option.mode == PACED)
        start_pace();
}

/* How long the closing handshake may take, in ns: all connections of a run say goodbye at once. */
static uint64_t closing_patience(void) { return 2 * SECOND + option.connections * (SECOND / 500); }

static void sweep(void)
{
    for (unsigned i = 0; i < option.connections; i++) {
        struct connection *l = &connections[i];
        uint64_t age = l->since < now ? now - l->since : 0;
        if ((l->phase == CONNECTING || l->phase == SECURING || l->phase == AWAITING_101) && age > 10 * SECOND)
            fail(l, &errors.timeout);
        if (l->phase == AWAITING_END && age > closing_patience())
            fail(l, &errors.timeout);
    }
}

static unsigned still_in_flight(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < option.connections; i++)
        count += connections[i].in_flight;
    return count;
}

/* What has not come back by now is missing; connections that were never opened, or between two handshakes, are done. */
static void settle(void)
{
    for (unsigned i = 0; i < option.connections; i++) {
        errors.missing += connections[i].in_flight;
        connections[i].in_flight = 0;
        if (connections[i].phase == UNUSED) {
            connections[i].phase = FINISHED;
            finished++;
        }
    }
}

/* Moves the run on when its stage is over. Called between events, about every 20 ms at least. */
static void advance(void)
{
    uint64_t duration = (uint64_t)(option.seconds * 1e9), age = now - stage_began;
    uint64_t warm = option.mode == PACED ? duration * 3 / 2 : duration / 10;   /* opening leaves something to be done */
    uint64_t patience = option.messages ? 60 * SECOND : duration;
    int all_gone = finished == option.connections || failed >= GIVE_UP_AFTER;
    if (stage == OPENING && (option.mode == HANDSHAKES || opened + finished == option.connections))
        start_work();
    else if (stage == WARMING && (age >= warm || all_gone))
        enter(MEASURING);
    else if (stage == MEASURING && (age >= patience || all_gone || (option.messages && completed >= option.messages)))
        enter(DRAINING);
    else if (stage == DRAINING && (age > 2 * SECOND || !still_in_flight())) {
        settle();
        everyone(say_goodbye);
        enter(CLOSING);
    } else if (stage == CLOSING && (all_gone || age > closing_patience() + SECOND))
        enter(DONE);
    if (stage == OPENING || (option.mode == HANDSHAKES && stage < DRAINING))
        open_more();
    sweep();
}

static void take(struct connection *l, ssize_t got)
{
    if (l->phase == AWAITING_END && got > 0)
        return;
    if (l->phase == AWAITING_END)
        hang_up(l);
    else if (got <= 0)
        fail(l, l->phase == AWAITING_101 ? &errors.refused : &errors.lost);
    else if (l->phase == AWAITING_101)
        read_response(l, incoming, (size_t)got);
    else
        take_frames(l, incoming, (size_t)got);
}

static void read_some(struct connection *l)
{
    do {
        ssize_t got = wire_read(l, incoming, sizeof incoming);
        if (got < 0 && errno == EAGAIN)
            return;
        now = clock_ns();
        take(l, got);
    } while (wire_has_more(l));
}

static void serve(struct connection *l, uint32_t events)
{
    if (l->phase == CONNECTING)
        connected(l);
    else if (l->phase == SECURING)
        secure(l);
    else if (l->phase != UNUSED && l->phase != FINISHED) {
        if (events & EPOLLOUT)
            flush(l);
        if (events & ~(uint32_t)EPOLLOUT && l->phase != UNUSED && l->phase != FINISHED)
            read_some(l);
    }
}

static void watch_stdin(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);     /* refused for a plain file: then only time ends it */
}

static void read_stdin(void)
{
    char ignored[64];
    if (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        return;
    epoll_ctl(poller, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    if (stage == MEASURING)
        enter(DRAINING);
}

static void run(void)
{
    struct epoll_event ready[256];
    uint64_t advanced = 0;
    now = stage_began = clock_ns();
    while (stage != DONE) {
        if (stage == OPENING || option.mode == HANDSHAKES || option.messages || now - advanced > SECOND / 50) {
            advance();
            advanced = now;
        }
        int count = epoll_wait(poller, ready, 256, 20);
        now = clock_ns();
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr == &timer)
                keep_pace();
            else if (ready[i].data.ptr)
                serve(ready[i].data.ptr, ready[i].events);
            else
                read_stdin();
        }
    }
}

/* ---- options and result -------------------------------------------------------------------------------- */

static void usage(const char *problem)
{
    fprintf(stderr, "wsload: %s\nusage: wsload echo|paced|handshakes|idle ws[s]://ADDRESS:PORT/PATH [--connections N] "
                    "[--window W] [--rate R] [--size BYTES] [--seconds S] [--messages M] [--authorization VALUE] "
                    "[--subprotocol NAME] [--watch PID,PID]\n   or: wsload tls\n", problem);
    exit(2);
}

static void read_url(const char *url, const char *authorization)
{
    char host[64], path[4096] = "/";
    unsigned port = 80;
    option.secure = !strncmp(url, "wss:", 4);
    if (sscanf(url, option.secure ? "wss://%63[^:/]:%u%4095s" : "ws://%63[^:/]:%u%4095s", host, &port, path) < 2)
        usage("the URL must look like ws://127.0.0.1:9099/path");
    if (option.secure && !tls_load())
        usage("there is no TLS library (libssl) for wss");
    option.address.sin_family = AF_INET;
    option.address.sin_port = htons((uint16_t)port);
    if (!inet_aton(strcmp(host, "localhost") ? host : "127.0.0.1", &option.address.sin_addr))
        usage("the URL needs an IPv4 address or localhost");
    int len = snprintf(option.request, sizeof option.request,
        "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n%s%s%s%s%s%s\r\n", path, host, port,
        authorization ? "Authorization: " : "", authorization ? authorization : "", authorization ? "\r\n" : "",
        option.subprotocol ? "Sec-WebSocket-Protocol: " : "", option.subprotocol ? option.subprotocol : "",
        option.subprotocol ? "\r\n" : "");
    if (len >= (int)sizeof option.request)
        usage("URL and headers are too long (8 kB in all)");
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"connections", 1, 0, 'c'}, {"window", 1, 0, 'w'}, {"size", 1, 0, 's'}, {"seconds", 1, 0, 't'},
        {"messages", 1, 0, 'm'}, {"authorization", 1, 0, 'a'}, {"subprotocol", 1, 0, 'p'}, {"rate", 1, 0, 'r'},
        {"watch", 1, 0, 'i'}, {0, 0, 0, 0}};
    const char *authorization = NULL;
    int name;
    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (name) {
        case 'c': option.connections = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'w': option.window = (unsigned)strtoul(optarg, NULL, 10); break;
        case 's': option.size = strtoul(optarg, NULL, 10); break;
        case 't': option.seconds = strtod(optarg, NULL); break;
        case 'm': option.messages = strtoull(optarg, NULL, 10); break;
        case 'a': authorization = optarg; break;
        case 'p': option.subprotocol = optarg; break;
        case 'r': option.rate = strtod(optarg, NULL); break;
        case 'i': option.watched = optarg; break;
        default: usage("unknown option");
        }
    }
    if (argc - optind != 2)
        usage("a mode and a URL are needed");
    while (option.mode <= IDLE && strcmp(argv[optind], MODES[option.mode]))
        option.mode++;
    if (option.mode > IDLE)
        usage("the mode is echo, paced, handshakes or idle");
    if ((option.mode == PACED) != (option.rate > 0))
        usage("the mode paced, and no other, needs a rate above 0");
    if (!option.window)
        option.window = option.mode == PACED ? PACED_WINDOW : 1;
    if (!option.connections || option.seconds <= 0)
        usage("connections and seconds must be above 0");
    read_url(argv[optind + 1], authorization);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (option.connections + 16 > limit.rlim_cur)
        usage("more connections than this process may open files (ulimit -n)");
}

static double us(double part) { return (double)histogram_at(&latency, part) / 1000; }

static int report(void)
{
    double seconds = (double)(measured_to - measured_from) / 1e9, rate = seconds > 0 ? (double)counted / seconds : 0;
    uint64_t sum = errors.connect + errors.refused + errors.protocol + errors.lost + errors.timeout + errors.missing
        + errors.overrun;
    printf("{\"mode\":\"%s\",\"connections\":%u,\"window\":%u,\"size\":%zu,\"opened\":%u,\"seconds\":%.3f,"
           "\"count\":%lu,\"per_second\":%.1f,\"mb_per_second\":%.2f,\"cpu_seconds\":%.2f,"
           "\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},"
           "\"errors\":{\"connect\":%lu,\"refused\":%lu,\"protocol\":%lu,\"lost\":%lu,\"timeout\":%lu,\"missing\":%lu,"
           "\"overrun\":%lu}}\n",
           MODES[option.mode], option.connections, option.window, option.size, opened, seconds, counted, rate,
           option.mode <= PACED ? rate * (double)option.size / 1e6 : 0, (double)(cpu_to - cpu_from) / 1e9, us(.5), us(.9),
           us(.99), (double)latency.max / 1000, errors.connect, errors.refused, errors.protocol, errors.lost,
           errors.timeout, errors.missing, errors.overrun);
    return sum ? 1 : 0;
}

static int tell_tls(void)
{
    const char *version = tls_load();
    printf("{\"tls\":\"%s\"}\n", version ? version : "");
    return version ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "tls"))
        return tell_tls();
    signal(SIGPIPE, SIG_IGN);
    read_options(argc, argv);
    raise_descriptor_limit();
    make_payload();
    histogram_clear(&latency);
    poller = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc(option.connections, sizeof *connections);
    uint64_t *rings = calloc((size_t)option.connections * option.window, sizeof *rings);
    for (unsigned i = 0; i < option.connections; i++)
        connections[i].sent_at = rings + (size_t)i * option.window;
    if (option.mode == IDLE)
        watch_stdin();
    run();
    return report();
}
