#define PY_SSIZE_T_CLEAN
#include "engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <structmember.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "closing.h"
#include "transport.h"

enum { READ = 1, WRITE = 2 };          /* as the module `selectors` has them */
enum { LONGEST_WAIT = 3600 };          /* seconds; then the loop asks again */
static const double POLL_SECONDS = 50e-6;    /* for which it looks again and again; about what it costs to be woken */
static const double SHORT_SECONDS = 100e-6;  /* a wait that ends so soon, being woken included, could have been spared */
/* Under load clients and backends either come in large lots, or each by itself, which may cost everybody a fifth more:
 * they fall asleep and are woken for every message. Both last. After some turns with less than a lot, a pause lets one
 * gather. Where it gathers none, since there are not so many under way, the next is twice as long in coming, until there
 * has been a lot. */
enum { SHALLOW = 16, DEEP = 24, MOST_PATIENT = 256 };
static const struct timespec PAUSE = {.tv_nsec = 200 * 1000};
enum { ALONE = 32 };                         /* turns with one socket each, before it does so */
enum { FOREIGN = 1 };                  /* a mark on what epoll remembers: a descriptor of Python's, no transport */

/* --- calling Python ---------------------------------------------------------------------------------------------- */

static void report(Engine *engine, PyObject *about)
{
    PyObject *type, *error, *traceback, *told = NULL;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback)
        PyException_SetTraceback(error, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    if (PyErr_GivenExceptionMatches(error, PyExc_KeyboardInterrupt) ||
        PyErr_GivenExceptionMatches(error, PyExc_SystemExit)) {
        Py_XSETREF(engine->raised, error);
        return;
    }
    PyObject *context = Py_BuildValue("{sssOsO}", "message", "A connection's protocol failed.", "exception", error,
                                      "protocol", about);
    if (context && engine->loop)
        told = PyObject_CallMethod(engine->loop, "call_exception_handler", "O", context);
    if (!told)
        PyErr_WriteUnraisable(about);
    Py_XDECREF(told);
    Py_XDECREF(context);
    Py_XDECREF(error);
}

PyObject *engine_ask(Engine *engine, PyObject *object, PyObject *name, PyObject *argument)
{
    engine_hold(engine);
    engine->has_called = true;
    PyObject *result;
    Py_INCREF(object);   /* what is called may have its owner let go of it */
    if (name)
        result = argument ? PyObject_CallMethodOneArg(object, name, argument) : PyObject_CallMethodNoArgs(object, name);
    else
        result = argument ? PyObject_CallOneArg(object, argument) : PyObject_CallNoArgs(object);
    if (!result)
        report(engine, object);
    Py_DECREF(object);
    return result;
}

bool engine_call(Engine *engine, PyObject *object, PyObject *name, PyObject *argument)
{
    PyObject *result = engine_ask(engine, object, name, argument);
    Py_XDECREF(result);
    return result != NULL;
}

/* --- turning ----------------------------------------------------------------------------------------------------- */

double engine_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Milliseconds for epoll, never fewer than there are; a loop that came too early would have to come again. */
static int milliseconds(double seconds)
{
    if (seconds <= 0)
        return 0;
    return seconds > LONGEST_WAIT ? LONGEST_WAIT * 1000 : (int)(seconds * 1000 + 0.999);
}

/* Tell those that were lost so, and let them go. Whether there were any. */
static bool tell_lost(Engine *engine)
{
    const bool are_any = engine->closed != NULL;
    if (are_any)
        engine_hold(engine);
    while (engine->closed) {
        Transport *transport = engine->closed;
        engine->closed = transport->after;
        if (!engine->closed)   /* who is told may lose others, which are told next */
            engine->last_closed = NULL;
        transport->after = NULL;
        transport_end(transport);
        Py_DECREF(transport);
    }
    return are_any;
}

