/* The decode step's small operations, fused, for float32 on CPU. Optional: native.py compiles this where a C compiler is found, and the torch
 * operations of model.py and sampling.py do the same work where none is. Every row is computed alone and in a fixed order, so results do not
 * depend on the batch. Symbols of OpenMP come from the runtime that torch has loaded already. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GROUP 16
#define MAX_DIM 256

/* exp, relative error 2e-7 (Cephes), in a form that compilers vectorise. */
static inline float exp_(float x) {
    x = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
    float n = floorf(x * 1.44269504088896341f + 0.5f);
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, 4);
    return p * scale;
}

/* out[i] = weight * x[i] / rms(x[i]) for each of `rows` rows. */
void rms(const float *x, const float *weight, float *out, int64_t rows, int64_t width, float eps) {
#pragma omp parallel for schedule(static) if (rows * width > 16384)
    for (int64_t row = 0; row < rows; row++) {
        const float *a = x + row * width;
        float *o = out + row * width, sum = 0.0f;
        for (int64_t i = 0; i < width; i++) sum += a[i] * a[i];
        float scale = 1.0f / sqrtf(sum / width + eps);
        for (int64_t i = 0; i < width; i++) o[i] = a[i] * scale * weight[i];
    }
}

/* out = silu(gate) * up; each row of x holds gate, then up. */
void silu_mul(const float *x, float *out, int64_t rows, int64_t width) {
#pragma omp parallel for schedule(static) if (rows * width > 8192)
    for (int64_t row = 0; row < rows; row++) {
        const float *gate = x + 2 * row * width, *up = gate + width;
        float *o = out + row * width;
        for (int64_t i = 0; i < width; i++) o[i] = gate[i] * up[i] / (1.0f + exp_(-gate[i]));
    }
}

/* Norm (if any) and rotary embedding of one head. */
static inline void turn(const float *x, const float *norm, const float *cos, const float *sin, float *out, int dim, float eps, float scale) {
    float a[MAX_DIM];
    int half = dim / 2;
    if (norm) {
        float sum = 0.0f;
        for (int i = 0; i < dim; i++) sum += x[i] * x[i];
        float rms = 1.0f / sqrtf(sum / dim + eps);
        for (int i = 0; i < dim; i++) a[i] = x[i] * rms * norm[i] * scale;
    } else {
        for (int i = 0; i < dim; i++) a[i] = x[i] * scale;
    }
    for (int i = 0; i < half; i++) out[i] = a[i] * cos[i] + a[i + half] * sin[i];
    for (int i = half; i < dim; i++) out[i] = a[i] * cos[i] + a[i - half] * sin[i];
}

/* Attention of `group` queries of one key head over positions [first, last]; scores: group x (last - first + 1) floats of scratch. */
static inline __attribute__((always_inline)) void mix(const float (*q)[MAX_DIM], const float *keys, const float *values, float *scores, float *out,
                                                     int64_t first, int64_t last, const int group, const int dim) {
    int64_t length = last - first + 1;
    const float *k = keys + first * dim, *v = values + first * dim;
    for (int64_t t = 0; t < length; t++)
        for (int g = 0; g < group; g++) {
            float s = 0.0f;
            for (int d = 0; d < dim; d++) s += q[g][d] * k[t * dim + d];
            scores[g * length + t] = s;
        }
    for (int g = 0; g < group; g++) {
        float *s = scores + g * length, top = s[0], sum = 0.0f;
        for (int64_t t = 0; t < length; t++) top = s[t] > top ? s[t] : top;
        for (int64_t t = 0; t < length; t++) {
            s[t] = exp_(s[t] - top);
            sum += s[t];
        }
        float acc[4][MAX_DIM];
        for (int i = 0; i < 4; i++)
            for (int d = 0; d < dim; d++) acc[i][d] = 0.0f;
        int64_t t = 0;
        for (; t + 4 <= length; t += 4)
            for (int i = 0; i < 4; i++)
                for (int d = 0; d < dim; d++) acc[i][d] += s[t + i] * v[(t + i) * dim + d];
        for (; t < length; t++)
            for (int d = 0; d < dim; d++) acc[0][d] += s[t] * v[t * dim + d];
        for (int d = 0; d < dim; d++) out[g * dim + d] = (acc[0][d] + acc[1][d] + acc[2][d] + acc[3][d]) / sum;
    }
}

