/* Sorts the positions of maps by which taps of a 3x3 kernel lie inside the image there, so that no zeros of a border
 * need be multiplied.
 */
#ifndef METASHOT_POSITIONS_H
#define METASHOT_POSITIONS_H

#include <stdint.h>
#include <stdlib.h>

#include "vectors.h"

/* Positions along one axis, by the set of taps (as bits) that lie inside there. */
typedef struct {
    int64_t line, count[8];
    int32_t at[]; /* [8][line] */
} Kinds;

/* Sort positions of the maps, by the taps that lie inside images of ``size`` and their border; or, with ``back``,
 * positions of the images, by the taps that reach them from positions inside maps of ``size``. Returns NULL for want of
 * memory. */
static Kinds *kinds_of(int64_t line, int64_t stride, int64_t size, int64_t border, int back)
{
    Kinds *kinds = calloc(1, sizeof(Kinds) + 8 * line * sizeof(int32_t));
    if (!kinds) return NULL;
    kinds->line = line;
    for (int64_t at = 0; at < line; at++) {
        int taps = 0;
        for (int64_t tap = 0; tap < 3; tap++) {
            const int64_t place = back ? at + 1 - tap : at * stride + tap - 1;
            const int reached = back ? place >= 0 && place % stride == 0 && place / stride < size
                                     : place >= -border && place < size + border;
            taps |= reached << tap;
        }
        kinds->at[taps * line + kinds->count[taps]++] = at;
    }
    return kinds;
}

INLINE int64_t first_of(int taps) { return __builtin_ctz(taps); }

/* A position ``at`` of the images is reached by a tap from position at / stride + towards(tap, stride) of the maps.
 * With stride 2, the middle tap reaches even positions only, and the other two odd ones only. */
INLINE int64_t towards(int64_t tap, int64_t stride) { return stride == 1 ? 1 - tap : tap == 0; }

#define FOR_KINDS(down, across)                                                                                        \
    for (int rows = 1; rows < 8; rows++)                                                                               \
        for (int columns = 1; columns < 8; columns++)                                                                  \
            if ((down)->count[rows] && (across)->count[columns])
#define PLACE(kinds, taps, n) (kinds)->at[(taps) * (kinds)->line + (n)]
/* All positions (y, x) of kind (rows, columns), in each of ``images`` images b. */
#define FOR_POSITIONS(images, down, across)                                                                            \
    for (int64_t b = 0; b < (images); b++)                                                                             \
        for (int64_t i = 0, y; i < (down)->count[rows] && (y = PLACE(down, rows, i), 1); i++)                        \
            for (int64_t j = 0, x; j < (across)->count[columns] && (x = PLACE(across, columns, j), 1); j++)

#endif
