/* The convolution's products with both factors rounded to bfloat16; sums, inputs and outputs stay in float32. */
#if defined(__AVX512BF16__)
#define PAIRS
#include "convolution.c"
int has_bfloat16(void) { return 1; }
#else
int has_bfloat16(void) { return 0; }
#endif
