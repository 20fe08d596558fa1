#include "vfs/store/memory_store.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <mutex>

#include "vfs/base/check.h"

namespace vfsprof::vfs {

MemoryStore::MemoryStore(std::size_t page_objects) : page_objects_(page_objects) {
  VFSPROF_CHECK(page_objects > 0);
}

void MemoryStore::preload(std::uint64_t count, std::uint64_t size) {
  const std::unique_lock lock(mutex_);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string key = fmt::format("object-{:06}", i);
    const std::string line = key + '\n';
    Object object{std::vector<std::byte>(size), ::time(nullptr)};
    for (std::span<std::byte> rest = object.content; !rest.empty();) {
      const auto part = std::as_bytes(std::span(line)).first(std::min(line.size(), rest.size()));
      std::ranges::copy(part, rest.begin());
      rest = rest.subspan(part.size());
    }
    objects_.insert_or_assign(std::move(key), std::move(object));
  }
}

Result<ObjectPage> MemoryStore::list(std::string_view after) {
  const std::shared_lock lock(mutex_);
  ObjectPage page;
  auto object = after.empty() ? objects_.begin() : objects_.upper_bound(after);
  for (; object != objects_.end() && page.objects.size() < page_objects_; ++object) {
    page.objects.push_back(
        {object->first, object->second.content.size(), object->second.modified_s});
  }
  if (object != objects_.end()) page.next = page.objects.back().key;
  return page;
}

Result<std::size_t> MemoryStore::fetch(std::string_view key, std::uint64_t offset,
                                       std::span<std::byte> out) {
  const std::shared_lock lock(mutex_);
  const auto object = objects_.find(key);
  if (object == objects_.end()) return fail(ENOENT);
  const std::span<const std::byte> content = object->second.content;
  if (offset >= content.size()) return 0;
  const auto wanted = content.subspan(offset, std::min(out.size(), content.size() - offset));
  std::ranges::copy(wanted, out.begin());
  return wanted.size();
}

Result<void> MemoryStore::put(std::string_view key, std::span<const std::byte> content) {
  if (key.empty()) return fail(EINVAL);
  const std::unique_lock lock(mutex_);
  objects_.insert_or_assign(std::string(key),
                            Object{{content.begin(), content.end()}, ::time(nullptr)});
  return {};
}

}  // namespace vfsprof::vfs
