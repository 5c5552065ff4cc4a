/* Drafted steps in which every path has a compiled table: all that lies between two forwards. Included by kernels.c.
 *
 * packed: PACKED + width numbers a path: four words of its noise key, how deep it may be drafted, the position of its next token, whether its noise counts, its
 * row of the cache; then its last ids, -1 where there are none. */

#define PACKED 8

/* Drafts all paths and lays out the forward. forest, 7 x capacity: of each node its id, path, row of the cache, position, place in the row, parent (-1: first of a tree) and the
 * position after it; first: where each path's tree begins. Returns the number of nodes, the paths' own last tokens among them; expected: how many of
 * the drafted will stand. */
int64_t step_propose(void *const *tables, const int64_t *packed, const int64_t *tree, const float *cells, int64_t *drafts, int64_t *counts, int64_t *forest, int64_t *first,
                     float *expected, int64_t capacity, int64_t rows, int64_t width, int64_t nodes, float worth) {
    int64_t stride = PACKED + width, *scratch = malloc(sizeof(int64_t) * rows * (width + 7));
    int64_t *contexts = scratch, *keys = contexts + rows * width, *depths = keys + 4 * rows, *positions = depths + rows, *noisy = positions + rows, made = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int64_t *p = packed + row * stride;
        memcpy(keys + 4 * row, p, 4 * sizeof(int64_t));
        depths[row] = p[4], positions[row] = p[5], noisy[row] = p[6];
        memcpy(contexts + row * width, p + PACKED, width * sizeof(int64_t));
    }
    table_propose(tables, contexts, depths, keys, positions, noisy, tree, cells, drafts, counts, expected, rows, width, nodes, worth);
    int64_t *ids = forest, *owners = ids + capacity, *held = owners + capacity, *at = held + capacity, *places = at + capacity, *above = places + capacity, *next = above + capacity;
    for (int64_t row = 0; row < rows; row++) {
        const int64_t *p = packed + row * stride, *tokens = drafts + row * 4 * nodes, *parents = tokens + nodes;
        first[row] = made;
        for (int64_t node = -1; node < counts[row]; node++, made++) {
            ids[made] = node < 0 ? p[stride - 1] : tokens[node];
            above[made] = node < 0 ? -1 : first[row] + 1 + parents[node];
            at[made] = node < 0 ? p[5] - 1 : at[above[made]] + 1;
            places[made] = p[5] + node, next[made] = at[made] + 1;
            owners[made] = row, held[made] = p[7];
        }
    }
    free(scratch);
    return made;
}

/* Keeps the branch of each path that stands: walks it, moves its keys and values behind the path, and teaches the tables what the model thought along it. drawn, logits: of each node
 * of the forest. Out, rows x (nodes + 1): the tokens that each path writes, and of each draft node that stands its place in the static tree; kept: how many of these. */
void step_settle(void *const *tables, const int64_t *packed, const int64_t *drafts, const int64_t *counts, const int64_t *first, const int64_t *drawn, const float *logits,
                 const float *temperatures, float *cells, float *cache, int64_t *tokens, int64_t *slots, int64_t *kept, int64_t rows, int64_t width, int64_t nodes, int64_t vocab,
                 int64_t blocks, int64_t block_stride, int64_t kv_heads, int64_t dim, int64_t row_stride, int64_t head_stride) {
    int64_t stride = PACKED + width, most = rows * (nodes + 1);
    int64_t *scratch = malloc(sizeof(int64_t) * most * (width + 5)), *accepted = scratch, *contexts = accepted + most, *places = contexts + most * width, *in = places + most;
    int64_t *from = in + most, *to = from + most, lessons = 0, moves = 0;
    void **pupils = malloc(sizeof(void *) * most);
    float *heat = malloc(sizeof(float) * most);
    table_walk(drafts, counts, drawn, first, cells, accepted, kept, rows, nodes);
    for (int64_t row = 0; row < rows; row++) {
        const int64_t *p = packed + row * stride, *stands = accepted + row * nodes, *where = drafts + (row * 4 + 2) * nodes;
        int64_t *wrote = tokens + row * (nodes + 1);
        for (int64_t i = 0; i <= kept[row]; i++, lessons++) {
            int64_t node = i ? stands[i - 1] : -1, *tail = contexts + lessons * width;
            places[lessons] = first[row] + 1 + node;
            wrote[i] = drawn[places[lessons]];
            for (int64_t t = 0; t < width; t++) tail[t] = t + i < width ? p[PACKED + t + i] : wrote[t + i - width];
            pupils[lessons] = tables[row], heat[lessons] = temperatures[row];
            if (!i) continue;
            slots[row * (nodes + 1) + i - 1] = where[node];
            if (node != i - 1) in[moves] = p[7], from[moves] = p[5] + node, to[moves++] = p[5] + i - 1;
        }
    }
    move_places(cache, in, from, to, moves, blocks, block_stride, kv_heads, dim, row_stride, head_stride);
    table_learn(pupils, logits, places, heat, contexts, lessons, vocab, width);
    free(scratch), free(pupils), free(heat);
}
