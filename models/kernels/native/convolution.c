/* Convolution 3x3 with padding 1 of several tasks' maps, each task with weights of its own, and its two gradients.
 *
 * No patches are laid out: a patch is three runs of a padded row, and the products read them where they lie. A task's
 * maps and weights stay in the core's own cache; tasks, or parts of them where tasks are few, are divided among the
 * threads. Each number is a sum in an order that depends on the shapes alone.
 *
 * Maps are float32 [tasks, images, high, wide, channels], weights [tasks, 3, 3, channels, filters] with
 * ``weight_step`` numbers from task to task, 0 where all share them. Outputs' innermost size is a multiple of LANES.
 */
#include <omp.h>

#include "packing.h"

#ifdef PAIRS
#define NAME(name) name##_bfloat16
#else
#define NAME(name) name##_float32
#endif

#define MOST_BYTES (1 << 20)
#define MOST_POSITIONS 256 /* whose rows a block of the weights' gradient reads while it stays in registers */

typedef struct {
    int64_t tasks, images, high, wide, channels, filters, stride;
} Shape;

typedef struct {
    int64_t task, first, count; /* some images of a task */
} Part;

static int64_t halved(int64_t size, int64_t stride) { return (size + stride - 1) / stride; }

/* Into how many parts a task is divided: for the threads, where there are few tasks. */
static int64_t parts_of_task(const Shape *s)
{
    const int64_t threads = omp_get_max_threads();
    if (threads == 1 || s->tasks >= 2 * threads) return 1;
    const int64_t parts = (4 * threads + s->tasks - 1) / s->tasks;
    return parts < s->images ? parts : s->images;
}

/* The same, and so that a part's padded maps, of so many elements an image, stay in the core's cache. */
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

void NAME(convolve)(const Shape *s, const float *images, const float *weight, int64_t weight_step, int add,
                    float *maps)
{
    const int64_t C = s->channels, O = s->filters, depth = C / PAIR, row = (s->wide + 2) * depth;
    const int64_t h = halved(s->high, s->stride), w = halved(s->wide, s->stride);
    const int64_t parts = cached_parts(s, (s->high + 2) * row), most = (s->images + parts - 1) / parts;
    const int32_t reach[3] = {0, row, 2 * row};
    element *shared = malloc(weight_step ? 1 : 9 * depth * O * sizeof(element));
    const element *of_all = weight_step ? NULL : packed(weight, C, O, shared);
#pragma omp parallel
    {
        element *padded = malloc(most * (s->high + 2) * row * sizeof(element));
        element *own = malloc(9 * depth * O * sizeof(element));
        int32_t *from = malloc(2 * most * h * w * sizeof(int32_t)), *to = from + most * h * w;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            const Part part = part_of(s, parts, item);
            const int64_t place = part.task * s->images + part.first;
            const element *of_task = of_all ? of_all : packed(weight + part.task * weight_step, C, O, own);
            const element *rows[3] = {of_task, of_task + 3 * depth * O, of_task + 6 * depth * O};
            pad(images + place * s->high * s->wide * C, part.count, s->high, s->wide, C, padded);
            int32_t n = 0;
            for (int64_t b = 0; b < part.count; b++)
                for (int64_t y = 0; y < h; y++)
                    for (int64_t x = 0; x < w; x++, n++) {
                        from[n] = (b * (s->high + 2) + y * s->stride) * row + x * s->stride * depth;
                        to[n] = n * O;
                    }
            multiply_rows(padded, from, n, 3, reach, rows, 3 * depth, O, maps + place * h * w * O, to, add);
        }
        free(padded), free(own), free(from);
    }
    free(shared);
}

/* Which taps reach inputs at (m stride + py, n stride + px), and from which padded map position against (m, n). */
static int taps_of(int64_t stride, int64_t py, int64_t px, int64_t row, int64_t depth, int64_t matrix,
                   const element *turned_weight, int32_t *reach, const element **weights)
{
    int taps = 0;
    for (int64_t r = 0; r < 3; r++)
        for (int64_t q = 0; q < 3; q++) {
            if ((py + 1 - r) % stride || (px + 1 - q) % stride) continue;
            reach[taps] = ((py + 1 - r) / stride + 1) * row + ((px + 1 - q) / stride + 1) * depth;
            weights[taps++] = turned_weight + (r * 3 + q) * matrix;
        }
    return taps;
}

