// What a lab leaves on disk so that any program can find it again:
// /run/radial-lab/NAME/state.json, and NAME.lock beside the folder, held by
// whoever changes the lab. Private to the room.
#pragma once

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "lab/faults.h"
#include "lab/plan.h"

namespace radial::lab {

struct LabState {
  LabPlan plan;
  FaultMap faults;
  std::string fabric_path;
  bool complete = false;                 // up() came to its end
  bool with_radiald = false;
  std::set<std::string> daemons;         // of FRR, as asked for; empty: none was started
  std::int64_t since = 0;                // seconds since 1970
  bool operator==(const LabState&) const = default;
};

[[nodiscard]] std::string to_json(const LabState& state);
[[nodiscard]] Result<LabState> state_from_json(std::string_view text);

[[nodiscard]] std::filesystem::path state_base();                    // /run/radial-lab
[[nodiscard]] std::filesystem::path state_folder(const std::string& lab);
[[nodiscard]] Result<LabState> load_state(const std::string& lab);   // not_found, when there is none
[[nodiscard]] Status save_state(const LabState& state);
[[nodiscard]] std::vector<std::string> labs_on_disk();               // names, sorted

// Holds the lab's lock until it goes. conflict when another program holds it
// for longer than `patience`.
[[nodiscard]] Result<Fd> lock_lab(const std::string& lab, std::chrono::milliseconds patience);
void remove_lock_file(const std::string& lab);                       // by its holder
[[nodiscard]] bool is_locked(const std::string& lab);

}  // namespace radial::lab
