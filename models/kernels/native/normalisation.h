/* What the passes over normalised maps share: choosing the greatest, and sums over an image's positions and groups.
 *
 * An image's maps are read from memory once a pass and stay in the core's cache. Which of four numbers was the
 * greatest, and whether it was positive, is found again in each pass rather than stored.
 *
 * Maps are float32 [tasks, images, high, wide, channels]; scales and shifts of two tasks are ``step`` numbers apart,
 * 0 if all share them; ``moments`` hold the mean and the steepness (r in the formulas) of each image's channels.
 * The functions return 0, or 1 for want of memory, as those of convolution.c do.
 */
#ifndef METASHOT_NORMALISATION_H
#define METASHOT_NORMALISATION_H

#include <stdlib.h>
#include <string.h>

#include "vectors.h"

typedef struct {
    int64_t tasks, images, high, wide, channels, groups, pooled;
} Shape;

typedef struct {
    int64_t high, wide, channels;    /* of the maps */
    int64_t cells_high, cells_wide;  /* of the result, each cell of ``members`` positions */
} Grid;

static Grid grid_of(const Shape *s)
{
    const int64_t side = s->pooled ? 2 : 1;
    return (Grid){s->high, s->wide, s->channels, s->high / side, s->wide / side};
}

#define FOR_CELLS(grid)                                                                                                \
    for (int64_t cy = 0; cy < (grid)->cells_high; cy++)                                                                \
        for (int64_t cx = 0; cx < (grid)->cells_wide; cx++)
/* Positions at the right and lower edges that no 2x2 window covers. */
#define FOR_EDGES(grid)                                                                                                \
    for (int64_t ey = 0; members == 4 && ey < (grid)->high; ey++)                                                      \
        for (int64_t ex = ey < 2 * (grid)->cells_high ? 2 * (grid)->cells_wide : 0; ex < (grid)->wide; ex++)
#define CELL ((cy * grid->cells_wide + cx) * grid->channels)
#define EDGE ((ey * grid->wide + ex) * grid->channels)
#define MEMBER(j)                                                                                                      \
    (members == 1 ? CELL : ((2 * cy + ((j) >> 1)) * grid->wide + 2 * cx + ((j)&1)) * grid->channels)

/* The greatest of the members' gain * z + offset if that is positive, else 0; ``hot`` masks the member chosen, the
 * first of equals, and none where the result is 0. */
INLINE vec chosen(const int members, const vec *z, vec gain, vec offset, ivec *hot)
{
    vec most = gain * z[0] + offset;
    ivec index = {0};
    for (int j = 1; j < members; j++) {
        const vec value = gain * z[j] + offset;
        const ivec more = value > most;
        most = (vec)(((ivec)value & more) | ((ivec)most & ~more));
        index = ((j - (ivec){0}) & more) | (index & ~more);
    }
    const ivec positive = most > (vec){0};
    for (int j = 0; j < members; j++) hot[j] = (index == j - (ivec){0}) & positive;
    return where(positive, most);
}

/* From sums over positions to means over a group's channels and positions, with weights for the channels or NULL. */
static void spread(const Shape *s, const float *sums, const float *weights, float *means)
{
    const int64_t size = s->channels / s->groups;
    for (int64_t first = 0; first < s->channels; first += size) {
        double total = 0;
        for (int64_t c = first; c < first + size; c++) total += (double)sums[c] * (weights ? weights[c] : 1.0f);
        for (int64_t c = first; c < first + size; c++) means[c] = total / (size * s->high * s->wide);
    }
}

/* Gain and offset that normalise, scale and shift maps z as gain z + offset. */
static void affine(int64_t channels, const float *moments, const float *scale, const float *shift, float *gain,
                   float *offset)
{
    for (int64_t c = 0; c < channels; c++) {
        gain[c] = scale[c] * moments[channels + c];
        offset[c] = shift[c] - moments[c] * gain[c];
    }
}

/* Call a pass for all of an image's channels, from ``n`` on, for as many vectors of them at a time as possible, so that
 * memory is read and written in order. */
#define PASS(name, ...)                                                                                                \
    for (int64_t n = 0, wide; n < C; n += wide * LANES) {                                                              \
        wide = n + VECTORS * LANES <= C ? VECTORS : 1;                                                                 \
        if (s->pooled && wide == VECTORS) name(4, VECTORS, __VA_ARGS__);                                               \
        else if (s->pooled) name(4, 1, __VA_ARGS__);                                                                   \
        else if (wide == VECTORS) name(1, VECTORS, __VA_ARGS__);                                                       \
        else name(1, 1, __VA_ARGS__);                                                                                  \
    }
#define FOR_VECTORS for (int v = 0, k = 0; v < vectors; v++, k += LANES)

/* Sums over an image's positions, with c = z - mean: of g, g c and, unless u is NULL, of u, u c and u g. */
INLINE void sums(const int members, const int vectors, const Grid *grid, const float *maps, const float *gradient,
                 const float *u, const float *gain, const float *offset, const float *mean, float *found)
{
    vec g_[VECTORS] = {0}, gc[VECTORS] = {0}, u_[VECTORS] = {0}, uc[VECTORS] = {0}, ug[VECTORS] = {0};
    FOR_CELLS(grid) FOR_VECTORS {
        vec z[4];
        ivec hot[4];
        for (int j = 0; j < members; j++) z[j] = load(maps + MEMBER(j) + k);
        chosen(members, z, load(gain + k), load(offset + k), hot);
        const vec given = load(gradient + CELL + k);
        for (int j = 0; j < members; j++) {
            const vec g = where(hot[j], given), c = z[j] - load(mean + k);
            g_[v] += g, gc[v] += g * c;
            if (u) {
                const vec one = load(u + MEMBER(j) + k);
                u_[v] += one, uc[v] += one * c, ug[v] += one * g;
            }
        }
    }
    if (u) FOR_EDGES(grid) FOR_VECTORS {
        const vec one = load(u + EDGE + k);
        u_[v] += one, uc[v] += one * (load(maps + EDGE + k) - load(mean + k));
    }
    const int64_t C = grid->channels;
    FOR_VECTORS {
        store(found + k, g_[v]), store(found + C + k, gc[v]);
        if (u) store(found + 2 * C + k, u_[v]), store(found + 3 * C + k, uc[v]), store(found + 4 * C + k, ug[v]);
    }
}

/* Sum one row of ``each`` [images, rows, channels] over each task's images. */
static void add_up(const Shape *s, const float *each, int64_t rows, int64_t row, float *totals)
{
    const int64_t C = s->channels;
    memset(totals, 0, s->tasks * C * sizeof(float));
    for (int64_t image = 0; image < s->tasks * s->images; image++)
        for (int64_t c = 0; c < C; c++) totals[image / s->images * C + c] += each[(image * rows + row) * C + c];
}

#endif