/* One new token a path: norms and turns queries and keys, writes the cache, attends. qkv: count x (heads + 2 kv_heads) x dim. cos, sin: tables by
 * position. keys, values: one layer's cache, with strides in floats; rows: that of each path. window: 0 for none. */
void attend(const float *qkv, const float *norm_q, const float *norm_k, const float *cos, const float *sin, float *keys, float *values,
            const int64_t *positions, const int64_t *rows, float *out, int64_t count, int64_t heads, int64_t kv_heads, int64_t dim, int64_t row_stride,
            int64_t head_stride, int64_t window, float eps) {
    int group = (int)(heads / kv_heads);
    int64_t longest = 0;
    for (int64_t m = 0; m < count; m++) longest = positions[m] + 1 > longest ? positions[m] + 1 : longest;
    float scale = 1.0f / sqrtf((float)dim);
#pragma omp parallel
    {
        float *scores = malloc(sizeof(float) * group * longest);
        float q[MAX_GROUP][MAX_DIM];
#pragma omp for schedule(dynamic, 4)
        for (int64_t item = 0; item < count * kv_heads; item++) {
            int64_t m = item / kv_heads, head = item % kv_heads, last = positions[m];
            int64_t first = window > 0 && last + 1 > window ? last + 1 - window : 0;
            const float *x = qkv + m * (heads + 2 * kv_heads) * dim;
            const float *c = cos + last * dim, *s = sin + last * dim;
            float *k = keys + rows[m] * row_stride + head * head_stride, *v = values + rows[m] * row_stride + head * head_stride;
            float *o = out + (m * heads + head * group) * dim;
            for (int g = 0; g < group; g++) turn(x + (head * group + g) * dim, norm_q, c, s, q[g], (int)dim, eps, scale);
            turn(x + (heads + head) * dim, norm_k, c, s, k + last * dim, (int)dim, eps, 1.0f);
            memcpy(v + last * dim, x + (heads + kv_heads + head) * dim, sizeof(float) * dim);
#define CASE(G, D) if (group == G && dim == D) mix(q, k, v, scores, o, first, last, G, D); else
            CASE(1, 32) CASE(2, 32) CASE(1, 64) CASE(2, 64) CASE(4, 64) CASE(7, 64) CASE(1, 128) CASE(2, 128) CASE(4, 128) CASE(8, 128)
            mix(q, k, v, scores, o, first, last, group, (int)dim);
        }
        free(scores);
    }
}

/* Trees are attended LANES queries at a time, each in a lane of its own: no sums across a register, and keys are read once for all. */
#define LANES 16
#ifdef __AVX512F__
#define HELD 16 /* numbers of a value row that are summed in registers at once: of an even size, so 2 will always do */
#else
#define HELD 4
#endif
typedef float lanes __attribute__((vector_size(4 * LANES)));

/* Attention of LANES queries over positions [from, cached) of a row and the `size` nodes of its tree. q, out: dim x LANES; hidden: 0 where a query sees a node and -inf where not,
 * size x LANES; since: first position that each query sees, NULL for all; scores: scratch. */
