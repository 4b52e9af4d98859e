// Level 5: a page shows what it held some acknowledged transactions ago: the writes since then were
// lost, though later ones to other places survived. While the machine ran, the page cache hid it.
#include <set>

#include "faults/inject/fault_type.h"
#include "faults/inject/page_arguments.h"

namespace plugpull {
namespace {

constexpr uint64_t kOldest = 1'000'000;

// One instance for each older version of each page; of the ages with one version, the youngest.
uint64_t ChooseStale(const PageSite& site, const FaultCall& specification, Random& random,
                     FaultCalls& chosen) {
  constexpr FaultForm kForm = FaultForm::kSpecification;
  const auto [first_age, last_age] = RangeOf(specification, kForm, "age");
  std::vector<std::pair<SitePage, uint64_t>> versions;
  for (const SitePage& page : PagesLike(site, TextOf(specification, kForm, "path"))) {
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
