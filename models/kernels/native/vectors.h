/* Vectors of the machine's width, and how many of them a block of a product keeps in registers.
 *
 * AVX-512 has 32 registers: 6 rows of 4 vectors of sums, 4 of one factor and one of the other make 29. Elsewhere
 * 6 rows of 2 narrower vectors fit into 16. The compiler turns vectors wider than the machine's into several.
 */
#ifndef METASHOT_VECTORS_H
#define METASHOT_VECTORS_H

#include <stdint.h>

#if defined(__AVX512F__)
#define LANES 16
#define VECTORS 4
#else
#define LANES 8
#define VECTORS 2
#endif
#define ROWS 6

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#if LANES == 16
#define COUNTED ((ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#else
#define COUNTED ((ivec){0, 1, 2, 3, 4, 5, 6, 7})
#endif

INLINE vec load(const float *from) { return *(const vec *)from; }
INLINE void store(float *to, vec value) { *(vec *)to = value; }
INLINE vec where(ivec mask, vec value) { return (vec)((ivec)value & mask); }

#endif
