// init, join: this machine becomes a node. invite, invitations, uninvite,
// revoke, log, revisions: the controller, on its hub.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "agent/setup.h"
#include "base/key.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace radial::cli {
namespace {

using Json = nlohmann::ordered_json;

int failed(const Error& error) {
  print_error(error.message);
  return 1;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string moment(std::int64_t at) {
  const std::time_t time = at;
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &local);
  return text.data();
}

std::string own_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "hub";
  const std::string whole(name.data());
  return whole.substr(0, whole.find('.'));
}

void tell(const std::string& line) { fmt::print("  {}\n", line); }

// "30m", "24h", "7d" to seconds.
std::optional<std::int64_t> seconds_of(const std::string& text) {
  if (text.size() < 2 || text.size() > 6) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  switch (text.back()) {
    case 's': return number;
    case 'm': return number * 60;
    case 'h': return number * 3600;
    case 'd': return number * 86400;
    default: return std::nullopt;
  }
}

// Prints the named list of an answer: one row an item.
int print_list(const std::string& socket, const std::string& path, const char* key, bool json,
               const std::function<void(const Json&)>& print) {
  auto body = api_body(socket, "GET", path);
  if (!body) return failed(body.error());
  if (json) {
    fmt::print("{}", *body);
    return 0;
  }
  const auto answer = Json::parse(*body, nullptr, false);
  if (!answer.is_object() || !answer.contains(key) || !answer[key].is_array()) {
    print_error("radiald's answer is not understood");
    return 1;
  }
  print(answer[key]);
  return 0;
}

int invite(const std::string& socket, const std::string& site, const std::vector<std::string>& lans,
           const std::vector<std::string>& grants, const std::string& lasts) {
  const auto seconds = seconds_of(lasts);
  if (!seconds) {
    print_error(fmt::format("--expires '{}' is no time: write 30m, 24h or 7d", lasts));
    return 2;
  }
  auto body = api_body(socket, "POST", "/v1/invitations",
                       dumped({{"site", site}, {"lans", lans}, {"grants", grants}, {"seconds", *seconds}}));
  if (!body) return failed(body.error());
  auto answer = Json::parse(*body, nullptr, false);
  wipe(*body);
  if (!answer.is_object() || !answer.contains("token") || !answer["token"].is_string()) {
    print_error("radiald's answer is not understood");
    return 1;
  }
  fmt::print(stderr, "On {}, as root; until {}, once:\n\n", site, moment(answer.value("expires", std::int64_t{0})));
  fmt::print("radial join {}\n", answer["token"].get_ref<const std::string&>());
  wipe(answer["token"].get_ref<std::string&>());
  return 0;
}

int post_site(const std::string& socket, const std::string& path, const std::string& site, std::string_view done) {
  auto body = api_body(socket, "POST", path, dumped({{"site", site}}));
  if (!body) return failed(body.error());
  fmt::print("{} {}\n", site, done);
  return 0;
}

int join(std::string token) {
  if (token.empty() || token == "-") {
    if (::isatty(STDIN_FILENO) != 0) fmt::print(stderr, "token: ");
    std::getline(std::cin, token);
  }
  const auto done = agent::join({}, token, tell);
  wipe(token);
  return done ? 0 : failed(done.error());
}

void print_invitations(const Json& all) {
  Table table({"SITE", "STATE", "INVITED", "EXPIRES", "BY"});
  for (const auto& one : all)
    table.add({one.value("site", ""), one.value("state", ""), moment(one.value("created", std::int64_t{0})),
               moment(one.value("expires", std::int64_t{0})), one.value("by", "")});
  fmt::print("{}", all.empty() ? std::string("no invitations\n") : table.to_string());
}

void print_log(const Json& all) {
  for (auto line = all.rbegin(); line != all.rend(); ++line)
    fmt::print("{}  {:<12}  {}\n", moment(line->value("at", std::int64_t{0})), line->value("who", ""), line->value("what", ""));
}

void print_revisions(const Json& all) {
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    fmt::print("revision {}  {}  {}  {}\n", one->value("revision", 0), moment(one->value("at", std::int64_t{0})),
               one->value("by", ""), one->value("reason", ""));
    if (one->value("state", "active") != "active") fmt::print("    {}: {}\n", one->value("state", ""), one->value("why", ""));
    const auto diff = one->value("diff", "");
    for (std::size_t at = 0; at < diff.size();) {
      const auto end = std::min(diff.find('\n', at), diff.size());
      fmt::print("    {}\n", diff.substr(at, end - at));
      at = end + 1;
    }
  }
}

