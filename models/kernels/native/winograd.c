/* Convolution 3x3 with padding 1 and stride 1, and its two gradients, by a quarter of the products (winograd_tiles.h).
 *
 * Maps are cut into tiles. What a transform makes of many tiles is laid out as 36 matrices, [tiles, channels] each,
 * that are multiplied by those of the weights. Each number is a sum in an order that depends on the shapes alone.
 *
 * Arrays are as in convolution.c; channels and filters are multiples of LANES.
 */
#include <omp.h>

#include "packing.h"
#include "winograd_tiles.h"

#define MOST_TILES 32 /* transformed at once, so that they stay in the core's cache */

typedef struct {
    int64_t tasks, images, high, wide, channels, filters;
} Shape;

typedef struct {
    int64_t high, wide, depth, down, across; /* of an image: positions, numbers of each, tiles */
} Grid;

static Grid grid_of(const Shape *s, int64_t depth)
{
    return (Grid){s->high, s->wide, depth, (s->high + TILE - 1) / TILE, (s->wide + TILE - 1) / TILE};
}

/* Into how many parts a task is divided: for the threads, where there are few tasks. */
static int64_t parts_of_task(const Shape *s)
{
    const int64_t threads = omp_get_max_threads();
    if (threads == 1 || s->tasks >= 2 * threads) return 1;
    const int64_t parts = (4 * threads + s->tasks - 1) / s->tasks;
    return parts < s->images ? parts : s->images;
}

/* Between two of the 36 matrices: a little more than they are long, or all would fall on the same lines of the cache. */
static int64_t apart(int64_t depth) { return MOST_TILES * depth + LANES; }

/* Transform ``count`` tiles from number ``first`` on into row after row of the 36 matrices. */
static void take_tiles(const Grid *grid, int64_t first, int64_t count, const float *images, float *out)
{
    const int64_t C = grid->depth;
    for (int64_t n = 0; n < count; n++, out += C) {
        const int64_t number = first + n, x = number % grid->across * TILE - 1;
        const int64_t y = number / grid->across % grid->down * TILE - 1;
        const float *image = images + number / (grid->across * grid->down) * grid->high * grid->wide * C;
        for (int64_t c = 0; c < C; c += LANES) {
            vec d[PLACES];
            for (int64_t i = 0; i < SEEN; i++)
                for (int64_t j = 0; j < SEEN; j++) {
                    const int inside = y + i >= 0 && y + i < grid->high && x + j >= 0 && x + j < grid->wide;
                    d[i * SEEN + j] = inside ? load(image + ((y + i) * grid->wide + x + j) * C + c) : (vec){0};
                }
            BOTH_WAYS(of_images, d, SEEN, SEEN);
            for (int64_t e = 0; e < PLACES; e++) store(out + e * apart(C) + c, d[e]);
        }
    }
}

/* The same of a gradient of the maps. */
static void take_gradient(const Grid *grid, int64_t first, int64_t count, const float *maps, float *out)
{
    const int64_t O = grid->depth;
    for (int64_t n = 0; n < count; n++, out += O) {
        const int64_t number = first + n, x = number % grid->across * TILE;
        const int64_t y = number / grid->across % grid->down * TILE;
        const float *of_image = maps + number / (grid->across * grid->down) * grid->high * grid->wide * O;
        for (int64_t o = 0; o < O; o += LANES) {
            vec g[PLACES];
            for (int64_t i = 0; i < TILE; i++)
                for (int64_t j = 0; j < TILE; j++) {
                    const int inside = y + i < grid->high && x + j < grid->wide;
                    g[i * SEEN + j] = inside ? load(of_image + ((y + i) * grid->wide + x + j) * O + o) : (vec){0};
                }
            BOTH_WAYS(of_maps, g, TILE, SEEN);
            for (int64_t e = 0; e < PLACES; e++) store(out + e * apart(O) + o, g[e]);
        }
    }
}

/* The way back, into maps or, with ``add``, added to them. */
static void give_tiles(const Grid *grid, int64_t first, int64_t count, const float *in, float *maps, int add)
{
    const int64_t O = grid->depth;
    for (int64_t n = 0; n < count; n++, in += O) {
        const int64_t number = first + n, x = number % grid->across * TILE;
        const int64_t y = number / grid->across % grid->down * TILE;
        float *of_image = maps + number / (grid->across * grid->down) * grid->high * grid->wide * O;
        for (int64_t o = 0; o < O; o += LANES) {
            vec m[PLACES];
            for (int64_t e = 0; e < PLACES; e++) m[e] = load(in + e * apart(O) + o);
            BOTH_WAYS(to_maps, m, SEEN, TILE);
            for (int64_t i = 0; i < TILE && y + i < grid->high; i++)
                for (int64_t j = 0; j < TILE && x + j < grid->wide; j++) {
                    float *at = of_image + ((y + i) * grid->wide + x + j) * O + o;
                    if (add) m[i * SEEN + j] += load(at);
                    store(at, m[i * SEEN + j]);
                }
        }
    }
}

/* Transform weights [9, depth, width], their taps in the reverse order for ``turned`` ones. */
static void take_weights(const float *weight, int64_t depth, int64_t width, int reversed, float *out)
{
    const int64_t size = depth * width;
    for (int64_t k = 0; k < size; k += LANES) {
        vec w[PLACES];
        for (int64_t tap = 0; tap < 9; tap++) w[tap / 3 * SEEN + tap % 3] = load(weight + (reversed ? 8 - tap : tap) * size + k);
        BOTH_WAYS(of_weights, w, 3, SEEN);
        for (int64_t e = 0; e < PLACES; e++) store(out + e * size + k, w[e]);
    }
}

