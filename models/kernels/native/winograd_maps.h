/* Maps cut into tiles, and the transforms of many tiles as 36 matrices, [tiles, channels] each. */
#ifndef METASHOT_WINOGRAD_MAPS_H
#define METASHOT_WINOGRAD_MAPS_H

#include "winograd_tiles.h"

typedef struct {
    int64_t high, wide, depth, down, across; /* of an image: positions each way, channels, tiles each way */
} Grid;

INLINE Grid grid_of(int64_t high, int64_t wide, int64_t depth)
{
    return (Grid){high, wide, depth, (high + TILE - 1) / TILE, (wide + TILE - 1) / TILE};
}

/* The image and the first position of a tile of the maps, given its number. */
INLINE void corner(const Grid *grid, int64_t number, int64_t *image, int64_t *y, int64_t *x)
{
    const int64_t tiles = grid->down * grid->across, within = number % tiles;
    *image = number / tiles, *y = within / grid->across * TILE, *x = within % grid->across * TILE;
}

/* The window of an image that begins at (y, x), which may be outside, and is ``side`` positions high. */
INLINE Window window(const Grid *grid, const float *image, int64_t y, int64_t x, int64_t side, const float *zeros)
{
    const int64_t C = grid->depth;
    Window found = {{0}, x < 0 ? -x : 0, grid->wide - x, C};
    for (int64_t i = 0; i < side; i++)
        found.row[i] = y + i >= 0 && y + i < grid->high ? image + ((y + i) * grid->wide + x) * C : zeros;
    return found;
}

/* Transform ``count`` tiles, from number ``first`` on, into the rows of the 36 matrices, ``apart`` from each other. */
INLINE void take_tiles(const Grid *grid, int64_t first, int64_t count, const float *images, const float *zeros,
                       int64_t apart, float *out)
{
    const int64_t C = grid->depth;
    for (int64_t n = 0, b, y, x; n < count; n++, out += C) {
        corner(grid, first + n, &b, &y, &x);
        const Window d = window(grid, images + b * grid->high * grid->wide * C, y - 1, x - 1, SEEN, zeros);
        for (int64_t c = 0; c < C; c += LANES) of_images(&d, c, out + c, apart);
    }
}

#endif
