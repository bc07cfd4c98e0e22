/* The selector of a worker's event loop, which serves sockets of its own on the way.
 *
 * One thread, the loop's. It waits without the GIL and takes it when something is for Python (`engine_hold`), so what only
 * passes neither waits for other threads nor keeps them from running. Its own sockets are edge-triggered: what may
 * still be read of one is `due` in the next turn, and a turn reads from each once, so none can hold up the others.
 */
#ifndef GATEWAY_ENGINE_H
#define GATEWAY_ENGINE_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    CHUNK = 128 * 1024,   /* bytes that are read from a socket at a time */
    TLS_RECORD = 20 * 1024,   /* the longest record, and some */
    EVENTS = 256,         /* sockets in one turn */
    PASSING = 16,        /* chunks that are passed on together, */
    PASSING_BYTES = 64 * 1024,   /* and about how long they are */
    GATHERED = 16,       /* transports whose writes, and dials that are begun together, */
    GATHERED_BYTES = 4096,       /* and how much each may have written by then */
    TURNS = 1024,         /* turns before Python has its own, whether or not it has something to do */
};

typedef struct Transport Transport;
typedef struct Closing Closing;

/* Bytes that TLS has made and that are to go out: one for all, since they go at once. */
typedef struct {
    uint8_t *bytes;
    size_t size, room;
} Outgoing;

/* A chunk that may pass, on its way to the other side. */
typedef struct {
    Transport *to;
    const uint8_t *bytes;
    size_t size;
} Passing;

/* A dial that is to begin before the turn is over. */
typedef struct {
    Transport *transport;
    struct sockaddr_storage address;
    socklen_t size;
} Dial;

/* What Python writes, and whom it dials, while the engine serves its sockets is gathered until some have come together
 * or all are served: peers that are told in a row are woken once, not each by itself. */
typedef struct {
    bool is_on, is_writing;         /* the engine serves its sockets; and it is Python that writes now */
    unsigned writing_size, dials_size;
    Transport *writing[GATHERED];   /* held till then */
    Dial dials[GATHERED];
} Gathered;

typedef struct {
    PyObject_HEAD
    int poller;
    PyObject *loop;
    Transport *open;            /* a list of those that live, which it holds */
    Transport *due, *last_due;  /* of those that are read in the next turn whatever the poller says, and held till then */
    Transport *closed, *last_closed;   /* of those that are to be told that they are lost, in order, and let go */
    Closing *closings, *last_closing;   /* closing handshakes that it sees to by itself, in order of time */
    PyObject *raised;           /* what ends the loop: KeyboardInterrupt, SystemExit */
    PyThreadState *released;    /* it serves its sockets, or waits, without the GIL; `engine_hold` takes it */
    bool has_called;            /* Python code has run in this turn, and may have asked the loop for something */
    bool is_turning;
    bool may_poll;              /* it has its core to itself, so it may look again before it sleeps, */
    bool is_hot;                /* as it does while the next message has always come at once, */
    unsigned shallow;           /* turns with some sockets, but not many, since there were many or none: */
    unsigned patience;          /* when there were so many of them, it pauses */
    unsigned alone;             /* and for so many turns alone: where more come together it is better to let them */
    uint8_t *chunk, *sealed;    /* what was read, and what was read of TLS */
    size_t chunk_at;            /* where in `chunk` there is room for more: before it is what passes */
    Passing passing[PASSING];
    unsigned passing_size, passing_at;   /* how many there are, and which is the next */
    Gathered gathered;
    const uint8_t *inside;      /* what TLS has not taken yet */
    size_t inside_size;
    Outgoing outside;
    unsigned long long turns, pauses, passed, given;
    struct epoll_event ready[EVENTS];
} Engine;

extern PyTypeObject EngineType;

/* Send what passes. */
void engine_pass_on(Engine *engine);

/* Begin the dials and send the writes that were gathered; needs the GIL where there are any. */
void engine_send_gathered(Engine *engine);

/* Take the GIL, if the engine is without: before anything of Python's is touched, a reference count included. It keeps
 * it until it waits again. Python finds sent what has passed, so nothing that it writes gets in front of it. */
static inline void engine_hold(Engine *engine)
{
    if (engine->passing_size)
        engine_pass_on(engine);
    if (engine->released) {
        PyEval_RestoreThread(engine->released);
        engine->released = NULL;
    }
}

/* What `object.name(argument)` returns, or `object(argument)` without a name; NULL `argument` is none. NULL after an
 * exception, which the loop's handler has been told of; one that is to end the loop does, at the end of the turn. */
PyObject *engine_ask(Engine *engine, PyObject *object, PyObject *name, PyObject *argument);

/* The same for what has no answer; whether there was no exception. */
bool engine_call(Engine *engine, PyObject *object, PyObject *name, PyObject *argument);

/* The loop's clock, in seconds. */
double engine_now(void);

#endif
