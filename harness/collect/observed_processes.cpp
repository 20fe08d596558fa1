#include "harness/collect/observed_processes.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <cstring>
#include <iterator>

#include "harness/collect/proc.h"

namespace vfsprof::harness {
namespace {

template <class T>
T take(std::span<const std::byte>& bytes) {
  T value{};
  if (bytes.size() < sizeof value) {
    bytes = {};
    return value;
  }
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return value;
}

/// The string at the end of a record, padded with zeros.
std::string text_of(std::span<const std::byte> bytes) {
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

}  // namespace

ObservedProcesses::ObservedProcesses(pid_t root, bool follow_children)
    : root_(root), follow_children_(follow_children), tree_(root, follow_children) {
  look();
}

void ObservedProcesses::look() {
  living_ = tree_.look();
  for (const pid_t pid : living_) processes_.try_emplace(pid);
  for (auto& [pid, process] : processes_) {
    // Without records nobody says when mappings change: those of the root are read at both ends.
    if (process.changed) read_maps(pid, process);
  }
}

void ObservedProcesses::read_maps(pid_t pid, Process& process) {
  process.changed = false;
  auto maps = read_text(fmt::format("/proc/{}/maps", pid));
  // A process that has ended has none: what was known of it stays.
  if (!maps || maps->empty()) return;
  process.maps = std::move(*maps);
  process.recorded.clear();
}

void ObservedProcesses::note(const RingRecord& record) {
  if (record.type == PERF_RECORD_FORK) {
    note_fork(record.payload);
  } else if (record.type == PERF_RECORD_COMM) {
    note_name(record);
  } else if (record.type == PERF_RECORD_MMAP2) {
    note_mapping(record.payload);
  }
}

void ObservedProcesses::note_fork(std::span<const std::byte> payload) {
  const auto pid = take<std::int32_t>(payload);
  const auto parent = take<std::int32_t>(payload);
  const auto tid = take<std::int32_t>(payload);
  const auto parent_tid = take<std::int32_t>(payload);
  const auto found = processes_.find(parent);
  if (found == processes_.end()) return;
  if (const std::string name = name_of(parent_tid); !name.empty()) names_[tid] = name;
  if (pid == parent || !follow_children_) return;  // a thread
  Process child = found->second;
  child.changed = true;
  processes_[pid] = std::move(child);
}

void ObservedProcesses::note_name(const RingRecord& record) {
  std::span<const std::byte> payload = record.payload;
  const auto pid = take<std::int32_t>(payload);
  const auto tid = take<std::int32_t>(payload);
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  names_[tid] = text_of(payload);
  if ((record.misc & PERF_RECORD_MISC_COMM_EXEC) != 0) found->second = Process{};
}

void ObservedProcesses::note_mapping(std::span<const std::byte> payload) {
  const auto pid = take<std::int32_t>(payload);
  take<std::int32_t>(payload);  // thread
  const auto start = take<std::uint64_t>(payload);
  const auto length = take<std::uint64_t>(payload);
  const auto offset = take<std::uint64_t>(payload);
  const auto major = take<std::uint32_t>(payload);
  const auto minor = take<std::uint32_t>(payload);
  const auto inode = take<std::uint64_t>(payload);
  take<std::uint64_t>(payload);  // generation of the inode
  take<std::uint64_t>(payload);  // protection and flags
  const auto found = processes_.find(pid);
  if (found == processes_.end() || offset > start) return;
  // Only executable mappings are recorded. As if the whole file were mapped: from its first byte
  // on.
  found->second.recorded[start - offset] =
      fmt::format("{:x}-{:x} r-xp 00000000 {:02x}:{:02x} {} {}\n", start - offset, start + length,
                  major, minor, inode, text_of(payload));
  found->second.changed = true;
}

std::string ObservedProcesses::maps_of(pid_t pid) const {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return "";
  std::string text = found->second.maps;
  for (const auto& [start, line] : found->second.recorded) text += line;
  return text;
}

std::string ObservedProcesses::name_of(pid_t tid) const {
  const auto found = names_.find(tid);
  return found == names_.end() ? "" : found->second;
}

}  // namespace vfsprof::harness
