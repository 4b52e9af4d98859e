#include "engine/revision_tree/checker.h"

#include <memory>

#include "engine/revision_tree/directory_check.h"
#include "engine/revision_tree/tree_walk.h"

namespace plugpull::revision_tree {
namespace {

// Memory that grew beyond this is not kept: one large store must not pin it.
constexpr size_t kKeptRecordsMax = size_t{1} << 16;

// The rules of one store, in the order in which a page is claimed: what is said of two claims is
// said when the second one is met.
class StoreCheck {
 public:
  StoreCheck(const StoreView& store, WalkMemory& memory)
      : store_(store),
        memory_(memory),
        problems_(kProblemsMax),
        leaks_(kProblemsMax),
        walk_(store.pages, store.header, memory, problems_) {
    memory_.classes.Reset(FirstDataPage(store.header), store.pages.page_limit());
    memory_.listed_as_copied.Reset(store.pages.page_limit());
  }

  Expected<CheckReport> Run(SpaceCount* count) {
    CheckHeaders();
    if (Expected<void> done = CheckTrees(); !done) return std::unexpected(done.error());
    if (Expected<void> done = CheckFreeChain(); !done) return std::unexpected(done.error());
    CheckPending();
    CountPages(count);
    return CheckReport{.structure = problems_.Take(), .leaks = leaks_.Take()};
  }

 private:
  void CheckHeaders();
  Expected<void> CheckTrees();
  Expected<void> CheckKept(std::span<const KeptRevision> kept, std::string_view name);
  Expected<void> CheckFreeChain();
  void CheckPending();
  void CountPages(SpaceCount* count);
  std::string Text(PageNumber page) const { return PageText(store_.header.page_size_bytes, page); }

