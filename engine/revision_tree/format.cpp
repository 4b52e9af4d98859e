#include "engine/revision_tree/format.h"

#include <fmt/format.h>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull::revision_tree {
namespace {

// Byte offsets inside a header slot.
constexpr size_t kPageSizeAt = 8;
constexpr size_t kFlagsAt = 12;
constexpr size_t kCurrentAt = 16;
constexpr size_t kOngoingAt = 24;
constexpr size_t kRootAt = 32;
constexpr size_t kPreviousRootAt = 40;
constexpr size_t kFirstFreeAt = 48;
constexpr size_t kPageCountAt = 56;
constexpr size_t kElementCountAt = 64;
constexpr size_t kChecksumAt = 72;

constexpr std::string_view kMagic = "MVRBTRE1";
// No store comes near these; sums of what a file says stay in range.
constexpr int64_t kPageCountMax = int64_t{1} << 48;
constexpr int64_t kRevisionMax = int64_t{1} << 48;
constexpr int64_t kElementCountMax = int64_t{1} << 56;

// Takes big-endian fields off the front of some bytes. After the first that is not there each later
// one is zero or empty, so a run of them may be checked once, at its end.
class FieldReader {
 public:
  explicit FieldReader(Bytes bytes) : rest_(bytes) {}

  int32_t TakeInt32() {
    const Bytes field = TakeBytes(4);
    return field.empty() ? 0 : LoadInt32(field.data());
  }
  int64_t TakeInt64() {
    const Bytes field = TakeBytes(8);
    return field.empty() ? 0 : LoadInt64(field.data());
  }
  Bytes TakeSized() { return TakeBytes(TakeInt32()); }
  Bytes TakeBytes(int64_t size) {
    if (size < 0 || static_cast<uint64_t>(size) > rest_.size()) failed_ = true;
    if (failed_) return {};
    const Bytes taken = rest_.first(static_cast<size_t>(size));
    rest_ = rest_.subspan(static_cast<size_t>(size));
    return taken;
  }

  bool failed() const { return failed_; }
  size_t remaining() const { return failed_ ? 0 : rest_.size(); }

 private:
  Bytes rest_;
  bool failed_ = false;
};

class FieldWriter {
 public:
  void PutInt32(int32_t value) { StoreInt32(Grow(4), value); }
  void PutInt64(int64_t value) { StoreInt64(Grow(8), value); }
  void PutSized(std::string_view text) {
    PutInt32(static_cast<int32_t>(text.size()));
    const Bytes bytes = AsBytes(text);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> Take() { return std::move(bytes_); }

 private:
  std::byte* Grow(size_t size) {
    bytes_.resize(bytes_.size() + size);
    return bytes_.data() + bytes_.size() - size;
  }
  std::vector<std::byte> bytes_;
};

std::unexpected<Error> Corrupt(std::string context) {
  return Fail(ErrorCode::kCorrupt, std::move(context));
}

std::string TextOf(int64_t value) {
  std::string text(8, '\0');
  StoreInt64(reinterpret_cast<std::byte*>(text.data()), value);
  return text;
}

// V1, but for what one slot alone cannot tell.
Expected<void> CheckHeader(const Header& header) {
  if (header.page_count <= static_cast<int64_t>(FirstDataPage(header)) ||
      header.page_count > kPageCountMax) {
    return Corrupt(fmt::format("header: {} PageIOs make no store", header.page_count));
  }
  const auto is_revision = [](Revision revision) {
    return revision >= -1 && revision <= kRevisionMax;
  };
  const bool are_revisions = is_revision(header.current) && is_revision(header.ongoing);
  const int64_t ahead = are_revisions ? header.ongoing - header.current : 0;
  const bool is_pair = header.has(kProposalKFlag) ? ahead == -1 : ahead == 0 || ahead == 1;
  if (!are_revisions || header.current < 0 || !is_pair) {
    return Corrupt(fmt::format("header: revisions {} and {} do not go together", header.current,
                               header.ongoing));
  }
  if (header.element_count < 0 || header.element_count > kElementCountMax) {
    return Corrupt(fmt::format("header: {} elements", header.element_count));
  }
  const Expected<PageNumber> root = PageAt(header, header.root, "header: root");
  if (!root) return std::unexpected(root.error());
  if (header.previous_root != kNoOffset) {
    const auto previous = PageAt(header, header.previous_root, "header: previous root");
    if (!previous) return std::unexpected(previous.error());
  }
  if (header.first_free != kNoOffset) {
    const auto free = PageAt(header, header.first_free, "header: first free page");
    if (!free) return std::unexpected(free.error());
  }
  return {};
}

Expected<void> ParseLeaf(FieldReader& fields, int32_t count, LogicalPage& page) {
  for (int32_t i = 0; i < count && !fields.failed(); ++i) {
    const int32_t values = fields.TakeInt32();
    if (!fields.failed() && values != 1) {
      return Corrupt(fmt::format("leaf element {}: {} values, not 1", i, values));
    }
    const Bytes value = fields.TakeSized();
    const Bytes key = fields.TakeSized();
    if (!fields.failed()) page.elements.push_back({.key = key, .value = value});
  }
  return {};
}

void ParseNode(FieldReader& fields, int64_t key_count, LogicalPage& page) {
  for (int64_t i = 0; i <= key_count && !fields.failed(); ++i) {
    const int64_t first = fields.TakeInt64();
    const int64_t last = fields.TakeInt64();
    page.children.push_back({.first = first, .last = last});
    if (i < key_count) page.keys.push_back(fields.TakeSized());
  }
}

}  // namespace

int32_t LoadInt32(const std::byte* at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint32_t>(at[i]);
  return static_cast<int32_t>(value);
}

int64_t LoadInt64(const std::byte* at) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint64_t>(at[i]);
  return static_cast<int64_t>(value);
}

