/* Group normalisation with each task's scale and shift, then the maximum over 2x2 if ``pooled``, then ReLU; and the
 * gradients of maps, scale and shift. models/kernels/task_group_norm.py derives the formulas. */
#include <math.h>
#include <omp.h>

#include "normalisation.h"

/* Sums over positions of some of the maps' channels or, given their means, of squared differences from these. */
INLINE void sums_of_maps(const int vectors, const Shape *s, const float *maps, const float *mean, float *sums)
{
    vec total[VECTORS] = {0};
    for (int64_t p = 0; p < s->high * s->wide; p++, maps += s->channels) FOR_VECTORS {
        vec one = load(maps + k);
        if (mean) one -= load(mean + k), one *= one;
        total[v] += one;
    }
    FOR_VECTORS store(sums + k, total[v]);
}

static void sums_of_all(const Shape *s, const float *maps, const float *mean, float *sums)
{
    int64_t n = 0;
    for (; n + VECTORS * LANES <= s->channels; n += VECTORS * LANES)
        sums_of_maps(VECTORS, s, maps + n, mean ? mean + n : NULL, sums + n);
    for (; n < s->channels; n += LANES) sums_of_maps(1, s, maps + n, mean ? mean + n : NULL, sums + n);
}

INLINE void result(const int members, const int vectors, const Grid *grid, const float *maps, const float *gain,
                   const float *offset, float *out)
{
    FOR_CELLS(grid) FOR_VECTORS {
        vec z[4];
        ivec hot[4];
        for (int j = 0; j < members; j++) z[j] = load(maps + MEMBER(j) + k);
        store(out + CELL + k, chosen(members, z, load(gain + k), load(offset + k), hot));
    }
}

int normalise(const Shape *s, const float *maps, const float *scale, const float *shift, int64_t step, float epsilon,
              float *out, float *moments)
{
    const int64_t C = s->channels, size = s->high * s->wide * C;
    const Grid grid = grid_of(s);
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        float *gain = malloc(2 * C * sizeof(float));
        lacking = !gain;
#pragma omp for schedule(dynamic)
        for (int64_t image = 0; image < s->tasks * s->images; image++) {
            if (lacking) continue;
            float *offset = gain + C;
            const int64_t at = image / s->images * step;
            const float *z = maps + image * size;
            float *mean = moments + image * 2 * C, *steepness = mean + C;
            float *y = out + image * grid.cells_high * grid.cells_wide * C;
            sums_of_all(s, z, NULL, gain);
            spread(s, gain, NULL, mean);
            sums_of_all(s, z, mean, gain);
            spread(s, gain, NULL, steepness);
            for (int64_t c = 0; c < C; c++) steepness[c] = 1 / sqrtf(steepness[c] + epsilon);
            affine(C, mean, scale + at, shift + at, gain, offset);
            PASS(result, &grid, z + n, gain + n, offset + n, y + n)
        }
        free(gain);
    }
    return lacking;
}

/* The gradient of the maps: of_g g + of_c c + constant, with these three in ``of`` and c = z - mean. */
INLINE void to_maps(const int members, const int vectors, const Grid *grid, const float *maps, const float *gradient,
                    const float *gain, const float *offset, const float *mean, const float *of, float *out)
{
    const int64_t C = grid->channels;
    FOR_CELLS(grid) FOR_VECTORS {
        vec z[4];
        ivec hot[4];
        for (int j = 0; j < members; j++) z[j] = load(maps + MEMBER(j) + k);
        chosen(members, z, load(gain + k), load(offset + k), hot);
        const vec given = load(of + k) * load(gradient + CELL + k);
        for (int j = 0; j < members; j++) {
            const vec of_c = load(of + C + k) * (z[j] - load(mean + k));
            store(out + MEMBER(j) + k, where(hot[j], given) + of_c + load(of + 2 * C + k));
        }
    }
    FOR_EDGES(grid) FOR_VECTORS {
        const vec c = load(maps + EDGE + k) - load(mean + k);
        store(out + EDGE + k, load(of + C + k) * c + load(of + 2 * C + k));
    }
}

int normalise_gradient(const Shape *s, const float *gradient, const float *maps, const float *scale,
                       const float *shift, int64_t step, const float *moments, float *of_maps, float *of_scale,
                       float *of_shift)
{
    const int64_t C = s->channels, size = s->high * s->wide * C, count = s->tasks * s->images;
    const Grid grid = grid_of(s);
    float *each = malloc(count * 2 * C * sizeof(float));
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        float *gain = malloc(5 * C * sizeof(float));
        lacking = !each || !gain;
#pragma omp for schedule(dynamic)
        for (int64_t image = 0; image < count; image++) {
            if (lacking) continue;
            float *offset = gain + C, *of = offset + C;
            const float *z = maps + image * size, *sc = scale + image / s->images * step;
            const float *g = gradient + image * grid.cells_high * grid.cells_wide * C;
            const float *mean = moments + image * 2 * C, *r = mean + C;
            float *sum = each + image * 2 * C, *of_c = of + C, *constant = of + 2 * C;
            affine(C, mean, sc, shift + image / s->images * step, gain, offset);
            PASS(sums, &grid, z + n, g + n, NULL, gain + n, offset + n, mean + n, sum + n)
            for (int64_t c = 0; c < C; c++) sum[C + c] *= r[c];
            spread(s, sum, sc, constant);
            spread(s, sum + C, sc, of_c);
            for (int64_t c = 0; c < C; c++) of[c] = gain[c], of_c[c] *= -r[c] * r[c], constant[c] *= -r[c];
            PASS(to_maps, &grid, z + n, g + n, gain + n, offset + n, mean + n, of + n, of_maps + image * size + n)
        }
        free(gain);
    }
    if (!lacking) add_up(s, each, 2, 1, of_scale), add_up(s, each, 2, 0, of_shift);
    free(each);
    return lacking;
}
