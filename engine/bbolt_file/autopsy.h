// What is wrong with a bbolt file, how much of it is still there, and which fault of the storage
// explains it. Reads only; never opens the file as a database.
//
// Whatever the bytes are, an autopsy ends: walks keep their own stack, a set of pages visited and a
// bound on depth; memory is a small multiple of the number of pages, not of the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/cow_tree/format.h"
#include "faults/base/error.h"
#include "faults/inject/fault_level.h"

namespace plugpull::bbolt_file {

using cow_tree::Meta;
using cow_tree::PageId;

struct MetaFinding {
  PageId slot = 0;
  std::string fault{};         // why it is not valid, in bbolt's words; empty: it is
  std::optional<Meta> meta{};  // the fields as they are there, also of an invalid one that has them
  bool is_active = false;
};

// A broken invariant of specification 1.9.
struct Violation {
  std::string rule{};  // "I5"
  std::string text{};  // bbolt's phrase where it has one: "page 7: multiple references ..."
  PageId page = 0;     // where it was seen
  std::vector<PageId> stack{};  // from the root of the bucket to that page
  std::string key{};            // in hex; empty: it is not about a key
  std::string bucket{};         // path of names in text or hex, "" for the root bucket
};

// What is reached from one meta.
struct TreeFinding {
  PageId slot = 0;
  bool is_active = false;
  uint64_t pages = 0;  // reached, with overflow
  uint64_t buckets = 0;
  uint64_t keys = 0;   // in leaves that could be read, buckets not counted
  uint64_t bytes = 0;  // of those keys and values
  uint32_t depth = 0;
  bool is_whole = false;  // no violation, and nothing was left out
  std::vector<Violation> violations{};
  uint64_t more_violations = 0;  // that were not kept
};

// Pages whose contents are the same but for the id in their header.
struct Duplicate {
  std::vector<PageId> pages{};  // ascending
  std::string kind{};           // "leaf", "branch", "freelist", ...
  uint32_t elements = 0;
};

// A page that does not fit where it lies.
struct Suspect {
  PageId page = 0;
  std::string kind{};      // what it is now: "branch", "leaf", "zeros", "unknown<9f>"
  std::string evidence{};  // one sentence
  std::vector<PageId> stack{};
};

struct FreelistFinding {
  bool is_persisted = false;
  PageId page = 0;
  uint64_t ids = 0;
  std::vector<PageId> reachable_freed{};  // the first ones
  std::vector<PageId> unreachable_unfreed{};
  uint64_t reachable_freed_count = 0;
  uint64_t unreachable_unfreed_count = 0;
};

// How the trees of the two metas compare.
struct Comparison {
  bool is_possible = false;  // both metas are valid
  uint64_t shared_pages = 0;
  uint64_t only_active = 0;
  uint64_t only_previous = 0;
  // Whether going back to the other meta would give a whole tree.
  bool previous_is_whole = false;
};

enum class Confidence : uint8_t { kCertain, kLikely, kPossible };

// A fault that explains the damage. The first of several is the weakest that explains all of it.
struct Diagnosis {
  std::optional<FaultLevel> level{};  // the weakest that does; none: a bug of software, not storage
  std::string fault{};  // "stale branch page", "lost page of the newest transaction", ...
  PageId page = 0;      // that was tampered with; 0: no single page
  Confidence confidence = Confidence::kPossible;
  bool possible_on_honest_disk = false;
  std::string sentence{};  // for people
  std::string advice{};    // what to try first: "surgery revert-meta", "salvage", ...
};

// A page in the damaged neighbourhood, for the picture.
struct GraphPage {
  PageId page = 0;
  std::string kind{};
  uint32_t elements = 0;
  std::string first_key{};  // in hex, cut short
  std::string last_key{};
  bool is_damaged = false;
  bool in_active = false;
  bool in_previous = false;
};

struct GraphEdge {
  PageId from = 0;
  PageId to = 0;
  bool is_damaged = false;  // closes a cycle, is a second reference, or leads to a page unfit
  bool in_active = false;
  bool in_previous = false;
};

struct Graph {
  std::vector<GraphPage> pages{};
  std::vector<GraphEdge> edges{};
  bool is_cut = false;  // there was more than fits a picture
};

// What can be done about it (specification 1.9, O5).
enum class Recoverability : uint8_t {
  kSound,         // nothing is wrong
  kPreviousMeta,  // the tree of the other meta is whole
  kFreelistScan,  // the tree is whole, the freelist is not
  kPageSurgery,   // no whole tree; part of the keys can be read
  kNothingLeft,   // nothing can be read
};

struct Autopsy {
  std::string path{};
  uint64_t file_bytes = 0;
  uint32_t page_size_bytes = 0;
  uint64_t file_pages = 0;
  std::array<MetaFinding, 2> metas{};
  std::string active_reason{};               // why that meta is the active one, or why none is
  std::vector<Violation> file_violations{};  // of metas and the freelist, in no tree
  std::vector<TreeFinding> trees{};          // active first; none where no meta is valid
  FreelistFinding freelist{};
  std::vector<Duplicate> duplicates{};  // the first ones, reachable ones before others
  uint64_t duplicate_count = 0;
  std::vector<Suspect> suspects{};
  Comparison comparison{};
  std::vector<Diagnosis> diagnoses{};  // empty: sound
  Recoverability recoverability = Recoverability::kSound;
  Graph graph{};                     // empty: sound
  bool changed_while_read = false;   // somebody wrote to the file meanwhile
  std::vector<std::string> notes{};  // worth knowing, and no damage

  bool is_sound() const { return recoverability == Recoverability::kSound; }
};

struct AutopsySettings {
  uint32_t violations_max = 100;  // kept of each tree
  uint32_t duplicates_max = 100;
  uint32_t graph_pages_max = 60;
};

// Returns: what there is to say about the file at `path`.
// Errors: kNotFound, kPermissionDenied and the like; kInvalidArgument: a directory, an empty file;
// kCorrupt: no bbolt file at all, with what it lacks. A damaged bbolt file is no error.
Expected<Autopsy> Examine(const std::string& path, const AutopsySettings& settings = {});

std::string_view Describe(Recoverability recoverability);
std::string_view Describe(Confidence confidence);

}  // namespace plugpull::bbolt_file