static inline __attribute__((always_inline)) void mix_lanes(const lanes *q, const float *keys, const float *values, lanes *scores, lanes *out, int64_t from, int64_t cached,
                                                            const int64_t *places, int64_t size, const lanes *hidden, const int64_t *since, const int dim, const int held) {
    int64_t count = cached - from + size;
    lanes sum = {0};
    float top[LANES];
    for (int l = 0; l < LANES; l++) top[l] = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        int64_t node = from + i - cached;
        const float *k = keys + (node < 0 ? from + i : places[node]) * dim;
        lanes a = {0}, b = {0};
        for (int d = 0; d < dim; d += 2) a += k[d] * q[d], b += k[d + 1] * q[d + 1];
        a += b;
        if (node >= 0) a += hidden[node];
        else if (since)
            for (int l = 0; l < LANES; l++)
                if (from + i < since[l]) a[l] = -INFINITY;
        scores[i] = a;
        for (int l = 0; l < LANES; l++) top[l] = a[l] > top[l] ? a[l] : top[l];
    }
    for (int64_t i = 0; i < count; i++) {
        float *s = (float *)(scores + i);
        for (int l = 0; l < LANES; l++) {
            float x = s[l] - top[l], e = exp_(x);
            s[l] = x < -87.0f ? 0.0f : e;
        }
        sum += scores[i];
    }
    for (int at = 0; at < dim; at += held) {
        lanes acc[HELD];
        for (int d = 0; d < held; d++) acc[d] = (lanes){0};
        for (int64_t i = 0; i < count; i++) {
            int64_t node = from + i - cached;
            const float *v = values + (node < 0 ? from + i : places[node]) * dim + at;
            for (int d = 0; d < held; d++) acc[d] += v[d] * scores[i];
        }
        for (int d = 0; d < held; d++) out[at + d] = acc[d] / sum;
    }
}

/* Trees of new tokens: token m of `count` belongs to cache row rows[m], is written at places[m] and stands at positions[m] of its path. It sees its row's cache
 * below its tree's first token, its ancestors (parents[m] < m, -1 for a tree's first token) and itself. */
void attend_trees(const float *qkv, const float *norm_q, const float *norm_k, const float *cos, const float *sin, float *keys, float *values,
                  const int64_t *positions, const int64_t *rows, const int64_t *places, const int64_t *parents, float *out, int64_t count, int64_t heads,
                  int64_t kv_heads, int64_t dim, int64_t row_stride, int64_t head_stride, int64_t window, float eps) {
    int64_t group = heads / kv_heads, items = 0, longest = 0, widest = 0;
    int64_t *blocks = malloc(sizeof(int64_t) * 3 * (count + count * group / LANES + 1)); /* first node of the tree, its size, first query */
    for (int64_t m = 0, size; m < count; m += size) {
        for (size = 1; m + size < count && parents[m + size] >= 0;) size++;
        for (int64_t query = 0; query < size * group; query += LANES, items++) blocks[3 * items] = m, blocks[3 * items + 1] = size, blocks[3 * items + 2] = query;
        longest = places[m] + size > longest ? places[m] + size : longest, widest = size > widest ? size : widest;
    }
    float scale = 1.0f / sqrtf((float)dim);
#pragma omp parallel if (count * (heads + kv_heads) * longest > 4096)
    {
        lanes *scores = aligned_alloc(sizeof(lanes), sizeof(lanes) * (longest + widest + 2 * dim)), *hidden = scores + longest, *q = hidden + widest, *mixed = q + dim;
        int64_t since[LANES];
#pragma omp for schedule(static)
        for (int64_t item = 0; item < count * kv_heads; item++) { /* all keys and values are there before the first query looks */
            int64_t m = item / kv_heads, head = item % kv_heads, at = rows[m] * row_stride + head * head_stride + places[m] * dim;
            const float *x = qkv + m * (heads + 2 * kv_heads) * dim;
            turn(x + (heads + head) * dim, norm_k, cos + positions[m] * dim, sin + positions[m] * dim, keys + at, (int)dim, eps, 1.0f);
            memcpy(values + at, x + (heads + kv_heads + head) * dim, sizeof(float) * dim);
        }
#pragma omp for schedule(dynamic, 1)
        for (int64_t item = 0; item < items * kv_heads; item++) {
            const int64_t *block = blocks + 3 * (item / kv_heads), head = item % kv_heads, tree = block[0], size = block[1];
            int64_t cached = places[tree], from = cached;
            for (int64_t i = 0; i < size * LANES; i++) ((float *)hidden)[i] = -INFINITY;
            for (int64_t l = 0; l < LANES; l++) {
                int64_t query = block[2] + l < size * group ? block[2] + l : block[2], m = tree + query / group; /* lanes too many repeat the first */
                float turned[MAX_DIM];
                turn(qkv + (m * (heads + 2 * kv_heads) + head * group + query % group) * dim, norm_q, cos + positions[m] * dim, sin + positions[m] * dim, turned, (int)dim, eps,
                     scale);
                for (int64_t d = 0; d < dim; d++) ((float *)q)[d * LANES + l] = turned[d];
                since[l] = window > 0 && positions[m] + 1 > window ? positions[m] + 1 - window : 0;
                from = since[l] < from ? since[l] : from;
                for (int64_t node = m; node >= 0; node = parents[node])
                    if (positions[node] >= since[l]) ((float *)hidden)[(node - tree) * LANES + l] = 0.0f;
            }
            const float *k = keys + rows[tree] * row_stride + head * head_stride, *v = values + rows[tree] * row_stride + head * head_stride;
#define LANED(D) if (dim == D) mix_lanes(q, k, v, scores, mixed, from, cached, places + tree, size, hidden, window > 0 ? since : NULL, D, HELD); else
            LANED(32) LANED(64) LANED(128)
            mix_lanes(q, k, v, scores, mixed, from, cached, places + tree, size, hidden, window > 0 ? since : NULL, (int)dim, 2);
            for (int64_t l = 0; l < LANES && block[2] + l < size * group; l++) {
                int64_t query = block[2] + l, m = tree + query / group;
                float *o = out + (m * heads + head * group + query % group) * dim;
                for (int64_t d = 0; d < dim; d++) o[d] = ((float *)mixed)[d * LANES + l];
            }
        }
        free(scores);
    }
    free(blocks);
}