void add_setup(CLI::App& app, int& exit_code) {
  auto* init = app.add_subcommand("init", "Make this machine the first hub, and the controller, of a new fabric");
  auto wish = std::make_shared<agent::InitOptions>();
  wish->name = own_name();
  wish->fabric = "radial";
  init->add_option("--endpoint", wish->endpoints, "where sites reach this hub: vpn.example.com or with :PORT; may be repeated")
      ->required();
  init->add_option("--lan", wish->lans, "a prefix behind this hub; may be repeated");
  init->add_option("--name", wish->name, "of this hub")->capture_default_str();
  init->add_option("--fabric", wish->fabric, "the fabric's name")->capture_default_str();
  init->callback([&exit_code, wish] {
    const auto done = agent::initialise({}, *wish, tell);
    exit_code = done ? 0 : failed(done.error());
  });

  auto* join_command = app.add_subcommand("join", "Make this machine the site that a token of 'radial invite' is for");
  auto token = std::make_shared<std::string>();
  join_command->add_option("TOKEN", *token, "the token; without it, or with '-', it is read from standard input");
  join_command->callback([&exit_code, token] { exit_code = join(std::move(*token)); });
}

}  // namespace

void add_enrol_commands(CLI::App& app, int& exit_code) {
  add_setup(app, exit_code);

  auto socket = std::make_shared<std::string>(agent::Paths{}.socket().string());
  auto site = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  const auto command = [&](const char* name, const char* what) {
    auto* one = app.add_subcommand(name, what);
    one->add_option("--socket", *socket, "radiald's socket")->capture_default_str();
    return one;
  };
  const auto of_site = [&](const char* name, const char* what) {
    auto* one = command(name, what);
    one->add_option("SITE", *site, "a site's name")->required();
    return one;
  };
  const auto listing = [&](const char* name, const char* what) {
    auto* one = command(name, what);
    one->add_flag("--json", *json, "for programs");
    return one;
  };

  auto* invite_command = of_site("invite", "On the controller: print a token that lets one machine join as SITE");
  auto lans = std::make_shared<std::vector<std::string>>();
  auto grants = std::make_shared<std::vector<std::string>>();
  auto lasts = std::make_shared<std::string>("24h");
  invite_command->add_option("--lan", *lans, "a prefix behind the site; may be repeated");
  invite_command->add_option("--grant", *grants, "what it may announce besides: a prefix, or 'any'; may be repeated");
  invite_command->add_option("--expires", *lasts, "how long the token is good: 30m, 24h, 7d")->capture_default_str();
  invite_command->callback([&exit_code, socket, site, lans, grants, lasts] { exit_code = invite(*socket, *site, *lans, *grants, *lasts); });

  of_site("uninvite", "On the controller: withdraw the token of SITE")->callback([&exit_code, socket, site] {
    exit_code = post_site(*socket, "/v1/invitations/withdraw", *site, "is not invited any more");
  });
  of_site("revoke", "On the controller: cut SITE off and forget its keys")->callback([&exit_code, socket, site] {
    exit_code = post_site(*socket, "/v1/revoke", *site, "is cut off; 'radial invite' lets it, or another machine, join again");
  });
  listing("invitations", "On the controller: who was invited")->callback([&exit_code, socket, json] {
    exit_code = print_list(*socket, "/v1/invitations", "invitations", *json, print_invitations);
  });
  listing("log", "On the controller: who did what")->callback([&exit_code, socket, json] {
    exit_code = print_list(*socket, "/v1/log", "log", *json, print_log);
  });
  listing("revisions", "On the controller: every change of the fabric file, with its diff")->callback([&exit_code, socket, json] {
    exit_code = print_list(*socket, "/v1/revisions", "revisions", *json, print_revisions);
  });
}

// A token given as an argument would stand in every process list until the
// join is done.
void hide_token(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]).starts_with("radial1.")) std::memset(argv[i], 'x', std::strlen(argv[i]));
}

}  // namespace radial::cli
