/* One file, because every way in, out and to the end changes the same state: the end, the poller, out, in, a new one,
 * and what Python calls. */
#define PY_SSIZE_T_CLEAN
#include "closing.h"
#include "transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <structmember.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HIGH_WATER = 64 * 1024, LOW_WATER = 16 * 1024 };
enum { MOST_KEPT = 1024 * 1024 };   /* room for bytes of TLS on their way out that is kept for the next ones */
enum { MOST_ANSWERED = 64 * 1024 };   /* bytes that TLS itself has to say to a peer that does not read them */
static const double LINGER_SECONDS = 2.0;   /* for a peer to answer the end of TLS */

static void rearm(Transport *transport);
static void send_waiting(Transport *transport);

/* Without the C library's steps for threads that are cancelled in the midst of a call, which cost as much as the scanner.
 * The sanitizers know what its own functions do to memory, and nothing of these. */
#ifdef __SANITIZE_ADDRESS__
#define send_now(fd, bytes, size) send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT)
#define receive_now(fd, bytes, size) recv(fd, bytes, size, MSG_DONTWAIT)
#else
#define send_now(fd, bytes, size) syscall(SYS_sendto, fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0)
#define receive_now(fd, bytes, size) syscall(SYS_recvfrom, fd, bytes, size, MSG_DONTWAIT, NULL, NULL)
#endif

/* Names of what is called in Python. */
#define NAMES(X) X(connection_made) X(connection_lost) X(data_received) X(eof_received) X(pause_writing) \
    X(resume_writing) X(cancel) X(abort)
#define DECLARE(name) static PyObject *name_##name;
NAMES(DECLARE)

bool transport_prepare(void)
{
#define INTERN(name) if (!(name_##name = PyUnicode_InternFromString(#name))) return false;
    NAMES(INTERN)
    return true;
}

static PyObject *os_error(int number)
{
    PyObject *error = PyObject_CallFunction(PyExc_OSError, "is", number, strerror(number));
    if (!error)
        PyErr_Clear();   /* no memory; then it ends without saying why */
    return error;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void unlink_from_engine(Transport *transport)
{
    if (transport->before)
        transport->before->after = transport->after;
    else
        transport->engine->open = transport->after;
    if (transport->after)
        transport->after->before = transport->before;
    transport->before = transport->after = NULL;
}

static void close_descriptor(Transport *transport)
{
    struct epoll_event none = {0};
    if (transport->watched)   /* by itself it stays with the poller while another process has it open, too */
        (void)epoll_ctl(transport->engine->poller, EPOLL_CTL_DEL, transport->fd, &none);
    transport->watched = 0;
    close(transport->fd);
    transport->fd = -1;
    free(transport->waiting);
    transport->waiting = NULL;
    transport->waiting_at = transport->waiting_size = transport->waiting_room = 0;
}

static void let_go_of_python(Transport *transport)
{
    Py_CLEAR(transport->leg);
    Py_CLEAR(transport->peer);
    Py_CLEAR(transport->protocol);
    Py_CLEAR(transport->on_made);
    Py_CLEAR(transport->deadline);
    Py_CLEAR(transport->why);
    SSL_free(transport->ssl);
    transport->ssl = NULL;
}

/* Close it now. Its protocol hears of it when all in this turn have been served, since nothing may mean it any more by
 * then. `error` is taken over; NULL: there was none. */
static void lose(Transport *transport, PyObject *error)
{
    Engine *engine = transport->engine;
    engine_hold(engine);
    if (transport->state != LOST) {
        transport->state = LOST;
        close_descriptor(transport);
        if (transport->deadline)
            engine_call(engine, transport->deadline, name_cancel, NULL);
        unlink_from_engine(transport);
        if (engine->last_closed)
            engine->last_closed->after = transport;
        else
            engine->closed = transport;
        engine->last_closed = transport;
        transport->why = error;
        engine->has_called = true;
        return;
    }
    Py_XDECREF(error);
}

static void fail(Transport *transport, int number)
{
    engine_hold(transport->engine);
    lose(transport, os_error(number));
}

void transport_end(Transport *transport)
{
    Engine *engine = transport->engine;
    PyObject *why = transport->why ? transport->why : Py_None;
    if (closing_loses(transport)) {
        ;   /* as it should */
    } else if (transport->was_made) {
        engine_call(engine, transport->protocol, name_connection_lost, why);
    } else if (transport->on_made) {
        why = why == Py_None ? os_error(ECONNABORTED) : Py_NewRef(why);
        if (why)
            engine_call(engine, transport->on_made, NULL, why);
        Py_XDECREF(why);
    }
    let_go_of_python(transport);
}

void transport_forget(Transport *transport)
{
    let_go_of_python(transport);
    Py_DECREF(transport);
}

void transport_drop(Transport *transport)
{
    transport->state = LOST;
    close_descriptor(transport);
    unlink_from_engine(transport);
    transport_forget(transport);
}

/* --- the poller -------------------------------------------------------------------------------------------------- */

/* Have watched what matters from now on. Everything is told once, when it happens: `may_read` remembers it until it has
 * been read to its end, and what has waited for room is sent on as far as there is some. */
static void rearm(Transport *transport)
{
    if (transport->state == LOST)
        return;
    uint32_t wanted = EPOLLOUT | EPOLLET;
    if (transport->state != CONNECTING)
        wanted = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET |
                 (transport->waiting_size && !transport->is_gathered ? EPOLLOUT
                  : transport->watched & EPOLLIN                     ? transport->watched & EPOLLOUT
                                                                     : 0u);
    if (wanted == transport->watched)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = transport};
    const int what = transport->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(transport->engine->poller, what, transport->fd, &event))
        fail(transport, errno);
    else
        transport->watched = wanted;
}