void NAME(input_gradient)(const Shape *s, const float *maps, const float *weight, int64_t weight_step, float *images)
{
    const int64_t C = s->channels, O = s->filters, depth = O / PAIR, stride = s->stride;
    const int64_t h = halved(s->high, stride), w = halved(s->wide, stride), row = (w + 2) * depth;
    const int64_t parts = cached_parts(s, (h + 2) * row), most = (s->images + parts - 1) / parts;
    element *shared = malloc(weight_step ? 1 : 9 * C * depth * sizeof(element));
    const element *of_all = weight_step ? NULL : turned(weight, C, O, shared);
#pragma omp parallel
    {
        element *padded = malloc(most * (h + 2) * row * sizeof(element));
        element *own = malloc(9 * C * depth * sizeof(element));
        int32_t *from = malloc(2 * most * s->high * s->wide * sizeof(int32_t));
        int32_t *to = from + most * s->high * s->wide;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            const Part part = part_of(s, parts, item);
            const int64_t place = part.task * s->images + part.first;
            const element *of_task = of_all ? of_all : turned(weight + part.task * weight_step, C, O, own);
            float *out = images + place * s->high * s->wide * C;
            pad(maps + place * h * w * O, part.count, h, w, O, padded);
            for (int64_t phase = 0; phase < stride * stride; phase++) {
                const int64_t py = phase / stride, px = phase % stride;
                int32_t reach[9], n = 0;
                const element *weights[9];
                const int taps = taps_of(stride, py, px, row, depth, C * depth, of_task, reach, weights);
                for (int64_t b = 0; b < part.count; b++)
                    for (int64_t y = py; y < s->high; y += stride)
                        for (int64_t x = px; x < s->wide; x += stride, n++) {
                            from[n] = (b * (h + 2) + y / stride) * row + x / stride * depth;
                            to[n] = ((b * s->high + y) * s->wide + x) * C;
                        }
                multiply_rows(padded, from, n, taps, reach, weights, depth, C, out, to, 0);
            }
        }
        free(padded), free(own), free(from);
    }
    free(shared);
}

/* Rows of the maps of ``images`` images, and where their patches begin in the padded images; with PAIRS, two
 * neighbours of a line to a row. Returns how many. */
static int64_t lined_up(const Shape *s, const float *maps, int64_t images, element *rows, int32_t *from)
{
    const int64_t h = halved(s->high, s->stride), w = halved(s->wide, s->stride), O = s->filters;
    int64_t n = 0;
    for (int64_t b = 0; b < images; b++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x += PAIR, n++) {
                from[n] = ((b * (s->high + 2) + y * s->stride) * (s->wide + 2) + x * s->stride) * s->channels;
#ifdef PAIRS
                const float *at = maps + ((b * h + y) * w + x) * O;
                for (int64_t o = 0; o < O; o++) rows[n * O + o] = paired(at[o], x + 1 < w ? at[O + o] : 0);
#endif
            }
    (void)maps, (void)rows, (void)O;
    return n;
}

void NAME(weight_gradient)(const Shape *s, const float *maps, const float *images, float *weight)
{
    const int64_t C = s->channels, O = s->filters, row = (s->wide + 2) * C, size = 9 * C * O;
    const int64_t h = halved(s->high, s->stride), w = halved(s->wide, s->stride);
    const int64_t parts = parts_of_task(s), fit = MOST_POSITIONS / (h * w), most = fit < 1 ? 1 : fit;
    float *sums = parts == 1 ? weight : malloc(s->tasks * parts * size * sizeof(float));
#pragma omp parallel
    {
        element *padded = malloc(most * (s->high + 2) * row * sizeof(element));
        element *room = malloc(PAIR == 1 ? 1 : most * h * (w + 1) / 2 * O * sizeof(element));
        int32_t *from = malloc(most * h * w * sizeof(int32_t));
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->tasks * parts; item++) {
            const Part part = part_of(s, parts, item);
            memset(sums + item * size, 0, size * sizeof(float));
            for (int64_t done = 0; done < part.count; done += most) {
                const int64_t place = part.task * s->images + part.first + done;
                const int64_t count = part.count - done < most ? part.count - done : most;
                const float *of_images = images + place * s->high * s->wide * C, *of_maps = maps + place * h * w * O;
                const int64_t rows = lined_up(s, of_maps, count, room, from);
#ifdef PAIRS
                pad_neighbours(of_images, count, s->high, s->wide, C, s->stride, padded);
                const element *lines = room;
#else
                pad(of_images, count, s->high, s->wide, C, padded);
                const element *lines = of_maps;
#endif
                for (int64_t p = 0; p < rows; p += MOST_POSITIONS)
                    for (int64_t r = 0; r < 3; r++)
                        add_outer(padded + r * row, from + p, rows - p < MOST_POSITIONS ? rows - p : MOST_POSITIONS,
                                  lines + p * O, 3 * C, O, sums + item * size + r * 3 * C * O);
            }
        }
        free(padded), free(room), free(from);
    }
    if (parts == 1) return;
    for (int64_t task = 0; task < s->tasks; task++)
        for (int64_t k = 0; k < size; k++) {
            float total = 0;
            for (int64_t number = 0; number < parts; number++) total += sums[(task * parts + number) * size + k];
            weight[task * size + k] = total;
        }
    free(sums);
}
