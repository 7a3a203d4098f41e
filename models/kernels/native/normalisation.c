/* Group normalisation with a scale and a shift a task, then the maximum over 2x2 where wanted, then ReLU; and what a
 * gradient of the result sends to maps, scale and shift. models/kernels/task_group_norm.py derives the formulas. */
#include <math.h>
#include <omp.h>

#include "normalisation.h"

/* Sums of the maps' channels or, given their means, of squared differences. */
static void sums_of_maps(const Shape *s, const float *maps, const float *mean, float *sums)
{
    for (int64_t n = 0; n < s->channels; n += LANES) {
        vec total = {0};
        const vec centre = mean ? load(mean + n) : (vec){0};
        for (int64_t p = 0; p < s->high * s->wide; p++) {
            vec one = load(maps + p * s->channels + n) - centre;
            if (mean) one *= one;
            total += one;
        }
        store(sums + n, total);
    }
}

INLINE void result(const int members, const Grid *grid, const float *maps, vec gain, vec offset, float *out)
{
    FOR_CELLS(grid) {
        vec z[4];
        ivec hot[4];
        for (int j = 0; j < members; j++) z[j] = load(maps + MEMBER(j));
        store(out + CELL, chosen(members, z, gain, offset, hot));
    }
}

void normalise(const Shape *s, const float *maps, const float *scale, const float *shift, int64_t step, float epsilon,
               float *out, float *moments)
{
    const int64_t C = s->channels, size = s->high * s->wide * C;
    const Grid grid = grid_of(s);
#pragma omp parallel
    {
        float *gain = malloc(2 * C * sizeof(float)), *offset = gain + C;
#pragma omp for schedule(dynamic)
        for (int64_t image = 0; image < s->tasks * s->images; image++) {
            const int64_t at = image / s->images * step;
            const float *z = maps + image * size;
            float *mean = moments + image * 2 * C, *steepness = mean + C;
            float *y = out + image * grid.cells_high * grid.cells_wide * C;
            sums_of_maps(s, z, NULL, gain);
            spread(s, gain, NULL, mean);
            sums_of_maps(s, z, mean, gain);
            spread(s, gain, NULL, steepness);
            for (int64_t c = 0; c < C; c++) steepness[c] = 1 / sqrtf(steepness[c] + epsilon);
            affine(C, mean, scale + at, shift + at, gain, offset);
            for (int64_t n = 0; n < C; n += LANES) {
                if (s->pooled) result(4, &grid, z + n, load(gain + n), load(offset + n), y + n);
                else result(1, &grid, z + n, load(gain + n), load(offset + n), y + n);
            }
        }
        free(gain);
    }
}

/* What reaches the maps: of_g g + of_c c + constant, the three of them in ``of``. */
INLINE void to_maps(const int members, const Grid *grid, const float *maps, const float *gradient, vec gain,
                    vec offset, vec mean, const float *of, float *out)
{
    const int64_t C = grid->channels;
    const vec of_g = load(of), of_c = load(of + C), constant = load(of + 2 * C);
    FOR_CELLS(grid) {
        vec z[4];
        ivec hot[4];
        for (int j = 0; j < members; j++) z[j] = load(maps + MEMBER(j));
        chosen(members, z, gain, offset, hot);
        const vec given = of_g * load(gradient + CELL);
        for (int j = 0; j < members; j++)
            store(out + MEMBER(j), where(hot[j], given) + of_c * (z[j] - mean) + constant);
    }
    FOR_EDGES(grid) store(out + EDGE, of_c * (load(maps + EDGE) - mean) + constant);
}

void normalise_gradient(const Shape *s, const float *gradient, const float *maps, const float *scale,
                        const float *shift, int64_t step, const float *moments, float *of_maps, float *of_scale,
                        float *of_shift)
{
    const int64_t C = s->channels, size = s->high * s->wide * C, count = s->tasks * s->images;
    const Grid grid = grid_of(s);
    float *each = malloc(count * 2 * C * sizeof(float));
#pragma omp parallel
    {
        float *gain = malloc(5 * C * sizeof(float)), *offset = gain + C, *of = offset + C;
#pragma omp for schedule(dynamic)
        for (int64_t image = 0; image < count; image++) {
            const float *z = maps + image * size, *sc = scale + image / s->images * step;
            const float *g = gradient + image * grid.cells_high * grid.cells_wide * C;
            const float *mean = moments + image * 2 * C, *r = mean + C;
            float *sum = each + image * 2 * C, *of_c = of + C, *constant = of + 2 * C;
            affine(C, mean, sc, shift + image / s->images * step, gain, offset);
            for (int64_t n = 0; n < C; n += LANES) {
                const vec a = load(gain + n), b = load(offset + n), m = load(mean + n);
                if (s->pooled) sums(4, &grid, z + n, g + n, NULL, a, b, m, sum + n);
                else sums(1, &grid, z + n, g + n, NULL, a, b, m, sum + n);
            }
            for (int64_t c = 0; c < C; c++) sum[C + c] *= r[c];
            spread(s, sum, sc, constant);
            spread(s, sum + C, sc, of_c);
            for (int64_t c = 0; c < C; c++) of[c] = gain[c], of_c[c] *= -r[c] * r[c], constant[c] *= -r[c];
            for (int64_t n = 0; n < C; n += LANES) {
                const vec a = load(gain + n), b = load(offset + n), m = load(mean + n);
                if (s->pooled) to_maps(4, &grid, z + n, g + n, a, b, m, of + n, of_maps + image * size + n);
                else to_maps(1, &grid, z + n, g + n, a, b, m, of + n, of_maps + image * size + n);
            }
        }
        free(gain);
    }
    add_up(s, each, 2, 1, of_scale);
    add_up(s, each, 2, 0, of_shift);
    free(each);
}