/* Whether what comes is to be read now. */
static bool is_listening(const Transport *transport)
{
    if (transport->state == OPEN)
        return !transport->is_paused && !transport->has_ended;
    return transport->state == SECURING || transport->state == LINGERING;
}

/* Have it read in the next turn, if there may be something: it will not be told again. */
static void come_back(Transport *transport)
{
    Engine *engine = transport->engine;
    if (!transport->may_read || transport->is_due || !is_listening(transport))
        return;
    engine_hold(engine);
    transport->is_due = true;
    transport->due_after = NULL;
    if (engine->last_due)
        engine->last_due->due_after = transport;
    else
        engine->due = transport;
    engine->last_due = (Transport *)Py_NewRef((PyObject *)transport);
}

/* --- out --------------------------------------------------------------------------------------------------------- */

static bool keep(Transport *transport, const uint8_t *bytes, size_t size)
{
    if (transport->waiting_at + transport->waiting_size + size > transport->waiting_room) {
        if (transport->waiting_at)
            memmove(transport->waiting, transport->waiting + transport->waiting_at, transport->waiting_size);
        transport->waiting_at = 0;
        const size_t needed = transport->waiting_size + size;
        if (needed > transport->waiting_room) {
            uint8_t *grown = realloc(transport->waiting, needed + needed / 2);
            if (!grown)
                return false;
            transport->waiting = grown;
            transport->waiting_room = needed + needed / 2;
        }
    }
    memcpy(transport->waiting + transport->waiting_at + transport->waiting_size, bytes, size);
    transport->waiting_size += size;
    return true;
}

/* Keep bytes back until more is sent together with them, if they are few and nothing waits for room. */
static bool gather(Transport *transport, const uint8_t *bytes, size_t size)
{
    Gathered *gathered = &transport->engine->gathered;
    if (!gathered->is_writing || (transport->state != OPEN && transport->state != CLOSING) ||
        transport->waiting_size + size > GATHERED_BYTES || (transport->waiting_size && !transport->is_gathered) ||
        !keep(transport, bytes, size))
        return false;
    if (!transport->is_gathered) {
        transport->is_gathered = true;
        gathered->writing[gathered->writing_size++] = (Transport *)Py_NewRef((PyObject *)transport);
        if (gathered->writing_size == GATHERED)
            engine_send_gathered(transport->engine);
    }
    return true;
}

void transport_send_gathered(Transport *transport)
{
    transport->is_gathered = false;
    if (transport->state != LOST && transport->waiting_size)
        send_waiting(transport);
}

/* Whoever has something to say about a closing connection, or something else happens to it: the relay sees to it. */
static void take_over(Transport *transport)
{
    if (transport->closing)
        closing_give_back(transport->closing);
}