static void give_weights(const float *sums, int64_t size, float *weight)
{
    for (int64_t k = 0; k < size; k += LANES) {
        vec s[PLACES];
        for (int64_t e = 0; e < PLACES; e++) s[e] = load(sums + e * size + k);
        BOTH_WAYS(to_weights, s, SEEN, 3);
        for (int64_t tap = 0; tap < 9; tap++) store(weight + tap * size + k, s[tap / 3 * SEEN + tap % 3]);
    }
}

/* The convolution of ``in`` of ``depth`` channels by weights of so many and ``width``, or by ``turned`` ones. */
static void convolve_tiles(const Shape *s, const float *in, int64_t depth, const float *weight, int64_t weight_step,
                           int64_t width, int turn, int add, float *out)
{
    const Grid from = grid_of(s, depth), to = grid_of(s, width);
    const int64_t parts = parts_of_task(s), tiles = from.down * from.across, positions = s->high * s->wide;
    const int64_t matrix = depth * width;
    const int32_t nowhere = 0;
#pragma omp parallel
    {
        float *taken = malloc(PLACES * (apart(depth) + apart(width)) * sizeof(float));
        float *products = taken + PLACES * apart(depth);
        float *own = malloc((PLACES + 9) * matrix * sizeof(float)), *room = own + PLACES * matrix;
        int32_t rows[MOST_TILES], results[MOST_TILES];
        int64_t held = -1;
        for (int64_t n = 0; n < MOST_TILES; n++) rows[n] = n * depth, results[n] = n * width;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            const int64_t task = item / parts, number = item % parts, begin = number * s->images / parts;
            const int64_t last = ((number + 1) * s->images / parts - begin) * tiles, place = task * s->images + begin;
            if (held != task * (weight_step != 0)) {
                const float *of_task = weight + task * weight_step;
                take_weights(turn ? turned(of_task, s->channels, s->filters, room) : of_task, depth, width, turn, own);
                held = task * (weight_step != 0);
            }
            for (int64_t first = 0; first < last; first += MOST_TILES) {
                const int64_t count = last - first < MOST_TILES ? last - first : MOST_TILES;
                take_tiles(&from, first, count, in + place * positions * depth, taken);
                for (int64_t e = 0; e < PLACES; e++) {
                    const float *matrices = own + e * matrix;
                    multiply_rows(taken + e * apart(depth), rows, count, 1, &nowhere, &matrices, depth, width,
                                  products + e * apart(width), results, 0);
                }
                give_tiles(&to, first, count, products, out + place * positions * width, add);
            }
        }
        free(taken), free(own);
    }
}

void winograd_convolve(const Shape *s, const float *images, const float *weight, int64_t weight_step, int add,
                       float *maps)
{
    convolve_tiles(s, images, s->channels, weight, weight_step, s->filters, 0, add, maps);
}

void winograd_input_gradient(const Shape *s, const float *maps, const float *weight, int64_t weight_step,
                             float *images)
{
    convolve_tiles(s, maps, s->filters, weight, weight_step, s->channels, 1, 0, images);
}

void winograd_weight_gradient(const Shape *s, const float *maps, const float *images, float *weight)
{
    const int64_t C = s->channels, O = s->filters, matrix = C * O, positions = s->high * s->wide;
    const Grid seen = grid_of(s, C), given = grid_of(s, O);
    const int64_t parts = parts_of_task(s), tiles = seen.down * seen.across;
    float *sums = parts == 1 ? weight : malloc(s->tasks * parts * 9 * matrix * sizeof(float));
#pragma omp parallel
    {
        float *taken = malloc(PLACES * (apart(C) + apart(O)) * sizeof(float)), *others = taken + PLACES * apart(C);
        float *products = malloc(PLACES * matrix * sizeof(float));
        int32_t rows[MOST_TILES];
        for (int64_t n = 0; n < MOST_TILES; n++) rows[n] = n * C;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            const int64_t task = item / parts, number = item % parts, begin = number * s->images / parts;
            const int64_t last = ((number + 1) * s->images / parts - begin) * tiles, place = task * s->images + begin;
            memset(products, 0, PLACES * matrix * sizeof(float));
            for (int64_t first = 0; first < last; first += MOST_TILES) {
                const int64_t count = last - first < MOST_TILES ? last - first : MOST_TILES;
                take_tiles(&seen, first, count, images + place * positions * C, taken);
                take_gradient(&given, first, count, maps + place * positions * O, others);
                for (int64_t e = 0; e < PLACES; e++)
                    add_outer(taken + e * apart(C), rows, count, others + e * apart(O), C, O, products + e * matrix);
            }
            give_weights(products, matrix, sums + item * 9 * matrix);
        }
        free(taken), free(products);
    }
    if (parts == 1) return;
    for (int64_t task = 0; task < s->tasks; task++)
        for (int64_t k = 0; k < 9 * matrix; k++) {
            float total = 0;
            for (int64_t number = 0; number < parts; number++) total += sums[(task * parts + number) * 9 * matrix + k];
            weight[task * 9 * matrix + k] = total;
        }
    free(sums);
}
