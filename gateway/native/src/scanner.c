#define PY_SSIZE_T_CLEAN
#include "scanner.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

enum { FINAL = 0x80, RESERVED = 0x70, RSV1 = 0x40, OPCODE = 0x0F, BINARY = 2, MASKED = 0x80, LENGTH = 0x7F };
enum { SHORT_HEAD = 2, LENGTH_16 = 126, HEAD_16 = 4, LENGTH_64 = 127, HEAD_64 = 10 };

/* The length at the end of a long header, most significant byte first. */
static uint64_t number(const uint8_t *digits, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | digits[i];
    return value;
}

/* How many frames behind `at` begin with the same two bytes as the one that ends there, `step` bytes long, and have
 * their whole header in `data`. Most traffic is runs of equal frames, and this is all that is looked at of them. */
static uint64_t run_of_equals(const uint8_t *data, size_t size, uint64_t at, uint64_t step)
{
    uint64_t count = 0;
    if (at > size)
        return 0;
    const uint8_t *pattern = data + at - step;
    while (size - at >= step && !memcmp(data + at, pattern, SHORT_HEAD)) {
        at += step;
        count++;
    }
    return count;
}

bool scanner_walk(const Scanner *scanner, const uint8_t *data, size_t size, Walk *walk)
{
    const unsigned masked = scanner->mask ? MASKED : 0;
    uint64_t at = scanner->remaining;
    *walk = (Walk){.size = scanner->size, .fragmented = scanner->fragmented};
    while (at < size) {
        const size_t left = size - at;
        if (left < SHORT_HEAD)
            return false;
        const uint8_t *head = data + at;
        const unsigned opcode = head[0] & OPCODE, reserved = head[0] & RESERVED;
        if ((head[1] & MASKED) != masked || opcode > BINARY || (opcode == 0) != walk->fragmented)
            return false;
        if (reserved & ~(unsigned)(opcode ? scanner->rsv : scanner->rsv & ~RSV1))
            return false;
        uint64_t length = head[1] & LENGTH, head_size = SHORT_HEAD;
        if (length == LENGTH_16) {
            head_size = HEAD_16;
            if (left < head_size || (length = number(head + SHORT_HEAD, 2)) < LENGTH_16)
                return false;
        } else if (length == LENGTH_64) {
            head_size = HEAD_64;
            if (left < head_size || (length = number(head + SHORT_HEAD, 8)) < 65536 || length >> 63)
                return false;
        }
        const uint64_t whole = walk->fragmented ? walk->size + length : length; /* both are below 2^63 */
        if (whole > scanner->longest || length > scanner->limit)
            return false;
        walk->messages += !walk->fragmented;
        walk->octets += length;
        walk->size = whole;
        walk->fragmented = !(head[0] & FINAL);
        const uint64_t step = head_size + scanner->mask + length;
        at += step;
        if (opcode && !walk->fragmented && head_size == SHORT_HEAD) {
            const uint64_t equals = run_of_equals(data, size, at, step);
            at += equals * step;
            walk->messages += equals;
            walk->octets += equals * length;
        }
    }
    walk->remaining = at - size;
    return true;
}

void scanner_advance(Scanner *scanner, const Walk *walk)
{
    scanner->remaining = walk->remaining;
    scanner->size = walk->size;
    scanner->fragmented = walk->fragmented;
    scanner->messages += walk->messages;
    scanner->octets += walk->octets;
}

static PyMemberDef members[] = {
    {"remaining", T_ULONGLONG, offsetof(Scanner, remaining), 0, NULL},
    {"size", T_ULONGLONG, offsetof(Scanner, size), 0, NULL},
    {"messages", T_ULONGLONG, offsetof(Scanner, messages), 0, NULL},
    {"octets", T_ULONGLONG, offsetof(Scanner, octets), 0, NULL},
    {"_limit", T_ULONGLONG, offsetof(Scanner, limit), 0, NULL},
    {"_longest", T_ULONGLONG, offsetof(Scanner, longest), 0, NULL},
    {"_mask", T_UBYTE, offsetof(Scanner, mask), 0, NULL},
    {"_rsv", T_UBYTE, offsetof(Scanner, rsv), 0, NULL},
    {"fragmented", T_BOOL, offsetof(Scanner, fragmented), 0, NULL},
    {"closed", T_BOOL, offsetof(Scanner, closed), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject ScannerType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.native._native.ScannerBase",
    .tp_doc = "What a scanner of frames has counted, and where it stands.",
    .tp_basicsize = sizeof(Scanner),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_members = members,
};
