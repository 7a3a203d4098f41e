/* Recognises even paper by how many of an image's pixels have each tone, 0 to 255. See models/images/ink.py. */
#include <math.h>
#include <stdint.h>

enum { TONES = 256 };

static inline double tone(int level) { return level / 255.0; }

/* Count pixels by tone, in four arrays in turn, so that neighbours of equal tone need not wait for each other. */
static inline void count_tones(const uint8_t *pixels, int64_t size, int64_t *counts)
{
    int64_t more[4][TONES] = {{0}};
    for (int64_t p = 0; p < size; p++) more[p & 3][pixels[p]]++;
    for (int t = 0; t < TONES; t++) counts[t] = more[0][t] + more[1][t] + more[2][t] + more[3][t];
}

/* The tone of an image's paper, the median of its `size` pixels; NAN if the paper is uneven, that is, if no more than
 * half of them have this tone. */
static inline double even_paper(const int64_t *counts, int64_t size)
{
    int middle[2] = {-1, -1};
    int64_t seen = 0, even = 0;
    for (int t = 0; t < TONES; t++) {
        seen += counts[t];
        if (middle[0] < 0 && seen > (size - 1) / 2) middle[0] = t;
        if (middle[1] < 0 && seen > size / 2) middle[1] = t;
    }
    const double paper = (tone(middle[0]) + tone(middle[1])) / 2;
    for (int t = 0; t < TONES; t++)
        if (fabs(tone(t) - paper) < 0.5 / 255) even += counts[t];
    return (double)even / size > 0.5 ? paper : NAN;
}
