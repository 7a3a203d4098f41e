/* The gradients of several tasks' inner step, value - rate * gradient, reading each number once.
 *
 * Each result is a sum in an order that depends on the shapes alone. Returns 0, or 1 for want of memory.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

#define PART 3072 /* numbers of a task, few enough for their sums over tasks to stay in the core's nearest cache */

/* Add cotangents to ``total`` unless NULL, write their products with ``factor`` to ``scaled`` unless NULL, and return
 * the sum of their products with gradients. */
static double one_task(int64_t count, const float *cotangent, const float *gradient, float factor, float *total,
                       float *scaled)
{
    vec products = {0};
    double sum = 0;
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        const vec one = load(cotangent + k);
        products += one * load(gradient + k);
        if (total) store(total + k, load(total + k) + one);
        if (scaled) store(scaled + k, one * factor);
    }
    for (int lane = 0; lane < LANES; lane++) sum += products[lane];
    for (; k < count; k++) {
        sum += cotangent[k] * gradient[k];
        if (total) total[k] += cotangent[k];
        if (scaled) scaled[k] = cotangent[k] * factor;
    }
    return sum;
}

/* From ``cotangent`` [tasks, size] of the moved values and ``gradient`` [tasks, size] to the cotangents of a value that
 * all tasks share (``to_value`` [size]) and of the gradient (``to_gradient`` [tasks, size]), each unless NULL, and of
 * the single rate. */
int step_gradients(int64_t tasks, int64_t size, const float *cotangent, const float *gradient, const float *rate,
                   float *to_value, float *to_gradient, float *to_rate)
{
    const int64_t parts = (size + PART - 1) / PART;
    double *sums = malloc(parts * sizeof(double)), total = 0;
    if (!sums) return 1;
    if (to_value) memset(to_value, 0, size * sizeof(float));
#pragma omp parallel for schedule(dynamic) if (parts > 1)
    for (int64_t part = 0; part < parts; part++) {
        const int64_t first = part * PART, count = size - first < PART ? size - first : PART;
        sums[part] = 0;
        for (int64_t task = 0; task < tasks; task++) {
            const int64_t at = task * size + first;
            sums[part] += one_task(count, cotangent + at, gradient + at, -*rate, to_value ? to_value + first : NULL,
                                   to_gradient ? to_gradient + at : NULL);
        }
    }
    for (int64_t part = 0; part < parts; part++) total += sums[part];
    *to_rate = -total;
    free(sums);
    return 0;
}
