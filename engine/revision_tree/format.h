// The file of a revision tree: where every field lies, as in Mavibot 1.0.0-M8 but for the header.
// Integers are big-endian. The file is an array of PageIOs of one size, 64 to 4096 bytes; what has
// no fixed size lies in a chain of them.
//
//   header slot s    at byte s * max(512, PageIO size): one slot or two, each in a disk sector of
//                    its own; the PageIOs below kFirstDataByte are of the class "header"
//   PageIO           next i64 (-1: last), in the first of a chain: data size i32, then payload
//   free PageIO      next i64 (-1: last), whatever after it
//   logical page     revision i64, element count i32 (negative: a node of so many keys), size of
//                    the elements i32, then the elements
//   leaf element     value count i32 (1), value length i32, value, key length i32, key
//   node element     first offset of a child i64, last offset i64, key length i32, key; behind the
//                    last key one more child. Keys below it are less than the key
//   tree header      revision i64, elements i64, root offset i64, tree info offset i64
//   tree info        element capacity i32, then name, class of keys, class of values (each length
//                    i32, bytes), duplicates i32
//   B-tree of B-trees  key: name, revision i64; value: offset of a tree header
//   copied pages       key: revision i64, name; value: offsets of the pages, i64 each
//
// The last two are trees of logical pages like the user's. Revisions are not negative, so that keys
// of bytes stand in the order of revisions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"

namespace plugpull::revision_tree {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using PageNumber = uint64_t;  // of a PageIO: its byte offset by the PageIO size
using Revision = int64_t;

inline constexpr const char* kStorePath = "store.mvb";
inline constexpr const char* kNewStorePath = "store.mvb.new";         // while it is being created
inline constexpr const char* kCompactedPath = "store.mvb.compacted";  // while it is being written

inline constexpr std::string_view kUserTreeName = "kv";
inline constexpr std::string_view kCopiedPagesName = "_CP_";

inline constexpr int64_t kNoOffset = -1;
inline constexpr uint32_t kPageSizeMin = 64;
inline constexpr uint32_t kPageSizeMax = 4096;
inline constexpr uint32_t kSectorBytes = 512;
inline constexpr uint32_t kHeaderBytes = 80;
inline constexpr uint32_t kNextBytes = 8;         // before the payload of a PageIO
inline constexpr uint32_t kFirstBytes = 12;       // before the payload of the first of a chain
inline constexpr uint32_t kPageHeaderBytes = 16;  // of a logical page
inline constexpr uint32_t kTreeHeaderBytes = 32;
inline constexpr uint32_t kKeyBytesMax = 32768;
inline constexpr uint32_t kValueBytesMax = 64U << 20;

inline constexpr uint32_t kChecksumFlag = 1;   // headers are sealed
inline constexpr uint32_t kTwoSlotsFlag = 2;   // there are two header slots
inline constexpr uint32_t kProposalKFlag = 4;  // the pair of revisions is N and N-1
inline constexpr uint32_t kInUseFlag = 8;      // since the last scan or close somebody has written:
                                               // PageIOs may be of no class, the free list is stale
inline constexpr uint32_t kCopiedPagesFlag = 16;  // the root is that of the B-tree of B-trees
inline constexpr uint32_t kAllFlags = 31;

// Big-endian integers. Requires: the bytes are there.
int32_t LoadInt32(const std::byte* at);
int64_t LoadInt64(const std::byte* at);
void StoreInt32(std::byte* at, int32_t value);
void StoreInt64(std::byte* at, int64_t value);

struct Header {
  uint32_t page_size_bytes = 512;
  uint32_t flags = 0;
  Revision current = 0;               // K: the newer revision
  Revision ongoing = 0;               // K: the older revision, -1 none
  int64_t root = kNoOffset;           // of current
  int64_t previous_root = kNoOffset;  // of the revision before it; only K promises that it is whole
  int64_t first_free = kNoOffset;
  int64_t page_count = 0;     // the end of the file in PageIOs; what is behind is not of the store
  int64_t element_count = 0;  // of the user's tree

