/* A drawing on even paper, from grey levels to a learner's input levels, as in models/images: the same operations in
 * the same order, hence the same bits. Products and sums must be rounded separately, as NumPy and Pillow do. */
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#include "tones.h"

#define TOUCHING 0.02 /* see models/images/ink.py */

enum { MOST = 224, FIXED = 22 }; /* Pillow's box filter counts in units of 2^-22 */

typedef struct { int64_t high, wide; } Size;
typedef struct { int first, last; } Span; /* last is exclusive; empty if they are equal */
typedef struct { int first, last, weight; } Share;
typedef struct { int count, place[MOST], before[MOST], after[MOST]; double share[MOST]; } Axis;

/* Find the ink of each tone; 0 where the paper is uneven. See models/images/ink.py. */
static int ink_of_tones(const int64_t *counts, int64_t size, uint8_t *levels, uint8_t *strokes)
{
    const double paper = even_paper(counts, size);
    if (isnan(paper)) return 0;
    double low = INFINITY, high = -INFINITY;
    for (int t = 0; t < TONES; t++) {
        if (!counts[t]) continue;
        low = fmin(low, tone(t) - paper);
        high = fmax(high, tone(t) - paper);
    }
    const int darker = fabs(low) > high;
    int64_t count = size / 2000 > 5 ? size / 2000 : 5;
    if (count > size) count = size;
    const int64_t wanted[2] = {count - 1 - (count - 1) / 2, count - 1 - count / 2};
    double found[2] = {NAN, NAN};
    int64_t seen = 0;
    for (int n = 0; n < TONES && seen < count; n++) {
        const int t = darker ? n : TONES - 1 - n;
        seen += counts[t];
        for (int k = 0; k < 2; k++)
            if (isnan(found[k]) && seen > wanted[k]) found[k] = darker ? -(tone(t) - paper) : tone(t) - paper;
    }
    const double full = (found[0] + found[1]) / 2;
    const double least = 0.25 * full, span = 0.9 * full - least;
    for (int t = 0; t < TONES; t++) {
        const double departure = darker ? -(tone(t) - paper) : tone(t) - paper;
        const double ink = full < 0.04 ? 0 : fmin(fmax((departure - least) / span, 0), 1);
        levels[t] = (uint8_t)rint(ink * 255);
        strokes[t] = ink > 0.5;
    }
    return 1;
}

static Span span_of(const uint8_t *flags, int64_t length)
{
    Span span = {0, 0};
    for (int n = 0; n < length; n++)
        if (flags[n]) span = (Span){span.last ? span.first : n, n + 1};
    return span;
}

/* See models/images/framing.py. */
static void place(Axis *axis, Span inked, int64_t length, double centre, double extent)
{
    const double first = centre - extent / 2, step = extent / MOST;
    axis->count = 0;
    for (int n = 0; n < MOST; n++) {
        const double middle = step * (n + 0.5) + first, at = middle - 0.5, row = floor(at);
        if (!(middle >= 0 && middle < length && row >= inked.first - 1 && row <= inked.last - 1)) continue;
        const int k = axis->count++, before = (int)row;
        axis->place[k] = n;
        axis->before[k] = before < 0 ? 0 : before;
        axis->after[k] = before + 1 < length ? before + 1 : (int)length - 1;
        axis->share[k] = at - row;
    }
}

static void widened(const uint8_t *row, const Axis *columns, double *out)
{
    for (int k = 0; k < columns->count; k++) {
        const double left = row[columns->before[k]], right = row[columns->after[k]];
        out[k] = (right - left) * columns->share[k] + left;
    }
}

static void interpolate(const uint8_t *inked, int64_t wide, const Axis *rows, const Axis *columns, uint8_t *framed)
{
    double lines[2][MOST];
    int held[2] = {-1, -1};
    memset(framed, 0, MOST * MOST);
    for (int n = 0; n < rows->count; n++) {
        const int wanted[2] = {rows->before[n], rows->after[n]};
        const double *line[2];
        for (int k = 0; k < 2; k++) { /* a row's slot is its parity, so two neighbours never share one */
            const int slot = wanted[k] & 1;
            if (held[slot] != wanted[k]) widened(inked + wanted[k] * wide, columns, lines[slot]);
            held[slot] = wanted[k];
            line[k] = lines[slot];
        }
        uint8_t *out = framed + rows->place[n] * MOST + (columns->count ? columns->place[0] : 0);
        for (int k = 0; k < columns->count; k++)
            out[k] = (uint8_t)((line[1][k] - line[0][k]) * rows->share[n] + line[0][k]);
    }
}

/* Which of MOST numbers each of `side` results averages, and by what weight, as in Pillow's box filter. */
static void weigh(Share *shares, int64_t side)
{
    const double scale = (double)MOST / side, support = 0.5 * fmax(scale, 1), sharp = 1 / fmax(scale, 1);
    for (int64_t n = 0; n < side; n++) {
        const double centre = (n + 0.5) * scale;
        int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
        if (first < 0) first = 0;
        if (last > MOST) last = MOST;
        while (first < last && !((first - centre + 0.5) * sharp > -0.5)) first++;
        while (first < last && !((last - 1 - centre + 0.5) * sharp <= 0.5)) last--;
        shares[n] = (Share){first, last, first < last ? (int)(0.5 + 1.0 / (last - first) * (1 << FIXED)) : 0};
    }
}

