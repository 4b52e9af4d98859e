// Level 6: a page reads as zeros.
#include "faults/inject/fault_type.h"
#include "faults/inject/page_arguments.h"

namespace plugpull {
namespace {

uint64_t ChooseZeroed(const PageSite& site, const FaultCall& specification, Random& random,
                      FaultCalls& chosen) {
  constexpr FaultForm kForm = FaultForm::kSpecification;
  std::vector<SitePage> pages = PagesLike(site, TextOf(specification, kForm, "path"));
  std::erase_if(pages, [&](const SitePage& page) {
    return site.DigestOf(page.name()) == PageHistory::kZeroDigest;
  });
  for (const uint64_t index :
       Choose(pages.size(), NumberOf(specification, kForm, "count"), random)) {
    const SitePage& page = pages[index];
    chosen.push_back({.level = FaultLevel::kZeroedPage,
                      .values = {{"file", page.file->path}, {"page", std::to_string(page.page)}}});
  }
  return pages.size();
}

Expected<std::vector<BytePatch>> PatchesOfZeroed(const PageSite& site, const FaultCall& instance) {
  const Expected<SitePage> page = FindPage(site, instance);
  if (!page) return std::unexpected(page.error());
  return std::vector{PageSite::PatchOf(*page->file, page->page, PageContent{})};
}

}  // namespace

FaultType ZeroedPage() {
  return {.level = FaultLevel::kZeroedPage,
          .scope = FaultScope::kPages,
          .arguments = {PathArgument(), CountArgument("64")},
          .place = {FileArgument(), PageArgument()},
          .choose = ChooseZeroed,
          .patches = PatchesOfZeroed};
}

}  // namespace plugpull