/* Bytes as they go over the wire: at once as far as the socket has room, the rest later. */
static void send_out(Transport *transport, const uint8_t *bytes, size_t size)
{
    size_t sent = 0;
    if (transport->state == LOST || !size || gather(transport, bytes, size))
        return;
    if (transport->is_gathered)   /* it comes first */
        transport_send_gathered(transport);
    if (transport->state == LOST)
        return;
    if (!transport->waiting_size && transport->state != CONNECTING) {
        const ssize_t done = send_now(transport->fd, bytes, size);
        if (done >= 0) {
            sent = (size_t)done;
        } else if (errno != EAGAIN) {
            fail(transport, errno);
            return;
        }
    }
    if (sent == size)
        return;
    if (!keep(transport, bytes + sent, size - sent)) {
        fail(transport, ENOMEM);
        return;
    }
    rearm(transport);
    if (transport->state == OPEN && transport->waiting_size > transport->high && !transport->is_full) {
        transport->is_full = true;
        take_over(transport);
        engine_call(transport->engine, transport->protocol, name_pause_writing, NULL);
    }
}

/* OpenSSL takes what is left of earlier errors, whosever they were, for its own; to look costs less than to clear. */
static void clear_errors(void)
{
    if (ERR_peek_error())
        ERR_clear_error();
}

/* What TLS has made. */
static void send_sealed(Transport *transport)
{
    Outgoing *outside = &transport->engine->outside;
    const size_t size = outside->size;
    outside->size = 0;
    send_out(transport, outside->bytes, size);
    if (outside->room > MOST_KEPT && !outside->size) {
        free(outside->bytes);
        *outside = (Outgoing){0};
    }
}

static void write_out(Transport *transport, const uint8_t *bytes, size_t size)
{
    if (!transport->ssl) {
        send_out(transport, bytes, size);
        return;
    }
    size_t written;
    transport->engine->outside.size = 0;
    clear_errors();
    if (SSL_write_ex(transport->ssl, bytes, size, &written) == 1) {
        send_sealed(transport);
        return;
    }
    const unsigned long code = ERR_peek_last_error();
    engine_hold(transport->engine);
    lose(transport, tls_error(transport->ssl, code));
}

void transport_pass(Transport *transport, const uint8_t *bytes, size_t size)
{
    write_out(transport, bytes, size);
}

/* All is out, and nothing more is to go out: close, or wait until the peer has ended its TLS, too. To close over what
 * it still sends would tear up the last that was sent to it. */
static void close_at_last(Transport *transport)
{
    Engine *engine = transport->engine;
    if (!transport->ssl || transport->has_ended) {
        lose(transport, NULL);
        return;
    }
    engine_hold(engine);
    transport->state = LINGERING;
    (void)shutdown(transport->fd, SHUT_WR);
    PyObject *abort = PyObject_GetAttr((PyObject *)transport, name_abort);
    if (abort)
        transport->deadline = PyObject_CallMethod(engine->loop, "call_later", "dO", LINGER_SECONDS, abort);
    Py_XDECREF(abort);
    if (!transport->deadline) {
        PyErr_Clear();
        lose(transport, NULL);
        return;
    }
    engine->has_called = true;
    rearm(transport);
}

static void send_waiting(Transport *transport)
{
    const ssize_t done =
        send_now(transport->fd, transport->waiting + transport->waiting_at, transport->waiting_size);
    if (done < 0) {
        if (errno != EAGAIN)
            fail(transport, errno);
        return;
    }
    transport->waiting_at += (size_t)done;
    transport->waiting_size -= (size_t)done;
    if (!transport->waiting_size) {
        free(transport->waiting);
        transport->waiting = NULL;
        transport->waiting_at = transport->waiting_room = 0;
    }
    if (transport->is_full && transport->waiting_size <= transport->low) {
        transport->is_full = false;
        engine_call(transport->engine, transport->protocol, name_resume_writing, NULL);
    }
    if (!transport->waiting_size && transport->state == CLOSING)
        close_at_last(transport);
    else if (!transport->waiting_size && transport->state == OPEN && transport->wants_eof)
        (void)shutdown(transport->fd, SHUT_WR);
    rearm(transport);
}

void transport_finish(Transport *transport)
{
    if (transport->state >= CLOSING)
        return;
    if (transport->state != OPEN) {
        lose(transport, NULL);
        return;
    }
    transport->state = CLOSING;
    if (transport->ssl) {
        transport->engine->outside.size = 0;
        ERR_clear_error();
        (void)SSL_shutdown(transport->ssl);
        ERR_clear_error();
        send_sealed(transport);
    }
    if (transport->state == CLOSING && !transport->waiting_size)
        close_at_last(transport);
    rearm(transport);
}