static uint8_t mean(int sum, const Share *share)
{
    const int level = (sum * share->weight + (1 << (FIXED - 1))) >> FIXED;
    return (uint8_t)(level > 255 ? 255 : level);
}

/* Reduce [MOST, MOST], with ink in a span of rows only, to [side, side]: along rows first, rounding in between. */
static void reduce(const uint8_t *framed, Span rows, int64_t side, uint8_t *out)
{
    Share shares[side];
    uint8_t narrow[MOST * side];
    int sums[side];
    weigh(shares, side);
    for (int y = rows.first; y < rows.last; y++)
        for (int64_t n = 0; n < side; n++) {
            int sum = 0;
            for (int k = shares[n].first; k < shares[n].last; k++) sum += framed[y * MOST + k];
            narrow[y * side + n] = mean(sum, &shares[n]);
        }
    for (int64_t n = 0; n < side; n++) {
        const int first = shares[n].first > rows.first ? shares[n].first : rows.first;
        const int last = shares[n].last < rows.last ? shares[n].last : rows.last;
        memset(sums, 0, sizeof sums);
        for (int y = first; y < last; y++)
            for (int64_t x = 0; x < side; x++) sums[x] += narrow[y * side + x];
        for (int64_t x = 0; x < side; x++) out[n * side + x] = mean(sums[x], &shares[n]);
    }
}

/* Whether so much of the border is inked that it may be a shadow, or what lies beside the sheet. */
static int touches_border(const uint8_t *inked, int64_t high, int64_t wide)
{
    int64_t found = 0;
    for (int64_t y = 0; y < high; y++) found += (inked[y * wide] > 0) + (inked[y * wide + wide - 1] > 0);
    for (int64_t x = 0; x < wide; x++) found += (inked[x] > 0) + (inked[(high - 1) * wide + x] > 0);
    return (double)found / (2 * (high + wide)) > TOUCHING;
}

/* Returns 1, or 0 without writing anything if the paper is uneven or something may lie beside it. */
static int draw_one(int64_t high, int64_t wide, int64_t side, double margin, const uint8_t *gray, uint8_t *out)
{
    int64_t counts[TONES];
    uint8_t levels[TONES], strokes[TONES], inked[MOST * MOST], framed[MOST * MOST];
    count_tones(gray, high * wide, counts);
    if (!ink_of_tones(counts, high * wide, levels, strokes)) return 0;
    uint8_t rows[2][MOST] = {{0}}, columns[2][MOST] = {{0}}; /* which have strokes; which have any ink */
    for (int64_t y = 0; y < high; y++)
        for (int64_t x = 0; x < wide; x++) {
            const uint8_t t = gray[y * wide + x];
            inked[y * wide + x] = levels[t];
            rows[0][y] |= strokes[t], columns[0][x] |= strokes[t];
            rows[1][y] |= levels[t], columns[1][x] |= levels[t];
        }
    if (touches_border(inked, high, wide)) return 0;
    const Span any[2] = {span_of(rows[1], high), span_of(columns[1], wide)};
    double centre[2] = {high / 2.0, wide / 2.0}, extent = (double)(high > wide ? high : wide);
    if (margin >= 0 && any[0].last) {
        const Span of[2] = {span_of(rows[0], high), span_of(columns[0], wide)};
        double longer = 0.15 * (high < wide ? high : wide);
        for (int k = 0; k < 2; k++) {
            centre[k] = (of[k].first + of[k].last) / 2.0;
            longer = fmax(longer, of[k].last - of[k].first);
        }
        extent = longer * (1 + 2 * margin);
    }
    Axis axes[2] = {{0}};
    if (any[0].last) {
        place(&axes[0], any[0], high, centre[0], extent);
        place(&axes[1], any[1], wide, centre[1], extent);
    }
    interpolate(inked, wide, &axes[0], &axes[1], framed);
    const int last = axes[0].count - 1;
    const Span framed_rows = last < 0 ? (Span){0, 0} : (Span){axes[0].place[0], axes[0].place[last] + 1};
    reduce(framed, framed_rows, side, out);
    return 1;
}

/* Draw images of grey levels [high, wide], each at most MOST, into [count, side, side], framed with a margin unless it
 * is negative; `even` is 1 for the images that were drawn, and 0 for those that models/images must look at. */
int draw(int64_t count, const Size *of, const uint8_t *const *gray, int64_t side, double margin, uint8_t *out,
         uint8_t *even)
{
    for (int64_t n = 0; n < count; n++)
        even[n] = (uint8_t)draw_one(of[n].high, of[n].wide, side, margin, gray[n], out + n * side * side);
    return 0;
}
