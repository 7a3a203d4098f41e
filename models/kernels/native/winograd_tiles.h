/* The transforms of Winograd's fast convolution F(4x4, 3x3) (Lavin and Gray 2016, section 4.3), on vectors of channels.
 *
 * With the matrices A, B and G of that section, a tile of 4x4 maps is y = A'[(G w G') * (B' d B)] A of a tile d of 6x6
 * images and weights w of 3x3, * being the product by elements: 36 products where the sum over taps takes 144. Of a
 * gradient g of the maps, the weights' is G'[(A g A') * (B' d B)] G.
 */
#ifndef METASHOT_WINOGRAD_TILES_H
#define METASHOT_WINOGRAD_TILES_H

#include "vectors.h"

#define TILE 4              /* positions of the maps to a tile's side */
#define SEEN (TILE + 2)     /* of the images */
#define PLACES (SEEN * SEEN)

/* B' d */
INLINE void of_images(const vec *d, int step, vec *out)
{
    const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const vec even = d4 - 4 * d2, odd = d3 - 4 * d1, wide = d4 - d2, far = 2 * (d3 - d1);
    out[0] = 4 * d0 - 5 * d2 + d4;
    out[step] = even + odd;
    out[2 * step] = even - odd;
    out[3 * step] = wide + far;
    out[4 * step] = wide - far;
    out[5 * step] = 4 * d1 - 5 * d3 + d5;
}

/* A' m, the last two of the six being left as they are */
INLINE void to_maps(const vec *m, int step, vec *out)
{
    const vec near = m[step] + m[2 * step], slope = m[step] - m[2 * step];
    const vec far = m[3 * step] + m[4 * step], steep = m[3 * step] - m[4 * step];
    const vec first = m[0] + near + far, last = slope + 8 * steep + m[5 * step];
    out[0] = first;
    out[step] = slope + 2 * steep;
    out[2 * step] = near + 4 * far;
    out[3 * step] = last;
}

/* A g, of four */
INLINE void of_maps(const vec *g, int step, vec *out)
{
    const vec g0 = g[0], g1 = g[step], g2 = g[2 * step], g3 = g[3 * step];
    const vec even = g0 + g2, odd = g1 + g3, wide = g0 + 4 * g2, far = 2 * g1 + 8 * g3;
    out[0] = g0;
    out[step] = even + odd;
    out[2 * step] = even - odd;
    out[3 * step] = wide + far;
    out[4 * step] = wide - far;
    out[5 * step] = g3;
}

/* G w, of three */
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

/* G' s, the last three of the six being left as they are */
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
