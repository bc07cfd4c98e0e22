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
    uint32_t watched;        /* what the poller has been asked to tell; nothing: it does not know the descriptor */
    uint32_t answered;       /* bytes that TLS has answered of itself since there was nothing waiting */
    TransportState state;
    bool is_paused, has_ended, wants_eof, is_full, was_made;
    bool may_read;           /* there may be something to read, which the poller has told and will not tell again */
    bool is_odd;             /* only an error, the end or an empty socket says that nothing more is to be read */
    bool is_due;             /* it is read in the next turn without being told of */
    bool is_gathered;        /* what it has waiting is sent before this turn is over */
    uint8_t *waiting;        /* bytes that the socket had no room for: `waiting_size` from `waiting_at` on */
    size_t waiting_at, waiting_size, waiting_room, high, low;
    PyObject *protocol, *on_made, *tls, *peername, *sockname, *deadline;
    Closing *closing;        /* while the engine sees to its closing handshake */
    PyObject *why;           /* it was lost; NULL: nothing was wrong */
    Transport *before, *after;   /* in the engine's list */
    Transport *due_after;        /* in its list of those that are due */
};

extern PyTypeObject TransportType;

/* Once, when the module is loaded. */
bool transport_prepare(void);

/* A transport for a descriptor, which is its own from now on, even where NULL is returned. `tls` may be None. One that
 * `is_connecting` is to be dialled.
 *
 * `on_made` is called once, with None when the protocol has its connection, else with the exception. */
Transport *transport_new(Engine *engine, int fd, PyObject *protocol, PyObject *tls, const char *server_name,
                         PyObject *on_made, bool is_connecting);

/* Three steps to have in the processor's cache what a chunk needs of a transport, each before the next can be taken. */
static inline void transport_fetch(const Transport *transport)
{
    __builtin_prefetch(transport);
    __builtin_prefetch((const char *)transport + 64);
}

static inline void transport_fetch_parts(const Transport *transport)
{
    __builtin_prefetch(transport->leg);
    __builtin_prefetch(transport->peer);
    __builtin_prefetch((const char *)transport->peer + 64);
    __builtin_prefetch(transport->ssl);
}

static inline void transport_fetch_counts(const Transport *transport)
{
    if (!transport->leg)
        return;
    __builtin_prefetch(transport->leg->scanner);
    __builtin_prefetch((const char *)transport->leg->scanner + 64);
    __builtin_prefetch(transport->leg->meter);
}

/* The poller has something to say about it. */
void transport_serve(Transport *transport, uint32_t events);

/* What its leg let pass is for this one. */
void transport_pass(Transport *transport, const uint8_t *bytes, size_t size);

/* Close it when all is written. */
void transport_finish(Transport *transport);

/* Close it now. Needs the GIL. */
void transport_lose(Transport *transport);

/* Begin to connect, unless it was given up meanwhile. */
void transport_dial(Transport *transport, const struct sockaddr *address, socklen_t size);

/* Send what was gathered of it. */
void transport_send_gathered(Transport *transport);

/* It was due, and is let go. */
void transport_serve_due(Transport *transport);

/* An address as Python's sockets give it; NULL without an exception where it has none. */
PyObject *transport_address(const struct sockaddr_storage *address);

/* Tell the protocol that it is lost, or whoever waited for it why it did not come to be, and let go of both. */
void transport_end(Transport *transport);

/* Let it go without a word. */
void transport_forget(Transport *transport);

/* The engine ends: close the descriptor and let everything go, without a word to anybody. */
void transport_drop(Transport *transport);

#endif
