#include "engine/bbolt_file/page_graph.h"

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr uint32_t kChildrenShownMax = 8;
constexpr size_t kKeyShownBytes = 12;

class Drawing {
 public:
  Drawing(const Examination& seen, uint32_t pages_max) : seen_(seen), pages_max_(pages_max) {}

  Expected<Graph> Draw(const std::vector<Suspect>& suspects) {
    for (const Suspect& suspect : suspects) {
      Add(suspect.page);
      for (const PageId page : suspect.stack) Add(page);
      damaged_.insert(suspect.page);
    }
    for (const Misfit& misfit : seen_.evidence.misfits) {
      if (misfit.kind == MisfitKind::kFreed && !damaged_.contains(misfit.from)) continue;
      Add(misfit.to);
      if (misfit.from >= kFirstDataPage) Add(misfit.from);
      for (const PageId page : misfit.stack) Add(page);
      bad_edges_.insert({misfit.from, misfit.to});
    }
    for (const Suspect& suspect : suspects) {
      if (Expected<void> added = AddChildren(suspect.page); !added) {
        return std::unexpected(added.error());
      }
    }
    for (const PageId page : pages_) {
      if (Expected<void> drawn = DrawPage(page); !drawn) return std::unexpected(drawn.error());
    }
    return std::move(graph_);
  }

 private:
  void Add(PageId page) {
    if (page < kFirstDataPage || pages_.contains(page)) return;
    if (pages_.size() >= pages_max_) {
      graph_.is_cut = true;
      return;
    }
    pages_.insert(page);
  }

  // Returns: the page when its elements can be used.
  Expected<std::optional<PageRun>> Load(PageId page) const {
    if (page >= seen_.census.page_count()) return std::nullopt;
    const PageFacts& facts = seen_.census.At(page);
    if (facts.flags != kBranchFlag && facts.flags != kLeafFlag) return std::nullopt;
    const uint64_t pages =
        std::min<uint64_t>(facts.overflow + 1ULL, seen_.census.page_count() - page);
    std::optional<PageRun> run(std::in_place);
    Expected<void> loaded = run->Load(seen_.file, page, pages * seen_.file.page_size_bytes());
    if (!loaded) return std::unexpected(loaded.error());
    const Expected<PageLayout> layout =
        CheckLayout(*run, facts.id, seen_.file.page_size_bytes(), false);
    if (!layout) return std::unexpected(layout.error());
    if (!layout->is_walkable) run.reset();
    return run;
  }

  Expected<void> AddChildren(PageId page) {
    const Expected<std::optional<PageRun>> run = Load(page);
    if (!run) return std::unexpected(run.error());
    if (!run->has_value() || (*run)->is_leaf()) return {};
    const uint32_t shown = std::min((*run)->count(), kChildrenShownMax);
    if (shown < (*run)->count()) graph_.is_cut = true;
    for (uint32_t index = 0; index < shown; ++index) Add((*run)->Element(index).child);
    return {};
  }

  Expected<void> DrawPage(PageId page) {
    GraphPage drawn{.page = page,
                    .is_damaged = damaged_.contains(page),
                    .in_active = seen_.IsReached(0, page),
                    .in_previous = seen_.IsReached(1, page)};
    if (page >= seen_.census.page_count()) {
      drawn.kind = "beyond the end";
      graph_.pages.push_back(std::move(drawn));
      return {};
    }
    drawn.kind = KindOf(seen_.census.At(page));
    const Expected<std::optional<PageRun>> run = Load(page);
    if (!run) return std::unexpected(run.error());
    if (run->has_value() && (*run)->count() > 0) {
      drawn.elements = (*run)->count();
      for (const bool is_first : {true, false}) {
        std::vector<std::byte> scratch;
        const Expected<Bytes> key = (*run)->Key(is_first ? 0 : (*run)->count() - 1, scratch);
        if (!key) return std::unexpected(key.error());
        (is_first ? drawn.first_key : drawn.last_key) =
            HexKey(key->first(std::min(key->size(), kKeyShownBytes)));
      }
      if (!(*run)->is_leaf()) DrawEdges(page, **run);
    }
    graph_.pages.push_back(std::move(drawn));
    return {};
  }

  void DrawEdges(PageId from, const PageRun& run) {
    std::set<PageId> drawn;
    for (uint32_t index = 0; index < run.count(); ++index) {
      const PageId to = run.Element(index).child;
      if (!pages_.contains(to) || !drawn.insert(to).second) continue;
      graph_.edges.push_back(
          GraphEdge{.from = from,
                    .to = to,
                    .is_damaged = bad_edges_.contains({from, to}) || damaged_.contains(to),
                    .in_active = seen_.IsReached(0, from) && seen_.IsReached(0, to),
                    .in_previous = seen_.IsReached(1, from) && seen_.IsReached(1, to)});
    }
  }

  const Examination& seen_;
  uint32_t pages_max_;
  Graph graph_;
  std::set<PageId> pages_;
  std::set<PageId> damaged_;
  std::set<std::pair<PageId, PageId>> bad_edges_;
};

}  // namespace

Expected<Graph> DrawGraph(const Examination& examination, const std::vector<Suspect>& suspects,
                          uint32_t pages_max) {
  return Drawing(examination, pages_max).Draw(suspects);
}

}  // namespace plugpull::bbolt_file
