#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "vfs/engine.h"

namespace vfsprof::vfs {

/// An engine of which only writes, reads and flushes do something: what the test says.
class FakeEngine final : public Engine {
 public:
  using Written = Result<std::size_t>;

  std::function<std::optional<Written>(const WriteRequest&)> on_try_write;
  std::function<Written(const WriteRequest&)> on_write;
  std::function<std::optional<Written>(std::span<std::byte>)> on_try_read;
  std::function<Written(std::span<std::byte>)> on_read;
  std::function<Result<void>()> on_flush = [] { return Result<void>(); };

  /// What waits for nothing is written by `on_write`.
  static std::unique_ptr<FakeEngine> always_ready(
      std::function<Written(const WriteRequest&)> on_write) {
    auto engine = std::make_unique<FakeEngine>();
    engine->on_try_write = on_write;
    engine->on_write = std::move(on_write);
    return engine;
  }
  /// Every write must fetch first.
  static std::unique_ptr<FakeEngine> always_fetching(
      std::function<Written(const WriteRequest&)> on_write) {
    auto engine = std::make_unique<FakeEngine>();
    engine->on_try_write = [](const WriteRequest&) { return std::nullopt; };
    engine->on_write = std::move(on_write);
    return engine;
  }

  Written write(const WriteRequest& request) override { return on_write(request); }
  std::optional<Written> try_write(const WriteRequest& request) override {
    return on_try_write(request);
  }
  Written read(InodeId, HandleId, FileRange, std::span<std::byte> out) override {
    return on_read(out);
  }
  std::optional<Written> try_read(InodeId, HandleId, FileRange, std::span<std::byte> out) override {
    return on_try_read(out);
  }
  bool close_waits() const override { return true; }
  std::unique_ptr<PayloadPages> payload_pages(std::size_t) override { return nullptr; }
  StagedPayload stage(const Payload& payload) override { return {.owned = {}, .payload = payload}; }
  Written write_staged(const WriteRequest& request, const StagedPayload&) override {
    return on_write(request);
  }
  Result<void> flush(InodeId, HandleId) override { return on_flush(); }
  Result<void> release(InodeId, HandleId) override { return on_flush(); }
  Result<void> sync(InodeId, HandleId, SyncScope) override { return on_flush(); }
  Result<void> sync_directory(InodeId) override { return on_flush(); }

  // What no front end calls.
  Result<Attributes> lookup(EntryName) override { return fail(ENOSYS); }
  void forget(InodeId, std::uint64_t) override {}
  Result<Attributes> create_node(EntryName, NewNode, Caller) override { return fail(ENOSYS); }
  Result<Attributes> create_symlink(EntryName, std::string_view, Caller) override {
    return fail(ENOSYS);
  }
  Result<Attributes> link(InodeId, EntryName) override { return fail(ENOSYS); }
  Result<void> unlink(EntryName) override { return fail(ENOSYS); }
  Result<void> remove_directory(EntryName) override { return fail(ENOSYS); }
  Result<void> rename(EntryName, EntryName, RenameFlags) override { return fail(ENOSYS); }
  Result<std::string> read_symlink(InodeId) override { return fail(ENOSYS); }
  Result<void> read_directory(InodeId, std::uint64_t, const DirectoryVisitor&) override {
    return fail(ENOSYS);
  }
  Result<Attributes> attributes(InodeId) override { return fail(ENOSYS); }
  Result<Attributes> set_attributes(InodeId, const AttributeChange&) override {
    return fail(ENOSYS);
  }
  FileSystemUsage usage() override { return {}; }
  Result<HandleId> open(InodeId, int) override { return fail(ENOSYS); }
  Result<Created> create(EntryName, NewNode, int, Caller) override { return fail(ENOSYS); }
  Result<void> write_back_all() override { return {}; }
};

}  // namespace vfsprof::vfs
