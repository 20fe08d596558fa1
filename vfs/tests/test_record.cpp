// Requests as operations, from bytes as the kernel sends them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "vfs/record/operation_log.h"
#include "vfs/record/request_recorder.h"
#include "vfs/tests/temporary_directory.h"

namespace vfsprof::vfs {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

template <class T>
void put(Bytes& bytes, const T& value) {
  const auto* const begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

Bytes text(const std::string& value) {
  const auto* const begin = reinterpret_cast<const std::byte*>(value.c_str());
  return {begin, begin + value.size() + 1};
}

template <class T>
Bytes bytes_of(const T& value) {
  Bytes bytes;
  put(bytes, value);
  return bytes;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Bytes request(std::uint64_t unique, std::uint32_t opcode, std::uint64_t node, std::uint32_t pid,
              const Bytes& body) {
  fuse_in_header header{};
  header.unique = unique;
  header.opcode = opcode;
  header.nodeid = node;
  header.pid = pid;
  return joined(bytes_of(header), body);
}

Bytes reply(std::uint64_t unique, int error, const Bytes& body) {
  fuse_out_header header{};
  header.unique = unique;
  header.error = error;
  return joined(bytes_of(header), body);
}

fuse_entry_out entry(std::uint64_t node, std::uint32_t mode, std::uint64_t size = 0) {
  fuse_entry_out out{};
  out.nodeid = node;
  out.attr.mode = mode;
  out.attr.size = size;
  return out;
}

class Log : public ::testing::Test {
 protected:
  /// A request and its reply.
  void add(std::uint32_t opcode, std::uint64_t node, std::uint32_t pid, const Bytes& in, int error,
           const Bytes& out) {
    ++unique_;
    log_.add_request(unique_ * 10, request(unique_, opcode, node, pid, in));
    const Bytes answer = reply(unique_, error, out);
    log_.add_reply(answer, answer.size());
  }
  void create(const std::string& name, std::uint64_t node, std::uint64_t handle) {
    fuse_create_in in{};
    in.mode = S_IFREG | 0644;
    fuse_open_out opened{};
    opened.fh = handle;
    add(FUSE_CREATE, 1, 7, joined(bytes_of(in), text(name)), 0,
        joined(bytes_of(entry(node, S_IFREG | 0644)), bytes_of(opened)));
  }
  void write(std::uint64_t handle, std::uint32_t pid, std::uint32_t size) {
    fuse_write_in in{};
    in.fh = handle;
    in.size = size;
    fuse_write_out out{};
    out.size = size;
    add(FUSE_WRITE, 2, pid, bytes_of(in), 0, bytes_of(out));
  }

  /// The lines between the first and the last.
  std::vector<std::string> lines() {
    log_.finish();
    const std::string all = log_.take();
    std::vector<std::string> result;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = all.find('\n', at);
      result.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    last_ = result.back();
    return {result.begin() + 1, result.end() - 1};
  }

  OperationLog log_{"test"};
  std::uint64_t unique_ = 0;
  std::string last_;
};

TEST_F(Log, RequestsOfThreadsBecomeOperationsOfClients) {
  fuse_release_in release{};
  release.fh = 99;
  add(FUSE_LOOKUP, 1, 7, text("a\"\xff"), 0, bytes_of(entry(0, 0)));
  create("a\"\xff", 2, 99);
  write(99, 8, 4096);
  add(FUSE_UNLINK, 1, 7, text("a\"\xff"), 0, {});
  add(FUSE_RELEASE, 2, 0, bytes_of(release), 0, {});
  EXPECT_EQ(
      lines(),
      (std::vector<std::string>{
          R"({"client":0,"at_ns":10,"op":"stat","path":"a\"%FF","expect":"ENOENT"})",
          R"({"client":0,"at_ns":20,"op":"create","path":"a\"%FF","fd":0,"mode":"0644","expect":0})",
          R"({"client":1,"at_ns":30,"op":"write","fd":0,"offset":0,"size":4096,"expect":4096})",
          R"({"client":0,"at_ns":40,"op":"unlink","path":"a\"%FF","expect":0})",
          R"({"client":1,"at_ns":50,"op":"close","fd":0,"expect":0})"}));
  EXPECT_THAT(last_, HasSubstr(R"("operations":5)"));
}

