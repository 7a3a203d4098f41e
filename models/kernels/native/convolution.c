/* 3x3 convolution with padding 1 of several tasks' maps, each task with its own weights, and its two gradients.
 *
 * No patches are copied: a patch consists of three runs of numbers in rows of the maps, and the products read them
 * where they lie. Nor are maps copied into a border, except where noted: positions are grouped by the taps that lie
 * inside, so that no zeros are multiplied. A task's maps and weights stay in the core's own cache; tasks, or parts of
 * them if there are few, are divided among the threads. Each number is a sum in an order that depends on the shapes
 * alone, except in the weights' gradient, where sums over parts also depend on the number of threads.
 *
 * The functions return 0, or 1 if they got no memory to work in; results are then unfinished, and nothing else is
 * different. A thread that got none takes its share of the work as the others do, since they would wait for it.
 *
 * Maps are float32 [tasks, images, high, wide, channels], weights [tasks, 3, 3, channels, filters] with
 * ``weight_step`` numbers from task to task, 0 if all share them. Outputs' innermost size is a multiple of LANES.
 */
#include <omp.h>

#include "packing.h"
#include "positions.h"

#ifdef PAIRS
#define NAME(name) name##_bfloat16
#else
#define NAME(name) name##_float32
#endif

#define MOST_BYTES (1 << 20)
#define MOST_POSITIONS 256 /* whose rows are read while a block of the weights' gradient stays in registers */

typedef struct {
    int64_t tasks, images, high, wide, channels, filters, stride;
} Shape;

typedef struct {
    int64_t task, first, count; /* some images of a task */
} Part;

static int64_t halved(int64_t size, int64_t stride) { return (size + stride - 1) / stride; }

/* Into how many parts a task is divided: more than one only if there are too few tasks for the threads. */
static int64_t parts_of_task(const Shape *s)
{
    const int64_t threads = omp_in_parallel() ? 1 : omp_get_max_threads();
    if (threads == 1 || s->tasks >= 2 * threads) return 1;
    const int64_t parts = (4 * threads + s->tasks - 1) / s->tasks;
    return parts < s->images ? parts : s->images;
}

/* The same, but at least so many parts that a part's maps, of ``elements`` an image, stay in the core's cache. */
static int64_t cached_parts(const Shape *s, int64_t elements)
{
    const int64_t bytes = s->images * elements * (int64_t)sizeof(element);
    const int64_t parts = parts_of_task(s), needed = (bytes + MOST_BYTES - 1) / MOST_BYTES;
    if (needed <= parts) return parts;
    return needed < s->images ? needed : s->images;
}

static Part part_of(const Shape *s, int64_t parts, int64_t item)
{
    const int64_t number = item % parts, first = number * s->images / parts;
    return (Part){item / parts, first, (number + 1) * s->images / parts - first};
}