/* A descriptor that Python watches: what its selector tells the loop. */
static bool tell(PyObject *found, const struct epoll_event *event)
{
    const int mask = (event->events & ~(uint32_t)EPOLLOUT ? READ : 0) | (event->events & ~(uint32_t)EPOLLIN ? WRITE : 0);
    PyObject *pair = Py_BuildValue("(ii)", (int)(event->data.u64 >> 1), mask);
    const bool is_told = pair && !PyList_Append(found, pair);
    Py_XDECREF(pair);
    return is_told;
}

void engine_pass_on(Engine *engine)
{
    while (engine->passing_at < engine->passing_size) {   /* one that fails has the rest sent before Python hears of it */
        const Passing *next = &engine->passing[engine->passing_at++];
        transport_pass(next->to, next->bytes, next->size);
    }
    engine->passing_at = engine->passing_size = 0;
    engine->chunk_at = 0;
}

void engine_send_gathered(Engine *engine)
{
    Gathered *gathered = &engine->gathered;
    const bool was_on = gathered->is_on;
    gathered->is_on = gathered->is_writing = false;   /* whom this calls writes at once, and what it dials need not wait */
    for (unsigned i = 0; i < gathered->dials_size; i++) {
        Dial *dial = &gathered->dials[i];
        transport_dial(dial->transport, (struct sockaddr *)&dial->address, dial->size);
        Py_DECREF(dial->transport);
    }
    for (unsigned i = 0; i < gathered->writing_size; i++) {
        transport_send_gathered(gathered->writing[i]);
        Py_DECREF(gathered->writing[i]);
    }
    gathered->dials_size = gathered->writing_size = 0;
    gathered->is_on = was_on;
}

/* What is ready, as `epoll_wait` has it. Where one message is waited for after the other, what they cost is mostly that
 * this thread falls asleep and is woken; so it looks for a moment longer, and gives way to all who want the core. Where
 * several are under way it would only find fewer of them at a time. */
static int wait_for_events(Engine *engine, int milliseconds)
{
    int count = 0;
    if (milliseconds && engine->is_hot && engine->alone >= ALONE) {
        const double end = engine_now() + POLL_SECONDS;
        do {
            count = epoll_wait(engine->poller, engine->ready, EVENTS, 0);
            if (!count)
                (void)sched_yield();
        } while (!count && engine_now() < end);
    }
    const bool pauses = !count && milliseconds && engine->shallow >= engine->patience;
    if (pauses) {
        engine->pauses++;
        engine->shallow = 0;
        (void)nanosleep(&PAUSE, NULL);
    }
    if (!count) {
        const bool is_watched = milliseconds && engine->may_poll;
        const double begun = is_watched ? engine_now() : 0;
        count = epoll_wait(engine->poller, engine->ready, EVENTS, milliseconds);
        if (milliseconds)
            engine->is_hot = is_watched && count == 1 && engine_now() - begun < SHORT_SECONDS;
    }
    if (pauses && count < DEEP && engine->patience < MOST_PATIENT)
        engine->patience *= 2;
    if (count > 1 && count < DEEP)
        engine->shallow++;
    else if (count != 1)
        engine->shallow = 0;
    if (count >= DEEP)
        engine->patience = SHALLOW;
    if (count > 1 || (count == 1 && engine->ready[0].data.u64 & FOREIGN))
        engine->alone = 0;
    else if (count == 1)
        engine->alone++;
    return count;
}

/* Have what the next three need come into the processor's cache while this one is served: with many connections most
 * of it is elsewhere. */
static void fetch_ahead(const struct epoll_event *ready, int i, int count)
{
    if (i + 3 < count && !(ready[i + 3].data.u64 & FOREIGN))
        transport_fetch(ready[i + 3].data.ptr);
    if (i + 2 < count && !(ready[i + 2].data.u64 & FOREIGN))
        transport_fetch_parts(ready[i + 2].data.ptr);
    if (i + 1 < count && !(ready[i + 1].data.u64 & FOREIGN))
        transport_fetch_counts(ready[i + 1].data.ptr);
}

