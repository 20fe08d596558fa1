#pragma once

#include <memory>
#include <utility>

#include "vfs/engine.h"

namespace vfsprof::vfs {

/// An engine that hands every request on to another. Threads: as the other.
class ForwardingEngine : public Engine {
 public:
  explicit ForwardingEngine(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  Result<Attributes> lookup(EntryName entry) override { return engine_->lookup(entry); }
  void forget(InodeId inode, std::uint64_t lookups) override { engine_->forget(inode, lookups); }
  Result<Attributes> create_node(EntryName entry, NewNode node, Caller caller) override {
    return engine_->create_node(entry, node, caller);
  }
  Result<Attributes> create_symlink(EntryName entry, std::string_view target,
                                    Caller caller) override {
    return engine_->create_symlink(entry, target, caller);
  }
  Result<Attributes> link(InodeId inode, EntryName entry) override {
    return engine_->link(inode, entry);
  }
  Result<void> unlink(EntryName entry) override { return engine_->unlink(entry); }
  Result<void> remove_directory(EntryName entry) override {
    return engine_->remove_directory(entry);
  }
  Result<void> rename(EntryName from, EntryName to, RenameFlags flags) override {
    return engine_->rename(from, to, flags);
  }
  Result<std::string> read_symlink(InodeId inode) override { return engine_->read_symlink(inode); }
  Result<void> read_directory(InodeId directory, std::uint64_t cookie,
                              const DirectoryVisitor& visit) override {
    return engine_->read_directory(directory, cookie, visit);
  }
  Result<Attributes> attributes(InodeId inode) override { return engine_->attributes(inode); }
  Result<Attributes> set_attributes(InodeId inode, const AttributeChange& change) override {
    return engine_->set_attributes(inode, change);
  }
  FileSystemUsage usage() override { return engine_->usage(); }
  Result<HandleId> open(InodeId inode, int flags) override { return engine_->open(inode, flags); }
  Result<Created> create(EntryName entry, NewNode node, int flags, Caller caller) override {
    return engine_->create(entry, node, flags, caller);
  }
  bool close_waits() const override { return engine_->close_waits(); }
  Result<void> flush(InodeId inode, HandleId handle) override {
    return engine_->flush(inode, handle);
  }
  Result<void> release(InodeId inode, HandleId handle) override {
    return engine_->release(inode, handle);
  }
  Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) override {
    return engine_->sync(inode, handle, scope);
  }
  Result<void> sync_directory(InodeId directory) override {
    return engine_->sync_directory(directory);
  }
  Result<std::size_t> write(const WriteRequest& request) override {
    return engine_->write(request);
  }
  std::optional<Result<std::size_t>> try_write(const WriteRequest& request) override {
    return engine_->try_write(request);
  }
  StagedPayload stage(const Payload& payload) override { return engine_->stage(payload); }
  Result<std::size_t> write_staged(const WriteRequest& request,
                                   const StagedPayload& staged) override {
    return engine_->write_staged(request, staged);
  }
  std::unique_ptr<PayloadPages> payload_pages(std::size_t max_bytes) override {
    return engine_->payload_pages(max_bytes);
  }
  Result<std::size_t> read(InodeId inode, HandleId handle, FileRange range,
                           std::span<std::byte> out) override {
    return engine_->read(inode, handle, range, out);
  }
  std::optional<Result<std::size_t>> try_read(InodeId inode, HandleId handle, FileRange range,
                                              std::span<std::byte> out) override {
    return engine_->try_read(inode, handle, range, out);
  }
  Result<void> write_back_all() override { return engine_->write_back_all(); }

 protected:
  Engine& engine() { return *engine_; }

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace vfsprof::vfs
