/* One side of a relay, as far as the quick way needs to know it: gateway.relay.side.Leg is built upon this. */
#ifndef GATEWAY_LEG_H
#define GATEWAY_LEG_H

#include "meter.h"
#include "scanner.h"

typedef struct {
    PyObject_HEAD
    Scanner *scanner;
    Meter *meter;
    char flows;   /* what it sends is passed on, and nothing of it is held back */
    char heard;   /* something came since its clock was last brought up to date */
    char is_ahead;   /* the engine sees to its closing handshake, and the relay has not been told yet: closing.h */
} Leg;

extern PyTypeObject LegType;

/* Whether all of a chunk may pass to the other side as it is. Then it is counted; else nothing has changed. */
bool leg_passes(Leg *leg, const uint8_t *data, size_t size);

#endif
