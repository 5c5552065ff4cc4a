/* STAND's table and drafts, compiled: the same table as decoding/stand.py keeps, for float32 on CPU. Included by kernels.c.
 *
 * A draft is grown best first: the next node is the one that most probably lies on the branch that will stand, until none is worth its cost. That a node stands is
 * estimated from the margin of its score log q + g over the best of its siblings, from how often its n-gram was seen and how long that is; `cells` holds how
 * often such nodes stood. Under the rules that match, any choice of nodes is lossless, so the choice may look at the noise. With a static tree (`parents`) the
 * nodes are those of the tree. */

#define MAX_TOP 64
#define MAX_ORDER 16
#define MARGINS 16
#define SEEN 6

typedef struct {
    int64_t lookups, hits; /* first: read from Python */
    int32_t max_order, min_order, top, average;
    int64_t entries, room, slots;
    uint64_t *keys;
    int32_t *counts, *sizes, *ids, *index;
    float *probs;
} Table;

void *table_new(int64_t max_order, int64_t min_order, int64_t top, int64_t average) {
    Table *t = calloc(1, sizeof(Table));
    t->max_order = (int32_t)max_order, t->min_order = (int32_t)min_order, t->top = (int32_t)top, t->average = (int32_t)average;
    t->room = 1024, t->slots = 4096;
    t->keys = malloc(sizeof(uint64_t) * t->room);
    t->counts = malloc(sizeof(int32_t) * t->room);
    t->sizes = malloc(sizeof(int32_t) * t->room);
    t->ids = malloc(sizeof(int32_t) * t->room * top);
    t->probs = malloc(sizeof(float) * t->room * top);
    t->index = calloc(t->slots, sizeof(int32_t));
    return t;
}

void table_free(void *table) {
    Table *t = table;
    free(t->keys), free(t->counts), free(t->sizes), free(t->ids), free(t->probs), free(t->index), free(t);
}

static inline uint64_t gram_key(const int64_t *tokens, int order) {
    uint64_t key = (uint64_t)order * 0x9E3779B97F4A7C15u;
    for (int i = 0; i < order; i++) {
        key = (key ^ (uint64_t)(tokens[i] + 1)) * 0xBF58476D1CE4E5B9u;
        key ^= key >> 29;
    }
    return key;
}

/* The entry of a key, or -1; `place` is where in the index it is or belongs. */
static inline int64_t table_find(const Table *t, uint64_t key, int64_t *place) {
    int64_t at = (int64_t)(key & (uint64_t)(t->slots - 1));
    for (; t->index[at]; at = (at + 1) & (t->slots - 1))
        if (t->keys[t->index[at] - 1] == key) return *place = at, t->index[at] - 1;
    return *place = at, -1;
}

static int64_t table_enter(Table *t, uint64_t key, int64_t place) {
    if (t->entries == t->room) {
        t->room *= 2;
        t->keys = realloc(t->keys, sizeof(uint64_t) * t->room);
        t->counts = realloc(t->counts, sizeof(int32_t) * t->room);
        t->sizes = realloc(t->sizes, sizeof(int32_t) * t->room);
        t->ids = realloc(t->ids, sizeof(int32_t) * t->room * t->top);
        t->probs = realloc(t->probs, sizeof(float) * t->room * t->top);
    }
    int64_t entry = t->entries++;
    t->keys[entry] = key, t->counts[entry] = 0, t->sizes[entry] = 0;
    t->index[place] = (int32_t)(entry + 1);
    if (2 * t->entries > t->slots) {
        free(t->index);
        t->slots *= 4;
        t->index = calloc(t->slots, sizeof(int32_t));
        for (int64_t e = 0; e < t->entries; e++) {
            int64_t at = (int64_t)(t->keys[e] & (uint64_t)(t->slots - 1));
            while (t->index[at]) at = (at + 1) & (t->slots - 1);
            t->index[at] = (int32_t)(e + 1);
        }
    }
    return entry;
}

/* Sorted insertion of (id, p) into the `size` likeliest so far, at most `top`: the new size. */
static inline int insert_top(int32_t *ids, float *probs, int size, int top, int32_t id, float p) {
    if (size == top && p <= probs[size - 1]) return size;
    int at = size < top ? size : top - 1;
    for (; at > 0 && probs[at - 1] < p; at--) probs[at] = probs[at - 1], ids[at] = ids[at - 1];
    probs[at] = p, ids[at] = id;
    return size < top ? size + 1 : top;
}

/* What the model thought after `count` contexts: logits at rows places[i] of a matrix with `vocab` columns, divided by temperatures[i]; contexts, count x width,
 * the last ids on the right, -1 where there are none. */
