/* Products of rows with rows, each of which depends on its two rows alone: a library's may change in the last digit
 * with their number, and with a row's place among them.
 */
#include "vectors.h"

#if LANES == 16 /* their sums stay in registers, 32 there and 16 elsewhere */
#define LEFT 4
#else
#define LEFT 2
#endif
#define RIGHT 4

INLINE int64_t least(int64_t one, int64_t other) { return one < other ? one : other; }

/* The products of LEFT rows with RIGHT rows. Beyond the last row it is taken again, so that all run this code. */
INLINE void block(int64_t depth, const float *const *left, const float *const *right, float out[LEFT][RIGHT])
{
    vec sums[LEFT][RIGHT] = {0};
    int64_t k = 0;
    for (; k + LANES <= depth; k += LANES)
        for (int i = 0; i < LEFT; i++)
            for (int j = 0; j < RIGHT; j++) sums[i][j] += load(left[i] + k) * load(right[j] + k);
    for (int i = 0; i < LEFT; i++)
        for (int j = 0; j < RIGHT; j++) {
            float sum = 0;
            for (int lane = 0; lane < LANES; lane++) sum += sums[i][j][lane];
            for (int64_t rest = k; rest < depth; rest++) sum += left[i][rest] * right[j][rest];
            out[i][j] = sum;
        }
}

/* out[t, q, n] = sum over d of rows[t, q, d] * others[t, n, d]. */
int row_products(int64_t tasks, int64_t rows, int64_t others, int64_t depth, const float *left, const float *right,
                 float *out)
{
    const int64_t groups = (others + RIGHT - 1) / RIGHT;
#pragma omp parallel for collapse(2) if (tasks * rows * others * depth > 1000000)
    for (int64_t t = 0; t < tasks; t++)
        for (int64_t group = 0; group < groups; group++) {
            const float *of_right[RIGHT], *of_left[LEFT];
            for (int j = 0; j < RIGHT; j++)
                of_right[j] = right + (t * others + least(group * RIGHT + j, others - 1)) * depth;
            for (int64_t q = 0; q < rows; q += LEFT) {
                float found[LEFT][RIGHT];
                for (int i = 0; i < LEFT; i++) of_left[i] = left + (t * rows + least(q + i, rows - 1)) * depth;
                block(depth, of_left, of_right, found);
                for (int i = 0; i < LEFT && q + i < rows; i++)
                    for (int j = 0; j < RIGHT && group * RIGHT + j < others; j++)
                        out[(t * rows + q + i) * others + group * RIGHT + j] = found[i][j];
            }
        }
    return 0;
}
