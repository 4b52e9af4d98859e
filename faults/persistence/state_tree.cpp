#include "faults/persistence/state_tree.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "faults/base/bytes.h"
#include "faults/persistence/stale.h"

namespace plugpull {
namespace {

// Bytes are hashed in granules of this size, whatever the tear, so that hashes of different
// searches can be compared.
constexpr uint64_t kGranuleBytes = kSectorBytes;

// Deeper than any program's directories. Names that come before what they need could make a ring.
constexpr uint32_t kMostDepth = 64;

TreeHash Hash128(const void* data, size_t size, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
  return {hash.low64, hash.high64};
}

TreeHash Mix(std::initializer_list<uint64_t> words) {
  return Hash128(words.begin(), words.size() * sizeof(uint64_t), 0);
}

TreeHash PathOf(const TreeHash& directory, std::string_view name) {
  const TreeHash hash = Hash128(name.data(), name.size(), 1);
  return Mix({directory.low, directory.high, hash.low, hash.high});
}

// Zeros do not count, so that a hole is as good as zeros.
// Requires: at most a granule.
TreeHash HashGranule(uint64_t offset_bytes, std::span<const std::byte> bytes) {
  static constexpr std::array<std::byte, kGranuleBytes> kZeros{};
  if (std::memcmp(bytes.data(), kZeros.data(), bytes.size()) == 0) return {};
  if (bytes.size() == kGranuleBytes) return Hash128(bytes.data(), kGranuleBytes, offset_bytes);
  std::array<std::byte, kGranuleBytes> padded{};
  std::memcpy(padded.data(), bytes.data(), bytes.size());
  return Hash128(padded.data(), kGranuleBytes, offset_bytes);
}

// Requires: begins where a granule does.
TreeHash HashBytes(uint64_t offset_bytes, std::span<const std::byte> bytes) {
  TreeHash sum;
  for (size_t at = 0; at < bytes.size(); at += kGranuleBytes) {
    const size_t length = std::min<size_t>(kGranuleBytes, bytes.size() - at);
    sum += HashGranule(offset_bytes + at, bytes.subspan(at, length));
  }
  return sum;
}

}  // namespace

StateTree::StateTree(CrashGraph& graph)
    : graph_(graph), choices_({}, path_length_), disk_(graph, choices_) {}

// --- What all states of a point share ---

void StateTree::Enter() {
  ForgetTouched();
  const CrashCursor& cursor = graph_.cursor();
  certain_ = {};
  certain_names_.clear();
  cells_.clear();
  cells_of_.clear();
  nodes_.clear();
  node_of_.clear();
  creations_.clear();
  files_.clear();
  unit_.resize(graph_.unit_bytes());
  for (const Effect& effect : cursor.pending()) {
    if (effect.kind == EffectKind::kInode) creations_[effect.inode] = &effect;
  }
  for (const OpenFile& file : graph_.files()) {
    was_open_.push_back(file.inode);
    LayOutFile(file);
  }
  for (const OpenAttribute& attribute : graph_.attributes()) {
    NodeFor(attribute.inode).attributes.push_back(&attribute);
  }
  for (const OpenCell& cell : graph_.cells()) cells_of_[cell.directory].push_back(&cell);
  for (const OpenCell& cell : graph_.cells()) {
    for (size_t i = 0; i <= cell.entries.size(); ++i) {
      const InodeId target = i == 0 ? cell.base : cell.entries[i - 1].target;
      if (target == kNoInode) continue;
      if (NodeFor(target).kind == NodeKind::kDirectory) MarkDirectory(target, 0);
    }
  }
  const TreeHash root = Mix({kRootInode});
  certain_names_[kRootInode] = {1, root};
  WalkDirectory(kRootInode, root);
  for (const auto& [inode, names] : certain_names_) {
    if (node_of_.contains(inode)) {
      Node& node = NodeFor(inode);
      node.certain_names = names.count;
      node.certain_paths = names.paths;
      continue;
    }
    Node& node = NodeFor(inode);
    node.names = names.count;
    node.paths = names.paths;
    certain_ += HashNode(node);
    nodes_.pop_back();
    node_of_.erase(inode);
  }
}

// Keeps what was read about files that nothing has happened to since.
void StateTree::ForgetTouched() {
  const CrashCursor& cursor = graph_.cursor();
  if (cursor_ != &cursor || cursor.position() < position_) {
    certain_content_.clear();
  } else {
    for (const InodeId inode : was_open_) certain_content_.erase(inode);
    for (size_t i = position_; i < cursor.position(); ++i) {
      certain_content_.erase(cursor.trace().ops[i].inode);
    }
  }
  was_open_.clear();
  cursor_ = &cursor;
  position_ = cursor.position();
}

void StateTree::WalkDirectory(InodeId directory, const TreeHash& path) {
  const NameTree& names = graph_.cursor().durable().names;
  const auto cells = cells_of_.find(directory);
  std::set<std::string_view> open;
  if (cells != cells_of_.end()) {
    for (const OpenCell* cell : cells->second) {
      cells_.push_back({cell, PathOf(path, cell->name)});
      open.insert(cell->name);
    }
  }
  const auto durable = names.directories().find(directory);
  if (durable == names.directories().end()) return;
  for (const auto& [name, target] : durable->second) {
    if (open.contains(name)) continue;
    const TreeHash below = PathOf(path, name);
    Names& known = certain_names_[target];
    ++known.count;
    known.paths += below;
    if (names.IsDirectory(target)) WalkDirectory(target, below);
  }
}

// What a directory holds that is not reached in every state.
void StateTree::MarkDirectory(InodeId directory, uint32_t depth) {
  if (depth > kMostDepth) return;
  for (const std::string& name : disk_.PossibleNames(directory)) {
    for (const InodeId target : disk_.PossibleTargets(directory, name)) {
      if (target == kNoInode) continue;
      if (NodeFor(target).kind == NodeKind::kDirectory) MarkDirectory(target, depth + 1);
    }
  }
}

StateTree::Node& StateTree::NodeFor(InodeId inode) {
  const auto [known, is_new] = node_of_.try_emplace(inode, static_cast<uint32_t>(nodes_.size()));
  if (!is_new) return nodes_[known->second];
  Node& node = nodes_.emplace_back();
  node.inode = inode;
  const Image& durable = graph_.cursor().durable();
  const auto creation = creations_.find(inode);
  if (durable.names.IsDirectory(inode)) {
    node.kind = NodeKind::kDirectory;
    node.is_durable = true;
  } else if (durable.links.contains(inode)) {
    node.kind = NodeKind::kLink;
    node.is_durable = true;
  } else if (creation != creations_.end()) {
    const Effect& effect = *creation->second;
    const bool is_link = graph_.cursor().trace().ops[effect.op].kind == OpKind::kSymlink;
    if (effect.is_directory) node.kind = NodeKind::kDirectory;
    if (is_link) node.kind = NodeKind::kLink;
    node.existence = graph_.VariableOf({effect.op, AtomKind::kInode, 0});
  }
  node.is_durable = node.is_durable || durable.files.contains(inode);
  return node;
}

void StateTree::LayOutFile(const OpenFile& open) {
  NodeFor(open.inode).file = static_cast<int32_t>(files_.size());
  File& file = files_.emplace_back();
  file.open = &open;
  file.is_plain = !open.is_mixed && graph_.unit_bytes() >= kGranuleBytes;
  if (file.is_plain) {
    for (const UnitChain& chain : open.chains) {
      file.versions.emplace_back(chain.entries.size() + 2);
    }
  } else {
    std::set<uint64_t> pages;
    for (const UnitChain& chain : open.chains) {
      pages.insert(chain.unit * graph_.unit_bytes() / kPageBytes);
    }
    for (const Erasure& erasure : open.erasures) {
      if (open.base == nullptr) break;
      std::optional<uint64_t> page = open.base->NextStoredPage(erasure.begin_bytes / kPageBytes);
      while (page && *page * kPageBytes < erasure.end_bytes) {
        pages.insert(*page);
        page = open.base->NextStoredPage(*page + 1);
      }
    }
    file.pages.assign(pages.begin(), pages.end());
  }
  LayOutUntouched(file);
}

void StateTree::LayOutUntouched(File& file) {
  const OpenFile& open = *file.open;
  if (open.base == nullptr) return;
  const uint64_t unit = file.is_plain ? graph_.unit_bytes() : kPageBytes;
  size_t next = 0;
  const auto next_touched = [&]() -> uint64_t {
    if (file.is_plain) return next < open.chains.size() ? open.chains[next].unit : UINT64_MAX;
    return next < file.pages.size() ? file.pages[next] : UINT64_MAX;
  };
  for (auto page = open.base->NextStoredPage(0); page;
       page = open.base->NextStoredPage(*page + 1)) {
    const std::span<const std::byte> bytes = open.base->StoredPage(*page);
    for (uint64_t at = 0; at < kPageBytes; at += kGranuleBytes) {
      const uint64_t offset = *page * kPageBytes + at;
      while (next_touched() < offset / unit) ++next;
      if (next_touched() == offset / unit) continue;
      const TreeHash hash = HashGranule(offset, bytes.subspan(at, kGranuleBytes));
      if (hash == TreeHash()) continue;
      file.untouched.emplace_back(offset, file.all_untouched);
      file.all_untouched += hash;
    }
  }
}

// --- One state ---

TreeHash StateTree::Hash() {
  for (Node& node : nodes_) {
    node.names = node.certain_names;
    node.paths = node.certain_paths;
  }
  const Constraints& constraints = graph_.constraints();
  for (const Cell& cell : cells_) {
    InodeId target = cell.cell->base;
    for (const OpenCell::Entry& entry : cell.cell->entries) {
      if (constraints.fate(entry.variable) == Fate::kKept) target = entry.target;
    }
    if (target != kNoInode) Reach(target, cell.path, 0);
  }
  TreeHash hash = certain_;
  for (const Node& node : nodes_) {
    if (node.names > 0) hash += HashNode(node);
  }
  return hash;
}

void StateTree::Reach(InodeId inode, const TreeHash& path, uint32_t depth) {
  Node& node = NodeFor(inode);
  ++node.names;
  node.paths += path;
  const bool is_open_directory = node.kind == NodeKind::kDirectory && Exists(node);
  if (is_open_directory && depth < kMostDepth) WalkOpenDirectory(inode, path, depth);
}

void StateTree::WalkOpenDirectory(InodeId directory, const TreeHash& path, uint32_t depth) {
  std::vector<std::string> names = disk_.PossibleNames(directory);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  for (const std::string& name : names) {
    const InodeId target = disk_.Lookup(directory, name);
    if (target != kNoInode) Reach(target, PathOf(path, name), depth + 1);
  }
}

bool StateTree::Exists(const Node& node) const {
  if (node.is_durable) return true;
  return node.existence != kNoVariable && graph_.constraints().fate(node.existence) == Fate::kKept;
}

std::map<std::string, std::string, std::less<>> StateTree::AttributesOf(const Node& node) const {
  std::map<std::string, std::string, std::less<>> attributes;
  const auto& durable = graph_.cursor().durable().attributes;
  if (const auto known = durable.find(node.inode); known != durable.end()) {
    attributes = known->second;
  }
  for (const OpenAttribute* attribute : node.attributes) {
    for (const OpenAttribute::Entry& entry : attribute->entries) {
      if (graph_.constraints().fate(entry.variable) != Fate::kKept) continue;
      attributes.erase(attribute->key);
      if (entry.value) attributes.emplace(attribute->key, *entry.value);
    }
  }
  return attributes;
}

TreeHash StateTree::HashNode(const Node& node) {
  TreeHash content;
  const bool exists = Exists(node);
  const auto kind = static_cast<uint64_t>(node.kind);
  if (exists && node.kind == NodeKind::kLink) {
    const std::string text = disk_.LinkText(node.inode);
    content = Hash128(text.data(), text.size(), 2);
  } else if (exists && node.kind == NodeKind::kFile) {
    content = node.file >= 0 ? HashContent(files_[static_cast<size_t>(node.file)])
                             : CertainContent(node.inode);
  }
  TreeHash attributes;
  const auto& durable = graph_.cursor().durable().attributes;
  if (!node.attributes.empty() || (!durable.empty() && durable.contains(node.inode))) {
    for (const auto& [key, value] : AttributesOf(node)) {
      const TreeHash name = Hash128(key.data(), key.size(), 3);
      const TreeHash text = Hash128(value.data(), value.size(), 4);
      attributes += Mix({name.low, name.high, text.low, text.high});
    }
  }
  return Mix({node.paths.low, node.paths.high, node.names, exists ? kind : UINT64_MAX, content.low,
              content.high, attributes.low, attributes.high});
}

uint64_t StateTree::SizeOf(const OpenFile& open) {
  return disk_.SizeWithin(disk_.Find(open.inode), 0, UINT64_MAX);
}

TreeHash StateTree::HashContent(File& file) {
  const OpenFile& open = *file.open;
  const uint64_t size = SizeOf(open);
  TreeHash sum = HashUntouched(file, size);
  if (file.is_plain) {
    const uint64_t unit_bytes = graph_.unit_bytes();
    for (size_t i = 0; i < open.chains.size(); ++i) {
      const UnitChain& chain = open.chains[i];
      const uint64_t begin = chain.unit * unit_bytes;
      if (begin >= size) break;
      const size_t version = VersionOf(chain);
      if (size - begin >= unit_bytes) {
        sum += HashVersion(file, i, version);
      } else {
        sum += HashBytes(begin, ReadVersion(chain, version).first(size - begin));
      }
    }
  } else {
    std::array<std::byte, kPageBytes> page{};
    const LazyDisk::File on_disk = disk_.Find(open.inode);
    for (const uint64_t index : file.pages) {
      const uint64_t begin = index * kPageBytes;
      if (begin >= size) break;
      const auto bytes = std::span(page).first(std::min<uint64_t>(kPageBytes, size - begin));
      disk_.Read(on_disk, begin, bytes);
      sum += HashBytes(begin, bytes);
    }
  }
  return Mix({sum.low, sum.high, size});
}

TreeHash StateTree::HashUntouched(const File& file, uint64_t size_bytes) const {
  const auto past = std::ranges::lower_bound(file.untouched, size_bytes, {},
                                             &std::pair<uint64_t, TreeHash>::first);
  if (past == file.untouched.begin()) return {};
  // The last one that begins before the end may be cut by it.
  const auto last = past - 1;
  if (size_bytes - last->first >= kGranuleBytes) {
    return past == file.untouched.end() ? file.all_untouched : past->second;
  }
  std::array<std::byte, kGranuleBytes> bytes{};
  const auto visible = std::span(bytes).first(size_bytes - last->first);
  file.open->base->ReadStored(last->first, visible);
  TreeHash sum = last->second;
  sum += HashGranule(last->first, visible);
  return sum;
}

const TreeHash& StateTree::CertainContent(InodeId inode) {
  const auto [known, is_new] = certain_content_.try_emplace(inode);
  if (!is_new) return known->second;
  const auto& durable = graph_.cursor().durable().files;
  const auto place = durable.find(inode);
  // A new file that nothing was written to is empty.
  const FileContent content = place == durable.end() ? FileContent() : place->second;
  TreeHash sum;
  for (auto page = content.NextStoredPage(0); page; page = content.NextStoredPage(*page + 1)) {
    const uint64_t begin = *page * kPageBytes;
    if (begin >= content.size_bytes()) break;
    const uint64_t length = std::min<uint64_t>(kPageBytes, content.size_bytes() - begin);
    sum += HashBytes(begin, content.StoredPage(*page).first(length));
  }
  return known->second = Mix({sum.low, sum.high, content.size_bytes()});
}

// Returns: 0 when nothing of the unit is kept, the number of the newest entry that is, from 1, or
// one more than there are when the unit shows what its block held before.
size_t StateTree::VersionOf(const UnitChain& chain) const {
  const Constraints& constraints = graph_.constraints();
  for (size_t i = chain.entries.size(); i-- > 0;) {
    if (constraints.fate(chain.entries[i].variable) == Fate::kKept) return i + 1;
  }
  const bool is_stale = chain.fill != kNoVariable && constraints.fate(chain.fill) == Fate::kLost;
  return is_stale ? chain.entries.size() + 1 : 0;
}

std::span<const std::byte> StateTree::ReadVersion(const UnitChain& chain, size_t version) {
  const uint64_t unit_bytes = graph_.unit_bytes();
  if (version == 0) return {chain.base, unit_bytes};
  if (version <= chain.entries.size()) return {chain.entries[version - 1].version, unit_bytes};
  FillWithStaleBytes(chain.unit * unit_bytes, unit_);
  return unit_;
}

const TreeHash& StateTree::HashVersion(File& file, size_t chain, size_t version) {
  std::optional<TreeHash>& known = file.versions[chain][version];
  const UnitChain& open = file.open->chains[chain];
  if (!known) known = HashBytes(open.unit * graph_.unit_bytes(), ReadVersion(open, version));
  return *known;
}

// --- The image ---

Image StateTree::MakeImage() {
  const Constraints& constraints = graph_.constraints();
  Image image = graph_.cursor().durable();
  for (const auto& [inode, effect] : creations_) {
    const Node& node = NodeFor(inode);
    if (node.is_durable || !Exists(node)) continue;
    if (node.kind == NodeKind::kDirectory) image.names.AddDirectory(inode);
    if (node.kind == NodeKind::kLink) image.links[inode] = disk_.LinkText(inode);
    if (node.kind == NodeKind::kFile) image.files[inode];
  }
  for (const OpenCell& cell : graph_.cells()) {
    InodeId target = cell.base;
    for (const OpenCell::Entry& entry : cell.entries) {
      if (constraints.fate(entry.variable) == Fate::kKept) target = entry.target;
    }
    image.names.Set(cell.directory, cell.name, target);
  }
  for (const File& file : files_) {
    const auto place = image.files.find(file.open->inode);
    if (place != image.files.end()) place->second = MakeContent(file);
  }
  for (const Node& node : nodes_) {
    if (node.attributes.empty()) continue;
    auto attributes = AttributesOf(node);
    if (attributes.empty()) {
      image.attributes.erase(node.inode);
    } else {
      image.attributes[node.inode] = std::move(attributes);
    }
  }
  return image;
}

FileContent StateTree::MakeContent(const File& file) {
  const OpenFile& open = *file.open;
  FileContent content = open.base == nullptr ? FileContent() : *open.base;
  const uint64_t size = SizeOf(open);
  content.RaiseSize(size);
  content.Truncate(size);
  if (file.is_plain) {
    const uint64_t unit_bytes = graph_.unit_bytes();
    for (const UnitChain& chain : open.chains) {
      const uint64_t begin = chain.unit * unit_bytes;
      if (begin >= size) break;
      const size_t version = VersionOf(chain);
      if (version == 0) continue;
      const uint64_t length = std::min(unit_bytes, size - begin);
      content.Store(begin, ReadVersion(chain, version).first(length));
    }
    return content;
  }
  std::array<std::byte, kPageBytes> page{};
  const LazyDisk::File on_disk = disk_.Find(open.inode);
  for (const uint64_t index : file.pages) {
    const uint64_t begin = index * kPageBytes;
    if (begin >= size) break;
    const auto bytes = std::span(page).first(std::min<uint64_t>(kPageBytes, size - begin));
    disk_.Read(on_disk, begin, bytes);
    content.Store(begin, bytes);
  }
  return content;
}

}  // namespace plugpull
