/* 3x3 convolution with padding 1 and stride 1 by weights transformed once, and what follows it: an offset for each
 * channel, the addition of other maps, ReLU. It works by tiles, as in winograd.c; each image's numbers depend on that
 * image alone.
 *
 * The 36 matrices of the weights, [channels, filters], are cut into panels a few vectors wide, stored one after the
 * other, so that a product reads them in order. Arrays are as in convolution.c.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "products.h"
#include "winograd_maps.h"

#define MOST_TILES 48 /* transformed at once: with fewer, matrices are read more often; more would not fit the cache */

typedef struct {
    int64_t images, high, wide, channels, filters, relu;
} Rest;

static int64_t panels_of(int64_t width) { return (width / LANES + VECTORS - 1) / VECTORS; }

/* The first column of a panel; the panels' widths differ by at most one vector. */
static int64_t column(int64_t width, int64_t panel) { return width / LANES * panel / panels_of(width) * LANES; }

/* Transform weights [9, channels, filters] into [36, panels, channels, columns]. */
int winograd_transformed(const Rest *s, const float *weight, float *out)
{
    const int64_t C = s->channels, O = s->filters, size = C * O;
    for (int64_t panel = 0; panel < panels_of(O); panel++) {
        const int64_t begin = column(O, panel), wide = column(O, panel + 1) - begin;
        for (int64_t c = 0; c < C; c++)
            for (int64_t o = 0; o < wide; o += LANES) {
                vec w[PLACES];
                for (int64_t tap = 0; tap < 9; tap++)
                    w[tap / 3 * SEEN + tap % 3] = load(weight + tap * size + c * O + begin + o);
                BOTH_WAYS(of_weights, w, 3, SEEN);
                for (int64_t e = 0; e < PLACES; e++) store(out + e * size + C * begin + c * wide + o, w[e]);
            }
    }
    return 0;
}

/* Multiply rows [count, depth] by one of the matrices, panel after panel. */
static void multiply_panels(const float *in, const int32_t *rows, int64_t count, const float *matrix, int64_t depth,
                            int64_t width, float *out, const int32_t *results)
{
    const int32_t nowhere = 0;
    for (int64_t panel = 0; panel < panels_of(width); panel++) {
        const int64_t begin = column(width, panel), wide = column(width, panel + 1) - begin;
        const float *columns = matrix + depth * begin;
#define OF_VECTORS(n)                                                                                                  \
    case n: rows_columns(n, in, rows, count, 1, &nowhere, &columns, 0, depth, wide, out + begin, results, 0); break
        switch (wide / LANES) {
            OF_VECTORS(1);
            OF_VECTORS(2);
#if VECTORS == 4
            OF_VECTORS(3);
            OF_VECTORS(4);
#endif
        }
#undef OF_VECTORS
    }
}

/* Transform tiles back into maps, add the offset and, unless NULL, ``start``, and apply ReLU if ``relu``. */
static void finish_tiles(const Grid *grid, int64_t first, int64_t count, const float *in, int64_t apart,
                         const float *offset, const float *start, int relu, float *maps)
{
    const int64_t O = grid->depth;
    for (int64_t n = 0, b, y, x; n < count; n++, in += O) {
        corner(grid, first + n, &b, &y, &x);
        const int64_t place = ((b * grid->high + y) * grid->wide + x) * O;
        const int64_t high = grid->high - y < TILE ? grid->high - y : TILE;
        const int64_t wide = grid->wide - x < TILE ? grid->wide - x : TILE;
        for (int64_t o = 0; o < O; o += LANES) {
            vec found[TILE][TILE];
            const vec shift = load(offset + o);
            to_maps(in + o, apart, found);
            for (int64_t i = 0; i < high; i++)
                for (int64_t j = 0; j < wide; j++) {
                    const int64_t at = place + (i * grid->wide + j) * O + o;
                    vec value = found[i][j] + shift;
                    if (start) value += load(start + at);
                    store(maps + at, relu ? where(value > 0, value) : value);
                }
        }
    }
}

/* Convolve images by transformed weights, with what follows. */
int winograd_at_rest(const Rest *s, const float *images, const float *matrices, const float *offset,
                     const float *start, float *maps)
{
    if (s->images == 0) return 0;
    const int64_t C = s->channels, O = s->filters, size = C * O, positions = s->high * s->wide;
    const Grid from = grid_of(s->high, s->wide, C), to = grid_of(s->high, s->wide, O);
    const int64_t tiles = from.down * from.across, threads = omp_in_parallel() ? 1 : omp_get_max_threads();
    const int64_t parts = s->images < threads ? s->images : threads;
    const int64_t all = (s->images + parts - 1) / parts * tiles, most = all < MOST_TILES ? all : MOST_TILES;
    /* Distances between matrices: a little more than their size, or all would fall on the same cache lines. */
    const int64_t seen = most * C + LANES, given = most * O + LANES;
    int lacking = 0;
#pragma omp parallel for num_threads(parts) schedule(static) reduction(|| : lacking)
    for (int64_t part = 0; part < parts; part++) {
        const int64_t begin = part * s->images / parts, last = ((part + 1) * s->images / parts - begin) * tiles;
        float *taken = malloc(PLACES * (seen + given) * sizeof(float)), *zeros = calloc(SEEN * C, sizeof(float));
        int32_t *rows = malloc(2 * most * sizeof(int32_t));
        const int ready = taken && zeros && rows;
        lacking = lacking || !ready;
        for (int64_t n = 0; ready && n < most; n++) rows[n] = n * C, rows[most + n] = n * O;
        for (int64_t first = 0; ready && first < last; first += most) {
            float *products = taken + PLACES * seen;
            const int64_t count = last - first < most ? last - first : most, out = begin * positions * O;
            take_tiles(&from, first, count, images + begin * positions * C, zeros, seen, taken);
            for (int64_t e = 0; e < PLACES; e++)
                multiply_panels(taken + e * seen, rows, count, matrices + e * size, C, O, products + e * given,
                                rows + most);
            finish_tiles(&to, first, count, products, given, offset, start ? start + out : NULL, s->relu, maps + out);
        }
        free(taken), free(zeros), free(rows);
    }
    return lacking;
}