/* --- in ---------------------------------------------------------------------------------------------------------- */

static void made(Transport *transport)
{
    transport->state = OPEN;
    transport->was_made = true;
    if (!engine_call(transport->engine, transport->protocol, name_connection_made, (PyObject *)transport))
        lose(transport, NULL);
    rearm(transport);
    PyObject *on_made = transport->on_made;
    transport->on_made = NULL;
    if (on_made)
        engine_call(transport->engine, on_made, NULL, Py_None);
    Py_XDECREF(on_made);
}

static void has_connected(Transport *transport)
{
    if (!transport->ssl) {
        made(transport);
        return;
    }
    transport->state = SECURING;
    if (!SSL_is_server(transport->ssl)) {   /* a client speaks first */
        transport->engine->inside_size = transport->engine->outside.size = 0;
        ERR_clear_error();
        (void)SSL_do_handshake(transport->ssl);
        ERR_clear_error();
        send_sealed(transport);
    }
    rearm(transport);
}

/* The peer sends nothing more. */
static void has_ended(Transport *transport)
{
    engine_hold(transport->engine);
    transport->has_ended = true;
    if (transport->state == SECURING) {
        fail(transport, ECONNRESET);
        return;
    }
    if (closing_ends(transport)) {
        transport_finish(transport);
        return;
    }
    PyObject *answer = engine_ask(transport->engine, transport->protocol, name_eof_received, NULL);
    const bool stays_open = answer && PyObject_IsTrue(answer) == 1 && !transport->ssl;
    Py_XDECREF(answer);
    if (!stays_open)
        transport_finish(transport);
    rearm(transport);
}

/* What has come, as the peer wrote it: past Python where its leg lets it pass. */
static void deliver(Transport *transport, const uint8_t *bytes, size_t size)
{
    Engine *engine = transport->engine;
    Transport *peer = transport->peer;
    if (peer && peer->state == OPEN && !peer->wants_eof && leg_passes(transport->leg, bytes, size)) {
        transport->leg->heard = 1;
        engine->passed++;
        engine->passing[engine->passing_size++] = (Passing){peer, bytes, size};
        engine->chunk_at = (size_t)(bytes - engine->chunk) + size;
        if (engine->passing_size == PASSING || engine->chunk_at > PASSING_BYTES)
            engine_pass_on(engine);
        return;
    }
    if (closing_takes(transport, bytes, size))
        return;
    engine_hold(engine);
    take_over(transport);
    engine->given++;
    PyObject *data = PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)size);
    if (!data)
        PyErr_Clear();
    if (!data || !engine_call(engine, transport->protocol, name_data_received, data))
        lose(transport, NULL);
    Py_XDECREF(data);
}

/* One step of the handshake; whether it is done, and the protocol has its connection. */
static bool is_secured(Transport *transport)
{
    const int done = SSL_do_handshake(transport->ssl);
    const int why = SSL_get_error(transport->ssl, done);
    const bool has_failed = done != 1 && why != SSL_ERROR_WANT_READ;
    PyObject *error = has_failed ? tls_error(transport->ssl, ERR_peek_last_error()) : NULL;
    send_sealed(transport);   /* also the alert that says what was wrong */
    if (error)
        lose(transport, error);
    if (done != 1 || transport->state != SECURING)
        return false;
    made(transport);
    return true;
}

/* What TLS itself answers: new keys, alerts. A peer may ask for them again and again; protocols know nothing of it, so
 * none of them would stop reading from who does not read. */
static void send_answers(Transport *transport)
{
    if (!transport->waiting_size)
        transport->answered = 0;
    transport->answered += (uint32_t)transport->engine->outside.size;
    send_sealed(transport);
    if (transport->waiting_size && transport->answered > MOST_ANSWERED)
        fail(transport, ENOBUFS);
}