void table_learn(void *const *tables, const float *logits, const int64_t *places, const float *temperatures, const int64_t *contexts, int64_t count, int64_t vocab,
                 int64_t width) {
    for (int64_t row = 0; row < count; row++) {
        Table *t = tables[row];
        int32_t ids[MAX_TOP], old_ids[MAX_TOP];
        float best[MAX_TOP], old[MAX_TOP];
        const float *l = logits + places[row] * vocab;
        int size = 0, top = t->top;
        float scale = 1.0f / temperatures[row], floor = -INFINITY, most = -INFINITY, sum = 0.0f;
        for (int64_t v = 0; v < vocab; v++)
            if (l[v] > floor) {
                size = insert_top(ids, best, size, top, (int32_t)v, l[v]);
                if (size == top) floor = best[size - 1];
            }
        if (!size) continue;
        most = best[0];
        for (int64_t v = 0; v < vocab; v++) sum += exp_((l[v] - most) * scale);
        int likely = 0;
        for (; likely < size; likely++) {
            best[likely] = exp_((best[likely] - most) * scale) / sum;
            if (best[likely] <= 1e-9f) break;
        }
        size = likely;
        const int64_t *tail = contexts + (row + 1) * width;
        for (int order = t->min_order; order <= t->max_order && order <= width && tail[-order] >= 0; order++) {
            int64_t place, entry;
            uint64_t key = gram_key(tail - order, order);
            entry = table_find(t, key, &place);
            if (entry < 0) entry = table_enter(t, key, place);
            int32_t *to = t->ids + entry * top, seen = t->counts[entry]++;
            float *law = t->probs + entry * top;
            if (!seen || !t->average) {
                memcpy(to, ids, sizeof(int32_t) * size), memcpy(law, best, sizeof(float) * size);
                t->sizes[entry] = size;
                continue;
            }
            float share = 1.0f / (float)(seen + 1), keep = 1.0f - share;
            int before = t->sizes[entry], now = 0;
            memcpy(old_ids, to, sizeof(int32_t) * before), memcpy(old, law, sizeof(float) * before);
            for (int i = 0; i < before; i++) old[i] *= keep;
            for (int j = 0; j < size; j++) {
                float mass = share * best[j];
                for (int i = 0; i < before; i++)
                    if (old_ids[i] == ids[j]) mass += old[i], old[i] = -1.0f;
                now = insert_top(to, law, now, top, ids[j], mass);
            }
            for (int i = 0; i < before; i++)
                if (old[i] > 0) now = insert_top(to, law, now, top, old_ids[i], old[i]);
            t->sizes[entry] = now;
        }
    }
}

/* Gumbel noise of one token id of one position, as thinkwell.core.noise defines it. */
static inline float gumbel_at(const int64_t *key, int64_t position, int32_t id) {
    uint32_t c0 = (uint32_t)id >> 2, c1 = (uint32_t)position, c2 = (uint32_t)key[2], c3 = (uint32_t)key[3], k0 = (uint32_t)key[0], k1 = (uint32_t)key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1, c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    uint32_t word = (id & 3) == 0 ? c0 : (id & 3) == 1 ? c1 : (id & 3) == 2 ? c2 : c3;
    return -logf(-logf(((float)(word >> 9) + 0.5f) / 8388608.0f));
}

typedef struct {
    int64_t tail[MAX_ORDER];
    int32_t ids[MAX_TOP], depth, size;
    float scores[MAX_TOP];
    int32_t order, seen, next; /* next: rank of the child to take next */
    float chance, following;   /* that this node is reached; that its next child stands */
    int32_t cell;
} Spread;

static inline float estimate(Spread *s, const float *cells) {
    float margin = s->next ? s->scores[s->next] - s->scores[0] : s->size > 1 ? s->scores[0] - s->scores[1] : 8.0f;
    int bin = (int)floorf(margin * 1.5f) + MARGINS / 2, seen = 0;
    for (int32_t n = s->seen; n > 1 && seen < SEEN - 1; n >>= 1) seen++;
    bin = bin < 0 ? 0 : bin > MARGINS - 1 ? MARGINS - 1 : bin;
    s->cell = (s->order * SEEN + seen) * MARGINS + bin;
    float prior = 0.95f / (1.0f + expf(-margin - 0.3f)), weight = 4.0f;
    return (cells[2 * s->cell] + weight * prior) / (cells[2 * s->cell + 1] + weight);
}

/* What the table knows after s->tail, in the order in which children are drawn; size 0 if nothing. */
static void spread_out(Table *t, Spread *s, const int64_t *key, int64_t position, int noisy) {
    s->size = s->next = 0;
    t->lookups++;
    for (int order = t->max_order; order >= t->min_order; order--) {
        const int64_t *tail = s->tail + MAX_ORDER - order;
        int64_t place, entry;
        if (tail[0] < 0 || (entry = table_find(t, gram_key(tail, order), &place)) < 0) continue;
        t->hits++;
        s->order = order, s->seen = t->counts[entry];
        for (int i = 0; i < t->sizes[entry]; i++) {
            int32_t id = t->ids[entry * t->top + i];
            float score = logf(t->probs[entry * t->top + i]) + (noisy ? gumbel_at(key, position + s->depth, id) : 0.0f);
            s->size = insert_top(s->ids, s->scores, s->size, MAX_TOP, id, score);
        }
        return;
    }
}

