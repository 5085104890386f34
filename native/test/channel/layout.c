/* Where things lie in the shared memory. */
#include <string.h>

#include "../../channel/layout.h"
#include "../check.h"
#include "resty_ffi.h"

static const uint32_t sizes[] = {1, 2, 3, 4, 5, 255, 256, 257, 1000, 65536, RF_MAX_QUEUE - 1, RF_MAX_QUEUE};

TEST(parts_do_not_overlap)
{
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct rf_layout l;
        rf_layout_make(&l, sizes[k]);
        CHECK(l.cells >= sizes[k] && l.cells >= 2);
        CHECK((l.cells & (l.cells - 1)) == 0);
        CHECK(l.slots >= 2 * sizes[k]);
        CHECK(l.ring >= sizeof(struct rf_header));
        CHECK(l.slot >= l.ring + sizeof(rf_cell) * l.cells);
        CHECK(l.slot_links >= l.slot + sizeof(struct rf_slot) * l.slots);
        CHECK(l.method_names >= l.slot_links + sizeof(uint32_t) * l.slots);
        uint64_t end = l.method_names + (uint64_t)RF_MAX_METHODS * RF_METHOD_BYTES;
        for (int c = 0; c < RF_CLASSES; c++) {
            CHECK(l.block_links[c] >= end);
            end = l.block_links[c] + sizeof(uint32_t) * rf_layout_class_count[c];
        }
        CHECK(l.memory >= end);
        CHECK(l.blocks[0] == l.memory);
        for (int c = 1; c < RF_CLASSES; c++)
            CHECK(l.blocks[c] ==
                  l.blocks[c - 1] + (uint64_t)rf_layout_class_size[c - 1] * rf_layout_class_count[c - 1]);
        CHECK(l.memory_end == l.blocks[RF_CLASSES - 1] + (uint64_t)rf_layout_class_size[RF_CLASSES - 1] *
                                                             rf_layout_class_count[RF_CLASSES - 1]);
        CHECK(l.size == l.memory_end);
    }
}

TEST(fits_below_4_gb_for_the_usual_queue)
{
    struct rf_layout l;
    rf_layout_make(&l, 65536);
    CHECK(l.size < (uint64_t)1 << 32);
    CHECK(rf_layout_class_size[RF_CLASSES - 1] > RF_MAX_PAYLOAD); /* the largest payload and the NUL behind it */
}

TEST(blocks_start_on_cache_lines)
{
    struct rf_layout l;
    rf_layout_make(&l, 65536);
    for (int c = 0; c < RF_CLASSES; c++) {
        CHECK_INT(l.blocks[c] % 64, 0);
        CHECK_INT(rf_layout_class_size[c] % 64, 0);
    }
}

TEST(frames_have_the_size_that_every_sdk_relies_on)
{
    CHECK_INT(sizeof(resty_ffi_frame), 64);
    CHECK_INT(offsetof(resty_ffi_frame, kind), 8);
    CHECK_INT(offsetof(resty_ffi_frame, flags), 10);
    CHECK_INT(offsetof(resty_ffi_frame, status), 12);
    CHECK_INT(offsetof(resty_ffi_frame, data), 16);
    CHECK_INT(offsetof(resty_ffi_frame, len), 24);
    CHECK_INT(offsetof(resty_ffi_frame, deadline), 32);
    CHECK_INT(offsetof(resty_ffi_frame, method), 40);
    CHECK_INT(offsetof(resty_ffi_frame, arg), 48);
    CHECK_INT(offsetof(resty_ffi_frame, release), 56);
}
