// A crash point as a page fault sees it: the files that have a name there, and those of their pages
// that a correct disk could not lose any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/base/random.h"
#include "faults/inject/fault_call.h"
#include "faults/inject/page_history.h"
#include "faults/vfs/byte_patch.h"

namespace plugpull {

struct SiteFile {
  std::string path;
  InodeId inode = kNoInode;
  uint64_t size_bytes = 0;
  std::vector<uint64_t> pages;  // ascending; those that may be damaged
};

struct PageSite {
  const PageHistory& history;
  size_t position;
  std::vector<SiteFile> files;  // by path

  uint64_t DigestOf(PageName name) const { return history.DigestAt(name, position); }

  // Returns: the length of a page as far as its file reaches.
  static uint64_t LengthOf(const SiteFile& file, uint64_t page);

  // Returns: `content` as the new bytes of a page, as far as its file reaches.
  static BytePatch PatchOf(const SiteFile& file, uint64_t page, const PageContent& content);
};

// A page of a site.
struct SitePage {
  const SiteFile* file = nullptr;
  uint64_t page = 0;

  PageName name() const { return {file->inode, page}; }
};

// Returns: the pages that may be damaged in files whose path matches a pattern with * and ?.
std::vector<SitePage> PagesLike(const PageSite& site, const std::string& pattern);

// Returns: the page that an instance names with two of its arguments.
// Errors: kCorrupt when the site has no such page.
Expected<SitePage> FindPage(const PageSite& site, const FaultCall& instance,
                            std::string_view path_argument = "file",
                            std::string_view page_argument = "page");

// Returns: `count` of the numbers below `of`, ascending, each with the same chance; all if there
// are no more.
std::vector<uint64_t> Choose(uint64_t of, uint64_t count, Random& random);

}  // namespace plugpull
