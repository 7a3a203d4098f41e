/* Lays out maps and weights as the products read them: as they are, within a border, or transposed. With PAIRS,
 * float32 numbers become bfloat16 (to nearest, ties to even), two to an element.
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

#ifdef PAIRS
/* Maps with a column of zeros left and right; each number is paired with the one at the position ``step`` to the
 * right. */
static void pad_neighbours(const float *maps, int64_t images, int64_t high, int64_t wide, int64_t channels,
                           int64_t step, element *padded)
{
    memset(padded, 0, images * high * (wide + 2) * channels * sizeof(element));
    for (int64_t line = 0; line < images * high; line++, maps += wide * channels, padded += (wide + 2) * channels)
        for (int64_t x = -1; x < wide; x++) {
            element *to = padded + (x + 1) * channels;
            const float *at = maps + x * channels, *next = at + step * channels;
            if (x < 0)
                for (int64_t c = 0; c < channels; c++) to[c] = step <= wide ? paired(0, next[c]) : 0;
            else if (x + step < wide)
                for (int64_t c = 0; c < channels; c++) to[c] = paired(at[c], next[c]);
            else
                for (int64_t c = 0; c < channels; c++) to[c] = paired(at[c], 0);
        }
}

/* Lines of maps with two neighbouring positions paired; a last one without a neighbour is paired with zeros. */
static void pair_neighbours(const float *maps, int64_t lines, int64_t wide, int64_t channels, element *pairs)
{
    for (int64_t line = 0; line < lines; line++, maps += wide * channels)
        for (int64_t x = 0; x < wide; x += 2, pairs += channels) {
            const float *at = maps + x * channels;
            for (int64_t c = 0; c < channels; c++) pairs[c] = paired(at[c], x + 1 < wide ? at[channels + c] : 0);
        }
}
#endif

/* ``count`` numbers: as they are or, with PAIRS, two neighbours to an element, in ``room``. */
static const element *rounded(const float *numbers, int64_t count, element *room)
{
#ifdef PAIRS
    for (int64_t k = 0; k < count / 2; k++) room[k] = paired(numbers[2 * k], numbers[2 * k + 1]);
    return room;
#else
    (void)count, (void)room;
    return numbers;
#endif
}

/* Maps [images, high, wide, channels] within a border of zeros, ``channels / PAIR`` elements a position. */
static const element *padded(const float *maps, int64_t images, int64_t high, int64_t wide, int64_t channels,
                             element *room)
{
    const int64_t depth = channels / PAIR, row = (wide + 2) * depth;
    memset(room, 0, images * (high + 2) * row * sizeof(element));
    for (int64_t b = 0; b < images; b++)
        for (int64_t y = 0; y < high; y++, maps += wide * channels) {
            element *to = room + (b * (high + 2) + y + 1) * row + depth;
            const element *line = rounded(maps, wide * channels, to);
            if (line != to) memcpy(to, line, wide * depth * sizeof(element));
        }
    return room;
}

/* Weights [channels, filters]: as they are or, with PAIRS, two channels to an element, in ``room``. */
static const element *packed(const float *weight, int64_t channels, int64_t filters, element *room)
{
#ifdef PAIRS
    for (int64_t k = 0; k < channels / 2; k++)
        for (int64_t o = 0; o < filters; o++)
            room[k * filters + o] = paired(weight[2 * k * filters + o], weight[(2 * k + 1) * filters + o]);
    return room;
#else
    (void)channels, (void)filters, (void)room;
    return weight;
#endif
}

/* LANES elements of a row; with PAIRS, made of twice as many numbers. */
INLINE ivec elements_of(const float *row)
{
#ifdef PAIRS
    ivec halves[2];
    for (int k = 0; k < 2; k++) {
        const ivec whole = *(const ivec *)(row + k * LANES);
        halves[k] = whole + 0x7fff + (whole >> 16 & 1);
    }
    const ivec odd = __builtin_shuffle(halves[0], halves[1], 2 * COUNTED + 1);
    return (__builtin_shuffle(halves[0], halves[1], 2 * COUNTED) >> 16 & 0xffff) | (odd & (int32_t)0xffff0000);
#else
    return *(const ivec *)row;
#endif
}

/* Transpose LANES rows of LANES elements: each round moves one bit of an element's row index into its column index. */
INLINE void transpose(ivec *rows)
{
    const ivec even = (COUNTED & 1) * LANES + (COUNTED >> 1);
    for (int bit = 1; bit < LANES; bit *= 2) {
        ivec next[LANES];
        for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = __builtin_shuffle(rows[i], rows[i + LANES / 2], even);
            next[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + LANES / 2], even + LANES / 2);
        }
        for (int i = 0; i < LANES; i++) rows[i] = next[i];
    }
}

/* Weights [9, channels, filters] transposed to [9, filters / PAIR, channels], in ``room``. */
static const element *turned(const float *weight, int64_t channels, int64_t filters, element *room)
{
    const int64_t depth = filters / PAIR;
    for (int64_t tap = 0; tap < 9; tap++, weight += channels * filters, room += depth * channels)
        for (int64_t first = 0; first < channels; first += LANES) {
            int64_t o = 0;
            for (; o + LANES <= depth; o += LANES) {
                ivec rows[LANES];
                for (int c = 0; c < LANES; c++) rows[c] = elements_of(weight + (first + c) * filters + PAIR * o);
                transpose(rows);
                for (int k = 0; k < LANES; k++) *(ivec *)(room + (o + k) * channels + first) = rows[k];
            }
            for (; o < depth; o++)
                for (int64_t c = first; c < first + LANES; c++) {
                    const float *at = weight + c * filters + PAIR * o;
#ifdef PAIRS
                    room[o * channels + c] = paired(at[0], at[1]);
#else
                    room[o * channels + c] = at[0];
#endif
                }
        }
    return room - 9 * depth * channels;
}
