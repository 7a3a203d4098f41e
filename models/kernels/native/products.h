/* The two matrix products of which a convolution and its gradients consist, over rows scattered in memory.
 *
 * A factor's element is a float or, with PAIRS, two bfloat16 numbers that one instruction multiplies by two of the
 * other factor and adds to one float32 sum. Either takes four bytes, so the same code serves both.
 */
#include "vectors.h"

#ifdef PAIRS
#include <immintrin.h>
typedef uint32_t element;
typedef __m512i factor;
INLINE factor spread_out(element one) { return _mm512_set1_epi32((int)one); }
INLINE factor take(const element *from) { return _mm512_loadu_si512(from); }
INLINE vec multiplied(vec sum, factor left, factor right)
{
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
}
#else
typedef float element;
typedef vec factor;
INLINE factor spread_out(element one) { return one - (vec){0}; }
INLINE factor take(const element *from) { return load(from); }
INLINE vec multiplied(vec sum, factor left, factor right) { return sum + left * right; }
#endif

/* out[to[i]] (+)= the sum over taps t and k of in[from[i] + reach[t] + k] times weights[t] + k * width. */
INLINE void rows_block(const int rows, const int vectors, const element *in, const int32_t *from, int taps,
                       const int32_t *reach, const element *const *weights, int64_t shift, int depth, int64_t width,
                       float *out, const int32_t *to, int add)
{
    vec sums[ROWS][VECTORS];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) sums[i][v] = add ? load(out + to[i] + v * LANES) : (vec){0};
    for (int t = 0; t < taps; t++) {
        const element *weight = weights[t] + shift, *row[ROWS];
        for (int i = 0; i < rows; i++) row[i] = in + from[i] + reach[t];
        for (int k = 0; k < depth; k++, weight += width) {
            factor right[VECTORS];
            for (int v = 0; v < vectors; v++) right[v] = take(weight + v * LANES);
            for (int i = 0; i < rows; i++) {
                const factor left = spread_out(row[i][k]);
                for (int v = 0; v < vectors; v++) sums[i][v] = multiplied(sums[i][v], left, right[v]);
            }
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) store(out + to[i] + v * LANES, sums[i][v]);
}

#define COLUMNS_OF_ROWS(rows)                                                                                          \
    rows_block(rows, vectors, in, from + p, taps, reach, weights, shift, depth, width, out, to + p, add)
INLINE void rows_columns(const int vectors, const element *in, const int32_t *from, int64_t count, int taps,
                         const int32_t *reach, const element *const *weights, int64_t shift, int depth,
                         int64_t width, float *out, const int32_t *to, int add)
{
    int64_t p = 0;
    for (; p + 6 <= count; p += 6) COLUMNS_OF_ROWS(6);
    switch (count - p) {
    case 5: COLUMNS_OF_ROWS(5); break;
    case 4: COLUMNS_OF_ROWS(4); break;
    case 3: COLUMNS_OF_ROWS(3); break;
    case 2: COLUMNS_OF_ROWS(2); break;
    case 1: COLUMNS_OF_ROWS(1);
    }
}
#undef COLUMNS_OF_ROWS

/* Rows in[from[p] + reach[t] ..] of ``depth`` elements times ``taps`` matrices [depth, width], summed over taps
 * into rows out[to[p] ..] of ``width`` (a multiple of LANES). */
static void multiply_rows(const element *in, const int32_t *from, int64_t count, int taps, const int32_t *reach,
                          const element *const *weights, int depth, int64_t width, float *out, const int32_t *to,
                          int add)
{
    int64_t n = 0;
    for (; n + VECTORS * LANES <= width; n += VECTORS * LANES)
        rows_columns(VECTORS, in, from, count, taps, reach, weights, n, depth, width, out + n, to, add);
    for (; n < width; n += LANES)
        rows_columns(1, in, from, count, taps, reach, weights, n, depth, width, out + n, to, add);
}

/* out[i] += the sum over p of in[from[p] + i] times others + to[p]. */
INLINE void outer_block(const int rows, const int vectors, const element *in, const int32_t *from, int64_t count,
                        const element *others, const int32_t *to, int64_t width, float *out)
{
    vec sums[ROWS][VECTORS];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) sums[i][v] = load(out + i * width + v * LANES);
    for (int64_t p = 0; p < count; p++) {
        const element *row = in + from[p], *other = others + to[p];
        factor right[VECTORS];
        for (int v = 0; v < vectors; v++) right[v] = take(other + v * LANES);
        for (int i = 0; i < rows; i++) {
            const factor left = spread_out(row[i]);
            for (int v = 0; v < vectors; v++) sums[i][v] = multiplied(sums[i][v], left, right[v]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) store(out + i * width + v * LANES, sums[i][v]);
}

INLINE void outer_columns(const int vectors, const element *in, const int32_t *from, int64_t count,
                          const element *others, const int32_t *to, int64_t depth, int64_t width, float *out)
{
    int64_t k = 0;
    for (; k + 6 <= depth; k += 6) outer_block(6, vectors, in + k, from, count, others, to, width, out + k * width);
    for (; k + 4 <= depth; k += 4) outer_block(4, vectors, in + k, from, count, others, to, width, out + k * width);
    for (; k + 3 <= depth; k += 3) outer_block(3, vectors, in + k, from, count, others, to, width, out + k * width);
    for (; k + 2 <= depth; k += 2) outer_block(2, vectors, in + k, from, count, others, to, width, out + k * width);
    for (; k < depth; k++) outer_block(1, vectors, in + k, from, count, others, to, width, out + k * width);
}

/* Add the sum over ``count`` rows of the products of in[from[p] ..] (``depth`` elements) and others[to[p] ..]
 * (``width``, a multiple of LANES) to the matrix out [depth, width]. */
static void add_outer(const element *in, const int32_t *from, int64_t count, const element *others, const int32_t *to,
                      int64_t depth, int64_t width, float *out)
{
    int64_t n = 0;
    for (; n + VECTORS * LANES <= width; n += VECTORS * LANES)
        outer_columns(VECTORS, in, from, count, others + n, to, depth, width, out + n);
    for (; n < width; n += LANES) outer_columns(1, in, from, count, others + n, to, depth, width, out + n);
}
