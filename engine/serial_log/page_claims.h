// Which pages something refers to, and whether it may: the part of the check that all kinds of
// pages share. Each page is claimed once, so that whoever follows claims only ends on every input.
#pragma once

#include <optional>
#include <vector>

#include "engine/serial_log/page_cache.h"
#include "engine/serial_log/problems.h"
#include "faults/base/error.h"

namespace plugpull::serial_log {

// Who refers to a page: "locator page 1392 slot 484".
struct Referrer {
  PageType type = PageType::kNone;
  PageNumber page = 0;
  int32_t place = -1;  // slot or line; -1: the page has one reference only

  std::string Text() const;
};

class PageClaims {
 public:
  // All must outlive the claims. An empty `inventory` says nothing about any page.
  PageClaims(PageCache& pages, Bytes inventory, Problems& problems);

  // Takes a page for `who`. Returns: its bytes; nothing, when they cannot be used: then a problem
  // says why. Errors: I/O; damage is a problem, not an error.
  Expected<std::optional<Bytes>> Claim(PageNumber page, PageType type, const Referrer& who);

  // Says that something was left out: then a page without a claim is no leak.
  void SetIncomplete() { is_complete_ = false; }

  // Compares the claims with the inventory: F-I5.
  void CheckInventory(Problems& leaks);

 private:
  bool IsClaimed(PageNumber page) const { return (words_[page / 64] >> (page % 64)) & 1; }
  std::optional<Bytes> Refuse();

  PageCache& pages_;
  Bytes inventory_;
  Problems& problems_;
  bool is_complete_ = true;
  std::vector<uint64_t> words_;  // one bit a page
};

}  // namespace plugpull::serial_log
