/* A convolution with the normalised block that follows it, and the gradients of both, a few images at a time, so that
 * the second finds in the core's cache what the first computed. Both are those of convolution.c and normalisation.c.
 */
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES (1 << 19) /* of images and maps that are processed at a time */

typedef struct {
    int64_t tasks, images, high, wide, channels, groups, pooled;
} Normalised; /* as in normalisation.h */

typedef struct {
    int64_t tasks, images, high, wide, channels, filters, stride;
} Convolved; /* as in convolution.c */

typedef int Convolve(const Convolved *, const float *, const float *, int64_t, int, float *);
typedef int InputGradient(const Convolved *, const float *, const float *, int64_t, float *);
typedef int WeightGradient(const Convolved *, const float *, const float *, int, float *);
int normalise(const Normalised *, const float *, const float *, const float *, int64_t, float, float *, float *);
int normalise_gradient(const Normalised *, const float *, const float *, const float *, const float *, int64_t,
                       const float *, float *, float *, float *);

/* Sizes of one image: of the convolution's input, of its maps and of the block's result. */
typedef struct {
    int64_t input, maps, result;
} Each;

static Each each_of(const Convolved *c, const Normalised *s)
{
    const int64_t side = s->pooled ? 2 : 1;
    return (Each){c->high * c->wide * c->channels, s->high * s->wide * s->channels,
                  s->high / side * (s->wide / side) * s->channels};
}

static int64_t images_at_once(const Convolved *c, const Each *each)
{
    const int64_t fit = MOST_BYTES / ((each->input + each->maps) * (int64_t)sizeof(float));
    return fit < 1 ? 1 : fit < c->images ? fit : c->images;
}

int convolved_block(const Convolved *c, const Normalised *s, Convolve *convolve, const float *images,
                    const float *weight, int64_t weight_step, const float *scale, const float *shift, int64_t step,
                    float epsilon, float *maps, float *result, float *moments)
{
    if (c->images == 0) return 0;
    const Each each = each_of(c, s);
    const int64_t most = images_at_once(c, &each), chunks = (c->images + most - 1) / most;
    int lacking = 0;
#pragma omp parallel for schedule(dynamic) reduction(|| : lacking)
    for (int64_t item = 0; item < c->tasks * chunks; item++) {
        const int64_t task = item / chunks, first = item % chunks * c->images / chunks;
        const int64_t count = (item % chunks + 1) * c->images / chunks - first, place = task * c->images + first;
        Convolved here = *c;
        Normalised there = *s;
        here.tasks = there.tasks = 1, here.images = there.images = count;
        float *of_maps = maps + place * each.maps;
        lacking = lacking ||
                  convolve(&here, images + place * each.input, weight + task * weight_step, 0, 0, of_maps) ||
                  normalise(&there, of_maps, scale + task * step, shift + task * step, 0, epsilon,
                            result + place * each.result, moments + place * 2 * s->channels);
    }
    return lacking;
}

/* Sum, over each task's parts, the first ``count`` of the ``size`` numbers of a part. */
static void add_parts(int64_t tasks, int64_t parts, int64_t size, int64_t count, const float *each, float *totals)
{
    memset(totals, 0, tasks * count * sizeof(float));
    for (int64_t item = 0; item < tasks * parts; item++)
        for (int64_t k = 0; k < count; k++) totals[item / parts * count + k] += each[item * size + k];
}

/* From a gradient of the result and, unless NULL, a further one of the maps (``of_maps``) to those of the images,
 * unless ``to_images`` is NULL, and of the parameters. */
int convolved_block_gradients(const Convolved *c, const Normalised *s, InputGradient *input_gradient,
                              WeightGradient *weight_gradient, const float *gradient, const float *of_maps,
                              const float *maps, const float *moments, const float *images, const float *weight,
                              int64_t weight_step, const float *scale, const float *shift, int64_t step,
                              float *to_images, float *to_weight, float *to_scale, float *to_shift)
{
    const Each each = each_of(c, s);
    const int64_t threads = omp_get_max_threads(), most = images_at_once(c, &each);
    const int64_t wanted = c->tasks >= 2 * threads ? 1 : (4 * threads + c->tasks - 1) / c->tasks;
    const int64_t parts = threads == 1 ? 1 : wanted < c->images ? wanted : c->images;
    const int64_t O = s->channels, size = 9 * c->channels * O;
    if (c->images == 0) memset(to_weight, 0, c->tasks * size * sizeof(float));
    float *sums = parts == 1 ? to_weight : malloc(c->tasks * parts * size * sizeof(float));
    float *each_scale = calloc(c->tasks * parts * 2 * O, sizeof(float));
    int lacking = 0;
#pragma omp parallel reduction(|| : lacking)
    {
        float *between = malloc((most * each.maps + 2 * O) * sizeof(float));
        lacking = !sums || !each_scale || !between;
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < c->tasks * parts; item++) {
            const int64_t task = item / parts, number = item % parts, begin = number * c->images / parts;
            const int64_t end = (number + 1) * c->images / parts;
            for (int64_t first = begin; !lacking && first < end; first += most) {
                const int64_t count = end - first < most ? end - first : most, place = task * c->images + first;
                Convolved here = *c;
                Normalised there = *s;
                here.tasks = there.tasks = 1, here.images = there.images = count;
                float *of_scale = between + most * each.maps;
                lacking = normalise_gradient(&there, gradient + place * each.result, maps + place * each.maps,
                                             scale + task * step, shift + task * step, 0, moments + place * 2 * O,
                                             between, of_scale, of_scale + O);
                if (lacking) break;
                for (int64_t k = 0; k < 2 * O; k++) each_scale[item * 2 * O + k] += of_scale[k];
                for (int64_t k = 0; of_maps && k < count * each.maps; k++) between[k] += of_maps[place * each.maps + k];
                const float *input = images + place * each.input;
                if (to_images)
                    lacking = input_gradient(&here, between, weight + task * weight_step, 0,
                                             to_images + place * each.input);
                lacking = lacking || weight_gradient(&here, between, input, first > begin, sums + item * size);
            }
        }
        free(between);
    }
    if (!lacking) {
        add_parts(c->tasks, parts, 2 * O, O, each_scale, to_scale);
        add_parts(c->tasks, parts, 2 * O, O, each_scale + O, to_shift);
        if (parts != 1) add_parts(c->tasks, parts, size, size, sums, to_weight);
    }
    free(each_scale);
    if (parts != 1) free(sums);
    return lacking;
}
