// What each crash state costs before its check begins: showing an image that differs a little from
// the one before. The database is as large as the small ones that people torture: 0.26 MB.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/base/descriptor.h"
#include "faults/doors/image_directory.h"

namespace plugpull {
namespace {

constexpr uint64_t kPages = 64;

Image Database() {
  Image image;
  image.names.Set(kRootInode, "db", 2);
  image.files[2].Store(0, AsBytes(std::string(kPages * kPageBytes, 'd')));
  image.files[2].RaiseSize(kPages * kPageBytes);
  image.names.Set(kRootInode, "log", 3);
  image.files[3].Store(0, AsBytes(std::string(kPageBytes, 'l')));
  image.files[3].RaiseSize(kPageBytes);
  return image;
}

// Images that differ from each other in `changed` pages.
std::vector<Image> Images(uint64_t changed) {
  std::vector<Image> images;
  for (uint64_t i = 0; i < 16; ++i) {
    Image image = images.empty() ? Database() : images.back();
    for (uint64_t page = 0; page < changed; ++page) {
      const std::string text = std::to_string(i);
      image.files[2].Store((7 * i + 3 * page) % kPages * kPageBytes, AsBytes(text));
    }
    images.push_back(std::move(image));
  }
  return images;
}

void ShowChangedPages(benchmark::State& state) {
  ImageDirectory directory = *ImageDirectory::Create();
  const std::vector<Image> images = Images(static_cast<uint64_t>(state.range(0)));
  size_t next = 0;
  for (auto _ : state) {
    if (!directory.Show(images[next++ % images.size()])) state.SkipWithError("cannot show");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ShowChangedPages)->Arg(0)->Arg(1)->Arg(3)->Arg(10);

// The same after somebody has read the database, which might have been a mapping: all of it is
// compared. Includes the reading of one byte.
void ShowAfterARead(benchmark::State& state) {
  ImageDirectory directory = *ImageDirectory::Create();
  const std::vector<Image> images = Images(1);
  size_t next = 0;
  char byte = 0;
  for (auto _ : state) {
    if (!directory.Show(images[next++ % images.size()])) state.SkipWithError("cannot show");
    const Descriptor file(open((directory.path() + "/db").c_str(), O_RDONLY | O_CLOEXEC));
    if (read(file.number(), &byte, 1) != 1) state.SkipWithError("cannot read");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ShowAfterARead);

// After a check that made and removed a journal, as SQLite does. Includes making and removing it.
void ShowAfterAJournal(benchmark::State& state) {
  ImageDirectory directory = *ImageDirectory::Create();
  const std::vector<Image> images = Images(1);
  const std::string journal = directory.path() + "/journal";
  size_t next = 0;
  for (auto _ : state) {
    if (!directory.Show(images[next++ % images.size()])) state.SkipWithError("cannot show");
    const Descriptor file(open(journal.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (unlink(journal.c_str()) != 0) state.SkipWithError("cannot remove");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ShowAfterAJournal);

}  // namespace
}  // namespace plugpull