static PyObject *engine_select(Engine *engine, PyObject *timeout)
{
    int wait = -1;
    double until = 0;
    if (engine->poller < 0 || engine->is_turning) {
        PyErr_SetString(PyExc_RuntimeError, "the engine is closed, or turning already");
        return NULL;
    }
    if (timeout != Py_None) {
        const double seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1.0 && PyErr_Occurred())
            return NULL;
        wait = milliseconds(seconds);
        until = engine_now() + seconds;
    }
    PyObject *found = PyList_New(0);
    if (!found)
        return NULL;
    bool has_failed = false;
    engine->has_called = false;
    engine->is_turning = true;
    if (tell_lost(engine))   /* outside of a turn, by Python, which has its turn after this one */
        wait = 0;
    for (int turn = 0; turn < TURNS && !has_failed; turn++) {
        if (!engine->released)
            engine->released = PyEval_SaveThread();
        const int count = wait_for_events(engine, engine->due ? 0 : closing_wait(engine, wait)), error = errno;
        if (count < 0 && error != EINTR) {
            engine_hold(engine);
            errno = error;
            PyErr_SetFromErrno(PyExc_OSError);
            has_failed = true;
        }
        closing_look(engine);
        if (has_failed || (count <= 0 && !engine->due))   /* it is time, or a signal, for which Python has its handlers */
            break;
        engine->turns++;
        Transport *due = engine->due;
        engine->due = engine->last_due = NULL;
        engine->gathered.is_on = true;
        for (int i = 0; i < count; i++) {
            const struct epoll_event *event = &engine->ready[i];
            fetch_ahead(engine->ready, i, count);
            if (!(event->data.u64 & FOREIGN))
                transport_serve(event->data.ptr, event->events);
            else if (!has_failed) {   /* those behind it are served in any case: they are not told again */
                engine_hold(engine);
                has_failed = !tell(found, event);
            }
        }
        while (due) {
            Transport *transport = due;
            due = transport->due_after;
            transport_serve_due(transport);
        }
        engine_pass_on(engine);
        engine->gathered.is_on = false;
        if (engine->gathered.writing_size || engine->gathered.dials_size) {
            engine_hold(engine);
            engine_send_gathered(engine);
        }
        (void)tell_lost(engine);
        if (engine->has_called)   /* clients come and go: what they cost is not the waking */
            engine->shallow = 0;
        if (PyList_GET_SIZE(found) || engine->has_called || !wait)
            break;
        if (wait > 0 && !(wait = milliseconds(until - engine_now())))
            break;
    }
    engine_hold(engine);
    engine->is_turning = false;
    if (engine->raised && !has_failed) {
        PyErr_SetObject((PyObject *)Py_TYPE(engine->raised), engine->raised);
        Py_CLEAR(engine->raised);
        has_failed = true;
    }
    if (has_failed)
        Py_CLEAR(found);
    return found;
}

/* watch(fd, events, is_known): what Python's own selector would ask of epoll; no events: nothing any more. */
static PyObject *engine_watch(Engine *engine, PyObject *args)
{
    int fd, events, is_known;
    if (!PyArg_ParseTuple(args, "iip", &fd, &events, &is_known))
        return NULL;
    struct epoll_event event = {
        .events = (events & READ ? EPOLLIN : 0u) | (events & WRITE ? EPOLLOUT : 0u),
        .data.u64 = (uint64_t)fd << 1 | FOREIGN,
    };
    const int what = !events ? EPOLL_CTL_DEL : is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(engine->poller, what, fd, &event) && what != EPOLL_CTL_DEL)
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

/* --- new connections --------------------------------------------------------------------------------------------- */