int NAME(convolve)(const Shape *s, const float *images, const float *weight, int64_t weight_step, int add,
                   float *maps)
{
    if (s->images == 0) return 0;
    const int64_t C = s->channels, O = s->filters, depth = C / PAIR, stride = s->stride;
    /* With stride 1, a border lets maps be written in order, which is worth multiplying a few zeros. */
    const int64_t border = stride == 1, row = (s->wide + 2 * border) * depth, edge = 1 - border;
    const int64_t h = halved(s->high, stride), w = halved(s->wide, stride);
    const int64_t parts = cached_parts(s, (s->high + 2) * row), most = (s->images + parts - 1) / parts;
    element *shared = malloc(weight_step ? 1 : 9 * depth * O * sizeof(element));
    Kinds *down = kinds_of(h, stride, s->high, border, 0), *across = kinds_of(w, stride, s->wide, border, 0);
    const element *of_all = weight_step || !shared ? NULL : packed(weight, 9 * C, O, shared);
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        element *room = malloc(most * (s->high + 2) * row * sizeof(element));
        element *own = malloc(9 * depth * O * sizeof(element));
        int32_t *from = malloc(2 * most * h * w * sizeof(int32_t));
        lacking = !shared || !down || !across || !room || !own || !from;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            if (lacking) continue;
            int32_t *to = from + most * h * w;
            const Part part = part_of(s, parts, item);
            const int64_t place = part.task * s->images + part.first;
            const element *of_task = of_all ? of_all : packed(weight + part.task * weight_step, 9 * C, O, own);
            const float *of_part = images + place * s->high * s->wide * C;
            const element *in = border ? padded(of_part, part.count, s->high, s->wide, C, room)
                                       : rounded(of_part, part.count * s->high * s->wide * C, room);
            FOR_KINDS(down, across) {
                int32_t reach[3], n = 0;
                const element *weights[3];
                int taps = 0;
                const int64_t q = first_of(columns);
                for (int64_t r = 0; r < 3; r++)
                    if (rows >> r & 1) {
                        reach[taps] = r * row + q * depth;
                        weights[taps++] = of_task + (r * 3 + q) * depth * O;
                    }
                FOR_POSITIONS(part.count, down, across) {
                    from[n] = (b * (s->high + 2 * border) + y * stride - edge) * row + (x * stride - edge) * depth;
                    to[n++] = ((b * h + y) * w + x) * O;
                }
                multiply_rows(in, from, n, taps, reach, weights, __builtin_popcount(columns) * depth, O,
                              maps + place * h * w * O, to, add);
            }
        }
        free(room), free(own), free(from);
    }
    free(shared), free(down), free(across);
    return lacking;
}

int NAME(input_gradient)(const Shape *s, const float *maps, const float *weight, int64_t weight_step, float *images)
{
    if (s->images == 0) return 0;
    const int64_t C = s->channels, O = s->filters, depth = O / PAIR, stride = s->stride;
    const int64_t h = halved(s->high, stride), w = halved(s->wide, stride), row = w * depth;
    const int64_t parts = cached_parts(s, h * row), most = (s->images + parts - 1) / parts;
    element *shared = malloc(weight_step ? 1 : 9 * C * depth * sizeof(element));
    Kinds *down = kinds_of(s->high, stride, h, 0, 1), *across = kinds_of(s->wide, stride, w, 0, 1);
    const element *of_all = weight_step || !shared ? NULL : turned(weight, C, O, shared);
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        element *room = malloc(PAIR == 1 ? 1 : most * h * row * sizeof(element));
        element *own = malloc(9 * C * depth * sizeof(element));
        int32_t *from = malloc(2 * most * s->high * s->wide * sizeof(int32_t));
        lacking = !shared || !down || !across || !room || !own || !from;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            if (lacking) continue;
            int32_t *to = from + most * s->high * s->wide;
            const Part part = part_of(s, parts, item);
            const int64_t place = part.task * s->images + part.first;
            const element *of_task = of_all ? of_all : turned(weight + part.task * weight_step, C, O, own);
            const element *in = rounded(maps + place * h * w * O, part.count * h * w * O, room);
            float *out = images + place * s->high * s->wide * C;
            FOR_KINDS(down, across) {
                int32_t reach[9], n = 0;
                const element *weights[9];
                int taps = 0;
                for (int64_t tap = 0; tap < 9; tap++) {
                    const int64_t r = tap / 3, q = tap % 3;
                    if (!(rows >> r & 1 && columns >> q & 1)) continue;
                    reach[taps] = towards(r, stride) * row + towards(q, stride) * depth;
                    weights[taps++] = of_task + tap * C * depth;
                }
                FOR_POSITIONS(part.count, down, across) {
                    from[n] = (b * h + y / stride) * row + x / stride * depth;
                    to[n++] = ((b * s->high + y) * s->wide + x) * C;
                }
                multiply_rows(in, from, n, taps, reach, weights, depth, C, out, to, 0);
            }
        }
        free(room), free(own), free(from);
    }
    free(shared), free(down), free(across);
    return lacking;
}

