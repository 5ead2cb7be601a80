// plan, apply, edit, rollback, confirm, change: what a fabric file would change,
// and changing it so that nobody is left cut off. backup, restore.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/backup.h"
#include "agent/paths.h"
#include "base/file.h"
#include "base/process.h"
#include "cli/api_client.h"
#include "cli/change_text.h"
#include "cli/commands.h"
#include "fabric/parse.h"

namespace radial::cli {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::size_t most_fabric_bytes = 4U << 20U;

struct Options {
  std::string socket = agent::Paths{}.socket().string();
  std::string file;
  bool json = false;
  bool dry_run = false;
  bool force = false;
  bool no_revert = false;
  int deadline = 60;
  int confirm = 0;
};

int failed(const Error& error) {
  print_error(error.message);
  return 1;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Result<Json> request_with(const Options& options) {
  Json request = Json::object();
  if (options.file.empty()) return request;
  RADIAL_ASSIGN(request["fabric"], read_file(options.file, most_fabric_bytes));
  request["file"] = options.file;
  return request;
}

Result<Json> ask(const Options& options, const std::string& method, const std::string& path, const Json& request = {}) {
  RADIAL_ASSIGN(const auto body, api_body(options.socket, method, path, method == "GET" ? std::string() : dumped(request)));
  auto answer = Json::parse(body, nullptr, false);
  if (!answer.is_object()) return fail(Errc::protocol, "radiald's answer is not understood");
  return answer;
}

// Tells each step of a change as it comes; what it was when it was over, or
// when the operator is asked.
Result<Json> follow(const Options& options, Json status, bool quiet) {
  std::string told;
  for (;;) {
    const auto now = change_progress(status);
    if (!quiet && now != told) {
      fmt::print(stderr, "{}\n", now);
      told = now;
    }
    const auto phase = status.value("phase", "");
    if (phase == "planned" || phase == "confirmed" || phase == "reverted" || phase == "waiting" || phase == "none") return status;
    std::this_thread::sleep_for(300ms);
    // The daemon may be busy for a moment; its answer counts, not one silence.
    auto next = ask(options, "GET", "/v1/change");
    for (int left = 20; !next && left > 0; --left) {
      std::this_thread::sleep_for(500ms);
      next = ask(options, "GET", "/v1/change");
    }
    if (!next) return forward_error(std::move(next.error()));
    status = std::move(*next);
  }
}

// As `terraform plan -detailed-exitcode`: 0 nothing to change, 1 an error, 2 changes.
int plan(const Options& options) {
  auto request = request_with(options);
  auto status = request ? ask(options, "POST", "/v1/plan", *request) : Result<Json>(Unexpected(request.error()));
  if (status && (*status)["phase"] != "planned") status = follow(options, *status, true);
  if (!status) return failed(status.error());
  fmt::print("{}", options.json ? status->dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : plan_text(*status));
  const auto sum = plan_sum(*status);
  if (sum.problems > 0) return 1;
  return sum.changes > 0 ? 2 : 0;
}

int end_of(const Json& status) {
  const auto phase = status.value("phase", "");
  const auto revision = status.value("revision", std::int64_t{0});
  if (phase == "reverted") {
    print_error(fmt::format("revision {} was taken back, the network is as before: {}", revision, status.value("reason", "")));
    return 1;
  }
  if (phase == "waiting") {
    fmt::print("revision {} runs at every node and all is well; it is taken back in {} s unless you say: radial confirm\n", revision,
               status.value("seconds_left", 0));
    return 0;
  }
  fmt::print("revision {} is kept\n", revision);
  for (const auto& node : status["nodes"])
    if (is_bystander(node)) fmt::print("{}: {}\n", node.value("node", ""), node.value("why", ""));
  return 0;
}

int apply(const Options& options) {
  auto request = request_with(options);
  if (!request) return failed(request.error());
  (*request)["dry_run"] = options.dry_run;
  (*request)["force"] = options.force;
  (*request)["no_revert"] = options.no_revert;
  (*request)["deadline"] = options.deadline;
  if (options.confirm > 0) (*request)["confirm"] = options.confirm;
  auto answer = api_body(options.socket, "POST", "/v1/apply", dumped(*request));
  if (!answer) return failed(answer.error());
  auto status = Json::parse(*answer, nullptr, false);
  // A node without a controller, or nothing for the others to do.
  if (!status.is_object() || !status.contains("phase")) return report(*answer, "nothing to change: the node is as its fabric says");
  auto followed = follow(options, std::move(status), false);
  return followed ? end_of(*followed) : failed(followed.error());
}

int roll_back(const Options& options, std::int64_t revision) {
  Json request = Json::object();
  if (revision > 0) request["revision"] = revision;
  request["deadline"] = options.deadline;
  auto status = ask(options, "POST", "/v1/rollback", request);
  if (status) status = follow(options, *status, false);
  return status ? end_of(*status) : failed(status.error());
}

int confirm(const Options& options) {
  auto status = ask(options, "POST", "/v1/confirm", Json::object());
  if (status) status = follow(options, *status, true);
  return status ? end_of(*status) : failed(status.error());
}

int show(const Options& options) {
  const auto status = ask(options, "GET", "/v1/change");
  if (!status) return failed(status.error());
  fmt::print("{}", options.json ? status->dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : change_text(*status));
  return 0;
}

bool run_editor(const std::string& file) {
  const char* editor = std::getenv("VISUAL");
  if (editor == nullptr || *editor == '\0') editor = std::getenv("EDITOR");
  if (editor == nullptr || *editor == '\0') editor = "editor";  // Debian's alternative
  // By a shell, as others do: EDITOR may hold arguments.
  const auto code = std::system(fmt::format("{} '{}'", editor, file).c_str());
  return code != -1 && WIFEXITED(code) && WEXITSTATUS(code) == 0;
}

bool valid(const std::string& text, const std::string& name) {
  const auto parsed = parse_fabric(text);
  const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed);
  if (mistakes == nullptr) return true;
  for (const auto& mistake : *mistakes) fmt::print(stderr, "{}\n", to_string(mistake, name));
  return false;
}

bool edit_again() {
  if (::isatty(STDIN_FILENO) == 0) return false;
  fmt::print(stderr, "edit again? [Y/n] ");
  const int answer = std::getchar();
  return answer == '\n' || answer == 'y' || answer == 'Y';
}

// The controller's fabric, not whatever stands in the working copy.
int edit(Options options) {
  auto body = api_body(options.socket, "GET", "/v1/fabric");
  if (!body) return failed(body.error());
  const auto answer = Json::parse(*body, nullptr, false);
  if (!answer.is_object() || !answer.contains("fabric") || !answer["fabric"].is_string()) return failed({Errc::protocol, "radiald's answer is not understood", 0});
  const auto before = answer["fabric"].get<std::string>();
  const auto folder = std::filesystem::temp_directory_path();
  std::string name = (folder / "radial-fabric-XXXXXX.yaml").string();
  const int fd = ::mkstemps(name.data(), 5);
  if (fd < 0) return failed({Errc::io, fmt::format("cannot make a file in {}", folder.string()), errno});
  ::close(fd);
  if (auto put = write_file_atomically(name, before, 0600); !put) return failed(put.error());
  const auto kept = [&](const std::string& why) {
    print_error(fmt::format("{}; nothing was changed, your text is in {}", why, name));
    return 1;
  };
  for (;;) {
    if (!run_editor(name)) return kept("the editor failed");
    const auto text = read_file(name, most_fabric_bytes);
    if (!text) return failed(text.error());
    if (*text == before) {
      ::unlink(name.c_str());
      fmt::print("nothing was changed\n");
      return 0;
    }
    if (valid(*text, name)) break;
    if (!edit_again()) return kept("the file has mistakes");
  }
  options.file = name;
  const int code = apply(options);
  if (code != 0) return kept("it was not taken");
  ::unlink(name.c_str());
  return code;
}

}  // namespace