void StoreInt32(std::byte* at, int32_t value) {
  const auto bits = static_cast<uint32_t>(value);
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(bits >> (24 - 8 * i));
}

void StoreInt64(std::byte* at, int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  for (int i = 0; i < 8; ++i) at[i] = static_cast<std::byte>(bits >> (56 - 8 * i));
}

uint64_t Fnv1a64(Bytes bytes) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::byte byte : bytes) {
    hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3ULL;
  }
  return hash;
}

Expected<Header> LoadHeader(Bytes slot) {
  Assert(slot.size() >= kHeaderBytes, "a header is read whole");
  const std::byte* at = slot.data();
  if (AsText(slot.first(kMagic.size())) != kMagic) return Corrupt("header: not a revision tree");
  const int64_t page_size = LoadInt32(at + kPageSizeAt);
  if (!IsPageSize(page_size)) return Corrupt(fmt::format("header: PageIO size {}", page_size));
  const Header header{.page_size_bytes = static_cast<uint32_t>(page_size),
                      .flags = static_cast<uint32_t>(LoadInt32(at + kFlagsAt)),
                      .current = LoadInt64(at + kCurrentAt),
                      .ongoing = LoadInt64(at + kOngoingAt),
                      .root = LoadInt64(at + kRootAt),
                      .previous_root = LoadInt64(at + kPreviousRootAt),
                      .first_free = LoadInt64(at + kFirstFreeAt),
                      .page_count = LoadInt64(at + kPageCountAt),
                      .element_count = LoadInt64(at + kElementCountAt)};
  if ((header.flags & ~kAllFlags) != 0) {
    return Corrupt(fmt::format("header: flags {:#x}", header.flags));
  }
  const auto stored = static_cast<uint64_t>(LoadInt64(at + kChecksumAt));
  const uint64_t sum = header.has(kChecksumFlag) ? Fnv1a64(slot.first(kChecksumAt)) : 0;
  if (stored != sum) return Corrupt("header: checksum error");
  if (Expected<void> checked = CheckHeader(header); !checked) {
    return std::unexpected(checked.error());
  }
  return header;
}

void StoreHeader(MutableBytes slot, const Header& header) {
  Assert(slot.size() >= kHeaderBytes, "a header is written whole");
  std::byte* at = slot.data();
  std::ranges::copy(AsBytes(kMagic), at);
  StoreInt32(at + kPageSizeAt, static_cast<int32_t>(header.page_size_bytes));
  StoreInt32(at + kFlagsAt, static_cast<int32_t>(header.flags));
  StoreInt64(at + kCurrentAt, header.current);
  StoreInt64(at + kOngoingAt, header.ongoing);
  StoreInt64(at + kRootAt, header.root);
  StoreInt64(at + kPreviousRootAt, header.previous_root);
  StoreInt64(at + kFirstFreeAt, header.first_free);
  StoreInt64(at + kPageCountAt, header.page_count);
  StoreInt64(at + kElementCountAt, header.element_count);
  const uint64_t sum = header.has(kChecksumFlag) ? Fnv1a64(Bytes(at, kChecksumAt)) : 0;
  StoreInt64(at + kChecksumAt, static_cast<int64_t>(sum));
}

Expected<PageNumber> PageAt(const Header& header, int64_t offset, std::string_view what) {
  const int64_t size = header.page_size_bytes;
  if (offset < 0 || offset % size != 0 ||
      offset / size < static_cast<int64_t>(FirstDataPage(header)) ||
      offset / size >= header.page_count) {
    return Corrupt(fmt::format("{}: bad offset {}, {} PageIOs of {} bytes", what, offset,
                               header.page_count, size));
  }
  return static_cast<PageNumber>(offset / size);
}