  constexpr bool has(uint32_t flag) const { return (flags & flag) != 0; }
  bool operator==(const Header&) const = default;
};

constexpr uint32_t SlotStrideBytes(uint32_t page_size_bytes) {
  return page_size_bytes < kSectorBytes ? kSectorBytes : page_size_bytes;
}

// Returns: the first PageIO that is not of the header.
constexpr PageNumber FirstDataPage(const Header& header) {
  const uint32_t slots = header.has(kTwoSlotsFlag) ? 2 : 1;
  return slots * SlotStrideBytes(header.page_size_bytes) / header.page_size_bytes;
}

constexpr bool IsPageSize(int64_t size_bytes) {
  return size_bytes >= kPageSizeMin && size_bytes <= kPageSizeMax &&
         (size_bytes & (size_bytes - 1)) == 0;
}

// Returns: the header in the bytes of a slot. Errors: kCorrupt, with the rule that it breaks:
// magic, PageIO size, flags, checksum (where the flag says that there is one), revisions, offsets.
// Requires: kHeaderBytes bytes.
Expected<Header> LoadHeader(Bytes slot);

// Requires: kHeaderBytes bytes.
void StoreHeader(MutableBytes slot, const Header& header);

uint64_t Fnv1a64(Bytes bytes);

// Returns: the number of the PageIO at `offset`. Errors: kCorrupt: it is no multiple of the size,
// of the header, or at or behind the end. `what` says whose offset it is.
Expected<PageNumber> PageAt(const Header& header, int64_t offset, std::string_view what);

inline int64_t OffsetOf(const Header& header, PageNumber page) {
  return static_cast<int64_t>(page * header.page_size_bytes);
}

// Returns: how many PageIOs the chain of so many bytes takes.
constexpr uint64_t ChainPages(uint64_t size_bytes, uint32_t page_size_bytes) {
  const uint64_t first = page_size_bytes - kFirstBytes;
  if (size_bytes <= first) return 1;
  const uint64_t others = page_size_bytes - kNextBytes;
  return 1 + (size_bytes - first + others - 1) / others;
}

struct LeafElement {
  Bytes key;
  Bytes value;
};

struct Child {
  int64_t first = kNoOffset;  // the first PageIO of its chain
  int64_t last = kNoOffset;   // the last one
};

// A logical page, taken apart. The spans lie in the bytes that it was made from. Reused from page
// to page, so that nothing is allocated for each.
struct LogicalPage {
  Revision revision = 0;
  bool is_leaf = true;
  std::vector<LeafElement> elements;  // of a leaf
  std::vector<Child> children;        // of a node: one more than keys
  std::vector<Bytes> keys;            // of a node: keys[i] is greater than all in children[i], and
                                      // not greater than any in children[i + 1]
};

// Takes the data of a chain apart, which has to be used up. Whether keys ascend and offsets make
// sense is not looked at. Errors: kCorrupt.
Expected<void> ParsePage(Bytes data, LogicalPage& page);

struct TreeHeader {
  Revision revision = 0;
  int64_t element_count = 0;
  int64_t root = kNoOffset;
  int64_t info = kNoOffset;
};

Expected<TreeHeader> ParseTreeHeader(Bytes data);
std::vector<std::byte> MakeTreeHeader(const TreeHeader& header);

struct TreeInfo {
  int32_t element_capacity = 0;
  std::string_view name;
  std::string_view key_class;
  std::string_view value_class;
  int32_t duplicates = 0;
};

Expected<TreeInfo> ParseTreeInfo(Bytes data);
std::vector<std::byte> MakeTreeInfo(const TreeInfo& info);

struct TreeKey {
  std::string_view name;
  Revision revision = 0;
};

std::string MakeTreeKey(TreeKey key);    // of the B-tree of B-trees
std::string MakeCopiedKey(TreeKey key);  // of the copied pages
Expected<TreeKey> ParseTreeKey(Bytes key);
Expected<TreeKey> ParseCopiedKey(Bytes key);

std::string MakeOffsets(std::span<const int64_t> offsets);
// Errors: kCorrupt: the bytes are no whole number of offsets.
Expected<std::vector<int64_t>> ParseOffsets(Bytes value);

}  // namespace plugpull::revision_tree
