#include "engine/revision_tree/directory_check.h"

#include <algorithm>

namespace plugpull::revision_tree {
namespace {

constexpr size_t kOffsetBytes = 8;

}  // namespace

class DirectoryCheck::TreeCollector final : public ElementListener {
 public:
  explicit TreeCollector(DirectoryCheck& check) : check_(check) {}

  void OnElement(const LeafElement& element) override {
    const Expected<TreeKey> key = ParseTreeKey(element.key);
    const bool is_known = key && (key->name == kUserTreeName || key->name == kCopiedPagesName);
    if (!is_known || element.value.size() != kOffsetBytes ||
        key->revision > check_.header_.current) {
      check_.problems_.Add("V7: B-tree of B-trees: element {} with {} bytes makes no sense",
                           KeyText(element.key), element.value.size());
      check_.walk_.SetIncomplete();
      return;
    }
    check_.trees_.push_back({.key = *key, .offset = LoadInt64(element.value.data())});
  }

 private:
  DirectoryCheck& check_;
};

class DirectoryCheck::CopiedCollector final : public ElementListener {
 public:
  explicit CopiedCollector(DirectoryCheck& check) : check_(check) {}

  void OnElement(const LeafElement& element) override {
    const Expected<TreeKey> key = ParseCopiedKey(element.key);
    if (!key || element.value.size() % kOffsetBytes != 0 ||
        key->revision > check_.header_.current) {
      check_.problems_.Add("V7: copied pages: element {} with {} bytes makes no sense",
                           KeyText(element.key), element.value.size());
      check_.walk_.SetIncomplete();
      return;
    }
    check_.copied_.push_back({.key = *key, .offsets = element.value});
  }

 private:
  DirectoryCheck& check_;
};

Expected<std::optional<SubtreeFacts>> DirectoryCheck::RunNewest() {
  TreeCollector collector(*this);
  const WalkedTree directory{
      .name = "B-tree of B-trees", .root = header_.root, .revision = header_.current};
  const Expected<std::optional<SubtreeFacts>> walked = walk_.Run(directory, &collector);
  if (!walked) return walked;
  std::optional<SubtreeFacts> user;
  for (const std::string_view name : {kUserTreeName, kCopiedPagesName}) {
    const TreeEntry* entry = NewestOf(name);
    if (entry == nullptr) {
      problems_.Add("V7: B-tree of B-trees: has no revision of '{}'", name);
      walk_.SetIncomplete();
      continue;
    }
    const bool is_user = name == kUserTreeName;
    CopiedCollector copied(*this);
    Expected<std::optional<SubtreeFacts>> facts =
        RunTree(*entry, is_user ? "revision" : "copied pages", PageClass::kReachable,
                is_user ? nullptr : &copied);
    if (!facts) return facts;
    if (is_user) user = *facts;
  }
  return user;
}

Expected<void> DirectoryCheck::RunOlder() {
  for (const CopiedEntry& entry : copied_) {
    if (Expected<void> done = RunCopied(entry); !done) return done;
  }
  for (const TreeEntry& entry : trees_) {
    if (NewestOf(entry.key.name) == &entry) continue;
    const bool is_user = entry.key.name == kUserTreeName;
    const Expected<std::optional<SubtreeFacts>> facts =
        RunTree(entry, is_user ? "revision" : "copied pages", PageClass::kKept, nullptr);
    if (!facts) return std::unexpected(facts.error());
  }
  return {};
}

// The tree header and the tree info of an entry, then its tree.
Expected<std::optional<SubtreeFacts>> DirectoryCheck::RunTree(const TreeEntry& entry,
                                                              std::string_view what,
                                                              PageClass page_class,
                                                              ElementListener* visitor) {
  std::string fault;
  const auto broken = [&](std::string_view part) {
    problems_.Add("V7: {} of '{}' at offset {}, revision {}: {}", part, entry.key.name,
                  entry.offset, entry.key.revision, fault);
    walk_.SetIncomplete();
    return std::nullopt;
  };
  const Expected<std::optional<Chain>> chain =
      walk_.ClaimChain(entry.offset, PageClass::kReachable, fault);
  if (!chain) return std::unexpected(chain.error());
  if (!chain->has_value()) return broken("tree header");
  const Expected<TreeHeader> header = ParseTreeHeader((*chain)->data);
  if (!header) fault = header.error().context;
  if (header && header->revision != entry.key.revision) {
    fault = fmt::format("says that it is of revision {}", header->revision);
  }
  if (!fault.empty()) return broken("tree header");
  const Expected<std::optional<Chain>> info =
      walk_.ClaimChain(header->info, PageClass::kReachable, fault);
  if (!info) return std::unexpected(info.error());
  if (!info->has_value()) return broken("tree info");
  if (const Expected<TreeInfo> parsed = ParseTreeInfo((*info)->data); !parsed) {
    fault = parsed.error().context;
  } else if (parsed->name != entry.key.name) {
    fault = fmt::format("is of '{}'", parsed->name.substr(0, 48));
  }
  if (!fault.empty()) return broken("tree info");
  Expected<std::optional<SubtreeFacts>> facts = walk_.Run({.name = what,
                                                           .root = header->root,
                                                           .revision = entry.key.revision,
                                                           .page_class = page_class},
                                                          visitor);
  if (facts && facts->has_value() &&
      (*facts)->elements != static_cast<uint64_t>(header->element_count)) {
    problems_.Add(
        "V6: tree header of '{}' at offset {}, revision {}: counts {} elements, its "
        "leaves have {}",
        entry.key.name, entry.offset, entry.key.revision, header->element_count,
        (*facts)->elements);
  }
  return facts;
}

Expected<void> DirectoryCheck::RunCopied(const CopiedEntry& entry) {
  for (size_t at = 0; at < entry.offsets.size(); at += kOffsetBytes) {
    const int64_t offset = LoadInt64(&entry.offsets[at]);
    std::string fault;
    const Expected<std::optional<Chain>> chain =
        walk_.ClaimChain(offset, PageClass::kCopied, fault);
    if (!chain) return std::unexpected(chain.error());
    if (chain->has_value()) {
      const PageNumber first = (*chain)->pages.front();
      const PageClass page_class = memory_.classes.ClassOf(first);
      if (page_class == PageClass::kReachable) {
        fault = fmt::format("{} is reachable from the newest revision",
                            PageText(header_.page_size_bytes, first));
      } else if (!memory_.listed_as_copied.Insert(first)) {
        fault = fmt::format("{} is listed twice", PageText(header_.page_size_bytes, first));
      }
    }
    if (fault.empty()) continue;
    problems_.Add("V7: copied pages of '{}', revision {}: offset {}: {}",
                  entry.key.name.substr(0, 48), entry.key.revision, offset, fault);
  }
  return {};
}

// The entries are in the order of their keys, so the last of a name is the newest.
const DirectoryCheck::TreeEntry* DirectoryCheck::NewestOf(std::string_view name) const {
  const auto is_of = [&](const TreeEntry& entry) { return entry.key.name == name; };
  const auto found = std::find_if(trees_.rbegin(), trees_.rend(), is_of);
  return found == trees_.rend() ? nullptr : &*found;
}

}  // namespace plugpull::revision_tree
