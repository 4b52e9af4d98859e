// Reads every page of an open store at most once. The bytes live in buffers that are handed from
// one opened store to the next on the same thread, because a crash explorer opens tens of thousands
// of small stores a second and must not call malloc for each page.
#pragma once

#include <memory>
#include <vector>

#include "engine/cow_tree/format.h"
#include "faults/base/error.h"
#include "faults/vfs/vfs.h"

namespace plugpull::cow_tree {

// A set of page ids below a limit; clearing keeps the memory.
class PageSet {
 public:
  void Reset(PageId limit) { words_.assign((limit + 63) / 64, 0); }
  bool Contains(PageId id) const { return (words_[id / 64] >> (id % 64)) & 1; }

  // Returns: whether the id was absent.
  bool Insert(PageId id) {
    uint64_t& word = words_[id / 64];
    const uint64_t bit = uint64_t{1} << (id % 64);
    const bool absent = (word & bit) == 0;
    word |= bit;
    return absent;
  }

  const std::vector<uint64_t>& words() const { return words_; }

 private:
  std::vector<uint64_t> words_;
};

class PageCache {
 public:
  // Forgets all pages and reads from `file` from now on. Pages at or beyond `page_limit` do not
  // exist: the caller has taken the lesser of the high-water mark and the end of the file.
  void Attach(VfsFile& file, uint32_t page_size_bytes, PageId page_limit);

  uint32_t page_size_bytes() const { return page_size_bytes_; }
  PageId page_limit() const { return page_limit_; }

  // Returns: the whole run of a page, header first; valid until the next Attach. Errors: I/O, an
  // id or an overflow count that leads out of the store.
  Expected<Bytes> Read(PageId id);

  // Sets for walkers to mark pages in. They come one after the other, so these are shared, too.
  PageSet& reached() { return reached_; }
  PageSet& freed() { return freed_; }

  size_t allocated_bytes() const { return allocated_bytes_; }

 private:
  struct Entry {
    PageId id = 0;
    uint64_t epoch = 0;  // an entry of an older epoch is free
    Bytes run;
  };
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size_bytes = 0;
  };

  Entry& FindEntry(PageId id);
  void GrowEntries();
  Expected<Bytes> ReadRun(PageId id);
  Expected<void> ReadFully(PageId id, std::span<std::byte> out);
  std::byte* Allocate(size_t size_bytes);

  VfsFile* file_ = nullptr;
  uint32_t page_size_bytes_ = 0;
  PageId page_limit_ = 0;

  std::vector<Entry> entries_;  // open addressing, a power of two
  size_t entry_count_ = 0;
  uint64_t epoch_ = 0;

  std::vector<Block> blocks_;
  size_t block_index_ = 0;
  size_t block_used_bytes_ = 0;
  size_t allocated_bytes_ = 0;
  uint64_t run_bytes_ = 0;  // handed out since Attach

  PageSet reached_;
  PageSet freed_;
};

// A PageCache taken from the thread's pool, and given back at the end.
class PooledPageCache {
 public:
  PooledPageCache();
  PooledPageCache(const PooledPageCache&) = delete;
  PooledPageCache& operator=(const PooledPageCache&) = delete;
  ~PooledPageCache();

  PageCache& operator*() { return *cache_; }
  PageCache* operator->() { return cache_.get(); }

 private:
  std::unique_ptr<PageCache> cache_;
};

}  // namespace plugpull::cow_tree
