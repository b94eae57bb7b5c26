/* SPDX-License-Identifier: MIT */
/* A pool of 8 pages, handed out in blocks of 1 or 2. */
#ifndef PAGE_POOL_H
#define PAGE_POOL_H

#define POOL_PAGES 8

struct pool {
	unsigned char used;        /* a bit for each page */
	unsigned char full;        /* nothing is free: no need to look */
	unsigned int ticks : 3;    /* allocations so far, from 1, at most 7; 0: the pool is not set up yet */
};

/* A pool that is all zeros needs no set-up. */
int pool_alloc(struct pool *pool, unsigned int pages);   /* the first page of the block, or -1 */
void pool_free(struct pool *pool, unsigned int first, unsigned int pages);

#endif
