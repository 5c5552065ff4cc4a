/* Causal attention of training, forward and backward, over the rows of a line: queries, keys and values of token n stand at n * heads * dim. Run r: the
 * tokens [own, own + size) attend to the tokens [shared, shared + known) before them, and to those of their own up to themselves.
 *
 *     S = scale q k    P = exp(S - lse)    o = P v        dV = P^T do    dS = scale P (do v - sum(do o))    dq = dS k    dK = dS^T q
 *
 * Work is cut by key head, so that no two threads write one gradient; a run's result does not depend on the other runs, and sums have a fixed order. BLOCK queries are
 * computed at a time, over all keys that the last of them sees. */

#define BLOCK 8
#define KEYS 16 /* keys that a block's scores are computed for at once; the scratch is padded to a multiple */
#define STEP 8  /* numbers in a register */
typedef float eight __attribute__((vector_size(32), aligned(4)));

typedef int32_t eight_ints __attribute__((vector_size(32), aligned(4)));

/* exp_ of eight numbers that are not above 0 (but for rounding). */
static inline __attribute__((always_inline)) eight exp_eight(eight x) {
    eight_ints low = x < -87.0f;
    x = (eight)((low & (eight_ints)(x - x - 87.0f)) | (~low & (eight_ints)x));
    eight_ints whole = __builtin_convertvector(x * 1.44269504088896341f - 0.5f, eight_ints);
    eight n = __builtin_convertvector(whole, eight), r = x - n * 0.693359375f + n * 2.12194440e-4f, p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * (eight)((whole + 127) << 23);
}

/* scores (BLOCK x stride) = scale * q (BLOCK x dim) * turned (dim x stride) for the first `count` keys, a multiple of KEYS. */
static inline __attribute__((always_inline)) void products(const float *q, const float *turned, float *scores, int64_t stride, int64_t count, float scale, const int dim) {
    for (int64_t j = 0; j < count; j += KEYS)
        for (int b = 0; b < BLOCK; b += 4) {
            eight acc[4][2];
            for (int i = 0; i < 4; i++) acc[i][0] = acc[i][1] = (eight){0};
            for (int d = 0; d < dim; d++) {
                eight k0 = *(const eight *)(turned + d * stride + j), k1 = *(const eight *)(turned + d * stride + j + STEP);
                for (int i = 0; i < 4; i++) {
                    float x = q[(b + i) * dim + d];
                    acc[i][0] += x * k0, acc[i][1] += x * k1;
                }
            }
            for (int i = 0; i < 4; i++) {
                *(eight *)(scores + (b + i) * stride + j) = acc[i][0] * scale;
                *(eight *)(scores + (b + i) * stride + j + STEP) = acc[i][1] * scale;
            }
        }
}

/* out (BLOCK x dim) = weights (BLOCK x stride) * rows (count x dim). */
static inline __attribute__((always_inline)) void mixture(const float *weights, const float *rows, float *out, int64_t stride, int64_t count, const int dim) {
    for (int b = 0; b < BLOCK; b += 2)
        for (int at = 0; at < dim; at += 32) {
            eight acc[2][4];
            for (int i = 0; i < 2; i++)
                for (int p = 0; p < 4; p++) acc[i][p] = (eight){0};
            for (int64_t j = 0; j < count; j++) {
                float x = weights[b * stride + j], y = weights[(b + 1) * stride + j];
                for (int p = 0; p < 4; p++) {
                    eight v = *(const eight *)(rows + j * dim + at + p * STEP);
                    acc[0][p] += x * v, acc[1][p] += y * v;
                }
            }
            for (int i = 0; i < 2; i++)
                for (int p = 0; p < 4; p++) *(eight *)(out + (b + i) * dim + at + p * STEP) = acc[i][p];
        }
}

/* into (count x dim) += weights^T (count x BLOCK) * rows (BLOCK x dim). */
static inline __attribute__((always_inline)) void spread(const float *weights, const float *rows, float *into, int64_t stride, int64_t count, const int dim) {
    for (int64_t j = 0; j + 2 <= count; j += 2) /* count is even: it is padded */
        for (int at = 0; at < dim; at += 32) {
            eight acc[2][4];
            for (int i = 0; i < 2; i++)
                for (int p = 0; p < 4; p++) acc[i][p] = *(const eight *)(into + (j + i) * dim + at + p * STEP);
            for (int b = 0; b < BLOCK; b++) {
                float x = weights[b * stride + j], y = weights[b * stride + j + 1];
                for (int p = 0; p < 4; p++) {
                    eight v = *(const eight *)(rows + b * dim + at + p * STEP);
                    acc[0][p] += x * v, acc[1][p] += y * v;
                }
            }
            for (int i = 0; i < 2; i++)
                for (int p = 0; p < 4; p++) *(eight *)(into + (j + i) * dim + at + p * STEP) = acc[i][p];
        }
}