static void unseal(Transport *transport, size_t size)
{
    Engine *engine = transport->engine;
    size_t have = 0, got = 0;
    engine->inside = engine->sealed;
    engine->inside_size = size;
    engine->outside.size = 0;
    if (transport->state == SECURING) {
        engine_hold(engine);   /* now, since what passes needs the room of what TLS makes */
        ERR_clear_error();
        if (!is_secured(transport))
            return;
    }
    if (transport->state != OPEN)
        return;
    engine->outside.size = 0;
    clear_errors();
    uint8_t *bytes = engine->chunk + engine->chunk_at;
    int why = SSL_ERROR_NONE;
    do {   /* to ask once more than there is something costs OpenSSL as much as a short record */
        if (SSL_read_ex(transport->ssl, bytes + have, CHUNK + TLS_RECORD - have, &got) == 1)
            have += got;
        else
            why = SSL_get_error(transport->ssl, 0);
    } while (why == SSL_ERROR_NONE && have < CHUNK + TLS_RECORD &&
             (engine->inside_size || SSL_has_pending(transport->ssl)));
    const bool is_fault = why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN;
    const unsigned long code = is_fault ? ERR_peek_last_error() : 0;
    send_answers(transport);
    if (have && transport->state == OPEN)
        deliver(transport, bytes, have);
    if (is_fault) {
        engine_hold(engine);
        lose(transport, tls_error(transport->ssl, code));
    } else if (why == SSL_ERROR_ZERO_RETURN && transport->state == OPEN) {
        has_ended(transport);
    }
}

static void receive(Transport *transport)
{
    Engine *engine = transport->engine;
    uint8_t *to = transport->ssl ? engine->sealed : engine->chunk + engine->chunk_at;
    const ssize_t got = receive_now(transport->fd, to, CHUNK);
    if (got < CHUNK && !transport->is_odd)   /* so there was no more; what comes from now on is told */
        transport->may_read = false;
    if (got < 0) {
        if (errno == EAGAIN)
            transport->may_read = false;
        else if (errno != EINTR)
            fail(transport, errno);
    } else if (transport->state == LINGERING) {
        if (!got)
            lose(transport, NULL);
    } else if (!got) {
        has_ended(transport);
    } else if (transport->ssl) {
        unseal(transport, (size_t)got);
    } else {
        deliver(transport, to, (size_t)got);
    }
    come_back(transport);
}

void transport_serve(Transport *transport, uint32_t events)
{
    const uint32_t odd = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI);
    if (transport->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(transport->fd, SOL_SOCKET, SO_ERROR, &error, &size))
            error = errno;
        if (error)
            fail(transport, error);
        else
            has_connected(transport);
        return;
    }
    if (events & EPOLLIN || odd)
        transport->may_read = true;
    if (odd)   /* behind what is read first there is an end, a fault or an urgent byte */
        transport->is_odd = true;
    if ((events & EPOLLOUT || odd) && transport->waiting_size)
        send_waiting(transport);
    if (transport->may_read && !transport->is_due && is_listening(transport))
        receive(transport);
}

void transport_serve_due(Transport *transport)
{
    transport->is_due = false;
    if (transport->may_read && is_listening(transport))
        receive(transport);
    engine_hold(transport->engine);
    Py_DECREF(transport);
}

/* --- a new one --------------------------------------------------------------------------------------------------- */

Transport *transport_new(Engine *engine, int fd, PyObject *protocol, PyObject *tls, const char *server_name,
                         PyObject *on_made, bool is_connecting)
{
    SSL *ssl = NULL;
    if (!engine->loop || engine->poller < 0) {
        PyErr_SetString(PyExc_RuntimeError, "the engine is closed");
        goto failed;
    }
    if (tls != Py_None && !PyObject_TypeCheck(tls, &TlsType)) {
        PyErr_SetString(PyExc_TypeError, "tls must be a Tls or None");
        goto failed;
    }
    if (tls != Py_None && !(ssl = tls_new((Tls *)tls, engine, server_name)))
        goto failed;
    Transport *transport = (Transport *)TransportType.tp_alloc(&TransportType, 0);
    if (!transport)
        goto failed;
    transport->engine = (Engine *)Py_NewRef((PyObject *)engine);
    transport->ssl = ssl;
    transport->fd = fd;
    transport->state = CONNECTING;
    transport->high = HIGH_WATER;
    transport->low = LOW_WATER;
    transport->protocol = Py_NewRef(protocol);
    transport->on_made = on_made == Py_None ? NULL : Py_NewRef(on_made);
    transport->tls = tls == Py_None ? NULL : Py_NewRef(tls);
    transport->after = engine->open;
    if (engine->open)
        engine->open->before = transport;
    engine->open = (Transport *)Py_NewRef((PyObject *)transport);
    if (!is_connecting)
        has_connected(transport);
    return transport;
failed:
    SSL_free(ssl);
    close(fd);
    return NULL;
}

