/* Sorts the positions of maps by the taps of a 3x3 kernel that they have inside the image, so that no product takes the
 * zeros of a border.
 */
#ifndef METASHOT_POSITIONS_H
#define METASHOT_POSITIONS_H

#include <stdint.h>
#include <stdlib.h>

#include "vectors.h"

/* Positions of a line by the taps, as bits, that they have inside. */
typedef struct {
    int64_t line, count[8];
    int32_t at[]; /* [8][line] */
} Kinds;

/* Of positions of the maps, by taps inside images of ``size`` and their border; or ``back``, of images, by taps from
 * inside maps. */
static Kinds *kinds_of(int64_t line, int64_t stride, int64_t size, int64_t border, int back)
{
    Kinds *kinds = calloc(1, sizeof(Kinds) + 8 * line * sizeof(int32_t));
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

/* How far from position at / stride of the maps the one lies that reaches a position ``at`` of the images by a tap:
 * with a stride, the middle tap and the two others never reach the same ones. */
INLINE int64_t towards(int64_t tap, int64_t stride) { return stride == 1 ? 1 - tap : tap == 0; }

#define FOR_KINDS(down, across)                                                                                        \
    for (int rows = 1; rows < 8; rows++)                                                                               \
        for (int columns = 1; columns < 8; columns++)                                                                  \
            if ((down)->count[rows] && (across)->count[columns])
#define PLACE(kinds, taps, n) (kinds)->at[(taps) * (kinds)->line + (n)]
/* Positions (y, x) of so many images that are of kind (rows, columns). */
#define FOR_POSITIONS(images, down, across)                                                                            \
    for (int64_t b = 0; b < (images); b++)                                                                             \
        for (int64_t i = 0, y; i < (down)->count[rows] && (y = PLACE(down, rows, i), 1); i++)                        \
            for (int64_t j = 0, x; j < (across)->count[columns] && (x = PLACE(across, columns, j), 1); j++)

#endif