TEST_F(Log, OperationsStandInTheOrderOfTheirRequestsNotOfTheirReplies) {
  create("a", 2, 99);
  fuse_fsync_in in{};
  in.fh = 99;
  log_.add_request(100, request(50, FUSE_FSYNC, 2, 7, bytes_of(in)));
  unique_ = 20;
  write(99, 8, 10);  // at 210
  log_.translate(1000);
  EXPECT_THAT(log_.take(), ::testing::Not(HasSubstr("write")));
  const Bytes answer = reply(50, 0, {});
  log_.add_reply(answer, answer.size());
  log_.translate(1000);
  const std::string rest = log_.take();
  EXPECT_LT(rest.find("fsync"), rest.find("write"));
}

TEST_F(Log, WhatDependsOnTheTargetOrHasNoPlaceIsCounted) {
  create("a", 2, 99);
  add(FUSE_STATFS, 1, 7, {}, 0, {});
  add(FUSE_MKDIR, 1, 7, joined(bytes_of(fuse_mkdir_in{}), text("d")), -ENOSPC, {});
  log_.add_request(900, request(90, FUSE_GETATTR, 2, 7, {}));
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_THAT(last_, HasSubstr(R"("failed with ENOSPC, which depends on the target":1)"));
  EXPECT_THAT(last_, HasSubstr(R"("statfs":1)"));
  EXPECT_THAT(last_, HasSubstr(R"("without a reply at the end":1)"));
}

TEST_F(Log, FilesThatNobodyMadeExistedUnderTheirFirstNames) {
  add(FUSE_LOOKUP, 1, 7, text("d"), 0, bytes_of(entry(5, S_IFDIR | 0755)));
  fuse_rename2_in rename{};
  rename.newdir = 1;
  add(FUSE_RENAME2, 1, 7, joined(joined(bytes_of(rename), text("d")), text("e")), 0, {});
  add(FUSE_LOOKUP, 5, 7, text("f"), 0, bytes_of(entry(6, S_IFREG | 0644, 1234)));
  const std::vector<std::string> result = lines();
  EXPECT_EQ(result[0], R"({"exists":"directory","path":"d"})");
  EXPECT_EQ(result[3], R"({"exists":"file","path":"d/f","size":1234})");
  EXPECT_THAT(result[4], HasSubstr(R"("op":"stat","path":"e/f","expect":1234)"));
}

TEST_F(Log, MoreThreadsThanClientsShareNumbers) {
  create("a", 2, 99);
  for (std::uint32_t thread = 100; thread < 400; ++thread) write(99, thread, 1);
  for (const std::string& line : lines()) {
    EXPECT_LT(std::stoul(line.substr(std::string(R"({"client":)").size())), 64U);
  }
}

TEST_F(Log, HostileBytesAreHarmless) {
  for (std::uint32_t opcode = 0; opcode < 60; ++opcode) {
    add(opcode, 1, 7, {}, 0, {});
    add(opcode, 77, 7, Bytes(7, std::byte{0xff}), -1, Bytes(3, std::byte{0xff}));
    add(opcode, 1, 7, Bytes(300, std::byte{0xff}), 0, Bytes(300, std::byte{0xff}));
  }
  lines();
  EXPECT_THAT(last_, HasSubstr("operations"));
}

TEST(RequestRecorder, LosesNothingOfManyThreads) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "r.jsonl";
  constexpr std::uint64_t kThreads = 4, kRequests = 50'000;
  RequestRecorder recorder(file, "test");
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&recorder, thread] {
      for (std::uint64_t i = 1; i <= kRequests; ++i) {
        const std::uint64_t unique = thread * kRequests + i;
        const auto pid = static_cast<std::uint32_t>(thread + 1);
        const Bytes in = request(unique, FUSE_LOOKUP, 1, pid, text("name"));
        Bytes out = reply(unique, -ENOENT, {});
        recorder.request(in);
        const iovec part{out.data(), out.size()};
        recorder.reply(&part, 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(recorder.finish(), 0);
  std::ifstream in(file);
  std::string line, last;
  std::uint64_t lines = 0;
  for (; std::getline(in, line); ++lines) last = line;
  EXPECT_EQ(lines, kThreads * kRequests + 2);
  EXPECT_THAT(last, HasSubstr(R"("operations":200000)"));
}

}  // namespace
}  // namespace vfsprof::vfs