void add_change_commands(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  const auto command = [&](const char* name, const char* what) {
    auto* one = app.add_subcommand(name, what);
    one->add_option("--socket", options->socket, "radiald's socket")->capture_default_str();
    return one;
  };
  const auto with_safety = [&](CLI::App* one) {
    one->add_option("--confirm", options->confirm, "keep it only if 'radial confirm' comes within SECONDS (600)")
        ->expected(0, 1)->default_str("600")->check(CLI::Range(10, 86400))->type_name("SECONDS");
    one->add_option("--deadline", options->deadline, "take it back when all is not well after SECONDS")
        ->check(CLI::Range(8, 3600))->capture_default_str()->type_name("SECONDS");
    one->add_flag("--force", options->force, "also when a site that is away now could not find the hub afterwards");
    one->add_flag("--no-revert", options->no_revert, "at once, without a trial; a node goes back alone only if it loses the controller");
  };

  auto* plan_command = command("plan", "What a fabric file would change, node by node; exit status 0: nothing, 2: something, 1: an error");
  plan_command->add_option("FABRIC", options->file, "the file; without it /etc/radial/fabric.yaml");
  plan_command->add_flag("--json", options->json, "for programs");
  plan_command->callback([&exit_code, options] { exit_code = plan(*options); });

  auto* apply_command = command("apply", "Apply the fabric file: on the controller to all nodes, taken back by itself when it "
                                         "cuts one off; elsewhere to this node");
  apply_command->add_option("FABRIC", options->file, "replaces /etc/radial/fabric.yaml; without it that file is read again");
  apply_command->add_flag("--dry-run", options->dry_run, "print what would change on this node, and change nothing");
  with_safety(apply_command);
  apply_command->callback([&exit_code, options] { exit_code = apply(*options); });

  auto* edit_command = command("edit", "On the controller: the fabric in $EDITOR, checked, then applied as 'radial apply' does");
  with_safety(edit_command);
  edit_command->callback([&exit_code, options] { exit_code = edit(*options); });

  auto* rollback = command("rollback", "On the controller: the fabric of an earlier revision, as a new one, applied as 'radial apply' does");
  auto revision = std::make_shared<std::int64_t>(0);
  rollback->add_option("REVISION", *revision, "its number; without it, the one before the present");
  rollback->add_option("--deadline", options->deadline, "take it back when all is not well after SECONDS")
      ->check(CLI::Range(8, 3600))->capture_default_str()->type_name("SECONDS");
  rollback->callback([&exit_code, options, revision] { exit_code = roll_back(*options, *revision); });

  command("confirm", "On the controller: keep the change that 'radial apply --confirm' made")->callback([&exit_code, options] {
    exit_code = confirm(*options);
  });
  auto* backup = app.add_subcommand("backup", "On the controller: everything that its hub needs to be made anew, as one secret file");
  auto* restore = app.add_subcommand("restore", "Make this machine the hub that a backup is of");
  for (auto* one : {backup, restore}) one->add_option("FILE", options->file, "the backup")->required();
  const auto tell = [](const std::string& line) { fmt::print("  {}\n", line); };
  backup->callback([&exit_code, options, tell] {
    const auto done = agent::write_backup({}, options->file, tell);
    exit_code = done ? 0 : failed(done.error());
  });
  restore->callback([&exit_code, options, tell] {
    const auto done = agent::restore_backup({}, options->file, tell);
    exit_code = done ? 0 : failed(done.error());
  });

  auto* change_command = command("change", "On the controller: the change that is under way, or the last one, node by node");
  change_command->add_flag("--json", options->json, "for programs");
  change_command->callback([&exit_code, options] { exit_code = show(*options); });
}

}  // namespace radial::cli
