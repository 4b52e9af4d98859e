#include "faults/inject/page_site.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace plugpull {

uint64_t PageSite::LengthOf(const SiteFile& file, uint64_t page) {
  const uint64_t start = page * kPageBytes;
  return file.size_bytes <= start ? 0 : std::min<uint64_t>(kPageBytes, file.size_bytes - start);
}

BytePatch PageSite::PatchOf(const SiteFile& file, uint64_t page, const PageContent& content) {
  const auto length = static_cast<ptrdiff_t>(LengthOf(file, page));
  return {.inode = file.inode,
          .offset_bytes = page * kPageBytes,
          .bytes = {content.begin(), content.begin() + length}};
}

std::vector<SitePage> PagesLike(const PageSite& site, const std::string& pattern) {
  std::vector<SitePage> pages;
  for (const SiteFile& file : site.files) {
    if (::fnmatch(pattern.c_str(), file.path.c_str(), 0) != 0) continue;
    for (const uint64_t page : file.pages) pages.push_back({&file, page});
  }
  return pages;
}

Expected<SitePage> FindPage(const PageSite& site, const FaultCall& instance,
                            std::string_view path_argument, std::string_view page_argument) {
  const std::string path = TextOf(instance, FaultForm::kInstance, path_argument);
  const uint64_t page = NumberOf(instance, FaultForm::kInstance, page_argument);
  const auto file = std::ranges::find(site.files, path, &SiteFile::path);
  if (file == site.files.end() || PageSite::LengthOf(*file, page) == 0) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("there is no page {} of a file {} at the crash", page, path));
  }
  return SitePage{&*file, page};
}

std::vector<uint64_t> Choose(uint64_t of, uint64_t count, Random& random) {
  if (of <= count) {
    std::vector<uint64_t> all(of);
    std::iota(all.begin(), all.end(), uint64_t{0});
    return all;
  }
  // Floyd's way: each step draws among one more number than the last.
  std::set<uint64_t> chosen;
  for (uint64_t last = of - count; last < of; ++last) {
    const uint64_t drawn = random.Below(last + 1);
    chosen.insert(chosen.contains(drawn) ? last : drawn);
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace plugpull
