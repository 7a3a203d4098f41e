/* How much small images look like drawings on even paper, as in models/images/drawnness.py. */
#include <string.h>

#include "tones.h"

enum { MOST = 64, REACH = 2 }; /* pixels of a side at most; from a stroke's middle to its edges */

typedef struct { int64_t high, wide; } Size;
typedef struct { double faintest, of_paper, texture, solid; } Bounds;

/* Erode a mask [high, wide]: clear pixels within REACH of one that is not set; beyond the sheet counts as set. */
static void erode(uint8_t *mask, int64_t high, int64_t wide)
{
    uint8_t rows[MOST * MOST];
    memset(rows, 1, (size_t)(high * wide));
    for (int64_t y = 0; y < high; y++)
        for (int64_t shift = -REACH; shift <= REACH; shift++)
            for (int64_t x = shift < 0 ? -shift : 0; x < (shift > 0 ? wide - shift : wide); x++)
                rows[y * wide + x] &= mask[y * wide + x + shift];
    memset(mask, 1, (size_t)(high * wide));
    for (int64_t y = 0; y < high; y++)
        for (int64_t shift = -REACH; shift <= REACH; shift++) {
            if (y + shift < 0 || y + shift >= high) continue;
            for (int64_t x = 0; x < wide; x++) mask[y * wide + x] &= rows[(y + shift) * wide + x];
        }
}

/* The share of pixels in a mask, reduced if their tones hardly vary. */
static double solid(const uint8_t *mask, const uint8_t *levels, int64_t size, double strongest, double texture)
{
    int64_t held = 0;
    double sum = 0, squares = 0;
    for (int64_t p = 0; p < size; p++)
        if (mask[p]) held++, sum += tone(levels[p]) / strongest;
    if (!held) return 0;
    for (int64_t p = 0; p < size; p++) {
        const double apart = tone(levels[p]) / strongest - sum / held;
        if (mask[p]) squares += apart * apart;
    }
    return (double)held / size * fmin(1, sqrt(squares / held) / texture);
}

static double drawnness_of(const uint8_t *levels, int64_t high, int64_t wide, int64_t few, const Bounds *bounds)
{
    int64_t counts[TONES], seen = 0, above = 0, below = 0;
    const int64_t size = high * wide;
    count_tones(levels, size, counts);
    const double paper = even_paper(counts, size);
    if (isnan(paper)) return NAN;
    double strongest = 0;
    for (int low = 0, up = TONES - 1; seen < few;) { /* from both ends, take the tone further from the paper */
        const int t = paper - tone(low) > tone(up) - paper ? low++ : up--;
        seen += counts[t];
        strongest = fabs(tone(t) - paper);
    }
    if (strongest < bounds->faintest) return 1;
    uint8_t inked[TONES], mask[MOST * MOST];
    for (int t = 0; t < TONES; t++) {
        const double departure = tone(t) - paper;
        inked[t] = fabs(departure) > bounds->of_paper * strongest;
        if (inked[t]) *(departure > 0 ? &above : &below) += counts[t];
    }
    for (int64_t p = 0; p < size; p++) mask[p] = inked[levels[p]];
    erode(mask, high, wide);
    const double wider = solid(mask, levels, size, strongest, bounds->texture);
    const double brighter = (double)above / size, darker = (double)below / size;
    return 1 - brighter - darker - 2 * fmin(brighter, darker) - bounds->solid * wider;
}

/* Measure the drawnness of images [high, wide], each at most MOST; NAN on uneven paper. An image's strongest contrast
 * is that which its `few` strongest pixels reach. */
int drawnness(int64_t count, const Size *of, const int64_t *few, const uint8_t *const *levels, const Bounds *bounds,
              double *out)
{
    for (int64_t n = 0; n < count; n++)
        out[n] = drawnness_of(levels[n], of[n].high, of[n].wide, few[n], bounds);
    return 0;
}