Expected<void> ParsePage(Bytes data, LogicalPage& page) {
  page.elements.clear();
  page.children.clear();
  page.keys.clear();
  FieldReader fields(data);
  page.revision = fields.TakeInt64();
  const int64_t count = fields.TakeInt32();
  const int64_t size = fields.TakeInt32();
  if (fields.failed()) return Corrupt(fmt::format("logical page of {} bytes", data.size()));
  if (size != static_cast<int64_t>(fields.remaining())) {
    return Corrupt(fmt::format("logical page: wrong size: {} bytes of elements, {} in the chain",
                               size, fields.remaining()));
  }
  page.is_leaf = count >= 0;
  if (page.is_leaf) {
    Expected<void> parsed = ParseLeaf(fields, static_cast<int32_t>(count), page);
    if (!parsed) return parsed;
  } else {
    ParseNode(fields, -count, page);
  }
  if (fields.failed() || fields.remaining() > 0) {
    return Corrupt(fmt::format("logical page: {} elements do not fill {} bytes", count, size));
  }
  return {};
}

Expected<TreeHeader> ParseTreeHeader(Bytes data) {
  if (data.size() != kTreeHeaderBytes) {
    return Corrupt(fmt::format("tree header: wrong size: {} bytes", data.size()));
  }
  const TreeHeader header{.revision = LoadInt64(data.data()),
                          .element_count = LoadInt64(data.data() + 8),
                          .root = LoadInt64(data.data() + 16),
                          .info = LoadInt64(data.data() + 24)};
  if (header.revision < 0 || header.revision > kRevisionMax || header.element_count < 0 ||
      header.element_count > kElementCountMax) {
    return Corrupt(fmt::format("tree header: revision {} of {} elements", header.revision,
                               header.element_count));
  }
  return header;
}

std::vector<std::byte> MakeTreeHeader(const TreeHeader& header) {
  FieldWriter fields;
  fields.PutInt64(header.revision);
  fields.PutInt64(header.element_count);
  fields.PutInt64(header.root);
  fields.PutInt64(header.info);
  return fields.Take();
}

Expected<TreeInfo> ParseTreeInfo(Bytes data) {
  FieldReader fields(data);
  TreeInfo info;
  info.element_capacity = fields.TakeInt32();
  info.name = AsText(fields.TakeSized());
  info.key_class = AsText(fields.TakeSized());
  info.value_class = AsText(fields.TakeSized());
  info.duplicates = fields.TakeInt32();
  if (fields.failed() || fields.remaining() > 0 || info.element_capacity <= 0) {
    return Corrupt(fmt::format("tree info: {} bytes make no sense", data.size()));
  }
  return info;
}

std::vector<std::byte> MakeTreeInfo(const TreeInfo& info) {
  FieldWriter fields;
  fields.PutInt32(info.element_capacity);
  fields.PutSized(info.name);
  fields.PutSized(info.key_class);
  fields.PutSized(info.value_class);
  fields.PutInt32(info.duplicates);
  return fields.Take();
}

std::string MakeTreeKey(TreeKey key) { return std::string(key.name) + TextOf(key.revision); }
std::string MakeCopiedKey(TreeKey key) { return TextOf(key.revision) + std::string(key.name); }

Expected<TreeKey> ParseTreeKey(Bytes key) {
  if (key.size() <= 8) return Corrupt(fmt::format("key of a tree: {} bytes", key.size()));
  const TreeKey parsed{.name = AsText(key.first(key.size() - 8)),
                       .revision = LoadInt64(key.last(8).data())};
  if (parsed.revision < 0 || parsed.revision > kRevisionMax) {
    return Corrupt(fmt::format("key of a tree: revision {}", parsed.revision));
  }
  return parsed;
}

Expected<TreeKey> ParseCopiedKey(Bytes key) {
  if (key.size() <= 8) return Corrupt(fmt::format("key of copied pages: {} bytes", key.size()));
  const TreeKey parsed{.name = AsText(key.subspan(8)), .revision = LoadInt64(key.data())};
  if (parsed.revision < 0 || parsed.revision > kRevisionMax) {
    return Corrupt(fmt::format("key of copied pages: revision {}", parsed.revision));
  }
  return parsed;
}

std::string MakeOffsets(std::span<const int64_t> offsets) {
  std::string value;
  value.reserve(8 * offsets.size());
  for (const int64_t offset : offsets) value += TextOf(offset);
  return value;
}

Expected<std::vector<int64_t>> ParseOffsets(Bytes value) {
  if (value.size() % 8 != 0) {
    return Corrupt(fmt::format("copied pages: wrong size: {} bytes", value.size()));
  }
  std::vector<int64_t> offsets;
  offsets.reserve(value.size() / 8);
  for (size_t at = 0; at < value.size(); at += 8) offsets.push_back(LoadInt64(&value[at]));
  return offsets;
}

}  // namespace plugpull::revision_tree
