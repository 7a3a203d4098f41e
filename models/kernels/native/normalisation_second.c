/* The gradient of a normalised block's gradient (see normalisation.c), which second-order meta-training needs. */
#include <omp.h>

#include "normalisation.h"

/* What reaches the gradient, g_u u + g_c c + g_k, and the maps, z_c c + z_u u + z_g g + z_k, with the coefficients in
 * this order in ``of``. */
INLINE void to_both(const int members, const int vectors, const Grid *grid, const float *maps, const float *gradient,
                    const float *u, const float *gain, const float *offset, const float *mean, const float *of,
                    float *out_gradient, float *out_maps)
{
    const int64_t C = grid->channels;
    FOR_CELLS(grid) FOR_VECTORS {
        vec z[4], found = {0};
        ivec hot[4];
        for (int j = 0; j < members; j++) z[j] = load(maps + MEMBER(j) + k);
        chosen(members, z, load(gain + k), load(offset + k), hot);
        const vec given = load(of + 5 * C + k) * load(gradient + CELL + k);
        for (int j = 0; j < members; j++) {
            const vec one = load(u + MEMBER(j) + k), c = z[j] - load(mean + k);
            found += where(hot[j], load(of + k) * one + load(of + C + k) * c + load(of + 2 * C + k));
            const vec other = load(of + 3 * C + k) * c + load(of + 4 * C + k) * one;
            store(out_maps + MEMBER(j) + k, other + where(hot[j], given) + load(of + 6 * C + k));
        }
        store(out_gradient + CELL + k, found);
    }
    FOR_EDGES(grid) FOR_VECTORS {
        const vec c = load(maps + EDGE + k) - load(mean + k), one = load(u + EDGE + k);
        store(out_maps + EDGE + k, load(of + 3 * C + k) * c + load(of + 4 * C + k) * one + load(of + 6 * C + k));
    }
}

/* From cotangents ``u``, ``u_scale`` and ``u_shift`` of the gradients of maps, scale and shift to those of the given
 * gradient, the maps and the scale. The shift only decides which numbers are positive. */
int normalise_second(const Shape *s, const float *u, const float *u_scale, const float *u_shift,
                     const float *gradient, const float *maps, const float *scale, const float *shift, int64_t step,
                     const float *moments, float *of_gradient, float *of_maps, float *of_scale)
{
    const int64_t C = s->channels, size = s->high * s->wide * C, count = s->tasks * s->images;
    const Grid grid = grid_of(s);
    const int64_t result_size = grid.cells_high * grid.cells_wide * C;
    float *each = malloc(count * C * sizeof(float));
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        float *gain = malloc(21 * C * sizeof(float));
        lacking = !each || !gain;
#pragma omp for schedule(dynamic)
        for (int64_t image = 0; image < count; image++) {
            if (lacking) continue;
            float *offset = gain + C, *sum = offset + C, *mean_of = sum + 5 * C, *of = mean_of + 7 * C;
            const int64_t task = image / s->images;
            const float *z = maps + image * size, *g = gradient + image * result_size, *one = u + image * size;
            const float *sc = scale + task * step, *v_scale = u_scale + task * C, *v_shift = u_shift + task * C;
            const float *mean = moments + image * 2 * C, *r = mean + C;
            affine(C, mean, sc, shift + task * step, gain, offset);
            PASS(sums, &grid, z + n, g + n, one + n, gain + n, offset + n, mean + n, sum + n)
            for (int64_t c = 0; c < C; c++) sum[C + c] *= r[c], sum[3 * C + c] *= r[c];
            const float *weights[7] = {sc, sc, NULL, NULL, sc, v_scale, v_scale};
            for (int k = 0; k < 7; k++) spread(s, sum + k % 5 * C, weights[k], mean_of + k * C);
            for (int64_t c = 0; c < C; c++) {
                const float g_mean = mean_of[c], g_slope = mean_of[C + c];
                const float u_mean = mean_of[2 * C + c], u_slope = mean_of[3 * C + c];
                const float product = mean_of[4 * C + c] - u_mean * g_mean - u_slope * g_slope;
                const float v_mean = mean_of[5 * C + c], v_slope = mean_of[6 * C + c], rr = r[c] * r[c];
                of[c] = gain[c];
                of[C + c] = (v_scale[c] - gain[c] * u_slope) * r[c];
                of[2 * C + c] = v_shift[c] - gain[c] * u_mean;
                of[3 * C + c] = rr * (r[c] * (2 * g_slope * u_slope - product) - v_slope);
                of[4 * C + c] = -rr * g_slope;
                of[5 * C + c] = r[c] * v_scale[c] - rr * u_slope * sc[c];
                of[6 * C + c] = rr * (g_slope * u_mean + u_slope * g_mean) - r[c] * v_mean;
                each[image * C + c] = r[c] * (sum[4 * C + c] - u_mean * sum[c] - u_slope * sum[C + c]);
            }
            float *to_g = of_gradient + image * result_size, *to_z = of_maps + image * size;
            PASS(to_both, &grid, z + n, g + n, one + n, gain + n, offset + n, mean + n, of + n, to_g + n, to_z + n)
        }
        free(gain);
    }
    if (!lacking) add_up(s, each, 1, 0, of_scale);
    free(each);
    return lacking;
}
