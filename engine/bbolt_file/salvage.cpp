// Salvage: one walk over all buckets in the order of their keys. What the newer root proves is
// taken from it; where it has a gap, the older root is asked; where that has one too, keys are
// lost.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "engine/bbolt_file/bucket_stream.h"
#include "engine/bbolt_file/surgery.h"
#include "engine/bbolt_file/surgery_pages.h"
#include "engine/bbolt_file/tree_builder.h"

namespace plugpull::bbolt_file {
namespace {

using cow_tree::BucketLocation;
using cow_tree::Entry;

constexpr size_t kLostRangesMax = 1000;
constexpr size_t kNameBytesShownMax = 64;
constexpr size_t kPathShownMax = 1000;

// The new file: metas, an empty freelist, trees.
constexpr PageId kFreelistPage = 2;
constexpr PageId kFirstTreePage = 3;

// Returns: a bucket's name as a part of a path: in hex when it is no plain text, cut when long.
std::string NameOf(Bytes name) {
  const auto is_plain = [](std::byte byte) {
    const auto c = static_cast<unsigned char>(byte);
    return c > 0x20 && c < 0x7f && c != '/';
  };
  const Bytes shown = name.first(std::min(name.size(), kNameBytesShownMax));
  const std::string_view rest = shown.size() < name.size() ? ".." : "";
  if (std::ranges::all_of(shown, is_plain)) return fmt::format("{}{}", AsText(shown), rest);
  std::string text = "0x";
  for (const std::byte byte : shown) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text.append(rest);
}

// A root that can be asked.
struct Root {
  BucketLocation bucket{};
  TrustedPages trusted;
};

class Salvager {
 public:
  Salvager(std::vector<std::unique_ptr<Root>> roots, PageWriter& writer)
      : roots_(std::move(roots)), writer_(writer) {}

  // Returns: the root page of the new file.
  Expected<PageId> Run();

  SalvageReport& report() { return report_; }

 private:
  // A bucket that is being brought over; those around it wait.
  struct Job {
    Job(PageWriter& writer, BucketStream stream) : items(std::move(stream)), builder(writer) {}

    Bytes name{};
    uint64_t sequence = 0;
    BucketStream items;
    bool is_from_previous = false;  // `items` are those of the older root: there is no other
    std::optional<BucketLocation> previous{};  // the same bucket in the older root
    StreamItem gap{};                          // in `items`, which `fill` goes over
    std::optional<BucketStream> fill{};
    TreeBuilder builder;
  };

  Expected<void> Step(Job& job);
  Expected<void> TakePair(Job& job, const StreamItem& item, bool is_from_previous);
  Expected<void> TakeBucket(Job& job, const StreamItem& item, bool is_from_previous);
  void StartFill(Job& job, StreamItem gap);
  // Returns: the path of the bucket in hand, as far as a person would read it.
  std::string Path() const;
  void Lose(const Job& job, const StreamItem& gap, const std::string& reason);
  Expected<void> EndBucket();

  // Returns: what the older root has under exactly this key of the bucket.
  std::optional<StreamItem> FindPrevious(const Job& job, Bytes key);
  std::optional<BucketLocation> PreviousBucket(const Job& job, Bytes key);