  const StoreView& store_;
  WalkMemory& memory_;
  ProblemList problems_;
  ProblemList leaks_;
  TreeWalk walk_;
};

// V1, but for what makes a single slot invalid. One of two slots may be: a power cut inside a write
// of it leaves it so.
void StoreCheck::CheckHeaders() {
  const Header& active = store_.header;
  const HeaderSlot& first = store_.slots[0];
  const HeaderSlot& second = store_.slots[1];
  if (!first.header && !second.header) {
    problems_.Add("V1: no header slot is valid: {}{}{}", first.fault,
                  second.fault.empty() ? "" : "; ", second.fault);
  } else if (first.header != active && second.header != active) {
    problems_.Add("V1: no header slot has the header that the store goes on from, revision {}",
                  active.current);
  }
  if (first.header && second.header) {
    const Revision apart = first.header->current - second.header->current;
    if (apart < -1 || apart > 1) {
      problems_.Add("V1: header slots of revisions {} and {} do not follow each other",
                    first.header->current, second.header->current);
    }
    if (first.header->page_size_bytes != second.header->page_size_bytes) {
      problems_.Add("V1: header slots have PageIOs of {} and {} bytes",
                    first.header->page_size_bytes, second.header->page_size_bytes);
    }
  }
  const uint64_t file_pages = store_.file_size_bytes / active.page_size_bytes;
  if (static_cast<uint64_t>(active.page_count) > file_pages) {
    problems_.Add("V1: file too small: the header of revision {} says {} PageIOs, {} are there",
                  active.current, active.page_count, file_pages);
  }
}

// V2, V4 to V7, and of readers V8.
Expected<void> StoreCheck::CheckTrees() {
  DirectoryCheck directory(walk_, store_.header, memory_, problems_);
  const bool has_directory = store_.header.has(kCopiedPagesFlag);
  const WalkedTree newest{
      .name = "revision", .root = store_.header.root, .revision = store_.header.current};
  const Expected<std::optional<SubtreeFacts>> facts =
      has_directory ? directory.RunNewest() : walk_.Run(newest, nullptr);
  if (!facts) return std::unexpected(facts.error());
  if (facts->has_value() &&
      (*facts)->elements != static_cast<uint64_t>(store_.header.element_count)) {
    problems_.Add("V6: the header counts {} elements, the leaves of revision {} have {}",
                  store_.header.element_count, store_.header.current, (*facts)->elements);
  }
  if (Expected<void> done = CheckKept(store_.older, "older revision"); !done) return done;
  if (Expected<void> done = CheckKept(store_.readers, "reader of revision"); !done) return done;
  return has_directory ? directory.RunOlder() : Expected<void>();
}

Expected<void> StoreCheck::CheckKept(std::span<const KeptRevision> kept, std::string_view name) {
  for (const KeptRevision& each : kept) {
    const auto walked = walk_.Run({.name = name,
                                   .root = each.root,
                                   .revision = each.revision,
                                   .page_class = PageClass::kKept},
                                  nullptr);
    if (!walked) return std::unexpected(walked.error());
  }
  return {};
}

// V3.
Expected<void> StoreCheck::CheckFreeChain() {
  PageClasses& classes = memory_.classes;
  std::optional<PageNumber> before;
  const auto whose = [&] { return before ? Text(*before) : std::string("the header"); };
  if (store_.ignores_free_chain) return {};
  for (int64_t offset = store_.header.first_free; offset != kNoOffset;) {
    const Expected<PageNumber> page = PageAt(store_.header, offset, "free chain");
    if (!page || *page >= classes.page_limit()) {
      problems_.Add("V3: free chain: Bad Offset {} after {}", offset, whose());
      walk_.SetIncomplete();
      return {};
    }
    if (classes.ClassOf(*page) == PageClass::kFree) {
      problems_.Add("V3: free chain: cycle: {} is in it twice, again after {}", Text(*page),
                    whose());
      return {};
    }
    if (classes.ClassOf(*page) != PageClass::kNone) {
      problems_.Add("V3: free chain: {} after {} is {}, in the chain from page {}, revision {}",
                    Text(*page), whose(), Name(classes.ClassOf(*page)), classes.OwnerOf(*page),
                    store_.header.current);
      walk_.SetIncomplete();
      return {};
    }
    const PageNumber link[] = {*page};
    (void)classes.Claim(link, PageClass::kFree);
    const Expected<int64_t> next = store_.pages.ReadNext(*page);
    if (!next) {
      if (next.error().code != ErrorCode::kCorrupt) return std::unexpected(next.error());
      problems_.Add("V3: free chain: {}: {}", Text(*page), next.error().context);
      walk_.SetIncomplete();
      return {};
    }
    offset = *next;
    before = *page;
  }
  return {};
}

// V2 of what the process means to free.
void StoreCheck::CheckPending() {
  PageClasses& classes = memory_.classes;
  for (const PageNumber page : store_.pending) {
    if (page >= classes.page_limit()) continue;  // was not written yet
    const PageClass page_class = classes.ClassOf(page);
    const bool may_be = page_class == PageClass::kKept || page_class == PageClass::kCopied;
    if (page_class != PageClass::kNone && !may_be) {
      problems_.Add("V2: {}: is to be freed, and is {}, revision {}", Text(page), Name(page_class),
                    store_.header.current);
    }
    const PageNumber link[] = {page};
    if (page_class == PageClass::kNone) (void)classes.Claim(link, PageClass::kPending);
  }
}

// V2 of what is left over.
void StoreCheck::CountPages(SpaceCount* count) {
  SpaceCount counted;
  const PageClasses& classes = memory_.classes;
  const bool may_leak = store_.owes_scan || !walk_.is_complete();
  for (PageNumber page = 0; page < classes.page_limit(); ++page) {
    switch (classes.ClassOf(page)) {
      case PageClass::kNone:
        ++counted.none;
        if (!may_leak) {
          leaks_.Add("V2: {}: leak: nothing of revision {} reaches it, and it is not free",
                     Text(page), store_.header.current);
        }
        break;
      case PageClass::kHeader:
        ++counted.header;
        break;
      case PageClass::kReachable:
        ++counted.reachable;
        break;
      case PageClass::kKept:
        ++counted.kept;
        break;
      case PageClass::kCopied:
        ++counted.copied;
        break;
      case PageClass::kFree:
        ++counted.free;
        break;
      case PageClass::kPending:
        ++counted.pending;
        break;
    }
  }
  if (count != nullptr) *count = counted;
}

}  // namespace

Expected<CheckReport> CheckStore(const StoreView& store, SpaceCount* count) {
  thread_local std::unique_ptr<WalkMemory> memory;
  if (memory == nullptr) memory = std::make_unique<WalkMemory>();
  Expected<CheckReport> report = StoreCheck(store, *memory).Run(count);
  if (memory->classes.capacity() > kKeptRecordsMax) memory.reset();
  return report;
}

}  // namespace plugpull::revision_tree
