/* The selector of a worker's event loop, which serves sockets of its own on the way.
 *
 * One thread, the loop's, and always with the GIL, except while it waits. Everything is level-triggered: what is not
 * dealt with now is told again, and a turn reads from each socket once, so none can hold up the others.
 */
#ifndef GATEWAY_ENGINE_H
#define GATEWAY_ENGINE_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

enum {
    CHUNK = 128 * 1024,   /* bytes that are read from a socket at a time */
    TLS_RECORD = 20 * 1024,   /* the longest record, and some */
    EVENTS = 256,         /* sockets in one turn */
    TURNS = 64,           /* turns before Python has its own, whether or not it has something to do */
};

typedef struct Transport Transport;

/* Bytes that TLS has made and that are to go out: one for all, since they go at once. */
typedef struct {
    uint8_t *bytes;
    size_t size, room;
} Outgoing;

typedef struct {
    PyObject_HEAD
    int poller;
    PyObject *loop;
    Transport *open;            /* a list of those that live, which it holds */
    Transport *closed, *last_closed;   /* of those that are to be told that they are lost, in order, and let go */
    PyObject *raised;           /* what ends the loop: KeyboardInterrupt, SystemExit */
    bool has_called;            /* Python code has run in this turn, and may have asked the loop for something */
    bool is_turning;
    uint8_t *chunk, *sealed;    /* what was read, and what was read of TLS */
    const uint8_t *inside;      /* what TLS has not taken yet */
    size_t inside_size;
    Outgoing outside;
    unsigned long long turns, passed, given;
    struct epoll_event ready[EVENTS];
} Engine;

extern PyTypeObject EngineType;

/* What `object.name(argument)` returns, or `object(argument)` without a name; NULL `argument` is none. NULL after an
 * exception, which the loop's handler has been told of; one that is to end the loop does, at the end of the turn. */
PyObject *engine_ask(Engine *engine, PyObject *object, PyObject *name, PyObject *argument);

/* The same for what has no answer; whether there was no exception. */
bool engine_call(Engine *engine, PyObject *object, PyObject *name, PyObject *argument);


#endif