static inline float highest(const float *x, int64_t count) {
    float tops[STEP], top = -INFINITY;
    int64_t j = 0;
    for (int l = 0; l < STEP; l++) tops[l] = -INFINITY;
    for (; j + STEP <= count; j += STEP)
        for (int l = 0; l < STEP; l++) tops[l] = x[j + l] > tops[l] ? x[j + l] : tops[l];
    for (; j < count; j++) top = x[j] > top ? x[j] : top;
    for (int l = 0; l < STEP; l++) top = tops[l] > top ? tops[l] : top;
    return top;
}

/* Where key j of a run stands in the line. */
static inline int64_t place_of(const int64_t *run, int64_t j) { return j < run[1] ? run[0] + j : run[2] + j - run[1]; }

/* BLOCK queries of one head from token `first` on; those that are past the end are zeros. */
static inline __attribute__((always_inline)) void take(const float *line, float *block, int64_t first, int64_t count, int64_t step, const int dim) {
    for (int b = 0; b < BLOCK; b++)
        if (b < count) memcpy(block + b * dim, line + (first + b) * step, sizeof(float) * dim);
        else memset(block + b * dim, 0, sizeof(float) * dim);
}

/* A run's keys or values of one head, once as they are and once turned (dim x stride), zeros after the last. */
static void gather(const float *line, const int64_t *run, float *rows, float *turned, int64_t count, int64_t stride, int64_t step, int dim) {
    for (int64_t j = 0; j < count; j++) memcpy(rows + j * dim, line + place_of(run, j) * step, sizeof(float) * dim);
    memset(rows + count * dim, 0, sizeof(float) * (stride - count) * dim);
    if (turned)
        for (int64_t j = 0; j < stride; j++)
            for (int d = 0; d < dim; d++) turned[d * stride + j] = rows[j * dim + d];
}

static inline int64_t padded_(int64_t count) { return (count + KEYS - 1) / KEYS * KEYS; }

static int64_t longest_(const int64_t *runs, int64_t count) {
    int64_t longest = 0;
    for (int64_t r = 0; r < count; r++) longest = runs[4 * r + 1] + runs[4 * r + 3] > longest ? runs[4 * r + 1] + runs[4 * r + 3] : longest;
    return padded_(longest);
}

static inline __attribute__((always_inline)) void forward_run(const float *q, const float *k, const float *v, float *out, float *lse, const int64_t *run, int64_t head, int64_t heads,
                                                              int64_t kv_heads, float scale, float *scratch, int64_t longest, const int dim) {
    int64_t known = run[1], own = run[2], size = run[3], count = known + size, stride = padded_(count), group = heads / kv_heads;
    float *rows = scratch, *turned = rows + longest * dim, *scores = turned + longest * dim, *block = scores + longest * BLOCK, *mixed = block + BLOCK * dim, shares[BLOCK];
    gather(k + head * dim, run, rows, turned, count, stride, kv_heads * dim, dim);
    gather(v + head * dim, run, rows, NULL, count, stride, kv_heads * dim, dim);
    for (int64_t g = head * group; g < (head + 1) * group; g++)
        for (int64_t i = 0; i < size; i += BLOCK) {
            int64_t here = size - i < BLOCK ? size - i : BLOCK, seen = padded_(known + i + here);
            take(q + g * dim, block, own + i, here, heads * dim, dim);
            products(block, turned, scores, stride, seen, scale, dim);
            for (int64_t b = 0; b < BLOCK; b++) {
                float *s = scores + b * stride, sum = 0.0f;
                int64_t end = b < here ? known + i + b + 1 : 1;
                float top = highest(s, end);
                eight sums = {0};
                int64_t j = 0;
                for (; j + STEP <= end; j += STEP) {
                    eight e = exp_eight(*(const eight *)(s + j) - top);
                    *(eight *)(s + j) = e, sums += e;
                }
                for (; j < end; j++) s[j] = exp_(s[j] - top), sum += s[j];
                for (int l = 0; l < STEP; l++) sum += sums[l];
                memset(s + end, 0, sizeof(float) * (seen - end));
                shares[b] = 1.0f / sum;
                if (b < here) lse[(own + i + b) * heads + g] = top + logf(sum);
            }
            mixture(scores, rows, mixed, stride, seen, dim);
            for (int64_t b = 0; b < here; b++)
                for (int d = 0; d < dim; d++) out[((own + i + b) * heads + g) * dim + d] = mixed[b * dim + d] * shares[b];
        }
}

