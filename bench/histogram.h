/* A log-linear histogram of nanoseconds: 64 steps for each power of two, so a value is known to 1.6 %. */

#include <stdint.h>
#include <string.h>

enum { STEP_BITS = 6, STEPS = 1 << STEP_BITS, BUCKETS = (64 - STEP_BITS) * STEPS };

struct histogram {
    uint64_t bucket[BUCKETS];
    uint64_t count;
    uint64_t max;
};

static unsigned bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (unsigned)value;
    unsigned shift = 63 - STEP_BITS - (unsigned)__builtin_clzll(value);
    return shift * STEPS + (unsigned)(value >> shift);
}

static uint64_t middle_of(unsigned bucket)
{
    if (bucket < 2 * STEPS)
        return bucket;
    unsigned shift = bucket / STEPS - 1;
    uint64_t low = (uint64_t)(bucket % STEPS + STEPS) << shift;
    return low + (1ull << shift) / 2;
}

static void histogram_clear(struct histogram *h) { memset(h, 0, sizeof *h); }

static void histogram_add(struct histogram *h, uint64_t value)
{
    h->bucket[bucket_of(value)]++;
    h->count++;
    if (value > h->max)
        h->max = value;
}

/* The value below which `part` (0 to 1) of all values lie; 0 when nothing was recorded. */
static uint64_t histogram_at(const struct histogram *h, double part)
{
    uint64_t wanted = (uint64_t)(part * (double)h->count), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->bucket[i];
        if (h->bucket[i] && seen >= wanted)
            return middle_of(i) < h->max ? middle_of(i) : h->max;
    }
    return h->max;
}
