#pragma once

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/collect/collector.h"
#include "vfs/base/check.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// A program of futex_tally.h as a child process.
class FutexSubject {
 public:
  /// Returns once the child says that it is ready.
  FutexSubject(const std::string& program, const std::vector<std::string>& arguments) {
    int input[2], output[2];
    VFSPROF_CHECK(::pipe2(input, O_CLOEXEC) == 0 && ::pipe2(output, O_CLOEXEC) == 0);
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    pid_ = ::fork();
    VFSPROF_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(input[0], STDIN_FILENO);
      ::dup2(output[1], STDOUT_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(input[0]);
    ::close(output[1]);
    input_.reset(input[1]);
    output_.reset(output[0]);
    VFSPROF_CHECK(read_line() == "ready");
  }
  ~FutexSubject() { kill(); }
  FutexSubject(const FutexSubject&) = delete;
  FutexSubject& operator=(const FutexSubject&) = delete;

  pid_t pid() const { return pid_; }
  /// Lets it begin, or go on after its line.
  void say() { VFSPROF_CHECK(::write(input_.get(), "x", 1) == 1); }
  /// What it says it has done.
  nlohmann::json tally() { return nlohmann::json::parse(read_line()); }
  /// Ends it where it stands.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  std::string read_line() {
    std::string line;
    for (char byte = 0; ::read(output_.get(), &byte, 1) == 1 && byte != '\n';) line += byte;
    return line;
  }

  pid_t pid_ = -1;
  UniqueFd input_;
  UniqueFd output_;
};

/// The collectors of a tracing round on a process.
class TracingCollectors {
 public:
  explicit TracingCollectors(const Observed& observed, const CollectorOptions& options = {}) {
    for (const CollectorInfo& info : all_collectors()) {
      if (info.only_in && info.only_in != reports::RoundKind::kTracing) continue;
      collectors_.push_back(info.make(options));
      collectors_.back()->attach(observed);
    }
  }
  void start() {
    for (auto& collector : collectors_) collector->start();
  }
  /// Stops, and returns what was collected.
  reports::Round stop() {
    for (auto& collector : collectors_) collector->stop();
    reports::Round round;
    for (auto& collector : collectors_) {
      collector->collect(round);
      capabilities_.push_back(collector->capability());
    }
    return round;
  }
  /// What the collectors say that they lack.
  std::string lacks() const {
    std::string text;
    for (const reports::Capability& capability : capabilities_) {
      if (capability.state == reports::CapabilityState::kAvailable) continue;
      text += fmt::format("{}: {} ", capability.name, capability.detail);
    }
    return text;
  }

 private:
  std::vector<std::unique_ptr<Collector>> collectors_;
  std::vector<reports::Capability> capabilities_;
};

}  // namespace vfsprof::harness
