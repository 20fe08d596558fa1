#pragma once

#include <string>
#include <string_view>

#include "vfs/engine.h"
#include "vfs/executor/frontend.h"
#include "vfs/namespace/namespace.h"

namespace vfsprof::vfs {

/// The floor: names and attributes in memory, no contents. A write replies with its size and does
/// nothing else; a file is always empty. What a daemon costs with this engine is the transport.
class NullEngine final : public Engine {
 public:
  static constexpr std::string_view kName = "null";

  /// The root directory belongs to who runs the daemon.
  NullEngine();

  // Names.
  Result<Attributes> lookup(EntryName entry) override { return names_.lookup(entry); }
  void forget(InodeId inode, std::uint64_t lookups) override { names_.forget(inode, lookups); }
  Result<Attributes> create_node(EntryName entry, NewNode node, Caller caller) override {
    return names_.create_node(entry, node, caller);
  }
  Result<Attributes> create_symlink(EntryName entry, std::string_view target,
                                    Caller caller) override {
    return names_.create_symlink(entry, target, caller);
  }
  Result<Attributes> link(InodeId inode, EntryName entry) override {
    return names_.link(inode, entry);
  }
  Result<void> unlink(EntryName entry) override;
  Result<void> remove_directory(EntryName entry) override;
  Result<void> rename(EntryName from, EntryName to, RenameFlags flags) override;
  Result<std::string> read_symlink(InodeId inode) override { return names_.read_symlink(inode); }
  Result<void> read_directory(InodeId directory, std::uint64_t cookie,
                              const DirectoryVisitor& visit) override {
    return names_.read_directory(directory, cookie, visit);
  }

  // Attributes. A size that is set is forgotten.
  Result<Attributes> attributes(InodeId inode) override { return names_.attributes(inode); }
  Result<Attributes> set_attributes(InodeId inode, const AttributeChange& change) override {
    return names_.set_attributes(inode, change);
  }
  /// No capacity, as tmpfs without a limit reports.
  FileSystemUsage usage() override { return {.inodes = names_.inode_count()}; }

  // Open files.
  Result<HandleId> open(InodeId inode, int flags) override;
  Result<Created> create(EntryName entry, NewNode node, int flags, Caller caller) override;
  Result<void> flush(InodeId, HandleId) override { return {}; }
  Result<void> release(InodeId inode, HandleId) override;
  bool close_waits() const override { return false; }
  Result<void> sync(InodeId, HandleId, SyncScope) override { return {}; }
  Result<void> sync_directory(InodeId) override { return {}; }

  // Data.
  StagedPayload stage(const Payload& payload) override { return {.owned = {}, .payload = payload}; }
  std::optional<Result<std::size_t>> try_write(const WriteRequest& request) override {
    return write(request);
  }
  std::unique_ptr<PayloadPages> payload_pages(std::size_t) override { return nullptr; }
  Result<std::size_t> write(const WriteRequest& request) override { return request.payload.size(); }
  Result<std::size_t> write_staged(const WriteRequest& request, const StagedPayload&) override {
    return request.payload.size();
  }
  Result<std::size_t> read(InodeId, HandleId, FileRange, std::span<std::byte>) override {
    return 0;
  }
  std::optional<Result<std::size_t>> try_read(InodeId, HandleId, FileRange,
                                              std::span<std::byte>) override {
    return 0;
  }
  Result<void> write_back_all() override { return {}; }

 private:
  Namespace names_;
};

/// A front end that runs everything on the calling thread and starts none, for an engine that never
/// waits.
class DirectFrontend final : public Frontend {
 public:
  explicit DirectFrontend(Engine& engine) : engine_(engine) {}

  void write(const WriteRequest& request, WriteReply reply) override {
    reply.send(reply, engine_.write(request));
  }
  void read(const ReadRequest& request, std::span<std::byte> buffer, ReadReply reply) override {
    send(reply, engine_.read(request.inode, request.handle, request.range, buffer), buffer);
  }
  void drain() override {}
  Result<void> flush(InodeId inode, HandleId handle) override {
    return engine_.flush(inode, handle);
  }
  Result<void> release(InodeId inode, HandleId handle) override {
    return engine_.release(inode, handle);
  }
  Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) override {
    return engine_.sync(inode, handle, scope);
  }
  Result<void> sync_directory(InodeId directory) override {
    return engine_.sync_directory(directory);
  }

 private:
  Engine& engine_;
};

}  // namespace vfsprof::vfs
