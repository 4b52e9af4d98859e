#include "engine/sqlite/sqlite_memory.h"

#include <sqlite3.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "faults/inject/failure_point.h"

namespace plugpull {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif

// Every block is preceded by one of these. SQLite asks for alignment to 8 bytes.
struct Header {
  uint32_t block_bytes;  // what the caller may use
  uint32_t size_class;   // kNoClass: the block came from malloc(3)
};
static_assert(sizeof(Header) == 8);

struct FreeBlock {
  FreeBlock* next;
};

// Size classes: four steps to each doubling, from 16 bytes to 256 KiB, so that at most a fifth of a
// block is wasted. The largest must hold SQLite's first batch of page buffers, twenty pages.
constexpr uint32_t kSmallestBytes = 16;
constexpr uint32_t kStepsPerDoubling = 4;
constexpr uint32_t kDoublings = 14;
constexpr uint32_t kClassCount = kDoublings * kStepsPerDoubling + 1;
constexpr uint32_t kNoClass = kClassCount;
constexpr size_t kSlabBytes = 1 << 20;

constexpr uint32_t ClassBytes(uint32_t size_class) {
  const uint32_t base = kSmallestBytes << (size_class / kStepsPerDoubling);
  const uint32_t bytes = base + base / kStepsPerDoubling * (size_class % kStepsPerDoubling);
  return (bytes + 7) / 8 * 8;
}
constexpr uint32_t kLargestBytes = ClassBytes(kClassCount - 1);

constexpr uint32_t ClassFor(uint32_t bytes) {
  if (bytes <= kSmallestBytes) return 0;
  const auto doubling = static_cast<uint32_t>(std::bit_width((bytes - 1) / kSmallestBytes)) - 1;
  uint32_t size_class = doubling * kStepsPerDoubling;
  while (ClassBytes(size_class) < bytes) ++size_class;
  return size_class;
}

// ClassFor of the sizes that come up most, by their number of 8-byte words.
constexpr auto kSmallClasses = [] {
  std::array<uint8_t, 129> classes{};
  for (uint32_t words = 0; words < classes.size(); ++words) {
    classes[words] = static_cast<uint8_t>(ClassFor(words * 8));
  }
  return classes;
}();

uint32_t QuickClassFor(uint32_t bytes) {
  const uint32_t words = (bytes + 7) / 8;
  return words < kSmallClasses.size() ? kSmallClasses[words] : ClassFor(bytes);
}

// Blocks go back to the list of their size and stay there for the next recovery. The process keeps
// what it once needed.
class Pool {
 public:
  void* Allocate(uint32_t bytes) {
    if (bytes > kLargestBytes) return AllocateHuge(bytes);
    const uint32_t size_class = QuickClassFor(bytes);
    FreeBlock*& head = free_[size_class];
    if (head == nullptr) return Carve(size_class);
    FreeBlock* block = head;
    head = block->next;
    return block;
  }

  void Free(void* block) {
    Header* header = HeaderOf(block);
    if (header->size_class == kNoClass) {
      std::free(header);
      return;
    }
    FreeBlock*& head = free_[header->size_class];
    auto* freed = static_cast<FreeBlock*>(block);
    freed->next = head;
    head = freed;
  }

  static Header* HeaderOf(void* block) { return static_cast<Header*>(block) - 1; }

 private:
  static void* AllocateHuge(uint32_t bytes) {
    auto* header = static_cast<Header*>(std::malloc(sizeof(Header) + bytes));
    if (header == nullptr) return nullptr;
    *header = {.block_bytes = bytes, .size_class = kNoClass};
    return header + 1;
  }

  void* Carve(uint32_t size_class) {
    const uint32_t block_bytes = ClassBytes(size_class);
    const size_t needed_bytes = sizeof(Header) + block_bytes;
    if (slab_left_bytes_ < needed_bytes) {
      slabs_.push_back(std::make_unique<std::byte[]>(kSlabBytes));
      slab_next_ = slabs_.back().get();
      slab_left_bytes_ = kSlabBytes;
    }
    auto* header = reinterpret_cast<Header*>(slab_next_);
    *header = {.block_bytes = block_bytes, .size_class = size_class};
    slab_next_ += needed_bytes;
    slab_left_bytes_ -= needed_bytes;
    return header + 1;
  }

  std::array<FreeBlock*, kClassCount> free_{};
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::byte* slab_next_ = nullptr;
  size_t slab_left_bytes_ = 0;
};

constinit Pool pool;

void* Allocate(int bytes) {
  const FailureQuestion question{.point = FailurePoint::kSqliteMemory,
                                 .size_bytes = static_cast<uint64_t>(bytes)};
  if (AskWhetherToFail(question)) return nullptr;
  return pool.Allocate(static_cast<uint32_t>(bytes));
}

void Free(void* block) {
  if (block != nullptr) pool.Free(block);
}

int SizeOf(void* block) {
  return block == nullptr ? 0 : static_cast<int>(Pool::HeaderOf(block)->block_bytes);
}

void* Reallocate(void* block, int bytes) {
  const int old_bytes = SizeOf(block);
  if (bytes <= old_bytes) return block;
  void* moved = Allocate(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, static_cast<size_t>(old_bytes));
  Free(block);
  return moved;
}

int RoundUp(int bytes) {
  const auto wanted = static_cast<uint32_t>(bytes);
  if (wanted > kLargestBytes) return (bytes + 7) / 8 * 8;
  return static_cast<int>(ClassBytes(QuickClassFor(wanted)));
}

}  // namespace

void UseSqlitePool() {
  if (kAddressSanitizer) return;
  const sqlite3_mem_methods methods = {
      .xMalloc = Allocate,
      .xFree = Free,
      .xRealloc = Reallocate,
      .xSize = SizeOf,
      .xRoundup = RoundUp,
      .xInit = [](void*) { return SQLITE_OK; },
      .xShutdown = [](void*) {},
      .pAppData = nullptr,
  };
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

}  // namespace plugpull
