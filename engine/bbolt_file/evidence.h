// What the walks of the trees find beside violations: pages whose own bytes are wrong, and
// references that do not fit. A reference has two ends, and which of them is to blame shows only
// when all are known.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/bbolt_file/page_layout.h"

namespace plugpull::bbolt_file {

inline constexpr PageId kMetaParent = 0;  // `from` of the reference to a root bucket
inline constexpr size_t kEvidenceMax = 20'000;

struct SickPage {
  PageId page = 0;
  PageId parent = 0;
  std::vector<LayoutFault> faults{};
  std::vector<PageId> stack{};
  uint8_t tree = 0;  // position in Autopsy::trees
};

enum class MisfitKind : uint8_t {
  kKeys,      // the child's keys are not those that the parent says
  kDepth,     // a leaf not as deep as the others
  kMultiple,  // somebody else refers to the child as well
  kCycle,     // the child is above the parent
  kBounds,    // no page has this id
  kFreed,     // the freelist has the child
  kPlace,     // the child holds pairs where only buckets are
};

struct Misfit {
  MisfitKind kind = MisfitKind::kKeys;
  PageId from = 0;
  PageId to = 0;
  uint32_t index = 0;  // of the element in `from`
  uint8_t tree = 0;
  bool blames_from = true;
  bool blames_to = true;
  std::string wanted_key{};  // bytes of the parent's key
  std::vector<PageId> stack{};
};

struct Evidence {
  std::vector<SickPage> sick{};
  std::vector<Misfit> misfits{};
  std::set<PageId> exonerated;  // pages that fit somewhere

  void Add(SickPage page) {
    if (sick.size() < kEvidenceMax) sick.push_back(std::move(page));
  }
  void Add(Misfit misfit) {
    if (misfits.size() < kEvidenceMax) misfits.push_back(std::move(misfit));
  }
};

}  // namespace plugpull::bbolt_file