/* out = x W^T + add for a few rows of x, for which libraries spend more on preparing than on multiplying. packed: W in panels of PANEL rows, each inner x PANEL, zeros where
 * W has no more rows. add: NULL, or rows `add_stride` apart (0: the same for all). */
#ifdef __AVX512F__
#define WIDTH_ 16
#define TILE 8
#else
#define WIDTH_ 8
#define TILE 4
#endif
#define PANEL 32
#define PARTS (PANEL / WIDTH_)
typedef float part __attribute__((vector_size(4 * WIDTH_), aligned(4)));

static inline __attribute__((always_inline)) void tile(const float *x, const float *w, const float *add, int64_t add_stride, float *out, int64_t inner, int64_t stride,
                                                       int64_t wide, const int rows) {
    part acc[TILE][PARTS];
    for (int m = 0; m < rows; m++)
        for (int p = 0; p < PARTS; p++) acc[m][p] = (part){0};
    for (int64_t k = 0; k < inner; k++)
        for (int m = 0; m < rows; m++) {
            float a = x[m * inner + k];
            for (int p = 0; p < PARTS; p++) acc[m][p] += a * *(const part *)(w + k * PANEL + p * WIDTH_);
        }
    for (int m = 0; m < rows; m++) {
        float *o = out + m * stride;
        const float *b = add ? add + m * add_stride : NULL;
        for (int64_t n = 0; n < wide; n++) o[n] = ((float *)acc[m])[n] + (b ? b[n] : 0.0f);
    }
}

void linear(const float *x, const float *packed, const float *add, float *out, int64_t rows, int64_t inner, int64_t width, int64_t add_stride) {
#pragma omp parallel for schedule(static) if (rows * inner * width > 1000000)
    for (int64_t at = 0; at < width; at += PANEL) {
        const float *w = packed + at * inner;
        int64_t wide = width - at < PANEL ? width - at : PANEL, m = 0;
#define ROWS(R) tile(x + m * inner, w, add ? add + m * add_stride + at : NULL, add_stride, out + m * width + at, inner, width, wide, R)
        for (; m + TILE <= rows; m += TILE) ROWS(TILE);
        for (; m + 4 <= rows; m += 4) ROWS(4);
        for (; m + 2 <= rows; m += 2) ROWS(2);
        for (; m < rows; m++) ROWS(1);
    }
}

