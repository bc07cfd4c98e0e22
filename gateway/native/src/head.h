/* The heads of ordinary opening handshakes: a client's request and a backend's 101.
 *
 * What is read here the ordinary way in would read alike, and let pass (gateway.handshake.head, and the parser in front
 * of it). Whatever could be taken in more than one way, or is merely rare, is not read at all, and goes that way.
 */
#ifndef GATEWAY_HEAD_H
#define GATEWAY_HEAD_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_FIELDS = 48 };

typedef struct {
    const uint8_t *at;
    size_t size;
} Text;

typedef struct {
    Text target;   /* of a request: from the first slash on, with the query */
    Text proof;    /* what differs each time: of a request the key, of an answer what it makes of the key */
    size_t count, end;   /* where what follows the head begins */
    struct {
        Text name, value;
    } fields[MOST_FIELDS];
} Head;

/* Whether `data` begins with the whole head of a WebSocket handshake (RFC 6455 §4.1) of at most `limit` bytes. */
bool head_read_request(const uint8_t *data, size_t size, size_t limit, Head *head);

/* Whether it begins with the whole head of a 101 that switches to WebSocket. */
bool head_read_switch(const uint8_t *data, size_t size, size_t limit, Head *head);

/* For Python: what is in the module. */
extern PyMethodDef head_methods[];
bool head_prepare(void);

#endif
