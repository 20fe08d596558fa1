#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"

namespace vfsprof::vfs {

/// What is known of the files of one folder: which of their changes are on the disk.
///
/// A file changes in two ways. It is *replaced* by another under its name: what was synced of the
/// old one says nothing of the new. Or it is *changed* in place: what was synced stays so, but for
/// the change. A failed sync stands until the file is replaced, as the kernel reports such a loss
/// only once and a second fsync would wrongly succeed.
///
/// Threads: none of its own; CacheFolder's mutex guards it.
class SyncLedger {
 public:
  /// What a sync that begins now puts on the disk.
  struct Mark {
    std::uint64_t replacements = 0;
    std::uint64_t changes = 0;
    bool named = false;  ///< the folder on the disk has this file: only its data is to be synced
  };

  /// The file was there at mount. Whether it was synced is not known: to take an earlier version
  /// for synced costs a sync when it is replaced, never data.
  void found(InodeId inode) { states_[inode.value] = {.changes = 2, .synced = 1}; }

  Mark replaced(InodeId inode) {
    State& state = states_[inode.value];
    ++state.replacements;
    ++state.changes;
    state.named = false;
    state.failed = false;
    return mark_of(state);
  }

  /// A change in place begins.
  void change_begins(InodeId inode) { ++states_[inode.value].changes; }
  /// It ended, done or failed. Counts once more: a sync in between has not seen all of it.
  void change_ended(InodeId inode) {
    const auto state = states_.find(inode.value);
    if (state != states_.end()) ++state->second.changes;
  }

  void removed(InodeId inode) { states_.erase(inode.value); }

  /// Some version of the file is on the disk, so that another must be there before it takes its
  /// place.
  bool has_synced_version(InodeId inode) const {
    const auto state = states_.find(inode.value);
    return state != states_.end() && state->second.synced > 0;
  }

  /// False while a failed sync stands: what is lost can be anywhere in the file.
  bool may_change_in_place(InodeId inode) const {
    const auto state = states_.find(inode.value);
    return state == states_.end() || !state->second.failed;
  }

  /// What there is to sync; empty if nothing is. Errors: EIO while a failed sync stands.
  Result<std::optional<Mark>> pending(InodeId inode) const {
    const auto state = states_.find(inode.value);
    if (state == states_.end() || state->second.synced == state->second.changes) {
      return std::nullopt;
    }
    if (state->second.failed) return fail(EIO);
    return mark_of(state->second);
  }

  /// What there is to sync of all files.
  std::vector<std::pair<InodeId, Mark>> all_pending() const {
    std::vector<std::pair<InodeId, Mark>> all;
    for (const auto& [inode, state] : states_) {
      if (state.synced != state.changes && !state.failed) {
        all.emplace_back(InodeId{inode}, mark_of(state));
      }
    }
    return all;
  }

  /// Data and name are on the disk as of `mark`. Returns false if the file was replaced meanwhile.
  bool synced(InodeId inode, const Mark& mark) {
    State* const state = still(inode, mark);
    if (state == nullptr) return !states_.contains(inode.value);
    if (state->synced < mark.changes) state->synced = mark.changes;
    state->named = true;
    return true;
  }

  /// The sync of what `mark` stands for failed. Returns false if the file was replaced meanwhile.
  bool failed(InodeId inode, const Mark& mark) {
    State* const state = still(inode, mark);
    if (state != nullptr) state->failed = true;
    return state != nullptr;
  }

 private:
  struct State {
    std::uint64_t replacements = 0;
    std::uint64_t changes = 0;  ///< replacements among them
    /// The value of `changes` last known on the disk; 0: nothing is.
    std::uint64_t synced = 0;
    bool named = false;
    bool failed = false;
  };

  static Mark mark_of(const State& state) {
    return {state.replacements, state.changes, state.named};
  }
  State* still(InodeId inode, const Mark& mark) {
    const auto state = states_.find(inode.value);
    if (state == states_.end() || state->second.replacements != mark.replacements) return nullptr;
    return &state->second;
  }

  std::unordered_map<std::uint64_t, State> states_;  ///< by inode
};

}  // namespace vfsprof::vfs
