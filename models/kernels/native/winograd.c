/* 3x3 convolution with padding 1 and stride 1, and its two gradients, by a quarter of the products (winograd_tiles.h).
 *
 * Maps are cut into tiles. The transforms of many tiles are laid out as 36 matrices, [tiles, channels] each, which are
 * multiplied by those of the weights. Each number is a sum in an order that depends on the shapes alone, except in the
 * weights' gradient, where sums over parts also depend on the number of threads.
 *
 * Arrays and what is returned are as in convolution.c; channels and filters are multiples of LANES.
 */
#include <omp.h>

#include "packing.h"
#include "winograd_maps.h"

#define MOST_TILES 24 /* transformed at once, few enough to stay in the core's cache */

typedef struct {
    int64_t tasks, images, high, wide, channels, filters;
} Shape;

/* Into how many parts a task is divided: more than one only if there are too few tasks for the threads. */
static int64_t parts_of_task(const Shape *s)
{
    const int64_t threads = omp_in_parallel() ? 1 : omp_get_max_threads();
    if (threads == 1 || s->tasks >= 2 * threads) return 1;
    const int64_t parts = (4 * threads + s->tasks - 1) / s->tasks;
    return parts < s->images ? parts : s->images;
}

/* Distance between two of the 36 matrices: a little more than their size, or all would fall on the same cache lines. */
static int64_t apart(int64_t depth) { return MOST_TILES * depth + LANES; }

/* Prefetch one of 36 shares of the maps from tile ``first`` to before ``last``: once the products of all 36 matrices
 * are done, the maps have arrived from memory. */
INLINE void ask_for(const Grid *grid, const float *maps, int64_t first, int64_t last, int64_t share)
{
    int64_t b, y, x, e, z;
    corner(grid, first, &b, &y, &x), corner(grid, last, &e, &z, &x);
    const float *from = maps + (b * grid->high + y) * grid->wide * grid->depth;
    const int64_t lines = ((e - b) * grid->high + z - y) * grid->wide * grid->depth / LANES;
    for (int64_t k = share * lines / PLACES; k < (share + 1) * lines / PLACES; k++)
        __builtin_prefetch(from + k * LANES, 0, 2);
}

/* As take_tiles, for tiles of a gradient of the maps. */
static void take_gradient(const Grid *grid, int64_t first, int64_t count, const float *maps, const float *zeros,
                          float *out)
{
    const int64_t O = grid->depth;
    for (int64_t n = 0, b, y, x; n < count; n++, out += O) {
        corner(grid, first + n, &b, &y, &x);
        const Window g = window(grid, maps + b * grid->high * grid->wide * O, y, x, TILE, zeros);
        for (int64_t o = 0; o < O; o += LANES) of_gradient(&g, o, out + o, apart(O));
    }
}

/* Transform tiles back into maps or, with ``add``, add them to the maps. */
static void give_tiles(const Grid *grid, int64_t first, int64_t count, const float *in, float *maps, int add)
{
    const int64_t O = grid->depth;
    for (int64_t n = 0, b, y, x; n < count; n++, in += O) {
        corner(grid, first + n, &b, &y, &x);
        float *to = maps + ((b * grid->high + y) * grid->wide + x) * O;
        const int64_t high = grid->high - y < TILE ? grid->high - y : TILE;
        const int64_t wide = grid->wide - x < TILE ? grid->wide - x : TILE;
        for (int64_t o = 0; o < O; o += LANES) {
            vec found[TILE][TILE];
            to_maps(in + o, apart(O), found);
            for (int64_t i = 0; i < high; i++)
                for (int64_t j = 0; j < wide; j++) {
                    float *at = to + (i * grid->wide + j) * O + o;
                    if (add) found[i][j] += load(at);
                    store(at, found[i][j]);
                }
        }
    }
}

/* Transform weights [9, depth, width], with taps in reverse order for those that ``turned`` gave. */
static void take_weights(const float *weight, int64_t depth, int64_t width, int reversed, float *out)
{
    const int64_t size = depth * width;
    for (int64_t k = 0; k < size; k += LANES) {
        vec w[PLACES];
        for (int64_t tap = 0; tap < 9; tap++)
            w[tap / 3 * SEEN + tap % 3] = load(weight + (reversed ? 8 - tap : tap) * size + k);
        BOTH_WAYS(of_weights, w, 3, SEEN);
        for (int64_t e = 0; e < PLACES; e++) store(out + e * size + k, w[e]);
    }
}

static void give_weights(const float *sums, int64_t size, int add, float *weight)
{
    for (int64_t k = 0; k < size; k += LANES) {
        vec s[PLACES];
        for (int64_t e = 0; e < PLACES; e++) s[e] = load(sums + e * size + k);
        BOTH_WAYS(to_weights, s, SEEN, 3);
        for (int64_t tap = 0; tap < 9; tap++) {
            vec found = s[tap / 3 * SEEN + tap % 3];
            if (add) found += load(weight + tap * size + k);
            store(weight + tap * size + k, found);
        }
    }
}

/* Convolve ``in``, of ``depth`` channels, by weights [9, depth, width] or, with ``turn``, by [9, width, depth] that are
 * turned first. */