static inline __attribute__((always_inline)) void backward_run(const float *q, const float *k, const float *v, const float *out, const float *lse, const float *dout, float *dq,
                                                               float *dk, float *dv, const int64_t *run, int64_t head, int64_t heads, int64_t kv_heads, float scale,
                                                               float *scratch, int64_t longest, const int dim) {
    int64_t known = run[1], own = run[2], size = run[3], count = known + size, stride = padded_(count), group = heads / kv_heads;
    float *keys = scratch, *turned = keys + longest * dim, *values = turned + longest * dim, *turned_v = values + longest * dim;
    float *dkeys = turned_v + longest * dim, *dvalues = dkeys + longest * dim, *scores = dvalues + longest * dim, *slopes = scores + longest * BLOCK;
    float *block = slopes + longest * BLOCK, *dblock = block + BLOCK * dim, *mixed = dblock + BLOCK * dim;
    gather(k + head * dim, run, keys, turned, count, stride, kv_heads * dim, dim);
    gather(v + head * dim, run, values, turned_v, count, stride, kv_heads * dim, dim);
    memset(dkeys, 0, sizeof(float) * stride * dim);
    memset(dvalues, 0, sizeof(float) * stride * dim);
    for (int64_t g = head * group; g < (head + 1) * group; g++)
        for (int64_t i = 0; i < size; i += BLOCK) {
            int64_t here = size - i < BLOCK ? size - i : BLOCK, seen = padded_(known + i + here);
            take(q + g * dim, block, own + i, here, heads * dim, dim);
            take(dout + g * dim, dblock, own + i, here, heads * dim, dim);
            products(block, turned, scores, stride, seen, scale, dim);
            products(dblock, turned_v, slopes, stride, seen, 1.0f, dim);
            for (int64_t b = 0; b < BLOCK; b++) {
                float *s = scores + b * stride, *t = slopes + b * stride, delta = 0.0f;
                int64_t end = b < here ? known + i + b + 1 : 0;
                if (b < here) {
                    const float *o = out + (own + i + b) * heads * dim + g * dim;
                    for (int d = 0; d < dim; d++) delta += o[d] * dblock[b * dim + d];
                    float total = lse[(own + i + b) * heads + g];
                    int64_t j = 0;
                    for (; j + STEP <= end; j += STEP) {
                        eight e = exp_eight(*(const eight *)(s + j) - total);
                        *(eight *)(s + j) = e, *(eight *)(t + j) = scale * e * (*(const eight *)(t + j) - delta);
                    }
                    for (; j < end; j++) s[j] = exp_(s[j] - total), t[j] = scale * s[j] * (t[j] - delta);
                }
                memset(s + end, 0, sizeof(float) * (seen - end));
                memset(t + end, 0, sizeof(float) * (seen - end));
            }
            mixture(slopes, keys, mixed, stride, seen, dim);
            for (int64_t b = 0; b < here; b++) memcpy(dq + (own + i + b) * heads * dim + g * dim, mixed + b * dim, sizeof(float) * dim);
            spread(slopes, block, dkeys, stride, seen, dim);
            spread(scores, dblock, dvalues, stride, seen, dim);
        }
    for (int64_t j = 0; j < count; j++) {
        float *a = dk + (place_of(run, j) * kv_heads + head) * dim, *b = dv + (place_of(run, j) * kv_heads + head) * dim;
        for (int d = 0; d < dim; d++) a[d] += dkeys[j * dim + d], b[d] += dvalues[j * dim + d];
    }
}

#define DIMS(CALL) if (dim == 32) CALL(32); else if (dim == 64) CALL(64); else if (dim == 96) CALL(96); else CALL(128)

/* runs: count x (shared, known, own, size). dim: 32, 64, 96 or 128. Tokens of no run keep what stands in `out`. */
void causal_forward(const float *q, const float *k, const float *v, float *out, float *lse, const int64_t *runs, int64_t count, int64_t heads, int64_t kv_heads, int64_t dim, float scale) {
    int64_t longest = longest_(runs, count);
#pragma omp parallel
    {
        float *scratch = aligned_alloc(64, sizeof(float) * padded_(longest * (2 * dim + BLOCK) + 2 * BLOCK * dim));
#pragma omp for schedule(dynamic, 1) collapse(2)
        for (int64_t r = 0; r < count; r++)
            for (int64_t head = 0; head < kv_heads; head++) {
#define FORWARD(D) forward_run(q, k, v, out, lse, runs + 4 * r, head, heads, kv_heads, scale, scratch, longest, D)
                DIMS(FORWARD);
            }
        free(scratch);
    }
}

/* dq, dk, dv: zeros before. */
void causal_backward(const float *q, const float *k, const float *v, const float *out, const float *lse, const float *dout, float *dq, float *dk, float *dv, const int64_t *runs,
                     int64_t count, int64_t heads, int64_t kv_heads, int64_t dim, float scale) {
    int64_t longest = longest_(runs, count);
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t head = 0; head < kv_heads; head++) {
        float *scratch = aligned_alloc(64, sizeof(float) * padded_(longest * (6 * dim + 2 * BLOCK) + 3 * BLOCK * dim));
        for (int64_t r = 0; r < count; r++) {
#define BACKWARD(D) backward_run(q, k, v, out, lse, dout, dq, dk, dv, runs + 4 * r, head, heads, kv_heads, scale, scratch, longest, D)
            DIMS(BACKWARD);
        }
        free(scratch);
    }
}
