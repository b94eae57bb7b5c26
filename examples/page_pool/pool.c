/* SPDX-License-Identifier: MIT */
/*
 * First fit, with a short cut: a pool that is full is not searched.
 *
 * POOL_BUG plants one of three mistakes that are easy to make and hard to see. Each needs so many calls to show:
 *   3   a block is given back as one page, whatever its size
 *   6   a pool that was full once stays full
 *   10  the count of allocations has 3 bits; after 7 of them it is 0 again, and the pool is set up a second time
 */
#include "pool.h"

#ifndef POOL_BUG
#define POOL_BUG 0
#endif

static unsigned int mask(unsigned int first, unsigned int pages)
{
	return ((1u << pages) - 1) << first;
}

static void set_up(struct pool *pool)
{
	pool->used = 0;
	pool->full = 0;
	pool->ticks = 1;
}

static int find(const struct pool *pool, unsigned int pages)
{
	unsigned int first;

	for (first = 0; first + pages <= POOL_PAGES; first++)
		if ((pool->used & mask(first, pages)) == 0)
			return (int)first;
	return -1;
}

int pool_alloc(struct pool *pool, unsigned int pages)
{
	int first;

	if (pool->ticks == 0)
		set_up(pool);
	if (pool->full)
		return -1;
	first = find(pool, pages);
	if (first < 0)
		return -1;
	pool->used |= mask((unsigned int)first, pages);
	pool->full = pool->used == (1u << POOL_PAGES) - 1;
#if POOL_BUG == 10
	pool->ticks++;
#else
	if (pool->ticks < 7)
		pool->ticks++;
#endif
	return first;
}

void pool_free(struct pool *pool, unsigned int first, unsigned int pages)
{
#if POOL_BUG == 3
	pages = 1;
#endif
	pool->used &= ~mask(first, pages);
#if POOL_BUG != 6
	pool->full = 0;
#endif
}
