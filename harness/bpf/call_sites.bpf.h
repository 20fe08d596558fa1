// Call sites: the return addresses of a system call up to the program's own frames, found with rows
// that were compiled from .eh_frame, and told again by comparing a few words of the stack.
#pragma once

#include "harness/bpf/waits_state.bpf.h"

/// Registers as far as a walk needs them.
struct frame {
  __u64 ip;
  __u64 sp;
  __u64 bp;
};

INLINE bool read_word(__u64 address, __u64 *word) {
  return bpf_probe_read_user(word, sizeof *word, (void *)address) == 0;
}

/// The last row that starts at or before `offset` in a module, as its bits; 0 if there is none.
static __noinline __u64 find_row(__u32 first, __u32 count, __u32 offset) {
  __u32 low = first;
  __u32 high = first + count;  // the row is in [low, high)
  for (int i = 0; i < 20 && low + 1 < high; ++i) {
    const __u32 middle = (low + high) / 2;
    const struct unwind_row *row = bpf_map_lookup_elem(&rows, &middle);
    if (!row) return 0;
    if (row->start <= offset) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const struct unwind_row *row = bpf_map_lookup_elem(&rows, &low);
  return row && row->start <= offset ? *(__u64 *)row : 0;
}

struct step {
  __u32 found;
  __u32 run_time;
  struct unwind_row row;
};

static __noinline int find_step(__u64 ip, struct step *step) {
  if (!step) return 0;
  step->found = 0;
  for (__u32 i = 0; i < kModules && i < module_count; ++i) {
    const volatile struct module_range *module = &modules[i];
    if (ip < module->start || ip >= module->end) continue;
    const __u64 row = find_row(module->first_row, module->rows, ip - module->start);
    *(__u64 *)&step->row = row;
    step->run_time = module->run_time;
    step->found = row != 0 && step->row.base != kBaseNone;
    return 0;
  }
  return 0;
}

/// Goes to the caller's frame. Where no row tells how, by the frame pointer. `at` is where the
/// return address was. False at the end of what can be walked.
INLINE bool step_up(struct frame *frame, struct step *step, __u64 *at) {
  __u64 cfa = frame->bp + 16;
  __s64 bp_offset = -16;
  if (step->found) {
    cfa = (step->row.base == kBaseStackPointer ? frame->sp : frame->bp) + step->row.cfa_words * 8ll;
    bp_offset = step->row.bp_words * 8ll;
  }
  if (cfa <= frame->sp) return false;
  *at = cfa - 8;
  __u64 ip;
  if (!read_word(*at, &ip) || ip == 0) return false;
  if (bp_offset != 0 && !read_word(cfa + bp_offset, &frame->bp)) return false;
  frame->ip = ip;
  frame->sp = cfa;
  return true;
}

/// Copies registers and stack of a new call site.
static __noinline int copy_site(__u32 index, struct frame *frame, __u32 tgid) {
  struct call_site *site = bpf_map_lookup_elem(&sites, &index);
  if (!site || !frame) return 0;
  site->ip = frame->ip;
  site->sp = frame->sp;
  site->bp = frame->bp;
  site->tgid = tgid;
  __u32 copied = 0;
  for (int i = 0; i < kStackBytes / kStackPiece; ++i) {
    void *from = (void *)(frame->sp + i * kStackPiece);
    if (bpf_probe_read_user(&site->stack[i * kStackPiece], kStackPiece, from)) break;
    copied += kStackPiece;
  }
  site->stack_bytes = copied;
  return 0;
}

INLINE __u32 intern_site(__u64 hash, struct frame *frame, __u32 tgid) {
  const __u32 *known = bpf_map_lookup_elem(&site_index, &hash);
  if (known) return *known;
  const __u32 index = next_index(&used.sites, MAX_SITES, &used.lost_sites);
  if (index == kNoIndex) return kNoIndex;
  copy_site(index, frame, tgid);
  if (bpf_map_update_elem(&site_index, &hash, &index, BPF_NOEXIST)) {
    known = bpf_map_lookup_elem(&site_index, &hash);  // another thread was first
    if (known) return *known;
  }
  return index;
}

/// Walks up the stack and keeps in `cached` the words that the walk depended on.
static __noinline int walk(struct cached_site *cached, struct frame *leaf, __u32 tgid) {
  if (!cached || !leaf) return 0;
  struct frame frame = *leaf;
  struct step step = {};
  __u64 hash = mix(tgid, leaf->ip);
  __u32 words = 0;
  __u32 program_frames = 0;
  cached->ip = leaf->ip;
  cached->sp = leaf->sp;
  cached->bp = leaf->bp;
  cached->uses_bp = 0;
  bool restored_bp = false;  // from the stack
  for (int i = 0; i < kChainWords; ++i) {
    __u64 at;
    find_step(frame.ip - (i != 0), &step);
    const bool by_bp = !step.found || step.row.base == kBaseFramePointer;
    if (by_bp && !restored_bp) cached->uses_bp = 1;
    if (!step.found || step.row.bp_words != 0) restored_bp = true;
    if (!step_up(&frame, &step, &at)) break;
    cached->values[i] = frame.ip;
    cached->offsets[i] = at - leaf->sp;
    words = i + 1;
    hash = mix(hash, frame.ip);
    if (!step.run_time && ++program_frames == kProgramFrames) break;  // a program's frame was left
  }
  cached->words = words;
  cached->site = intern_site(hash, leaf, tgid);
  return 0;
}

/// The index of the call site of a system call (or fault) of the current thread.
static __noinline __u32 site_of(struct thread_state *state, struct pt_regs *regs, __u32 tgid) {
  if (!state || !regs) return kNoIndex;
  struct frame leaf = {.ip = regs->ip, .sp = regs->sp, .bp = regs->bp};
  const __u32 slot = (mix(leaf.ip, leaf.sp) >> 8) % kCachedSites;
  struct cached_site *cached = &state->sites[slot];
  if (cached->ip == leaf.ip && cached->sp == leaf.sp &&
      (!cached->uses_bp || cached->bp == leaf.bp)) {
    __u32 same = 0;
    for (; same < kChainWords && same < cached->words; ++same) {
      __u64 value;
      if (!read_word(leaf.sp + cached->offsets[same], &value)) break;
      if (value != cached->values[same]) break;
    }
    if (same == cached->words) return cached->site;
  }
  walk(cached, &leaf, tgid);
  return cached->site;
}