static void without_delay(int fd)
{
    const int yes = 1;   /* fails on sockets that are not TCP, which have no delay */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* adopt(fd, protocol, tls, server_name, on_made): a connected socket, without blocking. */
static PyObject *engine_adopt(Engine *engine, PyObject *args)
{
    int fd;
    PyObject *protocol, *tls, *on_made;
    const char *server_name;
    if (!PyArg_ParseTuple(args, "iOOzO", &fd, &protocol, &tls, &server_name, &on_made))
        return NULL;
    without_delay(fd);
    return (PyObject *)transport_new(engine, fd, protocol, tls, server_name, on_made, false);
}

/* accept(fd): one client of a listening socket, as (fd, address); None where none waits. */
static PyObject *engine_accept(Engine *engine, PyObject *listening)
{
    (void)engine;
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    const long from = PyLong_AsLong(listening);
    if (from == -1 && PyErr_Occurred())
        return NULL;
    const int fd = accept4((int)from, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
            Py_RETURN_NONE;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyObject *address = transport_address(&peer);
    if (!address && PyErr_Occurred()) {
        close(fd);
        return NULL;
    }
    return Py_BuildValue("(iN)", fd, address ? address : Py_NewRef(Py_None));
}

/* How long the address is that `ip` and `port` come to; 0 where it is none. */
static socklen_t numeric_address(const char *ip, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, ip, &four->sin_addr) == 1) {   /* the library's own way to all of them takes far longer */
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return sizeof *four;
    }
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(ip, service, &hints, &found))
        return 0;
    const socklen_t size = found->ai_addrlen;
    memcpy(address, found->ai_addr, size);
    freeaddrinfo(found);
    return size;
}

/* connect(ip, port, protocol, tls, server_name, on_made). */
static PyObject *engine_connect(Engine *engine, PyObject *args)
{
    const char *ip, *server_name;
    int port;
    PyObject *protocol, *tls, *on_made;
    if (!PyArg_ParseTuple(args, "siOOzO", &ip, &port, &protocol, &tls, &server_name, &on_made))
        return NULL;
    struct sockaddr_storage address;
    const socklen_t size = numeric_address(ip, (uint16_t)port, &address);
    if (!size)
        return PyErr_Format(PyExc_OSError, "%s is no IP address", ip);
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    without_delay(fd);
    Transport *transport = transport_new(engine, fd, protocol, tls, server_name, on_made, true);
    Gathered *gathered = &engine->gathered;
    if (transport && gathered->is_on) {
        Dial *dial = &gathered->dials[gathered->dials_size++];
        dial->transport = (Transport *)Py_NewRef((PyObject *)transport);
        dial->size = size;
        dial->address = address;
        if (gathered->dials_size == GATHERED)
            engine_send_gathered(engine);
    } else if (transport) {
        transport_dial(transport, (struct sockaddr *)&address, size);
    }
    return (PyObject *)transport;
}

/* --- the type ---------------------------------------------------------------------------------------------------- */

static PyObject *engine_close(Engine *engine, PyObject *nothing)
{
    (void)nothing;
    while (engine->closings)
        closing_forget(engine->closings);
    while (engine->open)
        transport_drop(engine->open);
    while (engine->due) {
        Transport *transport = engine->due;
        engine->due = transport->due_after;
        Py_DECREF(transport);
    }
    engine->last_due = NULL;
    while (engine->closed) {
        Transport *transport = engine->closed;
        engine->closed = transport->after;
        transport_forget(transport);
    }
    engine->last_closed = NULL;
    Gathered *gathered = &engine->gathered;
    while (gathered->dials_size)
        Py_DECREF(gathered->dials[--gathered->dials_size].transport);
    while (gathered->writing_size)
        Py_DECREF(gathered->writing[--gathered->writing_size]);
    if (engine->poller >= 0)
        close(engine->poller);
    engine->poller = -1;
    Py_CLEAR(engine->loop);
    Py_RETURN_NONE;
}

static PyObject *engine_serve(Engine *engine, PyObject *loop)
{
    Py_XSETREF(engine->loop, Py_NewRef(loop));
    Py_RETURN_NONE;
}

static PyObject *engine_get_connections(Engine *engine, void *closure)
{
    (void)closure;
    Py_ssize_t count = 0;
    for (const Transport *each = engine->open; each; each = each->after)
        count++;
    return PyLong_FromSsize_t(count);
}

