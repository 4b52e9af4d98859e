#include "engine/revision_tree/tree_walk.h"

#include <algorithm>
#include <compare>

namespace plugpull::revision_tree {
namespace {

// As unsigned bytes, the shorter of two that begin alike first.
std::strong_ordering OrderOfKeys(Bytes first, Bytes second) {
  return std::lexicographical_compare_three_way(first.begin(), first.end(), second.begin(),
                                                second.end());
}

bool IsBelow(Bytes key, Bytes lower) {
  return lower.data() != nullptr && OrderOfKeys(key, lower) < 0;
}

bool IsNotBelow(Bytes key, Bytes upper) {
  return upper.data() != nullptr && OrderOfKeys(key, upper) >= 0;
}

}  // namespace

TreeWalk::TreeWalk(PageCache& pages, const Header& header, WalkMemory& memory,
                   ProblemList& problems)
    : pages_(pages), header_(header), memory_(memory), problems_(problems) {
  memory_.facts.clear();
}

Expected<std::optional<SubtreeFacts>> TreeWalk::Run(const WalkedTree& tree,
                                                    ElementListener* visitor) {
  tree_ = tree;
  visitor_ = visitor;
  ++walk_;
  depth_ = 0;
  result_.reset();
  const Child root{.first = tree.root};
  if (Expected<void> entered = Enter(root, /*is_root=*/true, {}, {}); !entered) {
    return std::unexpected(entered.error());
  }
  while (depth_ > 0) {
    Frame& frame = memory_.frames[depth_ - 1];
    if (frame.page.is_leaf || frame.next_child == frame.page.children.size()) {
      Leave();
      continue;
    }
    const size_t index = frame.next_child++;
    const Bytes lower = index == 0 ? frame.lower : frame.page.keys[index - 1];
    const Bytes upper = index == frame.page.keys.size() ? frame.upper : frame.page.keys[index];
    Expected<void> entered = Enter(frame.page.children[index], /*is_root=*/false, lower, upper);
    if (!entered) return std::unexpected(entered.error());
  }
  return result_;
}

Expected<std::optional<Chain>> TreeWalk::ClaimChain(int64_t offset, PageClass page_class,
                                                    std::string& fault) {
  const Expected<Chain> chain = pages_.ReadChain(offset);
  if (!chain) {
    if (chain.error().code != ErrorCode::kCorrupt) return std::unexpected(chain.error());
    fault = chain.error().context;
    is_complete_ = false;
    return std::nullopt;
  }
  const std::optional<PageNumber> taken = memory_.classes.Claim(chain->pages, page_class);
  if (!taken) return *chain;
  fault = fmt::format("its chain runs into {}, which is {}, in the chain from page {}",
                      PageText(header_.page_size_bytes, *taken),
                      Name(memory_.classes.ClassOf(*taken)), memory_.classes.OwnerOf(*taken));
  is_complete_ = false;
  return std::nullopt;
}

Expected<void> TreeWalk::Enter(const Child& child, bool is_root, Bytes lower, Bytes upper) {
  const Expected<PageNumber> number = PageAt(header_, child.first, "a child");
  if (!number || *number >= pages_.page_limit()) {
    const std::string parent = depth_ == 0 ? TreeText() : Where(memory_.frames[depth_ - 1].number);
    problems_.Add("V1: {}: Bad Offset {} of {}", parent, child.first,
                  is_root ? "the root" : "a child");
    Broken();
    return {};
  }
  PageClasses& classes = memory_.classes;
  const bool is_known = classes.WasVisited(*number);
  if (!classes.Visit(*number, walk_)) {
    problems_.Add("V2: {}: has two parents in one revision", Where(*number));
    Broken();
    return {};
  }
  if (is_known) {
    EnterKnown(*number, lower, upper);
    return {};
  }
  if (depth_ == kWalkDepthMax) {
    problems_.Add("V6: {}: the tree is deeper than {} levels", Where(*number), kWalkDepthMax);
    Broken();
    return {};
  }
  Frame& frame = memory_.frames[depth_];
  const Expected<bool> loaded = Load(child, is_root, *number, frame);
  if (!loaded) return std::unexpected(loaded.error());
  if (!*loaded) {
    Broken();
    return {};
  }
  frame.number = *number;
  frame.next_child = 0;
  frame.lower = lower;
  frame.upper = upper;
  frame.is_whole = true;
  frame.facts = SubtreeFacts{.revision = frame.page.revision};
  CheckRevision(*number, frame.page.revision);
  if (frame.page.is_leaf) {
    CheckLeaf(frame);
  } else {
    CheckNode(frame);
  }
  ++depth_;
  return {};
}

// Returns: whether the page can be looked into; if not, it has said why.
Expected<bool> TreeWalk::Load(const Child& child, bool is_root, PageNumber number, Frame& frame) {
  std::string fault;
  const Expected<std::optional<Chain>> chain = ClaimChain(child.first, tree_.page_class, fault);
  if (!chain) return std::unexpected(chain.error());
  if (!chain->has_value()) {
    problems_.Add("V4: {}: {}", Where(number), fault);
    return false;
  }
  const int64_t last = OffsetOf(header_, (*chain)->pages.back());
  if (!is_root && child.last != last) {
    problems_.Add("V4: {}: its chain ends at offset {}, its parent says {}", Where(number), last,
                  child.last);
  }
  const Expected<void> parsed = ParsePage((*chain)->data, frame.page);
  if (parsed) return true;
  problems_.Add("V4: {}: {}", Where(number), parsed.error().context);
  return false;
}

// A page that an earlier walk has been through, as revisions share them.
void TreeWalk::EnterKnown(PageNumber number, Bytes lower, Bytes upper) {
  const uint32_t note = memory_.classes.NoteOf(number);
  if (note == 0) {  // broken, and said so
    Broken();
    return;
  }
  const SubtreeFacts& facts = memory_.facts[note - 1];
  CheckRevision(number, facts.revision);
  if (facts.first_key.data() != nullptr &&
      (IsBelow(facts.first_key, lower) || IsNotBelow(facts.last_key, upper))) {
    problems_.Add("V6: {}: keys {} to {} do not lie between the separators {} and {}",
                  Where(number), KeyText(facts.first_key), KeyText(facts.last_key), KeyText(lower),
                  KeyText(upper));
  }
  Combine(number, &facts);
}

void TreeWalk::CheckRevision(PageNumber number, Revision revision) {
  if (revision > tree_.revision || revision < 0) {
    problems_.Add("V5: {}: is of revision {}, its root of {}", Where(number), revision,
                  tree_.revision);
    return;
  }
  if (depth_ == 0) return;
  const Frame& parent = memory_.frames[depth_ - 1];
  if (revision > parent.page.revision) {
    problems_.Add("V5: {}: is of revision {}, its parent, page {}, of {}", Where(number), revision,
                  parent.number, parent.page.revision);
  }
}

void TreeWalk::CheckKey(PageNumber number, size_t index, Bytes key, Bytes previous,
                        const Frame& frame) {
  if (previous.data() != nullptr && OrderOfKeys(previous, key) >= 0) {
    problems_.Add("V6: {}: key {} {} does not come after {}", Where(number), index, KeyText(key),
                  KeyText(previous));
  }
  if (IsBelow(key, frame.lower)) {
    problems_.Add("V6: {}: key {} {} is less than the separator {}", Where(number), index,
                  KeyText(key), KeyText(frame.lower));
  }
  if (IsNotBelow(key, frame.upper)) {
    problems_.Add("V6: {}: key {} {} is not less than the separator {}", Where(number), index,
                  KeyText(key), KeyText(frame.upper));
  }
}

void TreeWalk::CheckLeaf(Frame& frame) {
  Bytes previous;
  for (size_t index = 0; index < frame.page.elements.size(); ++index) {
    const LeafElement& element = frame.page.elements[index];
    CheckKey(frame.number, index, element.key, previous, frame);
    previous = element.key;
    if (visitor_ != nullptr) visitor_->OnElement(element);
  }
  frame.facts.height = 1;
  frame.facts.elements = frame.page.elements.size();
  if (frame.page.elements.empty()) return;
  frame.facts.first_key = frame.page.elements.front().key;
  frame.facts.last_key = frame.page.elements.back().key;
}

void TreeWalk::CheckNode(const Frame& frame) {
  Bytes previous;
  for (size_t index = 0; index < frame.page.keys.size(); ++index) {
    CheckKey(frame.number, index, frame.page.keys[index], previous, frame);
    previous = frame.page.keys[index];
  }
}

// The page on top is done: what is below it is known now.
void TreeWalk::Leave() {
  const Frame& frame = memory_.frames[--depth_];
  if (!frame.is_whole) {
    Combine(frame.number, nullptr);
    return;
  }
  memory_.facts.push_back(frame.facts);
  memory_.classes.SetNote(frame.number, static_cast<uint32_t>(memory_.facts.size()));
  Combine(frame.number, &frame.facts);
}

// Adds a page to what is known of its parent. Null: it is broken.
void TreeWalk::Combine(PageNumber number, const SubtreeFacts* facts) {
  if (depth_ == 0) {
    if (facts != nullptr) result_ = *facts;
    is_complete_ = is_complete_ && facts != nullptr;
    return;
  }
  Frame& parent = memory_.frames[depth_ - 1];
  if (facts == nullptr) {
    parent.is_whole = false;
    return;
  }
  SubtreeFacts& sum = parent.facts;
  if (sum.height == 0) {
    sum.height = facts->height + 1;
  } else if (sum.height != facts->height + 1) {
    problems_.Add("V6: {}: has {} levels, its neighbour {}", Where(number), facts->height,
                  sum.height - 1);
  }
  sum.elements += facts->elements;
  if (facts->first_key.data() == nullptr) return;
  if (sum.first_key.data() == nullptr) sum.first_key = facts->first_key;
  sum.last_key = facts->last_key;
}

void TreeWalk::Broken() { Combine(0, nullptr); }

std::string TreeWalk::TreeText() const { return fmt::format("{} {}", tree_.name, tree_.revision); }

std::string TreeWalk::Where(PageNumber page) const {
  return fmt::format("{}, {}", PageText(header_.page_size_bytes, page), TreeText());
}

}  // namespace plugpull::revision_tree
