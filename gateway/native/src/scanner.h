/* What has passed in one direction of a connection, and the quick way of reading more of it.
 *
 * The Python class gateway.relay.frames.FrameScanner is built upon this one, so both know the same numbers; what they
 * mean stands there.
 */
#ifndef GATEWAY_SCANNER_H
#define GATEWAY_SCANNER_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    PyObject_HEAD
    unsigned long long remaining, size, messages, octets;
    unsigned long long limit, longest;   /* of one frame, and of a message */
    unsigned char mask, rsv;
    char fragmented, closed;
} Scanner;

/* Where a scanner would stand after a chunk. `messages` and `octets` are those of the chunk alone. */
typedef struct {
    uint64_t remaining, size, messages, octets;
    bool fragmented;
} Walk;

extern PyTypeObject ScannerType;

/* Whether `data` is nothing but data frames in order, the last header whole; then `walk` says where it leads.
 *
 * Everything else is for FrameScanner.feed: control frames, faults, part of a header. Nothing is changed here.
 */
bool scanner_walk(const Scanner *scanner, const uint8_t *data, size_t size, Walk *walk);

/* Go where `walk` leads. */
void scanner_advance(Scanner *scanner, const Walk *walk);

#endif