static int convolve_tiles(const Shape *s, const float *in, int64_t depth, const float *weight, int64_t weight_step,
                          int64_t width, int turn, int add, float *out)
{
    const Grid from = grid_of(s->high, s->wide, depth), to = grid_of(s->high, s->wide, width);
    const int64_t parts = parts_of_task(s), tiles = from.down * from.across, positions = s->high * s->wide;
    const int64_t matrix = depth * width;
    const int32_t nowhere = 0;
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        float *taken = malloc(PLACES * (apart(depth) + apart(width)) * sizeof(float));
        float *own = malloc((PLACES + 9) * matrix * sizeof(float));
        float *zeros = calloc(SEEN * depth, sizeof(float));
        int32_t rows[MOST_TILES], results[MOST_TILES];
        int64_t held = -1;
        for (int64_t n = 0; n < MOST_TILES; n++) rows[n] = n * depth, results[n] = n * width;
        lacking = !taken || !own || !zeros;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            if (lacking) continue;
            float *products = taken + PLACES * apart(depth), *room = own + PLACES * matrix;
            const int64_t task = item / parts, number = item % parts, begin = number * s->images / parts;
            const int64_t last = ((number + 1) * s->images / parts - begin) * tiles, place = task * s->images + begin;
            if (held != task * (weight_step != 0)) {
                const float *of_task = weight + task * weight_step;
                take_weights(turn ? turned(of_task, s->channels, s->filters, room) : of_task, depth, width, turn, own);
                held = task * (weight_step != 0);
            }
            for (int64_t first = 0; first < last; first += MOST_TILES) {
                const int64_t count = last - first < MOST_TILES ? last - first : MOST_TILES;
                const int64_t next = last - first < 2 * MOST_TILES ? last : first + 2 * MOST_TILES;
                take_tiles(&from, first, count, in + place * positions * depth, zeros, apart(depth), taken);
                for (int64_t e = 0; e < PLACES; e++) {
                    const float *matrices = own + e * matrix;
                    ask_for(&from, in + place * positions * depth, first + count, next, e);
                    ask_for(&to, out + place * positions * width, first, first + count, e);
                    multiply_rows(taken + e * apart(depth), rows, count, 1, &nowhere, &matrices, depth, width,
                                  products + e * apart(width), results, 0);
                }
                give_tiles(&to, first, count, products, out + place * positions * width, add);
            }
        }
        free(taken), free(own), free(zeros);
    }
    return lacking;
}

int winograd_convolve(const Shape *s, const float *images, const float *weight, int64_t weight_step, int add,
                      float *maps)
{
    return convolve_tiles(s, images, s->channels, weight, weight_step, s->filters, 0, add, maps);
}

int winograd_input_gradient(const Shape *s, const float *maps, const float *weight, int64_t weight_step,
                            float *images)
{
    return convolve_tiles(s, maps, s->filters, weight, weight_step, s->channels, 1, 0, images);
}

int winograd_weight_gradient(const Shape *s, const float *maps, const float *images, int add, float *weight)
{
    const int64_t C = s->channels, O = s->filters, matrix = C * O, positions = s->high * s->wide;
    const Grid seen = grid_of(s->high, s->wide, C), given = grid_of(s->high, s->wide, O);
    const int64_t parts = parts_of_task(s), tiles = seen.down * seen.across;
    float *sums = parts == 1 ? weight : malloc(s->tasks * parts * 9 * matrix * sizeof(float));
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        float *taken = malloc(PLACES * (apart(C) + apart(O)) * sizeof(float));
        float *products = malloc(PLACES * matrix * sizeof(float));
        float *zeros = calloc(SEEN * (C > O ? C : O), sizeof(float));
        int32_t rows[MOST_TILES], columns[MOST_TILES];
        for (int64_t n = 0; n < MOST_TILES; n++) rows[n] = n * C, columns[n] = n * O;
        lacking = !sums || !taken || !products || !zeros;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            if (lacking) continue;
            float *others = taken + PLACES * apart(C);
            const int64_t task = item / parts, number = item % parts, begin = number * s->images / parts;
            const int64_t last = ((number + 1) * s->images / parts - begin) * tiles, place = task * s->images + begin;
            memset(products, 0, PLACES * matrix * sizeof(float));
            for (int64_t first = 0; first < last; first += MOST_TILES) {
                const int64_t count = last - first < MOST_TILES ? last - first : MOST_TILES;
                const int64_t next = last - first < 2 * MOST_TILES ? last : first + 2 * MOST_TILES;
                take_tiles(&seen, first, count, images + place * positions * C, zeros, apart(C), taken);
                take_gradient(&given, first, count, maps + place * positions * O, zeros, others);
                for (int64_t e = 0; e < PLACES; e++) {
                    ask_for(&seen, images + place * positions * C, first + count, next, e);
                    ask_for(&given, maps + place * positions * O, first + count, next, e);
                    add_outer(taken + e * apart(C), rows, count, others + e * apart(O), columns, C, O,
                              products + e * matrix);
                }
            }
            give_weights(products, matrix, add && parts == 1, sums + item * 9 * matrix);
        }
        free(taken), free(products), free(zeros);
    }
    if (parts == 1) return lacking;
    for (int64_t task = 0; !lacking && task < s->tasks; task++)
        for (int64_t k = 0; k < 9 * matrix; k++) {
            float total = add ? weight[task * 9 * matrix + k] : 0;
            for (int64_t number = 0; number < parts; number++) total += sums[(task * parts + number) * 9 * matrix + k];
            weight[task * 9 * matrix + k] = total;
        }
    free(sums);
    return lacking;
}
