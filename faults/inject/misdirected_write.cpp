// Level 6: the last write of a page went to the place of another page. That one shows the new
// bytes, and the page itself what it held before.
#include <algorithm>
#include <iterator>

#include "faults/inject/fault_type.h"
#include "faults/inject/page_arguments.h"

namespace plugpull {
namespace {

constexpr std::string_view kSameFile = ".";

// Returns: the position before the last operation that changed the page, or nothing.
std::optional<size_t> BeforeLastChange(const PageSite& site, PageName name) {
  const std::span<const PageChange> changes = site.history.ChangesBefore(name, site.position);
  if (changes.empty()) return {};
  const OpKind kind = site.history.trace().ops[changes.back().op].kind;
  if (kind != OpKind::kWrite && kind != OpKind::kClone) return {};
  return changes.back().op;
}

uint64_t ChooseMisdirected(const PageSite& site, const FaultCall& specification, Random& random,
                           FaultCalls& chosen) {
  constexpr FaultForm kForm = FaultForm::kSpecification;
  const bool across = TextOf(specification, kForm, "across") == "yes";
  const std::vector<SitePage> pages = PagesLike(site, TextOf(specification, kForm, "path"));
  // Each page that was written, with the first of the pages that it may have gone to, and how many
  // those are. They stand next to one another, and the page itself is among them.
  struct Source {
    size_t page;
    size_t first_victim;
    uint64_t pairs_before;
  };
  std::vector<Source> sources;
  uint64_t pairs = 0;
  for (size_t first = 0; first < pages.size();) {
    size_t end = first;
    while (end < pages.size() && (across || pages[end].file == pages[first].file)) ++end;
    for (size_t page = first; page < end; ++page) {
      if (!BeforeLastChange(site, pages[page].name())) continue;
      sources.push_back({page, first, pairs});
      pairs += end - first - 1;
    }
    first = end;
  }
  for (const uint64_t index : Choose(pairs, NumberOf(specification, kForm, "count"), random)) {
    // The last source with no more pairs before it; those without a victim have none of their own.
    const auto after = std::ranges::upper_bound(sources, index, {}, &Source::pairs_before);
    const Source& source = *std::prev(after);
    size_t to = source.first_victim + (index - source.pairs_before);
    if (to >= source.page) ++to;
    const SitePage& page = pages[source.page];
    const SitePage& victim = pages[to];
    FaultCall call{.level = FaultLevel::kMisdirectedWrite,
                   .values = {{"file", page.file->path},
                              {"page", std::to_string(page.page)},
                              {"to", std::to_string(victim.page)}}};
    if (victim.file != page.file) call.values["to-file"] = victim.file->path;
    chosen.push_back(std::move(call));
  }
  return pairs;
}

Expected<std::vector<BytePatch>> PatchesOfMisdirected(const PageSite& site,
                                                      const FaultCall& instance) {
  const Expected<SitePage> page = FindPage(site, instance);
  if (!page) return std::unexpected(page.error());
  const bool is_same_file = TextOf(instance, FaultForm::kInstance, "to-file") == kSameFile;
  const Expected<SitePage> victim =
      FindPage(site, instance, is_same_file ? "file" : "to-file", "to");
  if (!victim) return std::unexpected(victim.error());
  const std::optional<size_t> before = BeforeLastChange(site, page->name());
  if (!before) return Fail(ErrorCode::kCorrupt, "the page was never written before the crash");
  return std::vector{
      PageSite::PatchOf(*page->file, page->page, site.history.ContentAt(page->name(), *before)),
      PageSite::PatchOf(*victim->file, victim->page,
                        site.history.ContentAt(page->name(), site.position))};
}

}  // namespace

FaultType MisdirectedWrite() {
  return {.level = FaultLevel::kMisdirectedWrite,
          .scope = FaultScope::kPages,
          .arguments = {PathArgument(),
                        {.name = "across",
                         .kind = ArgumentKind::kWord,
                         .default_text = "no",
                         .help = "yes: also to pages of other files that the pattern matches",
                         .words = {"no", "yes"}},
                        CountArgument("32")},
          .place = {FileArgument(),
                    PageArgument(),
                    PageArgument("to"),
                    {.name = "to-file",
                     .kind = ArgumentKind::kText,
                     .default_text = kSameFile,
                     .help = "path, . is the same file"}},
          .choose = ChooseMisdirected,
          .patches = PatchesOfMisdirected};
}

}  // namespace plugpull