/* Offsets of the rows of patches and of maps, for row ``r`` of taps wherever it is inside and for some columns; with
 * PAIRS, a column is two neighbours, in images with a border left and right. Returns their number. */
static int64_t lined_up(const Shape *s, int64_t images, int64_t r, const int32_t *columns, int64_t count, int32_t *from,
                        int32_t *to)
{
    const int64_t h = halved(s->high, s->stride), cells = halved(halved(s->wide, s->stride), PAIR);
    const int64_t border = PAIR - 1, row = s->wide + 2 * border;
    int64_t n = 0;
    for (int64_t b = 0; b < images; b++)
        for (int64_t y = 0; y < h; y++) {
            const int64_t at = y * s->stride + r - 1;
            if (at < 0 || at >= s->high) continue;
            for (int64_t j = 0; j < count; j++) {
                from[n] = ((b * s->high + at) * row + columns[j] * PAIR * s->stride + border - 1) * s->channels;
                to[n++] = ((b * h + y) * cells + columns[j]) * s->filters;
            }
        }
    return n;
}

int NAME(weight_gradient)(const Shape *s, const float *maps, const float *images, int add, float *weight)
{
    const int64_t C = s->channels, O = s->filters, size = 9 * C * O;
    const int64_t h = halved(s->high, s->stride), w = halved(s->wide, s->stride);
    const int64_t parts = parts_of_task(s), fit = MOST_POSITIONS / (h * w), most = fit < 1 ? 1 : fit;
    const int64_t cells = halved(w, PAIR);
    Kinds *across = kinds_of(cells, PAIR * s->stride, s->wide, PAIR - 1, 0);
    float *sums = parts == 1 ? weight : malloc(s->tasks * parts * size * sizeof(float));
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        element *padded = malloc(PAIR == 1 ? 1 : most * s->high * (s->wide + 2) * C * sizeof(element));
        element *room = malloc(PAIR == 1 ? 1 : most * h * halved(w, 2) * O * sizeof(element));
        int32_t *from = malloc(2 * most * h * w * sizeof(int32_t));
        lacking = !across || !sums || !padded || !room || !from;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            if (lacking) continue;
            int32_t *to = from + most * h * w;
            const Part part = part_of(s, parts, item);
            if (parts > 1 || !add) memset(sums + item * size, 0, size * sizeof(float));
            for (int64_t done = 0; done < part.count; done += most) {
                const int64_t place = part.task * s->images + part.first + done;
                const int64_t count = part.count - done < most ? part.count - done : most;
                const float *of_images = images + place * s->high * s->wide * C, *of_maps = maps + place * h * w * O;
#ifdef PAIRS
                pad_neighbours(of_images, count, s->high, s->wide, C, s->stride, padded);
                pair_neighbours(of_maps, count * h, w, O, room);
                const element *patches = padded, *lines = room;
#else
                const element *patches = of_images, *lines = of_maps;
#endif
                for (int64_t r = 0; r < 3; r++)
                    for (int columns = 1; columns < 8; columns++) {
                        if (!across->count[columns]) continue;
                        const int32_t *places = across->at + columns * cells;
                        const int64_t n = lined_up(s, count, r, places, across->count[columns], from, to);
                        const int64_t q = first_of(columns), width = __builtin_popcount(columns) * C;
                        for (int64_t p = 0; p < n; p += MOST_POSITIONS)
                            add_outer(patches + q * C, from + p, n - p < MOST_POSITIONS ? n - p : MOST_POSITIONS,
                                      lines, to + p, width, O, sums + item * size + (r * 3 + q) * C * O);
                    }
            }
        }
        free(padded), free(room), free(from);
    }
    free(across);
    if (parts == 1) return lacking;
    for (int64_t task = 0; !lacking && task < s->tasks; task++)
        for (int64_t k = 0; k < size; k++) {
            float total = add ? weight[task * size + k] : 0;
            for (int64_t number = 0; number < parts; number++) total += sums[(task * parts + number) * size + k];
            weight[task * size + k] = total;
        }
    free(sums);
    return lacking;
}
