/* Lays maps and weights out as the products take them: maps within a border of zeros, weights as they are or turned.
 * With PAIRS, float32 numbers become bfloat16 (to nearest, ties to even), two to an element.
 */
#include <stdlib.h>
#include <string.h>

#include "products.h"

#ifdef PAIRS
#define PAIR 2
INLINE uint32_t bits(float value)
{
    uint32_t whole;
    memcpy(&whole, &value, 4);
    return whole + 0x7fff + (whole >> 16 & 1);
}
INLINE element paired(float first, float second) { return bits(first) >> 16 | (bits(second) & 0xffff0000u); }
#else
#define PAIR 1
#endif

/* Maps [images, high, wide, channels] within a border, ``channels / PAIR`` elements a position. */
static void pad(const float *maps, int64_t images, int64_t high, int64_t wide, int64_t channels, element *padded)
{
    const int64_t depth = channels / PAIR, row = (wide + 2) * depth;
    for (int64_t b = 0; b < images; b++) {
        memset(padded, 0, row * sizeof(element));
        padded += row;
        for (int64_t y = 0; y < high; y++, padded += row, maps += wide * channels) {
            memset(padded, 0, depth * sizeof(element));
#ifdef PAIRS
            for (int64_t k = 0; k < wide * depth; k++) padded[depth + k] = paired(maps[2 * k], maps[2 * k + 1]);
#else
            memcpy(padded + depth, maps, wide * depth * sizeof(element));
#endif
            memset(padded + depth + wide * depth, 0, depth * sizeof(element));
        }
        memset(padded, 0, row * sizeof(element));
        padded += row;
    }
}

#ifdef PAIRS
/* Maps within a border, each number beside that of the position ``step`` to the right (0 beyond the border). */
static void pad_neighbours(const float *maps, int64_t images, int64_t high, int64_t wide, int64_t channels,
                           int64_t step, element *padded)
{
    const int64_t row = (wide + 2) * channels;
    memset(padded, 0, images * (high + 2) * row * sizeof(element));
    for (int64_t b = 0; b < images; b++, padded += 2 * row)
        for (int64_t y = 0; y < high; y++, padded += row, maps += wide * channels)
            for (int64_t x = -1; x < wide; x++) {
                element *to = padded + row + (x + 1) * channels;
                const float *at = maps + x * channels, *next = at + step * channels;
                if (x < 0)
                    for (int64_t c = 0; c < channels; c++) to[c] = step <= wide ? paired(0, next[c]) : 0;
                else if (x + step < wide)
                    for (int64_t c = 0; c < channels; c++) to[c] = paired(at[c], next[c]);
                else
                    for (int64_t c = 0; c < channels; c++) to[c] = paired(at[c], 0);
            }
}
#endif

/* Weights [9, channels, filters]: the very same, or with PAIRS two channels to an element, in ``room``. */
static const element *packed(const float *weight, int64_t channels, int64_t filters, element *room)
{
#ifdef PAIRS
    for (int64_t k = 0; k < 9 * channels / 2; k++)
        for (int64_t o = 0; o < filters; o++)
            room[k * filters + o] = paired(weight[2 * k * filters + o], weight[(2 * k + 1) * filters + o]);
    return room;
#else
    (void)channels, (void)filters, (void)room;
    return weight;
#endif
}

/* Weights [9, channels, filters] as [9, filters / PAIR, channels]. */
static const element *turned(const float *weight, int64_t channels, int64_t filters, element *room)
{
    for (int64_t tap = 0; tap < 9; tap++, weight += channels * filters)
        for (int64_t first = 0; first < channels; first += LANES)
            for (int64_t o = 0; o < filters / PAIR; o++)
                for (int64_t c = first; c < first + LANES; c++) {
                    const float *at = weight + c * filters + PAIR * o;
#ifdef PAIRS
                    room[(tap * (filters / 2) + o) * channels + c] = paired(at[0], at[1]);
#else
                    room[(tap * filters + o) * channels + c] = at[0];
#endif
                }
    return room;
}