static int engine_init(Engine *engine, PyObject *args, PyObject *options)
{
    (void)options;
    if (!PyArg_ParseTuple(args, ""))
        return -1;
    engine->patience = SHALLOW;
    engine->poller = epoll_create1(EPOLL_CLOEXEC);
    if (engine->poller < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    engine->chunk = malloc(PASSING_BYTES + CHUNK + TLS_RECORD);   /* TLS may hold a record from the time before */
    engine->sealed = malloc(CHUNK);
    if (engine->chunk && engine->sealed)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *options)
{
    (void)args, (void)options;
    Engine *engine = (Engine *)type->tp_alloc(type, 0);
    if (engine)
        engine->poller = -1;
    return (PyObject *)engine;
}

static int engine_traverse(Engine *engine, visitproc visit, void *arg)
{
    Py_VISIT(engine->loop);
    return 0;
}

static int engine_clear(Engine *engine)
{
    Py_CLEAR(engine->loop);
    return 0;
}

static void engine_dealloc(Engine *engine)
{
    PyObject_GC_UnTrack(engine);   /* no transport is left: each holds it */
    if (engine->poller >= 0)
        close(engine->poller);
    free(engine->chunk);
    free(engine->sealed);
    free(engine->outside.bytes);
    Py_XDECREF(engine->loop);
    Py_XDECREF(engine->raised);
    Py_TYPE(engine)->tp_free((PyObject *)engine);
}

static PyMethodDef methods[] = {
    {"select", (PyCFunction)engine_select, METH_O,
     "Serve its own sockets, for so many seconds or without end, until Python has something to do; what of its "
     "descriptors is ready, as (fd, events)."},
    {"watch", (PyCFunction)engine_watch, METH_VARARGS, "watch(fd, events, is_known): watch a descriptor of Python's."},
    {"accept", (PyCFunction)engine_accept, METH_O, "accept(fd): one client of a listening socket, or None."},
    {"adopt", (PyCFunction)engine_adopt, METH_VARARGS, "adopt(fd, protocol, tls, server_name, on_made)"},
    {"connect", (PyCFunction)engine_connect, METH_VARARGS, "connect(ip, port, protocol, tls, server_name, on_made)"},
    {"serve", (PyCFunction)engine_serve, METH_O, "Belong to this loop."},
    {"close", (PyCFunction)engine_close, METH_NOARGS, "Cut all its connections, without a word to anybody."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"turns", T_ULONGLONG, offsetof(Engine, turns), READONLY, "How often it has looked at its sockets."},
    {"passed", T_ULONGLONG, offsetof(Engine, passed), READONLY, "Chunks that it has passed on by itself."},
    {"given", T_ULONGLONG, offsetof(Engine, given), READONLY, "Chunks that it has given to protocols."},
    {"may_poll", T_BOOL, offsetof(Engine, may_poll), 0, "Whether it may look again for a moment before it sleeps."},
    {"is_hot", T_BOOL, offsetof(Engine, is_hot), 0, "Whether the last one came so soon that it does."},
    {"pauses", T_ULONGLONG, offsetof(Engine, pauses), READONLY, "How often it has let messages gather."},
    {"patience", T_UINT, offsetof(Engine, patience), READONLY, "After how many shallow turns it does so next."},
    {"alone", T_UINT, offsetof(Engine, alone), 0, "How many turns in a row had one socket only."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"connections", (getter)engine_get_connections, NULL, "How many transports are open.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject EngineType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.native._native.Engine",
    .tp_doc = "The selector of an event loop, which serves sockets of its own on the way.",
    .tp_basicsize = sizeof(Engine),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = engine_new,
    .tp_init = (initproc)engine_init,
    .tp_methods = methods,
    .tp_members = members,
    .tp_getset = getset,
    .tp_traverse = (traverseproc)engine_traverse,
    .tp_clear = (inquiry)engine_clear,
    .tp_dealloc = (destructor)engine_dealloc,
};
