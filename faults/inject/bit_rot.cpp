// Level 6: one bit of a page is turned over.
#include "faults/inject/fault_type.h"
#include "faults/inject/page_arguments.h"

namespace plugpull {
namespace {

uint64_t ChooseRot(const PageSite& site, const FaultCall& specification, Random& random,
                   FaultCalls& chosen) {
  constexpr FaultForm kForm = FaultForm::kSpecification;
  const std::vector<SitePage> pages = PagesLike(site, TextOf(specification, kForm, "path"));
  uint64_t of = 0;
  for (const SitePage& page : pages) of += PageSite::LengthOf(*page.file, page.page) * 8;
  size_t at = 0;
  uint64_t before = 0;  // bits of the pages before that one
  for (const uint64_t index : Choose(of, NumberOf(specification, kForm, "count"), random)) {
    uint64_t bits = PageSite::LengthOf(*pages[at].file, pages[at].page) * 8;
    while (index >= before + bits) {
      before += bits;
      ++at;
      bits = PageSite::LengthOf(*pages[at].file, pages[at].page) * 8;
    }
    chosen.push_back({.level = FaultLevel::kBitRot,
                      .values = {{"file", pages[at].file->path},
                                 {"page", std::to_string(pages[at].page)},
                                 {"bit", std::to_string(index - before)}}});
  }
  return of;
}

Expected<std::vector<BytePatch>> PatchesOfRot(const PageSite& site, const FaultCall& instance) {
  const Expected<SitePage> page = FindPage(site, instance);
  if (!page) return std::unexpected(page.error());
  const uint64_t bit = NumberOf(instance, FaultForm::kInstance, "bit");
  if (bit / 8 >= PageSite::LengthOf(*page->file, page->page)) {
    return Fail(ErrorCode::kCorrupt, "the file does not reach that bit at the crash");
  }
  PageContent content = site.history.ContentAt(page->name(), site.position);
  content[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  return std::vector{BytePatch{.inode = page->file->inode,
                               .offset_bytes = page->page * kPageBytes + bit / 8,
                               .bytes = {content[bit / 8]}}};
}

}  // namespace

FaultType BitRot() {
  return {.level = FaultLevel::kBitRot,
          .scope = FaultScope::kPages,
          .arguments = {PathArgument(), CountArgument("32")},
          .place = {FileArgument(),
                    PageArgument(),
                    {.name = "bit",
                     .default_text = "",
                     .help = "of the page, from 0, the lowest of each byte first",
                     .minimum = 0,
                     .maximum = kPageBytes * 8 - 1}},
          .choose = ChooseRot,
          .patches = PatchesOfRot};
}

}  // namespace plugpull
