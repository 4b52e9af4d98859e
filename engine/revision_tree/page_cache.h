// Reads every PageIO of an open store at most once. The bytes live in buffers that are handed from
// one opened store to the next on the same thread, because a crash explorer opens tens of thousands
// of small stores a second and must not call malloc for each page.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "engine/revision_tree/format.h"
#include "faults/vfs/vfs.h"

namespace plugpull::revision_tree {

// A set of page numbers below a limit; clearing keeps the memory.
class PageSet {
 public:
  void Reset(PageNumber limit) { words_.assign((limit + 63) / 64, 0); }
  bool Contains(PageNumber page) const { return (words_[page / 64] >> (page % 64)) & 1; }

  // Returns: whether the page was absent.
  bool Insert(PageNumber page) {
    uint64_t& word = words_[page / 64];
    const uint64_t bit = uint64_t{1} << (page % 64);
    const bool absent = (word & bit) == 0;
    word |= bit;
    return absent;
  }

 private:
  std::vector<uint64_t> words_;
};

// A chain of PageIOs, read to its end.
struct Chain {
  Bytes data;                         // as long as its first PageIO says
  std::span<const PageNumber> pages;  // in the order of the chain
};

class PageCache {
 public:
  // Forgets all pages and reads from `file` from now on. PageIOs at or behind `page_limit` do not
  // exist: the caller has taken the lesser of the header's page count and the end of the file.
  void Attach(VfsFile& file, const Header& header, PageNumber page_limit);

  uint32_t page_size_bytes() const { return page_size_bytes_; }
  PageNumber page_limit() const { return page_limit_; }

  // Returns: the whole PageIO, valid until the next Attach. Errors: I/O, a page that is no data
  // page of the store.
  Expected<Bytes> Read(PageNumber page);

  // Returns: the offset of the next PageIO, -1 after the last one. Reads no more than that, when
  // the PageIO has not been read before.
  Expected<int64_t> ReadNext(PageNumber page);

  // Follows the chain that begins at `offset`, to the end that its data size tells. Valid until the
  // next Attach; a chain is put together once. Errors: I/O, kCorrupt: an offset that is none, a
  // chain that is shorter or longer than its size, or comes back to itself.
  Expected<Chain> ReadChain(int64_t offset);

  // How many PageIOs were read from the file since the last ResetReads(), whole or in part.
  uint64_t reads() const { return reads_; }
  void ResetReads() { reads_ = 0; }

  // Sets for walkers to mark pages in. They come one after the other, so these are shared, too.
  PageSet& first_set() { return first_set_; }
  PageSet& second_set() { return second_set_; }

  size_t allocated_bytes() const { return allocated_bytes_; }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size_bytes = 0;
  };
  struct Slot {
    uint64_t epoch = 0;        // of an older epoch: not read yet
    uint64_t chain_epoch = 0;  // of an older epoch: no chain was read from here
    std::byte* bytes = nullptr;
    Chain chain{};
  };

  Expected<Slot*> SlotOf(PageNumber page);
  Expected<Chain> PutTogether(PageNumber first);
  Expected<PageNumber> FollowLink(PageNumber page);
  Expected<void> ReadWhole(PageNumber page, MutableBytes out);
  std::byte* Allocate(size_t size_bytes);

  VfsFile* file_ = nullptr;
  Header header_{};
  uint32_t page_size_bytes_ = 0;
  PageNumber page_limit_ = 0;
  uint64_t epoch_ = 0;
  uint64_t reads_ = 0;
  uint64_t chain_bytes_ = 0;  // put together since Attach

  std::vector<Slot> slots_;  // by page number; never shrinks
  std::vector<Block> blocks_;
  size_t block_index_ = 0;
  size_t block_used_bytes_ = 0;
  size_t allocated_bytes_ = 0;

  PageSet first_set_;
  PageSet second_set_;
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

}  // namespace plugpull::revision_tree
