/* What messages draw from, in the memory where leases are written down.
 *
 * The Python classes gateway.quotas.meter.LimitSource and Meter are built upon these.
 */
#ifndef GATEWAY_METER_H
#define GATEWAY_METER_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    PyObject_HEAD
    long long top;       /* spent may not pass this */
    uint64_t *spent;     /* where it counts: `at` among the cells; NULL while it has no such place */
    char octets;         /* counts bytes, not messages */
    Py_ssize_t at;
    PyObject *cells;     /* what `view` looks into */
    Py_buffer view;
} Source;

typedef struct {
    PyObject_HEAD
    PyObject *sources;   /* a tuple of Source */
} Meter;

extern PyTypeObject SourceType, MeterType;

/* Draw from every source, or, where one of them has too little, from none. */
bool meter_take(Meter *meter, uint64_t messages, uint64_t octets);

#endif
