/* What a fuzzer calls: the scanner and the readers of heads, on bytes of anybody's choosing.
 *
 * Beside the sanitizers, which see what is read or written out of place, a stream is read as a plain reading of single
 * bytes reads it, and alike in one chunk and in two; the head of a handshake is read once it is whole and at no byte
 * before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/head.h"
#include "../src/scanner.h"

static void hold(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

/* A copy of its own, so that a byte too far is seen. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    return copy;
}

/* What the scanner does, a byte at a time and with no thought of speed (RFC 6455 §5.2). */
static bool read_by_bytes(const Scanner *scanner, const uint8_t *data, size_t size, Walk *walk)
{
    uint8_t head[10];
    size_t have = 0;
    *walk = (Walk){.remaining = scanner->remaining, .size = scanner->size, .fragmented = scanner->fragmented};
    for (size_t i = 0; i < size; i++) {
        if (walk->remaining) {
            walk->remaining--;
            continue;
        }
        head[have++] = data[i];
        const size_t digits = have < 2 ? 0 : (head[1] & 127) == 127 ? 8 : (head[1] & 127) == 126 ? 2 : 0;
        if (have < 2 + digits)
            continue;
        have = 0;
        uint64_t length = digits ? 0 : head[1] & 127;
        for (size_t digit = 0; digit < digits; digit++)
            length = length * 256 + head[2 + digit];
        const bool is_first = head[0] & 15, is_shortest = length >= (digits == 8 ? 65536 : digits == 2 ? 126 : 0);
        const uint8_t allowed = is_first ? scanner->rsv : scanner->rsv & 0x30;
        if ((head[0] & 15) > 2 || is_first == walk->fragmented || (head[0] & 0x70 & ~allowed) || !is_shortest ||
            length >= (uint64_t)1 << 63 || (head[1] >= 128) != (scanner->mask == 4) || length > scanner->limit)
            return false;
        walk->size = is_first ? length : walk->size + length;
        if (walk->size > scanner->longest)
            return false;
        walk->messages += is_first;
        walk->octets += length;
        walk->fragmented = head[0] < 128;
        walk->remaining = length + scanner->mask;
    }
    return !have;
}

static void scan(const uint8_t *data, size_t size, unsigned how)
{
    static const uint64_t limits[] = {1, 125, 200, 66000, (uint64_t)1 << 63};
    Scanner scanner = {
        .mask = how & 1 ? 4 : 0,
        .rsv = how & 2 ? 0x40 : 0,
        .limit = limits[how / 4 % 5],
        .longest = limits[how / 20 % 5],
        .remaining = how & 128 ? size / 3 : 0,
    };
    Walk whole, plain, first, second;
    const bool passes = scanner_walk(&scanner, data, size, &whole);
    hold(passes == read_by_bytes(&scanner, data, size, &plain), "what passes is what a plain reading lets pass");
    if (!passes)
        return;
    hold(whole.messages == plain.messages && whole.octets == plain.octets, "it counts as a plain reading does");
    hold(whole.remaining == plain.remaining && whole.fragmented == plain.fragmented, "and stands where that stands");
    hold(!whole.fragmented || whole.size == plain.size, "in a message that is as long");
    const size_t cut = size ? how % size : 0;
    uint8_t *left = copy_of(data, cut), *right = copy_of(data + cut, size - cut);
    if (scanner_walk(&scanner, left, cut, &first)) {
        scanner_advance(&scanner, &first);
        hold(scanner_walk(&scanner, right, size - cut, &second), "what passes in one chunk passes in two");
        hold(first.messages + second.messages == whole.messages && first.octets + second.octets == whole.octets,
             "two chunks count as one does");
        hold(second.remaining == whole.remaining && second.fragmented == whole.fragmented, "and lead to the same place");
    }
    free(left);
    free(right);
}

static void read_heads(const uint8_t *data, size_t size, size_t limit)
{
    bool (*const readers[])(const uint8_t *, size_t, size_t, Head *) = {head_read_request, head_read_switch};
    for (size_t i = 0; i < 2; i++) {
        Head head, again;
        if (!readers[i](data, size, limit, &head))
            continue;
        hold(head.end <= size && head.end <= limit && head.count <= MOST_FIELDS, "a head ends within what there is");
        hold(head.proof.at >= data && head.proof.at + head.proof.size <= data + head.end, "and so does its proof");
        uint8_t *exact = copy_of(data, head.end);
        hold(readers[i](exact, head.end, limit, &again) && again.end == head.end && again.count == head.count,
             "what follows a head changes nothing");
        hold(!readers[i](exact, head.end - 1, limit, &again), "a head is whole or is not read");
        free(exact);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t *copy = copy_of(data + 2, size - 2);
    scan(copy, size - 2, data[0]);
    read_heads(copy, size - 2, data[1] < 64 ? data[1] * 16u : 32768);
    free(copy);
    return 0;
}