  std::vector<std::unique_ptr<Root>> roots_;  // the newer first
  PageWriter& writer_;
  SalvageReport report_;
  std::vector<std::unique_ptr<Job>> jobs_;  // the innermost last
  std::optional<PageId> root_;
};

Expected<PageId> Salvager::Run() {
  auto job = std::make_unique<Job>(writer_,
                                   BucketStream(roots_[0]->trusted, roots_[0]->bucket, KeyRange{}));
  if (roots_.size() > 1) job->previous = roots_[1]->bucket;
  jobs_.push_back(std::move(job));
  while (!root_) {
    if (Expected<void> done = Step(*jobs_.back()); !done) return std::unexpected(done.error());
  }
  return *root_;
}

Expected<void> Salvager::Step(Job& job) {
  const bool is_fill = job.fill.has_value();
  StreamItem item = is_fill ? job.fill->Next() : job.items.Next();
  switch (item.kind) {
    case StreamItem::Kind::kPair:
      return TakePair(job, item, is_fill || job.is_from_previous);
    case StreamItem::Kind::kBucket:
      return TakeBucket(job, item, is_fill || job.is_from_previous);
    case StreamItem::Kind::kGap:
      if (is_fill && item.reason != job.gap.reason) {
        Lose(job, item, fmt::format("{}; in the older tree: {}", job.gap.reason, item.reason));
      } else if (is_fill || !job.previous) {
        Lose(job, item, item.reason);
      } else {
        StartFill(job, std::move(item));
      }
      return {};
    case StreamItem::Kind::kEnd:
      if (!is_fill) return EndBucket();
      job.fill.reset();
      return {};
  }
  return {};
}

Expected<void> Salvager::TakePair(Job& job, const StreamItem& item, bool is_from_previous) {
  ++report_.keys;
  if (is_from_previous) ++report_.from_previous;
  return job.builder.Add(
      Entry{.key = std::string(AsText(item.key)), .value = std::string(AsText(item.value))});
}

Expected<void> Salvager::TakeBucket(Job& job, const StreamItem& item, bool is_from_previous) {
  const Expected<BucketLocation> bucket = cow_tree::ReadBucketValue(item.value);
  if (!bucket) {  // then only the older root can say what was there
    const std::string& reason = bucket.error().context;
    const std::optional<StreamItem> other =
        is_from_previous ? std::nullopt : FindPrevious(job, item.key);
    if (other && other->kind == StreamItem::Kind::kPair) return TakePair(job, *other, true);
    if (other && cow_tree::ReadBucketValue(other->value)) return TakeBucket(job, *other, true);
    Lose(job, StreamItem{.keys = {item.key, item.key}}, reason);
    return {};
  }
  TrustedPages& trusted = roots_[is_from_previous ? 1 : 0]->trusted;
  auto inner = std::make_unique<Job>(writer_, BucketStream(trusted, *bucket, KeyRange{}));
  inner->name = item.key;
  inner->sequence = bucket->header.sequence;
  inner->is_from_previous = is_from_previous;
  if (!is_from_previous) inner->previous = PreviousBucket(job, item.key);
  jobs_.push_back(std::move(inner));
  return {};
}

void Salvager::StartFill(Job& job, StreamItem gap) {
  job.gap = std::move(gap);
  job.fill.emplace(roots_[1]->trusted, *job.previous, job.gap.keys);
}

// Made when it is needed: the paths of deeply nested buckets would outgrow the file.
std::string Salvager::Path() const {
  std::string path;
  for (size_t level = 1; level < jobs_.size(); ++level) {
    if (level > 1) path += "/";
    if (path.size() > kPathShownMax) return path + "..";
    path += NameOf(jobs_[level]->name);
  }
  return path;
}

void Salvager::Lose(const Job& job, const StreamItem& gap, const std::string& reason) {
  if (report_.lost.size() == kLostRangesMax) {
    ++report_.more_lost;
    return;
  }
  std::string end_key(AsText(gap.keys.upper));
  // A single key ends where the next possible one begins.
  const bool is_single =
      gap.keys.upper.data() != nullptr && gap.keys.upper.data() == gap.keys.lower.data();
  if (is_single) end_key.push_back('\0');
  report_.lost.push_back(LostRange{.bucket = Path(),
                                   .first_key = std::string(AsText(gap.keys.lower)),
                                   .end_key = std::move(end_key),
                                   .page = job.fill ? job.gap.page : gap.page,
                                   .reason = reason});
}

Expected<void> Salvager::EndBucket() {
  Job& job = *jobs_.back();
  if (jobs_.size() == 1) {
    const Expected<PageId> root = job.builder.Finish();
    if (!root) return std::unexpected(root.error());
    root_ = *root;
    return {};
  }
  Expected<std::string> value = job.builder.FinishAsValue(job.sequence);
  if (!value) return std::unexpected(value.error());
  ++report_.buckets;
  Entry entry{.key = std::string(AsText(job.name)),
              .value = *std::move(value),
              .flags = cow_tree::kBucketElementFlag};
  jobs_.pop_back();
  return jobs_.back()->builder.Add(std::move(entry));
}

std::optional<StreamItem> Salvager::FindPrevious(const Job& job, Bytes key) {
  if (!job.previous) return std::nullopt;
  BucketStream items(roots_[1]->trusted, *job.previous, KeyRange{.lower = key});
  StreamItem item = items.Next();
  const bool is_it = item.key.data() != nullptr && cow_tree::CompareKeys(item.key, key) == 0;
  return is_it ? std::optional(std::move(item)) : std::nullopt;
}

std::optional<BucketLocation> Salvager::PreviousBucket(const Job& job, Bytes key) {
  const std::optional<StreamItem> item = FindPrevious(job, key);
  if (!item || item->kind != StreamItem::Kind::kBucket) return std::nullopt;
  const Expected<BucketLocation> bucket = cow_tree::ReadBucketValue(item->value);
  return bucket ? std::optional(*bucket) : std::nullopt;
}

// Writes the pages before the trees, so that either meta opens the file.
Expected<void> WriteFront(PageWriter& writer, VfsFile& file, PageId root, const Meta& old) {
  const size_t page_size_bytes = writer.page_size_bytes();
  std::vector<std::byte> pages(kFirstTreePage * page_size_bytes);
  const std::span<std::byte> all(pages);
  // Slot 0 holds even transactions. A txid near the end of its range is not an honest one.
  const uint64_t even = old.transaction_id + old.transaction_id % 2;
  const uint64_t first_transaction = old.transaction_id > ~uint64_t{0} / 2 ? 0 : even;
  for (PageId slot = 0; slot < 2; ++slot) {
    cow_tree::StoreMeta(all.subspan(slot * page_size_bytes), slot,
                        Meta{.page_size_bytes = writer.page_size_bytes(),
                             .root = {.root = root, .sequence = old.root.sequence},
                             .freelist = kFreelistPage,
                             .high_water_mark = writer.next(),
                             .transaction_id = first_transaction + slot});
  }
  cow_tree::StorePageHeader(&pages[kFreelistPage * page_size_bytes],
                            PageHeader{.id = kFreelistPage, .flags = cow_tree::kFreelistFlag});
  return file.Write(0, pages);
}

// Returns: the valid metas, the newer first.
std::vector<Meta> ValidMetas(const SurgeryPages& pages) {
  std::vector<Meta> metas;
  const std::optional<PageId> active = pages.ActiveSlot();
  if (!active) return metas;
  metas.push_back(pages.metas()[*active].meta);
  const RawMeta& other = pages.metas()[1 - *active];
  if (other.is_valid()) metas.push_back(other.meta);
  return metas;
}

}  // namespace

Expected<SalvageReport> Salvage(VfsFile& from, VfsFile& to) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(from);
  if (!pages) return std::unexpected(pages.error());
  const Expected<uint64_t> size = to.Size();
  if (!size) return std::unexpected(size.error());
  if (*size != 0) return Fail(ErrorCode::kInvalidArgument, "salvage writes to a new file only");
  const std::vector<Meta> metas = ValidMetas(*pages);
  if (metas.empty()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("nothing can be read: neither meta is valid ({}; {})",
                            pages->metas()[0].fault, pages->metas()[1].fault));
  }
  PageId limit = 0;
  for (const Meta& meta : metas) limit = std::max(limit, meta.high_water_mark);
  cow_tree::PooledPageCache cache;
  cache->Attach(from, pages->page_size_bytes(), std::min(limit, pages->page_count()));
  std::vector<std::unique_ptr<Root>> roots;
  roots.reserve(metas.size());
  for (const Meta& meta : metas) {
    roots.push_back(std::make_unique<Root>(
        Root{.bucket = {.header = meta.root}, .trusted = TrustedPages(*cache, meta)}));
  }
  PageWriter writer(to, pages->page_size_bytes(), kFirstTreePage);
  Salvager salvager(std::move(roots), writer);
  const Expected<PageId> root = salvager.Run();
  if (!root) return std::unexpected(root.error());
  SalvageReport& report = salvager.report();
  report.has_one_root = metas.size() == 1;
  if (report.keys == 0 && report.buckets == 0 && !report.lost.empty()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("nothing can be read from any root: {}", report.lost.front().reason));
  }
  if (Expected<void> written = WriteFront(writer, to, *root, metas[0]); !written) {
    return std::unexpected(written.error());
  }
  return report;
}

}  // namespace plugpull::bbolt_file
