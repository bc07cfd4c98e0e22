/* A connected socket, as asyncio's protocols know it, plain or with TLS.
 *
 * Spliced to another one it passes on by itself what its leg lets pass; the rest is given to its protocol.
 */
#ifndef GATEWAY_TRANSPORT_H
#define GATEWAY_TRANSPORT_H

#include <sys/socket.h>

#include "engine.h"
#include "leg.h"
#include "tls.h"

/* What a transport is about. It only goes forward, but for LINGERING, which TLS alone knows. */
typedef enum {
    CONNECTING,   /* the kernel has not said yet whether somebody is there */
    SECURING,     /* TLS has not been agreed on */
    OPEN,
    CLOSING,      /* what is written goes out, nothing is read any more */
    LINGERING,    /* all is out; what still comes is dropped until the peer has ended too */
    LOST,         /* the descriptor is closed; the protocol hears of it before the turn is over */
} TransportState;

struct Transport {
    PyObject_HEAD
    /* What each chunk needs comes first. */
    Engine *engine;
    Leg *leg;                /* and `peer` are there while it is spliced */
    Transport *peer;
    SSL *ssl;
    int fd;
    uint32_t watched;        /* what the poller has been asked to watch; nothing: it does not know the descriptor */
    TransportState state;
    bool is_paused, has_ended, wants_eof, is_full, was_made;
    uint8_t *waiting;        /* bytes that the socket had no room for: `waiting_size` from `waiting_at` on */
    size_t waiting_at, waiting_size, waiting_room, high, low;
    PyObject *protocol, *on_made, *tls, *peername, *sockname, *deadline;
    PyObject *why;           /* it was lost; NULL: nothing was wrong */
    Transport *before, *after;   /* in the engine's list */
};

extern PyTypeObject TransportType;

/* Once, when the module is loaded. */
bool transport_prepare(void);

/* A transport for a descriptor, which is its own from now on, even where NULL is returned. `tls` may be None.
 *
 * `on_made` is called once, with None when the protocol has its connection, else with the exception. */
Transport *transport_new(Engine *engine, int fd, PyObject *protocol, PyObject *tls, const char *server_name,
                         PyObject *on_made, bool is_connecting);

/* The poller has something to say about it. */
void transport_serve(Transport *transport, uint32_t events);

/* An address as Python's sockets give it; NULL without an exception where it has none. */
PyObject *transport_address(const struct sockaddr_storage *address);

/* Tell the protocol that it is lost, or whoever waited for it why it did not come to be, and let go of both. */
void transport_end(Transport *transport);

/* Let it go without a word. */
void transport_forget(Transport *transport);

/* The engine ends: close the descriptor and let everything go, without a word to anybody. */
void transport_drop(Transport *transport);

#endif
