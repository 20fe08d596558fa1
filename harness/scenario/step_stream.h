#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/scenario/client_plan.h"
#include "harness/scenario/entry_pool.h"
#include "harness/scenario/random.h"

namespace vfsprof::harness {

/// The operations of a client whose job has steps: runs the program, and knows at each moment which
/// of its entries exist, how long they are and what is open. Pure.
/// Errors: BadInput where a step finds nothing to work on (no entry that fits, a file that is not
/// open); that is found before anything runs (budget.h).
class StepStream {
 public:
  explicit StepStream(const ClientPlan& plan);

  /// The operations of `setup`, before those of the loops. Returns false at the end.
  bool next_of_setup(Operation& out) { return next(plan_.job->program.setup, 1, out); }
  /// Those of the measured phase.
  bool next(Operation& out) { return next(plan_.job->program.loop, plan_.job->loops, out); }
  /// Closes what the steps left open.
  bool next_of_closing(Operation& out);

 private:
  struct Inode {
    std::uint64_t size = 0;
    std::uint64_t drawn_size = 0;  ///< the set's filesize for the entry that it was made as
    std::uint32_t holders = 0;     ///< names and open files
  };
  struct OpenFile {
    bool open = false;
    std::uint32_t file = 0;  ///< its name, for messages
    std::uint32_t inode = 0;
    std::uint64_t cursor = 0;
  };
  /// What is left of a step that takes several reads or writes.
  struct Chunks {
    const Instruction* step = nullptr;
    OperationKind kind = OperationKind::kRead;
    std::uint64_t offset = 0;
    std::uint64_t left = 0;
  };
  /// State of the instructions of one program.
  struct Place {
    std::size_t at = 0;
    std::uint64_t loop = 0;
    std::vector<std::uint64_t> repeats;
    std::vector<std::optional<Deck>> decks;
    std::vector<std::optional<ZipfSampler>> zipfs;
    std::vector<std::array<std::uint64_t, 3>> draws;  ///< so far: of bs, size, offsets
  };

  bool next(const std::vector<Instruction>& program, std::uint64_t loops, Operation& out);
  void flow(const Instruction& step);
  bool make(const Instruction& step, Operation& out);
  bool make_transfer(const Instruction& step, Operation& out);
  bool make_chunks(const Instruction& step, Operation& out);
  bool next_chunk(Operation& out);
  void make_open(const Instruction& step, Operation& out);
  void make_named(const Instruction& step, Operation& out);
  void make_of_two(const Instruction& step, std::uint32_t first, Operation& out);
  void make_of_file(const Instruction& step, Operation& out);

  std::uint64_t draw(const Instruction& step, const Distribution& from, unsigned which);
  std::uint64_t choose_offset(const Instruction& step, OpenFile& file, std::uint64_t region,
                              std::uint64_t bs);
  std::uint32_t pick(const Instruction& step, int set, bool existing);
  std::uint32_t name(int set, std::uint32_t entry) const;
  OpenFile& open_file(const Instruction& step);
  void grow(OpenFile& file, std::uint64_t end);
  std::uint32_t new_inode(int set, std::uint32_t entry);
  void drop(std::uint32_t inode);
  void add_name(int set, std::uint32_t entry, std::uint32_t inode);
  void remove_name(int set, std::uint32_t entry);
  [[noreturn]] void fail(const Instruction& step, const std::string& why) const;

  const ClientPlan& plan_;
  Random random_;
  std::uint64_t seed_;            ///< of draws; the same for all clients of the job
  std::vector<EntryPool> pools_;  ///< by set
  std::vector<std::vector<std::uint32_t>> inode_of_;  ///< by set and entry
  std::vector<Inode> inodes_;
  std::vector<std::uint32_t> free_inodes_;
  std::vector<OpenFile> files_;
  Chunks chunks_;
  Place setup_;
  Place loop_;
  Place* place_ = nullptr;  ///< of the program that runs
  const Instruction* program_ = nullptr;
  std::uint64_t writes_ = 0;
  std::uint64_t made_ = 0;  ///< operations so far
  std::uint32_t closing_ = 0;
};

}  // namespace vfsprof::harness