/* Moves cached positions within their rows: `count` moves of one position each, in order, in all `blocks` (layer, key or value) of `block_stride` floats. */
void move_places(float *cache, const int64_t *rows, const int64_t *from, const int64_t *to, int64_t count, int64_t blocks, int64_t block_stride,
                 int64_t kv_heads, int64_t dim, int64_t row_stride, int64_t head_stride) {
#pragma omp parallel for schedule(static) if (count * blocks * kv_heads > 512)
    for (int64_t block = 0; block < blocks; block++)
        for (int64_t i = 0; i < count; i++)
            for (int64_t head = 0; head < kv_heads; head++) {
                float *base = cache + block * block_stride + rows[i] * row_stride + head * head_stride;
                memmove(base + to[i] * dim, base + from[i] * dim, sizeof(float) * dim);
            }
}

/* Philox4x32-10 of 16 consecutive vocabulary blocks: words[4 * i + j] is word j of block first + i. */
static inline void philox16(uint32_t first, uint32_t c1_, uint32_t c2_, uint32_t c3_, uint32_t k0, uint32_t k1, uint32_t *words) {
    uint32_t c0[16], c1[16], c2[16], c3[16];
    for (int i = 0; i < 16; i++) c0[i] = first + i, c1[i] = c1_, c2[i] = c2_, c3[i] = c3_;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 16; i++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 16; i++) words[4 * i] = c0[i], words[4 * i + 1] = c1[i], words[4 * i + 2] = c2[i], words[4 * i + 3] = c3[i];
}

/* tokens[i] = argmax(logits + temperature * gumbel), with temperature and key of owners[i] (NULL: i). A logarithm is taken only for tokens that may win: with y = 2^23 (1 - u), gumbel <=
 * -log(1 - u) = (23 - log2 y) log 2, and the bits of a float y, read as an integer, bound log2 y from below. */
void draw(const float *logits, const float *temperature, const int64_t *keys, const int64_t *positions, const int64_t *owners, int64_t *tokens, int64_t rows,
          int64_t vocab) {
#pragma omp parallel for schedule(static) if (rows > 1)
    for (int64_t row = 0; row < rows; row++) {
        const float *l = logits + row * vocab;
        int64_t owner = owners ? owners[row] : row;
        const int64_t *key = keys + 4 * owner;
        float t = temperature[owner];
        double best = -INFINITY;
        int64_t winner = 0;
        for (int64_t start = 0; start < vocab; start += 64) {
            int count = vocab - start < 64 ? (int)(vocab - start) : 64;
            uint32_t words[64];
            float bound[64];
            if (t > 0) philox16((uint32_t)(start / 4), (uint32_t)positions[row], (uint32_t)key[2], (uint32_t)key[3], (uint32_t)key[0], (uint32_t)key[1], words);
            else memset(words, 0, sizeof words);
            for (int i = 0; i < count; i++) {
                float y = 8388607.5f - (float)(int32_t)(words[i] >> 9);
                int32_t bits;
                memcpy(&bits, &y, 4);
                bound[i] = l[start + i] + t * (float)((23.0 + 127.0) * 0.6931471805599453 + 1e-3) - t * ((float)bits * (float)(0.6931471805599453 / 8388608.0));
            }
            for (int i = 0; i < count; i++) {
                if (!(bound[i] > best)) continue;
                double u = ((double)(words[i] >> 9) + 0.5) / 8388608.0;
                double score = t > 0 ? (double)l[start + i] - (double)t * log(-log(u)) : (double)l[start + i];
                if (score > best) best = score, winner = start + i;
            }
        }
        tokens[row] = winner;
    }
}

#include "tables.c"
#include "steps.c"
#include "causal.c"
