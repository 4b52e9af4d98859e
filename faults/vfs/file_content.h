// The bytes of one file as shared pages. Copying a FileContent copies page pointers, not pages; a
// write copies only the pages that somebody else still holds. So an image can be cloned at every
// crash point without copying the store.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace plugpull {

inline constexpr size_t kPageBytes = 4096;  // the page of the Linux page cache on x86-64 and arm64

class FileContent {
 public:
  uint64_t size_bytes() const { return size_bytes_; }

  // Copies what lies below the size into `out`; zeros where nothing was ever stored. Returns: the
  // bytes below the size, at most out.size().
  size_t Read(uint64_t offset_bytes, std::span<std::byte> out) const;

  // As Read, but blind to the size: for views that keep a size of their own.
  void ReadStored(uint64_t offset_bytes, std::span<std::byte> out) const;

  // Puts bytes in place without moving the size. Disk blocks can be written while the size that
  // makes them visible is not: the two are separate atoms (persistence models, 4.2).
  void Store(uint64_t offset_bytes, std::span<const std::byte> data);

  void RaiseSize(uint64_t size_bytes);

  // Sets the size; everything at or beyond it is forgotten and reads as zeros if it comes back.
  void Truncate(uint64_t size_bytes);

  // Returns: true when both have one size and the same bytes below it.
  bool ReadsLike(const FileContent& other) const;

  // Returns: the pages that read differently in `other`, by number, ascending. Beyond its size,
  // each of both reads as zeros. Pages that both share cost next to nothing.
  std::vector<uint64_t> PagesUnlike(const FileContent& other) const;

  // Returns: the bytes of a page, whatever the size; empty: zeros. Valid until the next change.
  std::span<const std::byte> StoredPage(uint64_t index) const;

  // Returns: the number of the first page at or after `index` that is not known to be zeros, or
  // nothing.
  std::optional<uint64_t> NextStoredPage(uint64_t index) const;

 private:
  using Page = std::array<std::byte, kPageBytes>;

  // A page in which something was stored. Sorted by index; what is not in the list is zeros, so
  // that a byte far out in a sparse file costs one page.
  struct Slot {
    uint64_t index;
    std::shared_ptr<Page> page;
  };

  // Returns: the first slot at or after the page `index`.
  size_t SlotAt(uint64_t index) const;
  const Page* FindPage(uint64_t index) const;  // null: zeros
  Page& WritablePage(uint64_t index);

  std::vector<Slot> slots_;
  uint64_t size_bytes_ = 0;
};

}  // namespace plugpull