void transport_dial(Transport *transport, const struct sockaddr *address, socklen_t size)
{
    if (transport->state != CONNECTING)
        return;
    int done = connect(transport->fd, address, size);
    if (done && errno == EINPROGRESS)   /* on the same machine it is there by now: asked again, the kernel says so */
        done = connect(transport->fd, address, size);
    if (!done)
        has_connected(transport);
    else if (errno == EINPROGRESS || errno == EALREADY)
        rearm(transport);
    else
        fail(transport, errno);
}

void transport_lose(Transport *transport)
{
    lose(transport, NULL);
}

/* --- for Python -------------------------------------------------------------------------------------------------- */

static PyObject *transport_write(Transport *transport, PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE))
        return NULL;
    Gathered *gathered = &transport->engine->gathered;
    take_over(transport);
    gathered->is_writing = gathered->is_on;
    if (transport->state == OPEN && !transport->wants_eof && view.len)
        write_out(transport, view.buf, (size_t)view.len);
    gathered->is_writing = false;
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *transport_close(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    Gathered *gathered = &transport->engine->gathered;
    take_over(transport);
    gathered->is_writing = gathered->is_on;
    transport_finish(transport);
    gathered->is_writing = false;
    Py_RETURN_NONE;
}

static PyObject *transport_abort(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    take_over(transport);
    if (transport->is_gathered)   /* written is written */
        transport_send_gathered(transport);
    lose(transport, NULL);
    Py_RETURN_NONE;
}

static PyObject *transport_is_closing(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    return PyBool_FromLong(transport->state >= CLOSING);
}

static PyObject *transport_pause_reading(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    transport->is_paused = true;
    Py_RETURN_NONE;
}

static PyObject *transport_resume_reading(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    transport->is_paused = false;
    come_back(transport);
    Py_RETURN_NONE;
}

static PyObject *transport_is_reading(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    return PyBool_FromLong(transport->state < CLOSING && !transport->is_paused);
}

static PyObject *transport_set_protocol(Transport *transport, PyObject *protocol)
{
    take_over(transport);
    if (transport->protocol)   /* else it has ended, and takes none any more */
        Py_SETREF(transport->protocol, Py_NewRef(protocol));
    Py_RETURN_NONE;
}

static PyObject *transport_get_protocol(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    return Py_NewRef(transport->protocol ? transport->protocol : Py_None);
}

static PyObject *transport_get_write_buffer_size(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    return PyLong_FromSize_t(transport->waiting_size);
}

static PyObject *transport_set_write_buffer_limits(Transport *transport, PyObject *args, PyObject *given)
{
    static char *names[] = {"high", "low", NULL};
    Py_ssize_t high = HIGH_WATER, low = LOW_WATER;
    if (!PyArg_ParseTupleAndKeywords(args, given, "|nn", names, &high, &low))
        return NULL;
    if (low < 0 || high < low) {
        PyErr_SetString(PyExc_ValueError, "high must be at least low, and low at least 0");
        return NULL;
    }
    transport->high = (size_t)high;
    transport->low = (size_t)low;
    Py_RETURN_NONE;
}

static PyObject *transport_can_write_eof(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    return PyBool_FromLong(!transport->tls);
}

static PyObject *transport_write_eof(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    take_over(transport);
    if (transport->tls) {
        PyErr_SetString(PyExc_NotImplementedError, "TLS knows no half of a connection");
        return NULL;
    }
    if (transport->state == OPEN && !transport->wants_eof) {
        transport->wants_eof = true;
        if (!transport->waiting_size)
            (void)shutdown(transport->fd, SHUT_WR);
    }
    Py_RETURN_NONE;
}

PyObject *transport_address(const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN];
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
        return Py_BuildValue("(si)", text, ntohs(four->sin_port));
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)address;
        char zone[IF_NAMESIZE] = "";
        inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
        if (six->sin6_scope_id && if_indextoname(six->sin6_scope_id, zone))
            return Py_BuildValue("(Niik)", PyUnicode_FromFormat("%s%%%s", text, zone), ntohs(six->sin6_port),
                                 ntohl(six->sin6_flowinfo), (unsigned long)six->sin6_scope_id);
        return Py_BuildValue("(siik)", text, ntohs(six->sin6_port), ntohl(six->sin6_flowinfo),
                             (unsigned long)six->sin6_scope_id);
    }
    return NULL;
}

