// Level 5: a page shows what it held some acknowledged transactions ago: the writes since then were
// lost, though later ones to other places survived. While the machine ran, the page cache hid it.
#include <set>

#include "faults/inject/fault_type.h"
#include "faults/inject/page_arguments.h"

namespace plugpull {
namespace {

constexpr uint64_t kOldest = 1'000'000;

// Whether the newest acknowledged transaction wrote the page, be it with the bytes that were there:
// then what is lost is its write, and the state before it needs nothing of that page.
bool IsOfNewest(const PageSite& site, const SitePage& page) {
  const auto before = site.history.Before(site.position, 1);
  return before && site.history.WritesTo(page.name(), *before, site.position);
}

// One instance for each older version of each page; of the ages with one version, the youngest.
uint64_t ChooseStale(const PageSite& site, const FaultCall& specification, Random& random,
                     FaultCalls& chosen) {
  constexpr FaultForm kForm = FaultForm::kSpecification;
  const auto [first_age, last_age] = RangeOf(specification, kForm, "age");
  std::vector<std::pair<SitePage, uint64_t>> versions;
  const std::string lost = TextOf(specification, kForm, "lost");
  for (const SitePage& page : PagesLike(site, TextOf(specification, kForm, "path"))) {
    if (lost != "any" && IsOfNewest(site, page) != (lost == "newest")) continue;
    std::set<uint64_t> known = {site.DigestOf(page.name())};
    for (uint64_t age = first_age; age <= last_age; ++age) {
      const auto then = site.history.Before(site.position, age);
      if (!then) break;
      if (known.insert(site.history.DigestAt(page.name(), *then)).second) {
        versions.emplace_back(page, age);
      }
    }
  }
  for (const uint64_t index :
       Choose(versions.size(), NumberOf(specification, kForm, "count"), random)) {
    const auto& [page, age] = versions[index];
    chosen.push_back({.level = FaultLevel::kStalePage,
                      .values = {{"file", page.file->path},
                                 {"page", std::to_string(page.page)},
                                 {"age", std::to_string(age)}}});
  }
  return versions.size();
}

Expected<std::vector<BytePatch>> PatchesOfStale(const PageSite& site, const FaultCall& instance) {
  const Expected<SitePage> page = FindPage(site, instance);
  if (!page) return std::unexpected(page.error());
  const auto then =
      site.history.Before(site.position, NumberOf(instance, FaultForm::kInstance, "age"));
  if (!then) return Fail(ErrorCode::kCorrupt, "there were not as many transactions at the crash");
  return std::vector{
      PageSite::PatchOf(*page->file, page->page, site.history.ContentAt(page->name(), *then))};
}

}  // namespace

FaultType StalePage() {
  return {.level = FaultLevel::kStalePage,
          .scope = FaultScope::kPages,
          .arguments = {{.name = "age",
                         .kind = ArgumentKind::kRange,
                         .default_text = "1..20",
                         .help = "how many acknowledged transactions ago the page held that",
                         .minimum = 1,
                         .maximum = kOldest},
                        {.name = "lost",
                         .kind = ArgumentKind::kWord,
                         .default_text = "any",
                         .help = "newest: writes of the newest acknowledged transaction; older: of "
                                 "those before it, to pages that it did not write",
                         .words = {"any", "newest", "older"}},
                        PathArgument(),
                        CountArgument("256")},
          .place = {FileArgument(),
                    PageArgument(),
                    {.name = "age",
                     .default_text = "",
                     .help = "in acknowledged transactions",
                     .minimum = 1,
                     .maximum = kOldest}},
          .choose = ChooseStale,
          .patches = PatchesOfStale};
}

}  // namespace plugpull
