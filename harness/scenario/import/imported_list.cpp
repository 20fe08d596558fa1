#include "harness/scenario/import/imported_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/error.h"
#include "harness/scenario/operation_list.h"
#include "vfs/record/operation_line.h"

namespace vfsprof::harness {
namespace {

std::string line_of(const vfs::OperationLine::Start& start, const ImportedOperation& operation) {
  vfs::OperationLine line(start);
  if (!operation.path.empty()) line.text("path", operation.path);
  if (!operation.to.empty()) line.text("to", operation.to);
  if (!operation.target.empty()) line.text("target", operation.target);
  if (operation.fd) line.number("fd", *operation.fd);
  if (operation.offset) line.number("offset", *operation.offset);
  if (operation.size) line.number("size", *operation.size);
  if (operation.mode) line.mode(*operation.mode);
  line.flags(operation.flags);
  return operation.result ? line.with_result(*operation.result) : line.with_any_success();
}

}  // namespace

ImportedList::ImportedList() {
  for (std::uint32_t fd = 0; fd < kMaxListedFiles; ++fd) free_fds_.push_back(fd);
}

void ImportedList::now(std::uint64_t who, std::uint64_t at_ns) {
  at_ns_ = at_ns;
  const auto [known, is_new] = clients_.try_emplace(who, 0);
  if (is_new && slots_.size() < kMostClients) {
    known->second = static_cast<unsigned>(slots_.size());
    slots_.emplace_back(0, who);
  } else if (is_new) {
    // The one that has been silent for longest shares its number from now on.
    const auto slot = std::ranges::min_element(slots_);
    known->second = static_cast<unsigned>(slot - slots_.begin());
    clients_.erase(slot->second);
    slot->second = who;
  }
  client_ = clients_[who];
  slots_[client_].first = ++uses_;
}

std::optional<std::size_t> ImportedList::add(ImportedOperation operation) {
  const std::int64_t result = operation.result.value_or(0);
  if (result < 0 && !vfs::is_repeatable(static_cast<int>(-result))) {
    leave_out(fmt::format("failed with {}, which depends on the target",
                          vfs::error_name(static_cast<int>(-result))));
    return std::nullopt;
  }
  operations_.push_back({client_, at_ns_, std::move(operation)});
  return operations_.size() - 1;
}

std::optional<std::uint32_t> ImportedList::take_fd() {
  if (free_fds_.empty()) {
    leave_out(fmt::format("on more than {} files open at a time", kMaxListedFiles));
    return std::nullopt;
  }
  const std::uint32_t fd = free_fds_.front();
  free_fds_.pop_front();
  return fd;
}

ImportedWorkload ImportedList::finish(const std::string& name, const std::string& source,
                                      std::uint64_t read,
                                      std::map<std::string, std::uint64_t> mapped) {
  if (operations_.empty()) {
    std::string reasons;
    for (const auto& [reason, count] : left_out_) {
      reasons += fmt::format("{}{} ({})", reasons.empty() ? ": " : ", ", reason, count);
    }
    throw BadInput(
        fmt::format("{}: none of {} entries became an operation{}; is --root the "
                    "directory that they work in?",
                    source, read, reasons));
  }
  ImportedWorkload workload{
      .recording = vfs::first_line({.name = name, .summary = source, .source = source}),
      .read = read,
      .mapped = std::move(mapped),
      .left_out = left_out_};
  workload.recording += existing_;
  for (const Entry& entry : operations_) {
    workload.recording += line_of(
        {.client = entry.client, .at_ns = entry.at_ns, .op = entry.operation.op}, entry.operation);
  }
  workload.recording += vfs::end_line(operations_.size(), left_out_);
  return workload;
}

}  // namespace vfsprof::harness
