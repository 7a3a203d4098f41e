/* The transforms of Winograd's fast convolution F(4x4, 3x3) (Lavin and Gray 2016, section 4.3), on vectors of channels.
 *
 * With the matrices A, B and G of that section, the 4x4 tile of maps from a 6x6 tile d of images and 3x3 weights w is
 * y = A'[(G w G') * (B' d B)] A, where * multiplies element by element: 36 products, where a direct sum over taps takes
 * 144. Given a gradient g of the maps, that of the weights is G'[(A g A') * (B' d B)] G.
 */
#ifndef METASHOT_WINOGRAD_TILES_H
#define METASHOT_WINOGRAD_TILES_H

#include "vectors.h"

#define TILE 4          /* side of a tile of the maps */
#define SEEN (TILE + 2) /* side of the tile of the images that it depends on */
#define PLACES (SEEN * SEEN)

typedef struct {
    const float *row[SEEN];        /* zeros beyond the image */
    int64_t left, right, channels; /* columns from left, up to but excluding right, are inside */
} Window;

/* B' d of six numbers */
INLINE void images_line(const vec *d, float *out, int64_t apart)
{
    const vec even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1], wide = d[4] - d[2], far = 2 * (d[3] - d[1]);
    store(out, 4 * d[0] - 5 * d[2] + d[4]);
    store(out + apart, even + odd);
    store(out + 2 * apart, even - odd);
    store(out + 3 * apart, wide + far);
    store(out + 4 * apart, wide - far);
    store(out + 5 * apart, 4 * d[1] - 5 * d[3] + d[5]);
}

/* B' d B, two rows at a time: as many numbers as the registers hold. */
INLINE void of_images(const Window *d, int64_t c, float *out, int64_t apart)
{
#define D(i) load(d->row[i] + j * d->channels + c)
#define INSIDE if (j < d->left || j >= d->right) one[j] = other[j] = (vec){0}; else
    vec one[SEEN], other[SEEN];
    for (int64_t j = 0; j < SEEN; j++) INSIDE {
        one[j] = 4 * D(0) - 5 * D(2) + D(4);
        other[j] = 4 * D(1) - 5 * D(3) + D(5);
    }
    images_line(one, out, apart), images_line(other, out + 5 * SEEN * apart, apart);
    for (int64_t j = 0; j < SEEN; j++) INSIDE {
        const vec even = D(4) - 4 * D(2), odd = D(3) - 4 * D(1);
        one[j] = even + odd, other[j] = even - odd;
    }
    images_line(one, out + SEEN * apart, apart), images_line(other, out + 2 * SEEN * apart, apart);
    for (int64_t j = 0; j < SEEN; j++) INSIDE {
        const vec wide = D(4) - D(2), far = 2 * (D(3) - D(1));
        one[j] = wide + far, other[j] = wide - far;
    }
    images_line(one, out + 3 * SEEN * apart, apart), images_line(other, out + 4 * SEEN * apart, apart);
#undef D
#undef INSIDE
}

/* A' m of six numbers */
INLINE void maps_line(const vec *m, vec *out)
{
    const vec near = m[1] + m[2], slope = m[1] - m[2], far = m[3] + m[4], steep = m[3] - m[4];
    out[0] = m[0] + near + far;
    out[1] = slope + 2 * steep;
    out[2] = near + 4 * far;
    out[3] = slope + 8 * steep + m[5];
}

/* A' m A */
INLINE void to_maps(const float *m, int64_t apart, vec out[TILE][TILE])
{
#define M(i) load(m + ((i) * SEEN + j) * apart)
    vec one[SEEN], other[SEEN];
    for (int64_t j = 0; j < SEEN; j++) {
        const vec near = M(1) + M(2), far = M(3) + M(4);
        one[j] = M(0) + near + far, other[j] = near + 4 * far;
    }
    maps_line(one, out[0]), maps_line(other, out[2]);
    for (int64_t j = 0; j < SEEN; j++) {
        const vec slope = M(1) - M(2), steep = M(3) - M(4);
        one[j] = slope + 2 * steep, other[j] = slope + 8 * steep + M(5);
    }
    maps_line(one, out[1]), maps_line(other, out[3]);
#undef M
}

/* A g of four numbers */
INLINE void gradient_line(const vec *g, float *out, int64_t apart)
{
    const vec even = g[0] + g[2], odd = g[1] + g[3], wide = g[0] + 4 * g[2], far = 2 * g[1] + 8 * g[3];
    store(out, g[0]);
    store(out + apart, even + odd);
    store(out + 2 * apart, even - odd);
    store(out + 3 * apart, wide + far);
    store(out + 4 * apart, wide - far);
    store(out + 5 * apart, g[3]);
}

/* A g A' */
INLINE void of_gradient(const Window *g, int64_t o, float *out, int64_t apart)
{
#define G(i) load(g->row[i] + j * g->channels + o)
#define INSIDE if (j >= g->right) one[j] = other[j] = (vec){0}; else
    vec one[TILE], other[TILE];
    for (int64_t j = 0; j < TILE; j++) INSIDE one[j] = G(0), other[j] = G(3);
    gradient_line(one, out, apart), gradient_line(other, out + 5 * SEEN * apart, apart);
    for (int64_t j = 0; j < TILE; j++) INSIDE {
        const vec even = G(0) + G(2), odd = G(1) + G(3);
        one[j] = even + odd, other[j] = even - odd;
    }
    gradient_line(one, out + SEEN * apart, apart), gradient_line(other, out + 2 * SEEN * apart, apart);
    for (int64_t j = 0; j < TILE; j++) INSIDE {
        const vec wide = G(0) + 4 * G(2), far = 2 * G(1) + 8 * G(3);
        one[j] = wide + far, other[j] = wide - far;
    }
    gradient_line(one, out + 3 * SEEN * apart, apart), gradient_line(other, out + 4 * SEEN * apart, apart);
#undef G
#undef INSIDE
}

/* G w of three numbers */
INLINE void of_weights(const vec *w, int step, vec *out)
{
    const vec w0 = w[0], w1 = w[step], w2 = w[2 * step];
    const vec even = (w0 + w2) * (1.0f / 6), odd = w1 * (1.0f / 6);
    const vec wide = w0 * (1.0f / 24) + w2 * (1.0f / 6), far = w1 * (1.0f / 12);
    out[0] = w0 * 0.25f;
    out[step] = -even - odd;
    out[2 * step] = odd - even;
    out[3 * step] = wide + far;
    out[4 * step] = wide - far;
    out[5 * step] = w2;
}

/* G' s of six numbers; written in place, the last three keep what they held */
INLINE void to_weights(const vec *s, int step, vec *out)
{
    const vec even = (s[step] + s[2 * step]) * (1.0f / 6), odd = (s[2 * step] - s[step]) * (1.0f / 6);
    const vec wide = s[3 * step] + s[4 * step], far = s[3 * step] - s[4 * step];
    const vec first = s[0] * 0.25f - even + wide * (1.0f / 24), last = wide * (1.0f / 6) - even + s[5 * step];
    out[0] = first;
    out[step] = odd + far * (1.0f / 12);
    out[2 * step] = last;
}

/* Apply a transform to ``count`` columns of six and then to ``rows`` rows of six. */
#define BOTH_WAYS(transform, values, count, rows)                                                                      \
    do {                                                                                                               \
        for (int column = 0; column < (count); column++) transform((values) + column, SEEN, (values) + column);        \
        for (int row = 0; row < (rows); row++) transform((values) + row * SEEN, 1, (values) + row * SEEN);             \
    } while (0)

#endif