/* Drafts of `rows` paths. contexts: rows x width; depths: how deep each may go; positions: of each path's next token; noisy: whether its noise counts. parents: a
 * static tree's (place of the parent, -1: the path's end), NULL to grow best first until a node's chance is below `worth`. Out, rows x nodes:
 * tokens, parents, places in the static tree, cells; counts: nodes of each. expected: how many of all nodes will stand, as far as is known (NULL: not asked). */
void table_propose(void *const *tables, const int64_t *contexts, const int64_t *depths, const int64_t *keys, const int64_t *positions, const int64_t *noisy,
                   const int64_t *tree, const float *cells, int64_t *out, int64_t *counts, float *expected, int64_t rows, int64_t width, int64_t nodes, float worth) {
    float hope = 0.0f;
    Spread *all = malloc(sizeof(Spread) * (nodes + 1));
    for (int64_t row = 0; row < rows; row++) {
        Table *t = tables[row];
        const int64_t *key = keys + 4 * row;
        int64_t *tokens = out + row * 4 * nodes, *parents = tokens + nodes, *places = parents + nodes, *cell = places + nodes, made = 0, spreads = 1;
        int64_t from[nodes + 1], at[nodes + 1]; /* spread -> draft node; place in the static tree -> spread, -1: not filled */
        for (int i = 0; i < MAX_ORDER; i++) all[0].tail[i] = i < MAX_ORDER - width ? -1 : contexts[row * width + i - (MAX_ORDER - width)];
        all[0].depth = 0, all[0].chance = 1.0f, from[0] = -1;
        all[0].size = all[0].next = 0;
        if (depths[row] > 0) spread_out(t, &all[0], key, positions[row], (int)noisy[row]);
        for (int64_t i = 0; i < spreads; i++) all[i].following = all[i].size ? all[i].chance * estimate(&all[i], cells) : 0.0f;
        for (int64_t step = 0; step < nodes && made < nodes; step++) {
            int64_t best = 0;
            if (tree) {
                best = tree[step] < 0 ? 0 : at[tree[step]];
                at[step] = -1;
                if (best < 0 || all[best].next >= all[best].size) continue;
            } else {
                for (int64_t i = 1; i < spreads; i++)
                    if (all[i].following > all[best].following) best = i;
                if (!(all[best].following > worth)) break;
            }
            Spread *s = &all[best], *child = &all[spreads];
            tokens[made] = s->ids[s->next], parents[made] = from[best], places[made] = tree ? step : -1, cell[made] = s->cell;
            hope += s->following;
            child->chance = s->following, child->depth = s->depth + 1, child->size = child->next = 0;
            s->next++;
            s->following = s->next < s->size ? s->chance * estimate(s, cells) : 0.0f;
            if (child->depth < depths[row]) {
                memcpy(child->tail, s->tail + 1, sizeof(int64_t) * (MAX_ORDER - 1));
                child->tail[MAX_ORDER - 1] = tokens[made];
                spread_out(t, child, key, positions[row], (int)noisy[row]);
            }
            child->following = child->size ? child->chance * estimate(child, cells) : 0.0f;
            from[spreads] = made++;
            at[step] = spreads++;
        }
        counts[row] = made;
    }
    if (expected) *expected = hope;
    free(all);
}

/* Walks each draft along the tokens that the model drew at its nodes (drawn[first[row]] after the path, then after each node): accepted nodes, rows x nodes, and how
 * many. What stood and what did not is remembered in `cells`. */
void table_walk(const int64_t *drafts, const int64_t *counts, const int64_t *drawn, const int64_t *first, float *cells, int64_t *accepted, int64_t *kept,
                int64_t rows, int64_t nodes) {
    for (int64_t row = 0; row < rows; row++) {
        const int64_t *tokens = drafts + row * 4 * nodes, *parents = tokens + nodes, *cell = parents + 2 * nodes, *drew = drawn + first[row];
        int64_t at = -1, depth = 0, next;
        do {
            next = -1;
            for (int64_t i = at + 1; i < counts[row]; i++) {
                if (parents[i] != at) continue;
                int stands = tokens[i] == drew[at + 1];
                float *c = cells + 2 * cell[i];
                if (c[1] > 500.0f) c[0] *= 0.5f, c[1] *= 0.5f;
                c[0] += (float)stands, c[1] += 1.0f;
                if (stands) next = i;
            }
            if (next >= 0) accepted[row * nodes + depth++] = at = next;
        } while (next >= 0);
        kept[row] = depth;
    }
}
