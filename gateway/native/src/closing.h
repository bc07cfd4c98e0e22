/* The ordinary closing handshake of two spliced transports, seen to without Python, which is told when it is over.
 *
 * One side sends a Close and nothing else, the other answers with its own, the client's connection is closed, the backend
 * ends its own. Whatever comes between, and a peer that takes its time, has the relay take over: it is told how far it has
 * come, and does as it would have done from there (gateway.relay.splice). It has not to be asked before, since nothing but
 * the relay could have made these two anything else than flowing; it takes over by itself where it has something to say.
 */
#ifndef GATEWAY_CLOSING_H
#define GATEWAY_CLOSING_H

#include "transport.h"

struct Closing {
    Engine *engine;              /* which holds the transports as long as they live, and these hold it */
    Transport *client, *backend;
    Leg *first, *second;         /* in the order of their Closes */
    int code;                    /* of the first one, 1005 for none */
    PyObject *reason;
    double begun;                /* at this time of the loop's clock */
    bool is_answered, is_client_lost, is_backend_lost;
    Closing *before, *after;     /* in the engine's list, in order of time */
};

/* Once, when the module is loaded. */
bool closing_prepare(void);

/* Whether these bytes are a Close such as this is about, and have been passed on. */
bool closing_takes(Transport *transport, const uint8_t *bytes, size_t size);

/* The peer sends nothing more; whether that is in order, so that the protocol need not be asked. */
bool closing_ends(Transport *transport);

/* The transport is lost; whether that is in order, so that its protocol need not be told by itself. */
bool closing_loses(Transport *transport);

/* The relay goes on from here. */
void closing_give_back(Closing *closing);

/* How long the engine may wait, in milliseconds, if it may wait so long (-1: for ever). */
int closing_wait(const Engine *engine, int milliseconds);

/* Give back those that take too long. */
void closing_look(Engine *engine);

/* Let go of it without a word to anybody. */
void closing_forget(Closing *closing);

#endif