static PyObject *transport_get_extra_info(Transport *transport, PyObject *args)
{
    const char *name;
    PyObject *other = Py_None, *found = NULL;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (!PyArg_ParseTuple(args, "s|O", &name, &other))
        return NULL;
    if (!strcmp(name, "peername")) {
        if (!transport->peername && transport->fd >= 0 && !getpeername(transport->fd, (void *)&address, &size))
            transport->peername = transport_address(&address);
        found = transport->peername;
    } else if (!strcmp(name, "sockname")) {
        if (!transport->sockname && transport->fd >= 0 && !getsockname(transport->fd, (void *)&address, &size))
            transport->sockname = transport_address(&address);
        found = transport->sockname;
    } else if (!strcmp(name, "sslcontext") || !strcmp(name, "ssl_object")) {
        found = transport->tls;
    }
    if (!found && PyErr_Occurred())
        return NULL;
    return Py_NewRef(found ? found : other);
}

/* splice(leg, peer): pass to `peer` what `leg` lets pass. Legs and transports end with each other. */
static PyObject *transport_splice(Transport *transport, PyObject *args)
{
    PyObject *leg, *peer;
    if (!PyArg_ParseTuple(args, "O!O!", &LegType, &leg, &TransportType, &peer))
        return NULL;
    if (transport->state != LOST && ((Transport *)peer)->engine == transport->engine) {
        Py_XSETREF(transport->leg, (Leg *)Py_NewRef(leg));
        Py_XSETREF(transport->peer, (Transport *)Py_NewRef(peer));
    }
    Py_RETURN_NONE;
}

static PyObject *transport_unsplice(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    take_over(transport);
    Py_CLEAR(transport->leg);
    Py_CLEAR(transport->peer);
    Py_RETURN_NONE;
}

static PyObject *transport_take_over(Transport *transport, PyObject *nothing)
{
    (void)nothing;
    take_over(transport);
    Py_RETURN_NONE;
}

static void transport_dealloc(Transport *transport)
{
    let_go_of_python(transport);   /* the engine holds those that are open, so the descriptor is closed */
    Py_XDECREF(transport->tls);
    Py_XDECREF(transport->peername);
    Py_XDECREF(transport->sockname);
    Py_XDECREF((PyObject *)transport->engine);
    Py_TYPE(transport)->tp_free((PyObject *)transport);
}

#define METHOD(name, kind, text) {#name, (PyCFunction)(void (*)(void))transport_##name, kind, text}
static PyMethodDef methods[] = {
    METHOD(write, METH_O, "Write bytes, unless it is closing."),
    METHOD(close, METH_NOARGS, "Close it when all is written."),
    METHOD(abort, METH_NOARGS, "Close it now."),
    METHOD(is_closing, METH_NOARGS, "Whether it is closing, or closed."),
    METHOD(pause_reading, METH_NOARGS, "Receive nothing until `resume_reading`."),
    METHOD(resume_reading, METH_NOARGS, "Receive again."),
    METHOD(is_reading, METH_NOARGS, "Whether it receives."),
    METHOD(set_protocol, METH_O, "Give what comes to another protocol."),
    METHOD(get_protocol, METH_NOARGS, "The protocol that is given what comes."),
    METHOD(get_write_buffer_size, METH_NOARGS, "Bytes that the socket has had no room for yet."),
    METHOD(set_write_buffer_limits, METH_VARARGS | METH_KEYWORDS, "When the protocol is told to pause and to resume."),
    METHOD(can_write_eof, METH_NOARGS, "Whether it can end one way only."),
    METHOD(write_eof, METH_NOARGS, "Write nothing more, but receive."),
    METHOD(get_extra_info, METH_VARARGS, "peername, sockname, sslcontext or ssl_object"),
    METHOD(splice, METH_VARARGS, "splice(leg, peer): pass to `peer` what `leg` lets pass."),
    METHOD(unsplice, METH_NOARGS, "Give all that comes to the protocol again."),
    METHOD(take_over, METH_NOARGS, "Have the relay told of the closing handshake that the engine sees to, if it does."),
    {NULL, NULL, 0, NULL},
};

PyTypeObject TransportType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.native._native.Transport",
    .tp_doc = "A connected socket, plain or with TLS, as asyncio's protocols know it.",
    .tp_basicsize = sizeof(Transport),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = methods,
    .tp_dealloc = (destructor)transport_dealloc,
};
