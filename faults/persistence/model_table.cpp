// The rows of the specification's table of models (persistence models, 4.7), each as its
// difference from the row before it or from posix-minimal. `observed` is how file systems are
// implemented and tested; ContractProfile takes back what no man page promises.
#include <algorithm>

#include "faults/base/assert.h"
#include "faults/persistence/model.h"

namespace plugpull {
namespace {

Model PosixMinimal() {
  return {.name = "posix-minimal",
          .description = "what POSIX promises: only synced bytes, sizes and names are sure to stay",
          .shape = Shape::kClosedSet,
          .groups = Groups::kRename,
          .rename = Rename::kAtomic,
          .fill = Fill::kGarbage};
}

// What journaling file systems share: metadata survives as a prefix of its issue order, sizes and
// bytes float.
Model Journaling(std::string name, std::string description) {
  return {.name = std::move(name),
          .description = std::move(description),
          .shape = Shape::kClosedSet,
          .truncate_fence = true,
          .inode_chain = true,
          .directory_chain = true,
          .groups = Groups::kAll,
          .creation_group = true,
          .metadata_chain = true,
          .anchored_sizes = true,
          .drag = Drag::kToCall};
}

Model Ext4Writeback() {
  Model model = Journaling("ext4-writeback",
                           "ext4 data=writeback: as ext4-ordered, and new blocks "
                           "may show stale bytes");
  model.fill = Fill::kGarbage;
  return model;
}

Model Ext4OrderedClassic() {
  Model model =
      Journaling("ext4-ordered-classic",
                 "ext4 data=ordered, dioread_lock: new bytes are written before the size");
  model.data_before_size = DataBeforeSize::kNewRange;
  model.zero_tail = true;
  return model;
}

Model Ext4Ordered() {
  return Journaling("ext4-ordered",
                    "ext4 as it is mounted by default today: metadata in order, "
                    "sizes may show zeros before the bytes come");
}

Model Ext4Journal() {
  Model model = Journaling("ext4-journal", "ext4 data=journal: everything in issue order");
  model.journalled_data = true;
  model.tear = Tear::kPages;
  model.failed_sync = FailedSync::kLate;
  return model;
}

Model Xfs() {
  Model model = Journaling("xfs", "xfs: metadata in order, a size comes after the bytes it shows");
  model.size_order = SizeOrder::kMax;
  model.data_before_size = DataBeforeSize::kOwnChunk;
  return model;
}

Model Btrfs() {
  Model model = Journaling("btrfs",
                           "btrfs with no-holes: commits in order, and what was synced on "
                           "its own in a log; nothing is overwritten in place");
  model.shape = Shape::kCommitAndLog;
  model.size_order = SizeOrder::kMax;
  model.cow_extents = true;
  model.tear = Tear::kPages;
  model.drag = Drag::kToCovered;
  model.data_sync_covers_names = true;
  model.failed_sync = FailedSync::kRevert;
  model.data_checksums = true;
  return model;
}

Model Somc() {
  Model model = Journaling("somc",
                           "strictly ordered metadata: of two operations that depend on "
                           "one another the later never survives alone");
  model.metadata_chain = false;
  model.anchored_sizes = false;
  model.fill = Fill::kGarbage;
  model.drag = Drag::kToCovered;
  return model;
}

}  // namespace

const std::vector<Model>& Models() {
  static const std::vector<Model> models = {PosixMinimal(),       Somc(),       Ext4Writeback(),
                                            Ext4Ordered(),        Xfs(),        Btrfs(),
                                            Ext4OrderedClassic(), Ext4Journal()};
  return models;
}

const std::vector<Model>& FaultModels() {
  static const std::vector<Model> models = {
      {.name = "ordered",
       .description = "what survives is a prefix of what was issued",
       .shape = Shape::kPrefix},
      {.name = "process-kill",
       .description = "the process dies, the machine lives: everything issued survives",
       .shape = Shape::kEverything},
  };
  return models;
}

const Model* FindModel(std::string_view name) {
  for (const auto* models : {&Models(), &FaultModels()}) {
    const auto found = std::ranges::find(*models, name, &Model::name);
    if (found != models->end()) return &*found;
  }
  return nullptr;
}

const Model& ContractProfile(const Model& model) {
  static const std::vector<Model> contracts = [] {
    std::vector<Model> made = Models();
    for (Model& contract : made) {
      contract.creation_group = false;
      contract.data_sync_covers_names = false;
      contract.replace_flush = Flush::kOff;
      contract.drag = Drag::kToCovered;
      if (contract.name != "posix-minimal") contract.name += ",profile=contract";
    }
    return made;
  }();
  const ptrdiff_t index = &model - Models().data();
  Assert(index >= 0 && index < static_cast<ptrdiff_t>(contracts.size()), "one of Models()");
  return contracts[static_cast<size_t>(index)];
}

// The enumerators are in order, the coarsest first.
std::vector<ModelVariant> VariantsOf(const Model& model) {
  std::vector<ModelVariant> variants;
  const auto add = [&](bool heuristic, auto change) {
    change(variants.emplace_back(heuristic, model).model);
  };
  if (model.name == "posix-minimal") {
    add(false, [](Model& m) { m.groups = Groups::kNone, m.rename = Rename::kDual; });
    add(false, [](Model& m) { m.groups = Groups::kNone, m.rename = Rename::kTargetMissing; });
  }
  if (model.name == "ext4-journal") {
    add(false, [](Model& m) { m.drag = Drag::kToCovered; });
    add(false, [](Model& m) { m.mapped_order = false; });
  }
  // Whether completions of one file come in order on xfs is not known (8, point 3).
  if (model.name == "xfs") {
    add(false, [](Model& m) {
      m.size_order = SizeOrder::kIssue;
      m.data_before_size = DataBeforeSize::kNewRange;
    });
  }
  // A write that makes one extent gets its size together with its bytes (8, point 2).
  if (model.name == "btrfs") {
    add(false, [](Model& m) { m.data_before_size = DataBeforeSize::kOwnChunk; });
  }
  if (model.name == "ext4-ordered" || model.name == "ext4-ordered-classic" ||
      model.name == "btrfs") {
    add(true, [](Model& m) { m.replace_flush = Flush::kStrict; });
  }
  if (model.name == "ext4-ordered" || model.name == "ext4-ordered-classic" ||
      model.name == "btrfs" || model.name == "xfs") {
    add(true, [](Model& m) { m.truncate_flush = Flush::kStrict; });
  }
  return variants;
}

}  // namespace plugpull
