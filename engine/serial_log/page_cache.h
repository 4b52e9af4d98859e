// The pages of an open tablespace in memory: each is read at most once, and stays until the store
// is closed. The buffers are handed from one store to the next on the same thread, because a crash
// explorer opens tens of thousands of small stores a second.
#pragma once

#include <memory>
#include <vector>

#include "engine/serial_log/page_format.h"
#include "faults/base/error.h"
#include "faults/vfs/vfs.h"

namespace plugpull::serial_log {

class PageCache {
 public:
  // Forgets all pages and reads from `file` from now on.
  void Attach(VfsFile& file, uint32_t page_size_bytes, uint64_t file_size_bytes,
              bool verify_checksums);

  uint32_t page_size_bytes() const { return page_size_bytes_; }

  // Returns: one beyond the highest page that is in the file or in memory.
  PageNumber page_limit() const { return page_limit_; }

  // Returns: the page, valid until the next Attach. Errors: I/O; kCorrupt: "page N: ..." for one
  // that is outside the file, of which a read returns 0 bytes, or has a wrong checksum.
  Expected<Bytes> Read(PageNumber page);

  // The same, to change it: it is dirty from now on.
  Expected<MutableBytes> Edit(PageNumber page);

  // Returns: a page of zeros in place of what is there, without reading it. It is dirty.
  // Requires: 0 <= page < PagesMax(page_size_bytes()).
  MutableBytes Replace(PageNumber page);

  bool IsDirty(PageNumber page) const;
  void MarkClean(PageNumber page);

  // Returns: the numbers of the dirty pages, ascending.
  std::vector<PageNumber> DirtyPages() const;

  // Returns: a page's worth of bytes for anybody's use.
  MutableBytes scratch() { return scratch_; }

  size_t allocated_bytes() const;

 private:
  struct Frame {
    std::byte* bytes = nullptr;  // null: not in memory
    bool is_dirty = false;
  };

  Expected<Frame*> Fetch(PageNumber page);
  Frame& FrameOf(PageNumber page);
  std::byte* Allocate();

  VfsFile* file_ = nullptr;
  uint32_t page_size_bytes_ = 0;
  bool verify_checksums_ = true;
  PageNumber page_limit_ = 0;
  std::vector<Frame> frames_;         // by page number
  std::vector<PageNumber> resident_;  // the frames that are in memory
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  size_t block_index_ = 0;
  size_t block_used_bytes_ = 0;
  std::vector<std::byte> scratch_;
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

}  // namespace plugpull::serial_log
