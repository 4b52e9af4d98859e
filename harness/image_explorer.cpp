#include "harness/image_explorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "faults/base/random.h"
#include "faults/persistence/materialise.h"
#include "harness/error_run.h"
#include "harness/image_search.h"

namespace plugpull {
namespace {

uint64_t HashOf(std::string_view text) { return Random(0, text).Next(); }

}  // namespace

Expected<ImageExplorer::Court*> ImageExplorer::CourtOf(const ExploreSettings& settings) {
  const std::string way =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", settings.target, settings.check, Name(settings.promise),
                  settings.seed, settings.keys, settings.recovery_timeout_ms);
  Court& court = courts_[way];
  if (court.judge == nullptr) {
    Expected<std::unique_ptr<ImageJudge>> judge = MakeImageJudge(trace_, model_, settings);
    if (!judge) return std::unexpected(judge.error());
    court.judge = std::move(*judge);
    court.hash = HashOf(way);
  }
  return &court;
}

Expected<void> ImageExplorer::MoveTo(Site& site, const PointTask& task,
                                     const std::optional<Damage>& damage, bool& fired) {
  const ExploreSettings& settings = task.settings;
  const Tear tear = EffectiveTear(*settings.model, settings.tear);
  const bool lies = damage && damage->lies_from;
  if (site.cursor == nullptr || site.cursor->position() > task.position || lies) {
    site.cursor = std::make_unique<CrashCursor>(trace_, *settings.model, tear);
    site.tree.Forget();
  }
  if (lies) {
    site.cursor->AdvanceTo(std::min(*damage->lies_from, task.position));
    site.cursor->LieFromNowOn();
  }
  site.cursor->AdvanceTo(task.position);
  fired = !lies || site.cursor->lies() > 0;
  if (damage) {
    fired = site.cursor->Damage(damage->patches) && fired;
    site.tree.Forget();
  }
  site.graph.Build(*site.cursor, tear);
  if (damage && damage->cuts_sectors) {
    const auto is_cut = [](const Atom& atom) {
      return atom.id.kind == AtomKind::kData && atom.id.index > 0;
    };
    fired =
        fired && IsSubSector(site.graph.tear()) && std::ranges::any_of(site.graph.atoms(), is_cut);
  }
  return {};
}

Expected<ExploredPoint> ImageExplorer::Explore(const PointTask& task) {
  const Expected<Court*> court = CourtOf(task.settings);
  if (!court) return std::unexpected(court.error());
  std::optional<Damage> damage;
  if (!task.fault.empty()) {
    if (damage_reader_ == nullptr) damage_reader_ = std::make_unique<DamageReader>(trace_);
    Expected<Damage> read = damage_reader_->Read(task.fault, task.position);
    if (!read) return std::unexpected(read.error());
    damage = std::move(*read);
  }
  auto& place = sites_[{task.settings.model, task.settings.tear}];
  if (place == nullptr) place = std::make_unique<Site>();
  Site& site = *place;
  bool fired = true;
  if (const Expected<void> moved = MoveTo(site, task, damage, fired); !moved) {
    return std::unexpected(moved.error());
  }
  Expected<ExploredPoint> explored = ExploredPoint();
  if (fired) {
    site.tree.Enter();
    explored = Search(*this, site, **court, task, damage.has_value()).Run();
  } else {
    explored->result.position = task.position;
    explored->result.exhausted = true;
  }
  if (damage) {
    site.cursor->Repair();
    site.tree.Forget();
    if (damage->lies_from) site.cursor.reset();
  }
  if (!explored) return explored;
  explored->result.fired = fired;
  explored->result.fault = task.fault;
  return explored;
}

Expected<std::optional<Violation>> ImageExplorer::Replay(const ReplayTask& task,
                                                         std::optional<uint32_t>* recovered) {
  if (task.in_use) {
    return Fail(ErrorCode::kUnsupported,
                "a program cannot go on with the workload after a crash; use a linked target");
  }
  const Expected<Court*> court = CourtOf(task.settings);
  if (!court) return std::unexpected(court.error());
  Image image = Materialise(trace_, task.position, task.lost, task.settings.tear);
  if (!task.fault.empty()) {
    if (damage_reader_ == nullptr) damage_reader_ = std::make_unique<DamageReader>(trace_);
    const Expected<Damage> damage = damage_reader_->Read(task.fault, task.position);
    if (!damage) return std::unexpected(damage.error());
    Apply(damage->patches, image);
  }
  Window window = task.window;
  window.after_failure = AcknowledgedAfterFailure(trace_, task.position);
  ++recoveries_;
  Expected<Judgement> judgement = (*court)->judge->Judge(image, window);
  if (judgement && !judgement->violation && judgement->known_state) {
    judgement = (*court)->judge->Use(std::move(*judgement));
  }
  if (!judgement) return std::unexpected(judgement.error());
  if (recovered != nullptr && judgement->known_state) {
    *recovered = judgement->recovered_transaction;
  }
  return std::move(judgement->violation);
}

}  // namespace plugpull
