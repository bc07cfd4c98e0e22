/* Stands in for libFuzzer where the compiler has none: changes seeds blindly, for so many seconds.
 *
 * driver SECONDS SEED-FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LONGEST = 4096, MOST_SEEDS = 64, BETWEEN_LOOKS = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 0x9E3779B97F4A7C15u;

static size_t below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return bound ? (size_t)(state % bound) : 0;
}

static size_t change(uint8_t *data, size_t size)
{
    static const char telling[] = "\r\n: \t,;=/GHx013\x7e\x7f\x80\x81\x82\xfe\xff";
    const size_t at = below(size);
    switch (below(5)) {
    case 0:
        data[at] ^= (uint8_t)(1u << below(8));
        break;
    case 1:
        data[at] = (uint8_t)telling[below(sizeof telling)];
        break;
    case 2:   /* leave out */
        memmove(data + at, data + at + 1, size - at - 1);
        return size - 1;
    case 3:   /* put in */
        if (size < LONGEST) {
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)telling[below(sizeof telling)];
            return size + 1;
        }
        break;
    default:   /* cut off */
        return at + 1;
    }
    return size;
}

int main(int count, char **given)
{
    static uint8_t seeds[MOST_SEEDS][LONGEST], data[LONGEST + 1];
    static size_t sizes[MOST_SEEDS];
    const int last = count < MOST_SEEDS ? count : MOST_SEEDS;
    if (count < 3)
        return 2;
    for (int i = 2; i < last; i++) {
        FILE *file = fopen(given[i], "rb");
        if (!file)
            return 2;
        sizes[i - 2] = fread(seeds[i - 2], 1, LONGEST, file);
        fclose(file);
    }
    const time_t until = time(NULL) + atoi(given[1]);
    unsigned long long runs = 0;
    do {
        for (int i = 0; i < BETWEEN_LOOKS; i++, runs++) {
            const size_t which = below((size_t)last - 2);
            size_t size = sizes[which];
            memcpy(data, seeds[which], size);
            for (size_t changes = below(6); changes && size > 2; changes--)
                size = change(data, size);
            LLVMFuzzerTestOneInput(data, size);
        }
    } while (time(NULL) < until);
    printf("%llu inputs\n", runs);
    return 0;
}
