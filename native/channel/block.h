/* Payload memory, by the offsets of its blocks. Either side, any thread. */
#ifndef RF_BLOCK_H
#define RF_BLOCK_H

#include "channel.h"

/* A block of at least len bytes. 0 = none left or too large. */
uint64_t rf_block_take(const struct rf_channel *c, uint64_t len);
/* False: the offset is not that of a block in use; nothing changes. */
bool rf_block_give(const struct rf_channel *c, uint64_t offset);
/* Whether [offset, offset+len) lies in one block and starts it. */
bool rf_block_valid(const struct rf_channel *c, uint64_t offset, uint64_t len);

#endif
